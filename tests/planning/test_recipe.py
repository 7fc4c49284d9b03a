from __future__ import annotations

import shutil
import subprocess

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exarp.model.manifest import Manifest
from exarp.model.param import Param
from exarp.model.task import Requirement, Service, Task
from exarp.planning.environment import Environment
from exarp.planning.recipe import (
    MAX_LIST_BYTES,
    ListFault,
    changed_parts,
    expand_argv,
    list_variable,
    named_variables,
    names_launch_word,
    out_paths,
    recipe_of,
)
from tests.effort import tries

# -- what a script names ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("script", "names"),
    [
        ("cc $CFLAGS -o $out $in", ["CFLAGS", "in", "out"]),
        ("${x}${y:-$z}${w%.c}", ["w", "x", "y", "z"]),
        ("${#length} ${!indirect}", ["indirect", "length"]),
        ("$1 $$ $? $! $# $@ ${1} $(date) $((1+2)) 100$", []),
        ("$xé", ["x"]),
        ("'$quoted' \\$escaped", ["escaped", "quoted"]),
        ("no dollars", []),
        ("$_a1 $a $a", ["_a1", "a"]),
    ],
)
def test_names_in_a_script(script, names):
    assert list(named_variables((script,))) == names


def test_names_of_several_scripts_are_one_sorted_list():
    assert named_variables(("$b $a", "$c", "$a")) == ("a", "b", "c")


@pytest.mark.parametrize(
    ("task", "word", "named"),
    [
        (Task("a", argv=("cc", "$in")), "in", True),
        (Task("a", argv=("cc", "x$in")), "in", False),
        (Task("a", commands=("cat ${in_file}",)), "in_file", True),
        (Task("a", commands=("cat $in_file",)), "in", False),
        (Task("a", argv=("cc",), verify=("wc -l < $in_file",)), "in_file", True),
    ],
)
def test_whether_a_task_names_a_launch_word(task, word, named):
    assert names_launch_word(task, word) is named


# -- digests ---------------------------------------------------------------------------------------------------

BASE = Task("a", commands=("cc $FLAGS $VAR",), inputs=("x",), outputs=("y",), env={"E": "1"})
OF_THE_RECIPE = {
    "commands": ("cc",),
    "verify": ("cc --check",),
    "argv": ("cc",),
    "prompt": "compile it",
    "inputs": ("x", "z"),
    "excluded": ("z",),
    "sources": ("b",),
    "tools": ("gen.py",),
    "outputs": ("z",),
    "modifies": ("z",),
    "env": {"E": "2"},
    "variables": {"VAR": "2"},
    "cwd": "sub",
    "shell": ("bash", "-c"),
    "depfile": "x.d",
    "track_env": ("TOKEN",),
    "arguments": ("x",),
}
OF_THE_RUN = {
    "name": "b",
    "description": "other",
    "agent": "other",
    "needs": ("b",),
    "after": ("b",),
    "parent": "b",
    "priority": 5,
    "tags": ("t",),
    "aliases": ("a",),
    "params": (Param("p", "1"),),
    "internal": True,
    "mutex": ("m",),
    "resources": {"gpu": 1},
    "retries": 3,
    "retry_delay": 1.0,
    "no_retry_on": (2,),
    "timeout": 9.0,
    "on_failure": "abort",
    "allow_failure": True,
    "interactive": True,
    "daemon": True,
    "manual": True,
    "allow_empty": True,
    "keep_outputs": True,
    "cache": False,
    "prose": "build it",
    "dotenv": (".env",),
    "when": "false",
    "platforms": ("linux",),
    "requires": (Requirement("cc"),),
    "confirm": "sure?",
    "cleanup": ("rm x",),
    "service": Service(),
}


def digest(task=BASE, variables=(), environ=()):
    environment = Environment(Manifest("exarp.toml", (task,), vars=dict(variables)), dict(environ))
    return recipe_of(task, environment.counted(task)).digest


PROMPT = Task("a", prompt="translate it", agent="default", commands=("agent $MODEL",), verify=("grep $WORD",))


def test_who_carries_out_a_prompt_and_how_does_not_count():
    other = msgspec.structs.replace(PROMPT, agent="other", commands=("other $MODEL",))
    assert digest(other, environ={"MODEL": "large"}) == digest(PROMPT)


def test_the_words_of_a_prompt_and_what_verifies_it_count():
    assert digest(msgspec.structs.replace(PROMPT, prompt="translate all")) != digest(PROMPT)
    assert digest(msgspec.structs.replace(PROMPT, verify=("true",))) != digest(PROMPT)
    assert digest(PROMPT, environ={"WORD": "x"}) != digest(PROMPT)


def test_a_changed_prompt_is_called_so():
    def parts(task):
        return recipe_of(task, {}).parts

    assert changed_parts(parts(PROMPT), parts(msgspec.structs.replace(PROMPT, prompt="translate all"))) == ["prompt"]


def test_every_field_of_a_task_belongs_to_the_recipe_or_to_the_run():
    assert OF_THE_RECIPE.keys() | OF_THE_RUN.keys() == set(Task.__struct_fields__)
    assert not OF_THE_RECIPE.keys() & OF_THE_RUN.keys()


@pytest.mark.parametrize("field", OF_THE_RECIPE)
def test_a_change_of_the_recipe_changes_the_digest(field):
    assert digest(msgspec.structs.replace(BASE, **{field: OF_THE_RECIPE[field]})) != digest()


@pytest.mark.parametrize("field", OF_THE_RUN)
def test_a_change_of_how_it_is_run_does_not_change_the_digest(field):
    assert digest(msgspec.structs.replace(BASE, **{field: OF_THE_RUN[field]})) == digest()


def test_of_a_tasks_own_variables_only_those_that_its_script_names_count():
    assert digest(msgspec.structs.replace(BASE, variables={"OTHER": "1"})) == digest()


def test_a_tasks_own_variables_come_before_vars_and_after_its_env():
    own = Task("a", commands=("echo $X",), variables={"X": "own"})
    in_env = msgspec.structs.replace(own, env={"X": "env"})
    assert digest(in_env) == digest(msgspec.structs.replace(in_env, variables={"X": "other"}))


def test_the_shell_counts_only_for_scripts():
    argv = Task("a", argv=("cc",))

    assert digest(msgspec.structs.replace(argv, shell=("bash",))) == digest(argv)


def test_nothing_declared_is_not_the_same_as_declared_nothing():
    assert digest(msgspec.structs.replace(BASE, inputs=None)) != digest(msgspec.structs.replace(BASE, inputs=()))


def test_the_order_of_env_does_not_count():
    one, other = {"A": "1", "B": "2"}, {"B": "2", "A": "1"}

    assert digest(msgspec.structs.replace(BASE, env=one)) == digest(msgspec.structs.replace(BASE, env=other))


def test_named_variables_count_with_the_value_they_would_have():
    assert digest(environ={"FLAGS": "-O2"}) != digest()
    assert digest(variables={"FLAGS": "-O2"}) == digest(environ={"FLAGS": "-O2"})
    assert digest(variables={"FLAGS": "-O2"}, environ={"FLAGS": "-O0"}) == digest(environ={"FLAGS": "-O2"})
    assert digest(environ={"FLAGS": ""}) != digest()


def test_variables_that_no_script_names_do_not_count():
    assert digest(variables={"OTHER": "1"}, environ={"OTHER": "2", "PATH": "/x"}) == digest()


def test_what_a_task_sets_itself_hides_the_caller():
    own = msgspec.structs.replace(BASE, env={"FLAGS": "-O2"})

    assert digest(own, environ={"FLAGS": "-O0"}) == digest(own)


@pytest.mark.parametrize("name", ["EXARP_RUN", "in", "out", "depfile", "in_file"])
def test_reserved_names_never_count(name):
    task = Task("a", commands=(f"echo ${name}",))

    assert digest(task, environ={name: "1"}) == digest(task)


def test_scripts_do_not_run_together():
    assert digest(Task("a", commands=("x", "y"))) != digest(Task("a", commands=("x y",)))
    assert digest(Task("a", inputs=("x",), outputs=())) != digest(Task("a", inputs=(), outputs=("x",)))


# -- lists -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "script",
    [
        'cat "$in"',
        "cat '$in'",
        'cat "a${in}b"',
        'cat "\\"$in\\""',
        "cat \\$in",
        "cat $in_file $inside",
        'x="$(cat "$in")"',
        "# all of $in\ncat x",
        "cat x # $in",
        '# don\'t\ncat "$in"',
        'echo it\\\'s "$in"',
        'echo "(" "$in" ")"',
        'echo "`cat "$in"`"',
    ],
)
def test_a_quoted_list_may_hold_odd_paths(script):
    assert list_variable("in", ["a b"], [script]) == "a b"


@pytest.mark.parametrize(
    "script",
    [
        "cat $in",
        "cat ${in}",
        "cat ${in%.c}",
        'cat "x"$in',
        "cat 'x'$in",
        'cat "$in" $in',
        "# don't\ncat $in",
        "echo a#b'\ncat '$in",
        'x="$(cat $in)"',
        'x="`cat $in`"',
        'x="$(cat "$(ls $in)")"',
        "(cat $in)",
        "echo \\\\$in",
        'echo "a\\\\"$in',
        "cat <<END\n$in\nEND",
        "cat $iné",
        "case x in a) ;; esac; cat $in",
        'echo $((1)) "x"$in',
    ],
)
def test_an_unquoted_list_may_not(script):
    fault = list_variable("in", ["a", "b c"], ["true", script])

    assert isinstance(fault, ListFault)
    assert fault.message == "$in holds 'b c', which a shell would split or expand: use argv, or $in_file"


@pytest.mark.parametrize("path", ["a b", "a\tb", "a\nb", "a*", "a?", "[a]", "a\u00a0b"])
def test_paths_that_a_shell_would_not_see_as_they_are(path):
    assert isinstance(list_variable("out", [path], ["touch $out"]), ListFault)


@pytest.mark.parametrize(
    ("name", "paths", "step"),
    [
        ("in", ["a b"], 'quote it ("$in"), or use argv, or $in_file'),
        ("in", ["a b", "c"], "use argv, or $in_file"),
        ("out", ["a b"], 'quote it ("$out"), or use argv'),
        ("out", ["a b", "c"], "use argv"),
    ],
)
def test_what_to_do_about_paths_that_a_shell_would_take_apart(name, paths, step):
    fault = list_variable(name, paths, [f"touch ${name}"])

    assert isinstance(fault, ListFault)
    assert fault.message.endswith(f"expand: {step}")


@pytest.mark.parametrize("path", ["a", "a$b", "a;b", "a'b", 'a"b', "a\\b", "a{b,c}", "é"])
def test_paths_that_pass_through_a_shell(path):
    assert list_variable("in", ["x", path], ["cat $in"]) == f"x {path}"


def test_a_list_is_measured_in_bytes():
    fits = ["x" * 1023] * (MAX_LIST_BYTES // 1024)

    assert list_variable("in", fits, ["cat $in"]) == " ".join(fits)
    fault = list_variable("in", ["é" * 1000] * 60, ["cat $in"])
    assert fault == ListFault("$in would be 120059 bytes long: use argv, or $in_file (one path a line)")


SHELL_BITS = st.lists(
    st.sampled_from(["$in", '"', "'", "\\", " ", "x", "$(", ")", "`", "#", "\n", "${in}"]), min_size=1, max_size=8
).map("".join)
SH = shutil.which("sh")


@pytest.mark.skipif(SH is None, reason="there is no shell")
@settings(max_examples=tries(150), deadline=None, derandomize=True)
@given(SHELL_BITS)
def test_where_a_shell_splits_the_list_it_is_found_unquoted(script):
    """A path of two words must never reach a command as two arguments unnoticed."""
    probe = f"p() {{ for a; do printf '<%s>' \"$a\"; done; }}\np {script}\n"
    done = subprocess.run([SH, "-c", probe], env={"in": "u v"}, capture_output=True, check=False, timeout=60)
    is_split = done.returncode == 0 and any(part in done.stdout for part in (b"u>", b"<v"))

    assert not is_split or isinstance(list_variable("in", ["u v"], [probe]), ListFault)


def test_argv_takes_lists_as_arguments_of_their_own():
    lists = {"in": ["a b", "c"], "out": [], "depfile": ["d"], "in_file": ["f"]}

    assert expand_argv(["cc", "$in", "-o", "$out", "x$in", "$depfile", "$in_file", "$other"], lists) == (
        *("cc", "a b", "c", "-o", "x$in", "d", "f", "$other"),
    )


def test_out_leaves_globs_out():
    task = Task("a", outputs=("build/x", "build/*.o", "build/sub/", "sub/y"))

    assert out_paths(task) == ["build/x", "build/sub/", "sub/y"]
    assert out_paths(Task("a")) == []


@given(st.lists(st.text("aé\udc80\udcff\u20ac", max_size=3), min_size=2, max_size=2, unique=True))
def test_what_is_not_utf_8_counts_as_it_is(words):
    one, other = words

    for said in (lambda word: {"argv": ("echo", word)}, lambda word: {"env": {"E": word}, "argv": ("echo",)}):
        first, same, different = (digest(Task("a", **said(word))) for word in (one, one, other))
        assert first == same != different
