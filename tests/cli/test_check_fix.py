"""``exarp check --fix``: what it says, and how it exits."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from exarp.cli.entry import run_cli

BROKEN = '[task.a]\nrun = "x"\nneed = "b"\n[task.b]\nrun = "x"\nmanual = "yes"\n'
MENDED = '[task.a]\nrun = "x"\nneeds = ["b"]\n[task.b]\nrun = "x"\nmanual = true\n'
LINES = """\
exarp.toml:3:1: fixed: unknown key 'need' in task 'a'; it is now needs with ["b"]
exarp.toml:6:10: fixed: 'manual' in task 'b' must be true or false, not the string 'yes'; it is now true
"""


@pytest.fixture
def manifest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "exarp.toml"
    path.write_text(BROKEN)
    return path


def test_what_was_mended_is_told_and_nothing_is_left(manifest: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_cli(["check", "--fix"]) == 0
    assert capsys.readouterr() == (LINES + "no errors, no doubts\n", "")
    assert manifest.read_text() == MENDED
    assert not (manifest.parent / ".exarp").exists()
    assert run_cli(["check", "--fix", "-q"]) == 0
    assert capsys.readouterr() == ("", "")


def test_what_is_left_is_told_and_decides_the_exit_code(manifest: Path, capsys: pytest.CaptureFixture[str]) -> None:
    manifest.write_text(BROKEN + "timeout = 30\n")
    assert run_cli(["check", "--fix"]) == 3
    printed = capsys.readouterr().out
    assert printed.startswith(f"{LINES}exarp.toml:7:11: 'timeout' in task 'b' must be a duration")
    assert "fixed" not in printed.removeprefix(LINES)


def test_without_it_check_says_how_many_could_be(manifest: Path, capsys: pytest.CaptureFixture[str]) -> None:
    manifest.rename("x.toml")
    assert run_cli(["-f", "x.toml", "check"]) == 3
    printed, offered = capsys.readouterr()
    assert printed.count("x.toml:") == 2
    assert offered == "2 of these can be fixed: exarp -f x.toml check --fix\n"
    assert run_cli(["-q", "-f", "x.toml", "check"]) == 3
    assert capsys.readouterr() == (printed, "")
    assert Path("x.toml").read_text() == BROKEN


def test_nothing_is_offered_that_would_not_be_done(manifest: Path, capsys: pytest.CaptureFixture[str]) -> None:
    manifest.write_text('[task.a]\nrun = "x"\ndeps = ["main.c"]\n')
    assert run_cli(["check"]) == 3
    assert capsys.readouterr().err == ""


def test_programs_are_told_in_their_formats(manifest: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_cli(["check", "--json"]) == 3
    assert "fixed" not in json.loads(capsys.readouterr().out)
    assert run_cli(["check", "--fix", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["exit_code"], found["problems"]) == (0, [])
    assert [(each["slug"], each["line"], each["fix"]) for each in found["fixed"]] == [
        ("unknown-key", 3, 'needs with ["b"]'),
        ("wrong-type", 6, "true"),
    ]
    manifest.write_text(BROKEN)
    assert run_cli(["check", "--fix", "--format", "github"]) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith(
        "::notice file=exarp.toml,line=3,col=1,endColumn=5,title=exarp%3A unknown-key::fixed: unknown key"
    )
    assert second.endswith("%0Ait is now true")
    manifest.write_text(BROKEN)
    assert run_cli(["check", "--fix", "--format", "sarif"]) == 0
    printed, told = capsys.readouterr()
    assert json.loads(printed)["runs"][0]["results"] == []
    assert told == LINES


def test_a_folder_that_cannot_be_written_to_is_told(
    manifest: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("tempfile.mkstemp", refuse)
    assert run_cli(["check", "--fix"]) == 2
    assert "exarp.toml cannot be written: Permission denied (unwritable)" in capsys.readouterr().err
    assert manifest.read_text() == BROKEN


def test_plans_have_nothing_to_mend(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plan = tmp_path / "x.plan.md"
    plan.write_text("---\ntodos:\n  - {id: a, content: x, status: pending, dependancies: b}\n---\n")
    text = plan.read_text()
    assert run_cli(["-f", str(plan), "check", "--fix"]) == 0
    assert plan.read_text() == text
