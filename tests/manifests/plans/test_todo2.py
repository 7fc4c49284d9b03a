from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings

from exarp.app.opening.examining import examine
from exarp.app.opening.project import Project
from exarp.errors import ManifestError
from exarp.planning.planner import make_plan
from exarp.planning.selection import all_targets
from tests.effort import tries
from tests.manifests.plans.todo2_states import Todo, plain_backlog, states, write_database, write_json

CONTROL = r"a name cannot contain the control character '\x1b'"


def project(path: Path) -> Project:
    found, problems = examine(str(path.parent), str(path), {})
    assert problems == []
    return found


def planned(found: Project) -> tuple[list[list[str]], dict[str, list[str]]]:
    plan = make_plan(found.manifest, found.graph, all_targets(found.manifest))
    waves = [[plan.names[task] for task in wave.tasks] for wave in plan.waves]
    return waves, {plan.names[task]: list(names) for task, names in plan.blocked}


@settings(max_examples=tries(80))
@given(states())
def test_waves_are_those_of_a_plain_implementation_in_both_forms(
    tmp_path_factory: pytest.TempPathFactory, todos: list[Todo]
) -> None:
    folder = tmp_path_factory.mktemp("todo2")
    expected = plain_backlog(todos)
    as_json = project(write_json(folder / "state.todo2.json", todos))
    assert planned(as_json) == expected
    as_database = project(write_database(folder / "todo2.db", todos))
    assert planned(as_database) == expected
    assert as_json.manifest.tasks == as_database.manifest.tasks


def test_a_done_need_never_delays_and_a_done_one_between_two_ends_the_chain(tmp_path: Path) -> None:
    todos: list[Todo] = [
        {"id": "T-1", "status": "Todo"},
        {"id": "T-2", "status": "Done", "dependencies": ["T-1"]},
        {"id": "T-3", "status": "In Progress", "dependencies": ["T-2"], "parent_id": "T-4"},
        {"id": "T-4", "status": "Cancelled"},
    ]
    assert planned(project(write_json(tmp_path / "state.todo2.json", todos))) == ([["T-1", "T-3"]], {})


def test_a_parent_orders_like_a_need(tmp_path: Path) -> None:
    todos: list[Todo] = [{"id": "T-1", "status": "Todo", "parent_id": "T-2"}, {"id": "T-2", "status": "Todo"}]
    found = project(write_json(tmp_path / "state.todo2.json", todos))
    assert planned(found)[0] == [["T-2"], ["T-1"]]
    assert {task.name: task.parent for task in found.manifest.tasks} == {"T-1": "T-2", "T-2": ""}


@pytest.mark.parametrize("named", ["state.todo2.json", ".", ".."])
def test_a_state_is_named_by_its_file_or_a_folder(tmp_path: Path, named: str) -> None:
    (tmp_path / ".git").mkdir()
    folder = tmp_path / ".todo2"
    folder.mkdir()
    write_json(folder / "state.todo2.json", [{"id": "T-1", "status": "Todo"}])
    found, _ = examine(str(tmp_path), os.path.normpath(folder / named), {})
    assert (found.root, [task.name for task in found.manifest.tasks]) == (str(tmp_path), ["T-1"])


def test_what_is_odd_is_told_with_its_place(tmp_path: Path) -> None:
    todos: list[Todo] = [
        {"id": "T-1", "status": "Todo", "dependencies": ["T-9"], "parent_id": "T-8"},
        {"id": "T-1", "status": "Todo"},
        {"id": "fix\x1b[1m: it", "status": "Todo", "dependencies": "T-1", "tags": None},
        {"id": None, "status": "Todo"},
        {"id": 7, "priority": ["high"]},
        "T-3",  # type: ignore[list-item]
    ]
    found = project(write_json(tmp_path / "state.todo2.json", todos))
    assert [task.name for task in found.manifest.tasks] == ["7", "T-1", "fix-[1m--it"]
    told = [(remark.slug, remark.place.line, remark.message) for remark in found.remarks if remark.place]
    assert told == [
        ("unknown-dependency", 7, "task 'T-1' depends on 'T-9', which does not exist: it is left out"),
        ("unknown-dependency", 9, "task 'T-1' is a part of 'T-8', which does not exist: it is left out"),
        ("plan-name", 11, "the id 'T-1' stands twice: the first one counts"),
        (
            "plan-name",
            16,
            r"task 'fix\x1b[1m: it' is called 'fix-[1m--it' here: a name cannot contain the control character '\x1b'",
        ),
        ("plan-name", 21, "this item has no id: it is left out"),
        ("plan-name", 31, "this is no task: it is left out"),
    ]


def test_cycles_are_refused_whole_with_every_edge(tmp_path: Path) -> None:
    todos: list[Todo] = [
        {"id": "T-1", "status": "Todo", "dependencies": ["T-2"]},
        {"id": "T-2", "status": "Todo", "dependencies": ["T-1"]},
        {"id": "T-3", "status": "Done", "dependencies": ["T-4"]},
        {"id": "T-4", "status": "Done", "dependencies": ["T-3"]},
        {"id": "T-5", "status": "Todo", "dependencies": ["T-5"]},
    ]
    _, problems = examine(str(tmp_path), str(write_json(tmp_path / "a.todo2.json", todos)), {})
    assert [(problem.slug, [edge.place.line for edge in problem.related]) for problem in problems] == [
        ("cycle", [7, 14]),
        ("self-need", []),
    ]


@pytest.mark.parametrize("text", ["", "{", "[1, 2", '{"todos": 3}', '"x"', "\xff"])
def test_what_is_no_state_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "state.todo2.json"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(ManifestError) as raised:
        examine(str(tmp_path), str(path), {})
    assert all(problem.place and problem.next for problem in raised.value.problems)


@pytest.mark.parametrize("data", [b"", b"SQLite format 3\0", b"no database at all" * 200])
def test_what_is_no_database_is_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "todo2.db"
    path.write_bytes(data)
    with pytest.raises(ManifestError) as raised:
        examine(str(tmp_path), str(path), {})
    assert [problem.slug for problem in raised.value.problems] == ["unreadable"]


def test_reading_a_database_leaves_no_trace_and_sees_what_is_not_in_the_file_yet(tmp_path: Path) -> None:
    path = write_database(tmp_path / "todo2.db", [{"id": "T-1", "status": "Todo"}], wal=True)
    with closing(sqlite3.connect(path)) as writer:
        writer.execute("INSERT INTO tasks (id, status, created) VALUES ('T-2', 'Todo', 'now')")
        writer.commit()
        before = {each.name: each.read_bytes() for each in tmp_path.iterdir()}
        assert "todo2.db-wal" in before
        assert [task.name for task in project(path).manifest.tasks] == ["T-1", "T-2"]
        assert {each.name: each.read_bytes() for each in tmp_path.iterdir()} == before
        # Somebody who writes does not keep a reader waiting.
        writer.execute("BEGIN IMMEDIATE")
        assert [task.name for task in project(path).manifest.tasks] == ["T-1", "T-2"]
    assert [task.name for task in project(path).manifest.tasks] == ["T-1", "T-2"]
    assert [each.name for each in tmp_path.iterdir()] == ["todo2.db"]
