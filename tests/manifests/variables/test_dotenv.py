"""Dotenv files: what they say, and what is told where they cannot be read."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exarp.app.check import check
from exarp.app.opening.examining import examine
from exarp.manifests.variables.dotenv import MAX_BYTES, DotenvReader
from exarp.views.problems.problem import render_all
from tests.effort import tries

SH = shutil.which("sh")


def values(text: str, caller: Mapping[str, str] | None = None) -> dict[str, str]:
    """What a text without faults says."""
    reader = DotenvReader(caller or {})
    reader.read(text.encode(), ".env")
    assert reader.problems == []
    return reader.values


def told(text: str | bytes) -> list[str]:
    """What is wrong with a text, as slug, place and marked text."""
    reader = DotenvReader({})
    reader.read(text if isinstance(text, bytes) else text.encode(), ".env")
    found = []
    for problem in reader.problems:
        place = problem.place
        assert place is not None
        marked = place.text[place.column - 1 :][: place.length]
        found.append(f"{problem.slug} {place.line}:{place.column} {marked}")
    return found


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("X=a", "a"),
        ("export X=a", "a"),
        ("  X = a b  ", "a b"),
        ("\tX=a\r\n", "a"),
        ("\ufeffX=a", "a"),
        ("X=", ""),
        ("X= # nothing", ""),
        ("X=a # comment", "a"),
        ("X=a#b", "a#b"),
        ("X=#a", "#a"),
        ("X=it's", "it's"),
        ("X=a=b", "a=b"),
        ("X=C:\\new\\$HOME", "C:\\new$HOME"),
        ('X="a # b" # c', "a # b"),
        ("X='a\"b\\n$Y'", 'a"b\\n$Y'),
        ('X="a\\n\\"b\\"\\t\\\\\\d\\$Y"', 'a\n"b"\t\\\\d$Y'),
        ('X="one\r\ntwo"', "one\ntwo"),
        ("X='one\n  two'\n", "one\n  two"),
        ("X=$Z-${Z}", "zed-zed"),
        ('X="$Z-${Z}"', "zed-zed"),
        ("X=${NO:-a b}${Z:-c}${EMPTY:-d}${EMPTY-e}", "a bzedd"),
        ("X=$5 $$ $(date) $", "$5 $$ $(date) $"),
        ("# X=no\n\n   # X=no\nX=yes", "yes"),
        ("X=a\nX=b", "b"),
        ("X=ä€", "ä€"),
    ],
)
def test_what_a_line_says(text: str, value: str) -> None:
    assert values(text, {"Z": "zed", "EMPTY": ""})["X"] == value


def test_values_use_the_callers_first_then_what_stands_above() -> None:
    reader = DotenvReader({"A": "caller"}, {"C": "earlier file"})
    reader.read(b"A=file\nB=$A\nC=${C}, $B\n", ".env")

    assert reader.values == {"A": "file", "B": "caller", "C": "earlier file, caller"}


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("X=a\n  hello world \n", ["bad-dotenv 2:3 hello world"]),
        ("FOO\nexport BAR", ["bad-dotenv 1:1 FOO", "bad-dotenv 2:1 export BAR"]),
        ("TOKEN: abc", ["bad-dotenv 1:1 TOKEN: abc"]),
        ("1X=a\na.b=c", ["bad-variable 1:1 1X", "bad-variable 2:1 a.b"]),
        ("EXARP_RUN=1", ["reserved-name 1:1 EXARP_RUN"]),
        ("X='a\nY=b", ["bad-dotenv 1:3 '"]),
        ("X='a\nY='b'\nZ=c", ["bad-dotenv 1:3 '"]),
        ('X="a"b', ["bad-dotenv 1:6 b"]),
        ("X=a$no", ["missing-variable 1:4 $no"]),
        ('X="a\n ${NO}"\nY=$X', ["missing-variable 2:2 ${NO}"]),
        ("X=${a", ["bad-substitution 1:3 ${a"]),
        ("X=${a:?no}${}", ["bad-substitution 1:3 ${a:?no}", "bad-substitution 1:11 ${}"]),
        ("X=${a:-$b}", ["bad-substitution 1:3 ${a:-$b}"]),
        ("A=1\nX=a\0b", ["nul-character 2:1 X"]),
        (b"A=1\nX=\xff\nY=$no", ["not-utf8 2:3 \\xff"]),
        (b"\xef\xbb\xbfX=\xff", ["not-utf8 1:3 \\xff"]),
        (b"A=" + b"x" * MAX_BYTES, ["too-large 1:1 "]),
        ("A=" + "0123456789" * 1000 + "\nB=" + "$A" * 200, ["too-long 2:3 $"]),
    ],
)
def test_what_is_told_and_where(text: str | bytes, problems: list[str]) -> None:
    assert told(text) == problems


BITS = st.lists(
    st.sampled_from(["X", "=", "'", '"', "\\", "$", "{", "}", " ", "\n", "#", "é", ":-", "\r", "a", "\0"]), max_size=20
)


@settings(max_examples=tries(600), deadline=None, derandomize=True)
@given(BITS.map("".join))
def test_no_text_is_too_odd_to_be_read_or_told(text: str) -> None:
    reader = DotenvReader({})
    reader.read(text.encode(), ".env")

    lines = text.replace("\r\n", "\n").split("\n")
    for problem in reader.problems:
        place = problem.place
        assert place is not None
        assert place.text == lines[place.line - 1]
        assert 1 <= place.column <= len(place.text) + 1
    assert not any("\0" in value for value in reader.values.values())


QUOTED = st.one_of(
    st.text(alphabet='ab #"$\\\n=', max_size=6).map(lambda text: f"'{text}'"),
    st.lists(
        st.sampled_from(["a", " ", "#", "'", "\n", "\\\\", '\\"', "\\$", "$V", "${V}", "${W:-d}", "="]), max_size=6
    ).map(lambda bits: '"' + "".join(bits) + '"'),
    st.text(alphabet="ab=:/.-", max_size=6),
)


@pytest.mark.skipif(SH is None, reason="there is no shell")
@settings(max_examples=tries(30), deadline=None, derandomize=True)
@given(st.lists(QUOTED, min_size=10, max_size=20))
def test_what_a_shell_can_source_too_it_reads_alike(written: list[str]) -> None:
    text = "".join(f"V{number}={value}\n" for number, value in enumerate(written))
    script = f"V='v v'; set -a; {text}\n" + "".join(f'printf "%s\\0" "$V{number}"; ' for number in range(len(written)))
    done = subprocess.run([SH or "sh", "-c", script], env={}, capture_output=True, check=True, timeout=60)

    found = values(text, {"V": "v v"})

    assert [found[f"V{number}"] for number in range(len(written))] == done.stdout.decode().split("\0")[:-1]


def project(folder: Path, manifest: str, **files: str) -> tuple[Mapping[tuple[str, ...], Mapping[str, str]], list[str]]:
    """What the dotenv files of a manifest say, and all that is told; "_" in names of files is "."."""
    (folder / "exarp.toml").write_text(manifest)
    for name, text in files.items():
        (folder / name.replace("_", ".")).write_text(text)
    found, problems = examine(str(folder), None, {"HOME": "/home/me"})
    return found.manifest.dotenv, [render_all([problem]) for problem in problems]


def test_later_files_win_and_those_of_a_task_over_all(tmp_path: Path) -> None:
    manifest = """
        settings.dotenv = ["a.env", "${env.NEXT}.env", "not-there.env"]
        task.t = { run = "t", dotenv = ["own.env"] }
        task.u = { run = "u" }
    """
    files = {"a_env": "NEXT=b\nX=a\nY=a", "b_env": "X=b\nZ=$Y", "own_env": "X=own$Z"}

    found, problems = project(tmp_path, manifest, **files)

    shared = {"NEXT": "b", "X": "b", "Y": "a", "Z": "a"}
    assert problems == []
    assert found == {(): shared, ("own.env",): {**shared, "X": "owna"}}


def test_fields_see_the_files_of_the_settings_below_the_callers_environment(tmp_path: Path) -> None:
    (tmp_path / "exarp.toml").write_text(
        'settings.dotenv = [".env"]\ntask.t = { run = "t", outputs = ["${env.HOME}x", "${env.OUT}"] }'
    )
    (tmp_path / ".env").write_text("HOME=home\nOUT=out")

    found, problems = examine(str(tmp_path), None, {"HOME": "caller"})

    assert problems == []
    assert found.manifest.tasks[0].outputs == ("callerx", "out")


def test_commands_of_variables_find_what_the_files_say(tmp_path: Path) -> None:
    manifest = """
        settings.dotenv = [".env"]
        vars.v = { run = "echo $OUT$HOME" }
        task.t = { run = "t", outputs = ["${v}"] }
    """
    (tmp_path / "exarp.toml").write_text(manifest)
    (tmp_path / ".env").write_text("OUT=out\nHOME=home")

    found, problems = examine(str(tmp_path), None, {"HOME": "caller", "PATH": os.environ["PATH"]})

    assert problems == []
    assert found.manifest.tasks[0].outputs == ("outcaller",)


def test_what_is_wrong_is_told_with_its_place_each_once(tmp_path: Path) -> None:
    manifest = 'settings.dotenv = [".env", "."]\ntask.t = { run = "t", dotenv = [".env"] }'

    _, problems = project(tmp_path, manifest, _env="X=1\nhello world\n")

    assert problems == [
        "exarp.toml:1:28: '.' is a folder, and an entry of dotenv is one file (bad-path)\n"
        '    1 | settings.dotenv = [".env", "."]\n'
        "      |                            ^^^ name each file as an entry of its own",
        ".env:2:1: this line is no NAME=value (bad-dotenv)\n"
        "    2 | hello world\n"
        "      | ^^^^^^^^^^^ write NAME=value, or # before a comment; a value of several lines needs quotes",
    ]


def test_a_file_that_cannot_be_read_is_told_where_it_is_named(tmp_path: Path) -> None:
    (tmp_path / "env").mkdir()

    _, problems = project(tmp_path, 'task.t = { run = "t", dotenv = ["env"] }')

    assert problems == [
        "exarp.toml:1:33: the dotenv file env cannot be read: Is a directory (unreadable)\n"
        '    1 | task.t = { run = "t", dotenv = ["env"] }\n'
        "      |                                 ^^^^^ name a file that can be read"
    ]


def test_a_missing_file_is_told_unless_git_ignores_it(tmp_path: Path) -> None:
    (tmp_path / "exarp.toml").write_text(
        'settings.dotenv = [".env", "defualt.env"]\ntask.t = { run = "t", dotenv = ["sub/own.env"] }'
    )
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    (tmp_path / ".gitignore").write_text(".env\n")

    found = [problem for problem in check(str(tmp_path), None) if problem.slug == "missing-dotenv"]

    assert [(str(problem.place), problem.severity, problem.message) for problem in found] == [
        ("exarp.toml:1:28", "warning", "the dotenv file defualt.env is not there: it is taken for empty"),
        ("exarp.toml:2:33", "warning", "the dotenv file sub/own.env is not there: it is taken for empty"),
    ]
