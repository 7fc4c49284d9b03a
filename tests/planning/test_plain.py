"""Scripts that need no shell, held against real shells: the same words, the same environment, nothing of a shell's own."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from exarp.planning.plain import is_handed_on, is_ordinary_shell, plain_command

SHELLS = [path for name in ("sh", "dash", "bash") if (path := shutil.which(name))]
# Prints its words as they are; behind it comes what is made up.
PRINT = "/usr/bin/printf '%s\\0' "
NAMES = ("a", "b", "in", "out", "unset", "PWD", "IFS")

texts = st.text("ab1 '\"$\\{}()[]*?~#;&|<>=!%^`\n\t\r-,:.@+/é\x81\x7f", max_size=8)
values = st.dictionaries(st.sampled_from(NAMES[:4]), st.text("ab ='\"$~#{},;|é\n\t*?[\\", max_size=6), max_size=4)
pieces = st.one_of(
    st.sampled_from(["a", "-o", "x=y", "/tmp/a.b", "é", "''", '""', "'a b'", '"a b"', "'$a'", " ", "  ", "\t", "-I"]),
    st.sampled_from(["$", "${", '"$']).flatmap(
        lambda opening: st.sampled_from(NAMES).map(
            lambda name: opening + name + {"$": "", "${": "}", '"$': '"'}[opening]
        )
    ),
    st.sampled_from(
        ['"$a-${b}"', '"x $in"', '"$"', "$$", "$@", '"$@"', "$1", "${a:-x}", "$(true)", "~", "*", "#", "\n"]
    ),
)


def output(shell: str, script: str, env: Mapping[str, str]) -> list[str]:
    given = {"PATH": "/usr/bin:/bin", **env}
    # A folder in which patterns match.
    done = subprocess.run([shell, "-eu", "-c", script], env=given, cwd="/", capture_output=True, check=True)
    return done.stdout.decode("utf-8", "surrogateescape").split("\0")[:-1]


def holds(script: str, env: Mapping[str, str]) -> None:
    whole = f"{PRINT}{script} 'end'"
    command = plain_command(whole, env.get)
    if command is None or command.redirections:
        return
    words = command.words
    assert words[:2] == ("/usr/bin/printf", "%s\\0")
    for shell in SHELLS:
        assert output(shell, whole, env) == list(words[2:])


@given(st.lists(pieces, max_size=8).map("".join), values)
@example("$a$b", {"a": " x ", "b": " y"})
@example("''$a", {"a": " x"})
@example('"$a"$b', {"a": "", "b": ""})
@example("$a", {"a": "*"})
def test_words_are_those_of_a_shell(script: str, env: Mapping[str, str]) -> None:
    holds(script, env)


@given(texts, values)
def test_of_any_text_the_words_are_those_of_a_shell_or_it_is_left_to_one(script: str, env: Mapping[str, str]) -> None:
    holds(script, env)


@given(st.sampled_from([("cp $in $out", ("cp", "a", "b", "o")), ("  cp -R '$in' \n", ("cp", "-R", "$in"))]))
def test_ordinary_commands_are_plain(case: tuple[str, tuple[str, ...]]) -> None:
    script, words = case
    assert plain_command(script, {"in": "a b", "out": "o"}.get) == (words, ())


@pytest.mark.parametrize(
    "script",
    """|> out|cp $in && x|A=b cp|$a cp|~/x|x*|{a,b}|cp $unset|x #y|echo a|test -f x|. x|if|true x|%1|'' x|x `y`
    |x \\a|x; y|x\ny|cd x|exec x|! x|(x)|x &|x $PWD|x "$PWD"|x "\\n"|$glob|x $glob""".split("|"),
)
def test_what_a_shell_makes_more_of_is_left_to_it(script: str) -> None:
    assert plain_command(script.lstrip("\n "), {"in": "a", "a": "A=b", "PWD": "/", "glob": "*.c"}.get) is None


@pytest.mark.parametrize(
    "script",
    [
        "x >", "x > > o", "x 2>", "x 3> o", "x 12> o", "x <<E", "x <> o", "x >| o", "x >& o", "x >&1", "x 1>&-", "x &> o",
        "x <(y)", "x >(y)", "x 'a'2> o", "x ${one}2> o", "x 2>&1y", "x > $two", "x > $none", 'x > "$none"', "x > $unset",
        "x > $odd", "x > $glob", "x > ~", "x > *", "x > /dev/stdout", "x < /dev/fd/0", "x > /dev/tcp/h/1", "> o x=1",
        "x >2>&1", "x > 2>&1", "echo > o",
    ],
)  # fmt: skip
def test_redirections_that_not_all_shells_have_alike_are_left_to_one(script: str) -> None:
    env = {"one": "", "two": "a b", "none": "", "odd": "\ta", "glob": "*.c"}
    assert plain_command(script, env.get) is None


@pytest.mark.parametrize(
    ("script", "words", "redirections"),
    [
        ("cat $in > $out", "cat a b", "1>o"), ("cat $in >$out", "cat a b", "1>o"), ("sort<$out", "sort", "0<o"),
        ("> o cat a", "cat a", "1>o"), ("cat > o a", "cat a", "1>o"), ("cat a2>o", "cat a2", "1>o"),
        ("cat 2 > o", "cat 2", "1>o"), ("cat a 2>e >> 'o p'", "cat a", "2>e 1>>o p"), ('cat > "$out".x', "cat", "1>o.x"),
        ("make >o 2>&1", "make", "1>o 2>&1"), ("make 2>&1 >o", "make", "2>&1 1>o"), ("make>&2", "make", "1>&2"),
        ("cat > /dev/null", "cat", "1>/dev/null"), ("true > o", "true", "1>o"),
    ],
)  # fmt: skip
def test_ordinary_redirections_are_plain(script: str, words: str, redirections: str) -> None:
    command = plain_command(script, {"in": "a b", "out": "o"}.get)
    assert command is not None
    assert list(command.words) == words.split()
    found = " ".join(f"{to.stream}{to.operator}{to.target}" for to in command.redirections)
    assert found == redirections


@pytest.mark.parametrize("shell", SHELLS)
def test_no_name_that_a_shell_knows_itself_is_taken_for_a_program(shell: str) -> None:
    names = subprocess.run(["bash", "-c", "compgen -bk"], capture_output=True, text=True, check=True).stdout.split()
    names += "chdir local alias bg echo print time pushd source".split()
    for name in {*names} - {"true", "false"}:
        assert plain_command(f"{name} x", {}.get) is None, name
    ask = 'for name in "$@"; do command -V "$name" 2>/dev/null || :; done'
    said = subprocess.run(
        [shell, "-c", ask, "sh", "cp", "cat", "cc", "true"], capture_output=True, text=True, check=True
    )
    assert "cp is /" in said.stdout
    assert "true is a" in said.stdout


@given(
    st.dictionaries(
        st.one_of(
            st.sampled_from("PWD OLDPWD IFS PS4 UID OPTIND LINENO a.b BASH_FUNC_f%% A _b LC_ALL".split()),
            st.text("aZ_1.", min_size=1, max_size=4),
        ),
        st.text("ab /=", max_size=5),
        max_size=3,
    )
)
@pytest.mark.parametrize("shell", SHELLS)
def test_an_environment_that_is_handed_on_reaches_programs_as_it_is(shell: str, env: Mapping[str, str]) -> None:
    if not is_handed_on(env):
        return
    told = dict(entry.split("=", 1) for entry in output(shell, "/usr/bin/env -0", env))
    ours = {"PWD", "OLDPWD", "SHLVL", "_"}
    assert {k: v for k, v in told.items() if k not in ours} == {
        k: v for k, v in {"PATH": "/usr/bin:/bin", **env}.items() if k not in ours
    }


@pytest.mark.parametrize(
    ("shell", "ordinary"),
    [
        ("sh -eu -c", True), ("sh -c", True), ("/bin/sh -euc", True), ("bash -euo pipefail -c", True),
        ("bash -o pipefail -c", True),
        ("sh -x -c", False), ("bash -l -c", False), ("zsh -c", False), ("python3 -c", False), ("sh", False), ("./sh -c", False),
        ("sh -eu", False), ("bash -o posix -c", False), ("", False),
    ],
)  # fmt: skip
def test_shells_that_are_known_and_told_nothing_odd_are_ordinary(shell: str, ordinary: bool) -> None:
    assert is_ordinary_shell(tuple(shell.split())) is ordinary
