from __future__ import annotations

import json
import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from exarp.app import export_todo2
from exarp.cli.entry import run_cli
from exarp.manifests.plans.todo2_writing import update_database, with_statuses
from tests.manifests.plans.todo2_states import Todo, write_database

MANIFEST = """\
[task.T-1]
run = "true"
[task.T-2]
run = "false"
[task.T-3]
run = "true"
[task.T-4]
run = "true"
"""
STATE = """\
{
\t"todos": [
    {"id": "T-1", "note": "\u00e4 \\u00e4", "status" :  "Todo", "completed": false, "more": {"status": "Todo"}},
    {"id": "T-2", "status": "Todo"},
    {"status": "In Progress", "id": "T-3"},  {"id": "T-4", "status": "Review"}, {"id": "T-9", "status": "Todo"}
  ],
  "version": 1.50
}
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Tasks that ran: one failed, one was not asked for."""
    (tmp_path / "exarp.toml").write_text(MANIFEST)
    (tmp_path / ".todo2").mkdir()
    (tmp_path / ".todo2/state.todo2.json").write_text(STATE)
    assert run_cli(["-C", str(tmp_path), "run", "-q", "T-1", "T-2", "T-4"]) == 1
    return tmp_path


def test_what_succeeded_is_done_and_nothing_else_is_changed(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = project / ".todo2/state.todo2.json"
    path.chmod(0o640)
    capsys.readouterr()
    assert run_cli(["-C", str(project), "export", "todo2", "-n"]) == 0
    assert capsys.readouterr().out == "T-1  Todo → Done\n1 task would be changed in .todo2/state.todo2.json\n"
    assert path.read_text() == STATE
    assert run_cli(["-C", str(project), "export", "todo2"]) == 0
    expected = STATE.replace('"status" :  "Todo", "completed": false', '"status" :  "Done", "completed": true')
    assert path.read_text() == expected
    assert path.stat().st_mode & 0o777 == 0o640
    capsys.readouterr()
    assert run_cli(["-C", str(project), "export", "todo2", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "version": 1,
        "file": ".todo2/state.todo2.json",
        "written": False,
        "changes": [],
    }
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def test_the_database_is_changed_in_one_transaction(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    todos: list[Todo] = [{"id": "T-1", "status": ""}, {"id": "T-2", "status": "Todo"}, {"id": "T-3", "status": "Todo"}]
    path = write_database(project / "todo2.db", todos)
    assert run_cli(["-C", str(project), "export", "todo2", "--to", "todo2.db"]) == 0
    with closing(sqlite3.connect(path)) as database:
        rows = database.execute("SELECT id, status, completed, version FROM tasks ORDER BY id").fetchall()
    assert rows == [("T-1", "Done", 1, 2), ("T-2", "Todo", 0, 1), ("T-3", "Todo", 0, 1)]


def test_a_database_that_was_changed_meanwhile_is_left_alone(tmp_path: Path) -> None:
    path = write_database(tmp_path / "todo2.db", [{"id": "T-1", "status": "Todo"}, {"id": "T-2", "status": "Review"}])
    assert not update_database(str(path), {"T-1": "Done", "T-2": "Done"}, {"T-1": "Todo", "T-2": "Todo"})
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("SELECT status FROM tasks ORDER BY id").fetchall() == [("Todo",), ("Review",)]


def test_a_state_that_is_changed_meanwhile_is_left_alone(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = project / ".todo2/state.todo2.json"
    find = export_todo2._changes

    def somebody_writes(*given: object) -> list[export_todo2.Change]:
        path.write_text(STATE + "\n")
        return find(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(export_todo2, "_changes", somebody_writes)
    assert run_cli(["-C", str(project), "export", "todo2"]) == 2
    assert "was changed meanwhile" in capsys.readouterr().err
    assert path.read_text() == STATE + "\n"
    assert os.listdir(path.parent) == [path.name]


def test_without_a_state_the_next_step_is_told(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_cli(["-C", str(project), "export", "todo2", "--to", "exarp.toml"]) == 2
    assert "exarp.toml holds no state of todo2" in capsys.readouterr().err


def test_a_missing_status_is_added() -> None:
    assert (
        with_statuses('[{"id": "a"}, {"id": "b"}]', "x", {"b": "Done"})
        == '[{"id": "a"}, {"id": "b", "status": "Done"}]'
    )
