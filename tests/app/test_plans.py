"""Plans and task states, through the command line in this process."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from exarp.cli.entry import run_cli
from tests.manifests.plans.todo2_states import write_json

PLAN = """\
---
wave: {wave}
depends_on: [{needs}]
files_modified: [src/x]
autonomous: {autonomous}
---
<task type="auto"><name>Do \x1b[31mit</name><verify>x</verify></task>
"""


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / ".git").mkdir()
    phase = tmp_path / "phases/01-first"
    phase.mkdir(parents=True)
    (phase / "01-01-PLAN.md").write_text(PLAN.format(wave=1, needs="", autonomous="true"))
    (phase / "01-02-PLAN.md").write_text(PLAN.format(wave=1, needs="01-07", autonomous="false"))
    todos = [
        {"id": "T-1", "status": "Todo", "content": "First"},
        {"id": "T-2", "status": "Todo", "dependencies": ["T-3"]},
        {"id": "T-3", "status": "Review"},
        {"id": "T-4", "status": "Done"},
    ]
    (tmp_path / ".todo2").mkdir()
    write_json(tmp_path / ".todo2/state.todo2.json", todos)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_groups_checkpoints_and_verdicts_are_in_the_document(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_cli(["-f", "phases", "plan", "--json"]) == 0
    out, err = capsys.readouterr()
    document = json.loads(out)
    assert [(wave["name"], wave["group"], wave["order"], wave["checkpoint"]) for wave in document["waves"]] == [
        ("01-01", 1, "sequential", False),
        ("01-02", 1, "sequential", True),
    ]
    assert document["tasks"]["01-01.1"] == {
        "needs": [],
        "would_run": False,
        "would_restore": False,
        "reason": "prose",
        "expected_ms": None,
    }
    (verdict,) = document["verdicts"]
    assert [reason["code"] for reason in verdict["reasons"]] == ["write-write"]
    assert "phases/01-first/01-02-PLAN.md:3:14: plan '01-02' depends on '01-07', which does not exist" in err
    assert "\x1b" not in out + err


def test_prose_is_never_run_nor_taken_as_done(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for words in (["run"], ["run", "--touch"], ["run", "01-01.1"]):
        assert run_cli(["-f", "phases", *words]) == 2
        assert "there is no command to run (prose)" in capsys.readouterr().err
    assert run_cli(["-f", "phases", "run", "-n"]) == 0
    assert capsys.readouterr().out.endswith(
        "0 tasks would run, 2 told in words, for a person or an agent, 0 up to date\n"
    )
    assert not (root / ".exarp").exists()


def test_blocked_tasks_are_told_with_what_they_wait_for(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_cli(["-f", ".", "plan"]) == 0
    assert capsys.readouterr().out.endswith("\nblocked, in no wave: 1 task\n    T-2 waits for T-3 (Review)\n")
    assert run_cli(["-f", ".todo2", "plan", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["blocked"] == [{"task": "T-2", "waits_for": ["T-3"]}]
    assert run_cli(["-f", ".todo2", "list"]) == 0
    assert capsys.readouterr().out == "T-1  First\nT-2  (waits for T-3)\n"
    assert run_cli(["-f", ".todo2", "why-not", "T-1", "T-2"]) == 2
    assert "'T-2' is in no wave: it waits for T-3 (blocked-task)" in capsys.readouterr().err
    assert run_cli(["-f", ".todo2", "show", "T-4"]) == 2
    assert "'T-4' is no task to do: its status is Done" in capsys.readouterr().err


def test_check_tells_doubts_with_their_places(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_cli(["-f", "phases", "check", "--strict", "--format", "json"]) == 1
    problems = json.loads(capsys.readouterr().out)["problems"]
    assert [(problem["slug"], problem["severity"], problem["line"]) for problem in problems] == [
        ("write-write", "doubt", 2),
        ("unknown-dependency", "doubt", 3),
    ]
