"""Taskfiles as drafts."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import pytest
import tomli
from hypothesis import given
from hypothesis import strategies as st

from exarp.errors import ManifestError
from exarp.manifests.foreign.draft import Draft
from exarp.manifests.foreign.shell_text import arguments, placed, quoting, tidy
from exarp.manifests.foreign.taskfile import convert_taskfile
from exarp.manifests.foreign.toml_text import draft_text


def taskfile(text: str) -> Draft:
    return convert_taskfile(text, "Taskfile.yml")


def tasks(draft: Draft) -> dict[str, dict[str, Any]]:
    return {task.name: task.keys for task in draft.tasks}


def runs(text: str) -> dict[str, Any]:
    """What each task of a Taskfile runs."""
    return {name: keys.get("run") for name, keys in tasks(taskfile(text)).items()}


def test_a_taskfile_with_most_of_what_people_write() -> None:
    draft = taskfile(
        "version: '3'\nvars:\n  BIN: app\n  SHA: {sh: git rev-parse HEAD}\n  OUT: '{{.BIN}}.tar'\n"
        "env: {CGO: 0}\ndotenv: ['.env']\n"
        "tasks:\n"
        "  default: {deps: [build, 'lint:all']}\n"
        "  build:\n    desc: Build it\n    dir: src\n    aliases: [b]\n"
        "    sources: ['**/*.go', {exclude: 'x.go'}]\n    generates: ['{{.BIN}}']\n"
        "    cmds:\n      - go build -o {{.BIN}} {{.CLI_ARGS}}\n      - {cmd: 'echo \"{{.SHA}}\"', ignore_error: true}\n"
        "      - defer: rm tmp\n"
        "  lint:all: golint ./...\n"
        "  release:\n    internal: true\n    prompt: Sure?\n    platforms: [linux]\n    requires: {vars: [TAG]}\n"
        "    vars: {REMOTE: '{{.REMOTE | default \"origin\"}}'}\n"
        "    preconditions: [{sh: test -f x, msg: no x}]\n"
        "    cmds: [{task: build}, 'git push {{.REMOTE}} {{.TAG}}']\n"
    )
    assert draft.settings == {"default": ["default"], "shell": ["sh", "-e", "-c"], "dotenv": [".env"]}
    assert draft.templates == {"common": {"env": {"CGO": "${env.CGO:-0}"}}}
    assert draft.variables == {"BIN": "app", "SHA": {"run": "git rev-parse HEAD"}, "OUT": "${BIN}.tar"}
    assert tasks(draft) == {
        "default": {"needs": ["build", "lint-all"]},
        "build": {
            "description": "Build it",
            "inputs": ["src/**/*.go", "!src/x.go"],
            "outputs": ["src/${BIN}"],
            "cwd": "src",
            "aliases": ["b"],
            "finally": ["rm tmp"],
            "extends": "common",
            "run": ['go build -o $BIN "$@"', '{ echo "$SHA"; } || :'],
        },
        "lint-all": {"extends": "common", "run": "golint ./..."},
        "release": {
            "params": {"TAG": {"required": True}, "REMOTE": "origin"},
            "internal": True,
            "confirm": "Sure?",
            "platforms": ["linux"],
            "requires": [{"run": "test -f x", "message": "no x"}],
            "needs": ["build"],
            "extends": "common",
            "run": "git push $REMOTE $TAG",
        },
    }
    assert not draft.leftovers


@pytest.mark.parametrize(
    ("text", "line", "why"),
    [
        ("tasks:\n  a:\n    cmds: ['echo {{if .X}}y{{else}}z{{end}}']\n", 3, "template"),
        ("tasks:\n  a:\n    cmds: [x, {task: b}]\n  b: {cmds: [y], sources: [s]}\n", 3, "after other commands"),
        ("tasks:\n  a: {deps: [{task: b, ignore_error: true}], cmds: [x]}\n  b: y\n", 2, "in a way of its own"),
        ("includes:\n  docs: ./docs\ntasks: {a: x}\n", 2, "by itself"),
        ("tasks:\n  'a-*': x\n", 2, "wildcard"),
        ("tasks:\n  a: {status: ['test -f x'], sources: [x], cmds: [x]}\n", 2, "inputs and outputs"),
        ("tasks:\n  a: {cmds: [{for: sources, cmd: x}]}\n", 2, "loop"),
        ("tasks:\n  a: [{task: b}, {task: a}]\n  b: x\n", 2, "calls itself"),
        (
            "tasks:\n  a: {deps: [{task: a, vars: {X: '{{.X}}x'}}], cmds: [x]}\n",
            2,
            "with ever other variables",
        ),
        ("tasks:\n  a: {cmds: [{task: b, vars: {X: {ref: .Y}}}]}\n  b: y\n", 2, "only text"),
        ("tasks:\n  a: {cmds: ['cat <<\"E\"\n\n    {{.X}}\n\n    E']}\n", 2, "here-document"),
        ("tasks:\n  a: {cmds: [{defer: {task: b}}, x]}\n  b: {cmds: [y], sources: [s]}\n", 2, "at its end"),
        ("tasks:\n  a: {cmds: [{defer: [b]}, x]}\n", 2, "not understood"),
        ("vars: {X: {map: {a: 1}}}\ntasks: {a: x}\n", 1, "no counterpart"),
        ("tasks:\n  a: {}\n", 2, "runs nothing"),
    ],
)
def test_what_go_task_can_and_exarp_cannot_is_listed(text: str, line: int, why: str) -> None:
    assert [(left.line, why in left.why) for left in taskfile(text).leftovers] == [(line, True)]


def test_tasks_that_call_each_other_in_their_thousands_are_soon_given_up() -> None:
    chain = "".join(f"  t{n}: [{{task: t{n + 1}}}, {{task: t{n + 1}}}, {{task: t{n + 1}}}]\n" for n in range(40))
    draft = taskfile(f"tasks:\n{chain}  t40: {{sources: [x], cmds: [y]}}\n")
    assert any("too many" in left.why for left in draft.leftovers)


BOMB = "a: &a [x, x]\n" + "".join(
    f"{b}: &{b} [*{a}, *{a}, *{a}, *{a}]\n" for a, b in zip("abcdefghij", "bcdefghijk", strict=True)
)


@pytest.mark.parametrize("text", ["tasks: [", "- a\n", "tasks: &a [*a]\n", BOMB, "x: !!python/object:os.system {}\n\t"])
def test_a_taskfile_that_is_none_is_refused_with_its_place(text: str) -> None:
    with pytest.raises(ManifestError) as refused:
        taskfile(text)
    assert refused.value.problems[0].place is not None


def test_tasks_called_in_turn_are_done_in_turn_and_end_at_the_first_failure() -> None:
    draft = taskfile(
        "tasks:\n"
        "  publish: [{task: test}, {task: build}, 'upload']\n"
        "  test: {deps: [gen], cmds: [pytest]}\n"
        "  build: {deps: [gen], cmds: [make, make docs], env: {CC: gcc}}\n"
        "  gen: ./gen\n"
        "  docs: {dir: doc, cmds: [sphinx]}\n"
        "  tidy: ['rm -rf x', {task: docs}]\n"
        "  all: [{task: gen}, {task: tidy}]\n"
    )
    found = tasks(draft)
    assert found["publish"] == {"needs": ["test"], "run": [
        'export CC="${CC:-gcc}"\nmake', 'export CC="${CC:-gcc}"\nmake docs', "upload"
    ]}  # fmt: skip
    assert found["tidy"] == {"run": ["rm -rf x", "cd doc\nsphinx"]}
    assert found["all"] == {"needs": ["gen"], "run": ["rm -rf x", "cd doc\nsphinx"]}
    assert [task.notes for task in draft.tasks if task.name == "all"] == [
        ["tidy is done here in turn: as needs they could run side by side"]
    ]
    assert not draft.leftovers


def test_what_is_more_than_commands_waits_its_turn_unless_others_say_otherwise() -> None:
    text = (
        "tasks:\n  all: [{task: gen}, {task: build}]\n  gen: ./gen\n"
        "  build: {sources: [a.c], generates: [a], cmds: [make]}\n"
    )
    draft = taskfile(text)
    assert tasks(draft)["build"]["after"] == ["gen"]
    assert [(left.line, "even where one failed" in left.why) for left in draft.leftovers] == [(2, True)]
    draft = taskfile(text + "  odd: [{task: build}, {task: gen2}]\n  gen2: {deps: [gen], prompt: x, cmds: [y]}\n"
                     "  back: [{task: gen2}, {task: build}]\n")  # fmt: skip
    assert tasks(draft)["gen2"]["after"] == ["build"]
    assert [(left.line, "in another order" in left.why) for left in draft.leftovers] == [
        (2, False),
        (5, False),
        (7, True),
    ]


def test_a_call_with_variables_is_a_task_of_its_own_or_done_in_its_place() -> None:
    text = (
        "vars: {DB: none}\ntasks:\n"
        "  all: {deps: [{task: test, vars: {DB: a b}}, {task: test, vars: {DB: c}}]}\n"
        "  one: {vars: {N: '7'}, cmds: [{task: test, vars: {DB: '{{.N}}-{{.M}}'}}, {task: test}]}\n"
        "  loop: {deps: [{for: [x, y], task: file, vars: {F: '{{.ITEM}}'}}]}\n"
        "  test: go test -db={{.DB}}\n"
        "  file: {generates: ['{{.F}}.o'], cmds: ['cc -o {{.F}}.o']}\n"
    )
    found = tasks(taskfile(text))
    assert found["all"] == {"needs": ["test-a-b", "test-c"]}
    assert found["test-a-b"] == {"env": {"DB": "a b"}, "run": "go test -db=$DB"}
    assert found["test"] == {"run": "go test -db=$DB"}
    assert found["one"]["run"] == ['DB="$N-$M"\ngo test -db=$DB', "go test -db=$DB"]
    assert found["one"]["env"] == {"N": "7"}
    assert found["loop"] == {"needs": ["file-x", "file-y"]}
    assert found["file-y"] == {"env": {"F": "y"}, "run": "cc -o $F.o", "outputs": ["y.o"]}


def test_what_a_command_prints_is_asked_once_for_all_commands_of_a_task() -> None:
    draft = taskfile(
        "vars: {V: x}\ntasks:\n"
        "  a: {dir: sub, vars: {T: {sh: mktemp}, V: {sh: date}}, cmds: ['a > {{.T}}', 'b < {{.T}} {{.V}}']}\n"
        "  b: {env: {SHA: {sh: git rev-parse HEAD}}, cmds: [c]}\n"
    )
    assert draft.variables == {
        "V": "x", "T": {"run": "cd sub && mktemp"}, "V_of_a": {"run": "cd sub && date"}, "SHA": {"run": "git rev-parse HEAD"}
    }  # fmt: skip
    assert tasks(draft)["a"] == {"cwd": "sub", "run": ["a > $T", "b < $T $V_of_a"]}
    assert tasks(draft)["b"] == {"env": {"SHA": "${SHA}"}, "run": "c"}


def test_words_for_yes_are_text_but_where_only_yes_can_stand() -> None:
    (task,) = taskfile(
        "env: {GO111MODULE: on, X: true}\ntasks: {a: {internal: yes, interactive: no, cmds: [x]}}\n"
    ).tasks
    assert task.keys == {
        "internal": True, "env": {"GO111MODULE": "${env.GO111MODULE:-on}", "X": "${env.X:-true}"}, "run": "x"
    }  # fmt: skip


def test_status_and_if_are_conditions() -> None:
    text = (
        "tasks:\n  a: {status: [test -f x], cmds: [y]}\n  b: {status: [test -f x, 'a | b'], cmds: [y]}\n"
        "  c: {if: '[ -n \"$CI\" ]', cmds: [y]}\n  d: {if: 'x', status: [y], cmds: [z]}\n"
    )
    assert {name: keys["when"] for name, keys in tasks(taskfile(text)).items()} == {
        "a": "! test -f x",
        "b": "! { test -f x && { a | b; }; }",
        "c": '[ -n "$CI" ]',
        "d": "x && ! y",
    }


@pytest.mark.parametrize(
    ("command", "script"),
    [
        ('x {{.A | default "./..."}}', "x ${A:-./...}"),
        ("x '{{ default \".*\" .A }}'", 'x "${A:-.*}"'),
        ("x {{default .B .A}}", "x ${A:-$B}"),
        ('x {{if .A}}--a "{{.A}}"{{end}} y', 'x ${A:+--a "$A"} y'),
        ('x {{.CLI_ARGS | default "."}}', 'x "${@:-.}"'),
        ('x {{.CLI_ARGS | default "a b"}}', "x ${@:-a b}"),
        ("x {{shellQuote .A}}{{exeExt}}", 'x "$A"'),
        ("x {{OS}}-{{ARCH}}", "x $OS-$ARCH"),
        ("cd {{.ROOT_DIR}}/a {{- /* why */ -}} b", "cd $ROOT_DIR/ab"),
        ("x {{.FLAGS}}", "x -ldflags '-X v='\"$V\"' -s'"),
        ("x \"$(sed 's/{{.A}}//')\" # it's\nx {{.A}}", "x \"$(sed 's/'\"$A\"'//')\" # it's\nx $A"),
        ('echo {{.TASK}} {{"{{"}}', "echo t {{"),
        ("task --list", "exarp list"),
    ],
)
def test_templates_in_commands(command: str, script: str) -> None:
    text = "vars: {V: 1, FLAGS: \"-ldflags '-X v={{.V}} -s'\"}\ntasks:\n  t:\n    - |\n"
    assert runs(text + "".join(f"      {line}\n" for line in command.split("\n"))) == {"t": script}


def test_the_folder_of_the_file_is_itself_in_paths_and_absolute_in_scripts() -> None:
    draft = taskfile(
        "tasks:\n  a: {dir: '{{.ROOT_DIR}}/x', generates: ['y', '{{.BIN}}/z'], cmds: ['{{.BIN}}/z']}\n"
        "  b: {dir: '{{.TASKFILE_DIR}}', cmds: [c]}\nvars: {BIN: '{{.ROOT_DIR}}/bin'}\n"
    )
    assert draft.variables == {"ROOT_DIR": {"run": "pwd"}, "BIN": "${ROOT_DIR}/bin"}
    assert tasks(draft) == {
        "a": {"cwd": "x", "outputs": ["x/y", "bin/z"], "run": "$BIN/z"}, "b": {"run": "c"}
    }  # fmt: skip


def test_the_shell_is_the_plainest_that_understands_what_go_task_does() -> None:
    def shell(text: str) -> Any:
        return taskfile(text).settings["shell"]

    assert shell("tasks: {a: x}\n") == ["sh", "-e", "-c"]
    assert shell("tasks: {a: '[[ $x == y* ]]'}\n") == ["bash", "-e", "-c"]
    assert shell("set: [pipefail, u]\nshopt: [globstar]\ntasks: {a: x}\n") == [
        "bash", "-O", "globstar", "-e", "-u", "-o", "pipefail", "-c"
    ]  # fmt: skip
    own = taskfile("tasks: {a: {set: [x], cmds: [y]}, b: z}\n")
    assert tasks(own)["a"]["shell"] == ["sh", "-e", "-x", "-c"]


CONTEXTS = [
    ("@", "a b"), ('"@"', "a b"), ("'x @ y'", "x a b y"), ("\"$(echo '@')\"", "a b"), ("`echo '@'`", "a b"),
    ("x # it's\nshow '@'", "a b"), ("$(cat <<E\nit's @\nE\n)", "it's a b"), ("\"it's\" '@'", "a b"), ("\\' '@'", "a b"),
    ("<<<'x' '@'", "a b"), ("$((1 + 1)) '@'", "a b"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), CONTEXTS)
def test_a_reference_is_read_wherever_a_text_was_pasted(text: str, expected: str) -> None:
    before, _, after = text.partition("@")
    script = tidy(f"{before}{placed('$v', before)}{after}")
    done = subprocess.run(
        ["bash", "-c", f"show() {{ printf '%s' \"$*\"; }}; show {script}"],
        env={"v": "a b", "PATH": "/usr/bin:/bin"}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.endswith(expected)


def test_where_a_shell_looks_for_no_variable() -> None:
    assert quoting("cat <<'E'\nx ") == "<<"
    assert quoting("cat <<'E'\nx\nE\n'") == "'"
    assert arguments("a 'b") == "'\"$*\"'"
    assert (arguments('a "b'), arguments("a ")) == ("$*", '"$@"')


WORDS = st.sampled_from((
    "vars", "env", "dotenv", "tasks", "includes", "set", "shopt", "a", "b", "cmds", "cmd", "deps", "task", "desc", "sources",
    "generates", "exclude", "status", "if", "preconditions", "sh", "msg", "requires", "name", "enum", "aliases", "platforms",
    "prompt", "dir", "defer", "for", "var", "split", "as", "ignore_error", "internal", "X", "CLI_ARGS",
))  # fmt: skip
TEXTS = WORDS | st.sampled_from((
    "", "x {{.X}} '{{.X}}' \"{{.X}}\"", "{{.X | default \"y\"}}", "{{if .X}}y{{end}}", "{{.CLI_ARGS}}", "{{.ROOT_DIR}}/b", "{{ x",
    "cat <<'E'\n{{.X}}\nE", "'", "${X}",
))  # fmt: skip
VALUES = st.recursive(
    TEXTS | st.none() | st.booleans() | st.integers(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=4),
    max_leaves=12,
)
COMMANDS = st.fixed_dictionaries(
    {"task": st.sampled_from("abX")},
    optional={"vars": st.dictionaries(st.sampled_from(("X", "CLI_ARGS")), VALUES) | VALUES, "for": VALUES, "silent": VALUES},
) | st.fixed_dictionaries({"cmd": VALUES}, optional={"for": st.fixed_dictionaries({"var": WORDS, "split": TEXTS})})  # fmt: skip
TASKS = (
    st.dictionaries(WORDS, VALUES, max_size=4)
    | st.fixed_dictionaries({"cmds": st.lists(COMMANDS | TEXTS, max_size=4)}, optional={
        "deps": st.lists(COMMANDS, max_size=2), "vars": st.dictionaries(WORDS, VALUES, max_size=3),
        "dir": TEXTS, "status": VALUES, "sources": VALUES,
    })
    | VALUES
)  # fmt: skip


@given(st.dictionaries(WORDS, VALUES, max_size=3), st.dictionaries(st.sampled_from("abX"), TASKS, max_size=3))
def test_whatever_a_taskfile_says_what_becomes_of_it_is_toml(top: dict[str, Any], found: dict[str, Any]) -> None:
    try:
        draft = taskfile(json.dumps({**top, "tasks": found}))
    except ManifestError:
        return
    draft.drop_missing()
    assert set(tomli.loads(draft_text(draft)).get("task", ())) == set(tasks(draft))
