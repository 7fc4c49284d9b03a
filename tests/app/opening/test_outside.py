"""Files and commands that a manifest asks for, in real folders and with real processes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from exarp.app.opening.examining import examine, open_project
from exarp.app.opening.outside import Outside, evaluate
from exarp.app.opening.project import Overrides
from exarp.errors import ManifestError
from exarp.manifests.variables.definitions import CommandFailed

SHELL = ("sh", "-eu", "-c")


@pytest.fixture
def outside(tmp_path: Path) -> Outside:
    return Outside(str(tmp_path), {"PATH": os.environ["PATH"], "SEEN": "yes"})


def test_a_command_runs_in_the_workspace_and_sees_the_environment(outside: Outside, tmp_path: Path) -> None:
    found = outside.printed('pwd -P; echo "$SEEN $x"; echo; echo', SHELL, {"x": "1"})
    assert found == f"{tmp_path.resolve()}\nyes 1"


def test_a_command_reads_nothing(outside: Outside) -> None:
    assert outside.printed("cat", SHELL, {}) == ""


def test_the_same_command_runs_once(outside: Outside, tmp_path: Path) -> None:
    for _ in range(2):
        assert outside.printed("echo >> ran; echo x", SHELL, {}) == "x"
    assert (tmp_path / "ran").read_text() == "\n"


@pytest.mark.parametrize(
    ("script", "shell", "message"),
    [
        ("echo one >&2; echo two >&2; echo >&2; exit 3", SHELL, "ended with exit 3: two"),
        ("false", SHELL, "ended with exit 1"),
        ("kill -9 $$", SHELL, "was ended by signal 9"),
        ("printf '\\377'", SHELL, "printed what is not valid UTF-8"),
        ("printf 'a\\0b'", SHELL, "printed a NUL character, which no command, path or variable can hold"),
        ("x", ("no-such-shell",), "cannot be run: No such file or directory"),
    ],
)
def test_a_command_that_does_not_work_out_says_why(
    outside: Outside, script: str, shell: tuple[str, ...], message: str
) -> None:
    with pytest.raises(CommandFailed) as raised:
        outside.printed(script, shell, {})
    assert str(raised.value) == message


def test_files_are_those_that_git_does_not_ignore(outside: Outside, tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / ".gitignore").write_text("*.o\n")
    for name in ("b.c", "a.c", "a.o"):
        (tmp_path / name).touch()
    assert outside.files("*", ()) == ["a.c", "b.c"]
    assert outside.files("*", ("b.*",)) == ["a.c"]


MANIFEST = """
[settings]
shell = ["sh", "-c"]
[vars]
name = { run = "echo name >> ran; echo n" }
word = { run = "echo word >> ran; echo $name" }
failing = { run = "echo failing >> ran; exit 4" }
[task.field]
outputs = ["${name}.txt"]
run = "true"
[task.script]
run = "echo $word"
[task.fails]
run = "echo $failing"
"""


def test_reading_runs_what_fields_name_and_a_run_what_its_scripts_name(tmp_path: Path) -> None:
    (tmp_path / "exarp.toml").write_text(MANIFEST)
    ran = tmp_path / "ran"
    project = open_project(str(tmp_path), None, os.environ)
    assert project.manifest.tasks[0].outputs == ("n.txt",)
    assert ran.read_text() == "name\n"
    evaluate(project.manifest, [0])
    assert ran.read_text() == "name\n"
    evaluate(project.manifest, [0, 1])
    assert ran.read_text() == "name\nword\n"
    assert project.manifest.vars["word"] == "n"
    with pytest.raises(ManifestError) as raised:
        evaluate(project.manifest, [2])
    (problem,) = raised.value.problems
    assert (problem.slug, str(problem.place)) == ("failed-variable", "exarp.toml:7:11")


def test_who_only_wants_names_runs_nothing(tmp_path: Path) -> None:
    (tmp_path / "exarp.toml").write_text(MANIFEST)
    project, _ = examine(str(tmp_path), None, os.environ, commands=False)
    assert [task.name for task in project.manifest.tasks] == ["field", "script", "fails"]
    assert not (tmp_path / "ran").exists()


def test_set_goes_without_the_command(tmp_path: Path) -> None:
    (tmp_path / "exarp.toml").write_text(MANIFEST)
    project = open_project(str(tmp_path), None, os.environ, Overrides({"name": "set", "failing": "x"}))
    assert project.manifest.tasks[0].outputs == ("set.txt",)
    evaluate(project.manifest, [2])
    assert not (tmp_path / "ran").exists()


def test_commands_of_an_included_manifest_run_in_its_folder(tmp_path: Path) -> None:
    (tmp_path / "pkg").mkdir()
    (tmp_path / "exarp.toml").write_text('include = { ui = "pkg" }\n')
    (tmp_path / "pkg/exarp.toml").write_text(
        '[vars]\nhere = { run = "pwd -P" }\n[task.t]\ndescription = "${here}"\nrun = "t"'
    )
    project = open_project(str(tmp_path), None, os.environ)
    assert project.manifest.tasks[0].description == str((tmp_path / "pkg").resolve())
