"""States of todo2, made up; as JSON and as its database."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

Todo = dict[str, Any]

STATUSES = [*"Todo pending working Done DONE Cancelled Blocked Review someday in_progress".split(), "", "In Progress"]
PRIORITIES = ["critical", "urgent", "high", "medium", "", "low", "whenever", "High"]

# As exarp-go makes it, without what nobody reads.
TABLES = """
CREATE TABLE tasks (id TEXT PRIMARY KEY, name TEXT, content TEXT, long_description TEXT, status TEXT NOT NULL DEFAULT 'Todo',
    priority TEXT, completed INTEGER DEFAULT 0, created TEXT NOT NULL, metadata TEXT, parent_id TEXT, version INTEGER DEFAULT 1);
CREATE TABLE task_tags (task_id TEXT NOT NULL, tag TEXT NOT NULL, PRIMARY KEY (task_id, tag));
CREATE TABLE task_dependencies (task_id TEXT NOT NULL, depends_on_id TEXT NOT NULL, PRIMARY KEY (task_id, depends_on_id));
"""


def write_json(path: Path, todos: list[Todo]) -> Path:
    path.write_text(json.dumps({"todos": todos}, indent=2))
    return path


def write_database(path: Path, todos: list[Todo], wal: bool = False) -> Path:
    with closing(sqlite3.connect(path)) as database:
        if wal:
            database.execute("PRAGMA journal_mode=WAL")
        database.executescript(TABLES)
        for todo in todos:
            row = (
                todo["id"],
                todo.get("content"),
                todo["status"],
                todo.get("priority"),
                "now",
                todo.get("parent_id", ""),
            )
            database.execute(
                "INSERT INTO tasks (id, content, status, priority, created, parent_id) VALUES (?, ?, ?, ?, ?, ?)", row
            )
            for need in dict.fromkeys(todo.get("dependencies", ())):
                database.execute("INSERT INTO task_dependencies VALUES (?, ?)", (todo["id"], need))
        database.commit()
    return path


@st.composite
def states(draw: st.DrawFn) -> list[Todo]:
    """States without cycles: an item depends on earlier ones, whatever their names."""
    ids = draw(st.lists(st.from_regex(r"T-[0-9]{1,3}", fullmatch=True), unique=True, max_size=12))
    todos: list[Todo] = []
    for number, identifier in enumerate(ids):
        before = ids[:number]
        todo: Todo = {
            "id": identifier,
            "content": f"Do {identifier}",
            "status": draw(st.sampled_from(STATUSES)),
            "priority": draw(st.sampled_from(PRIORITIES)),
            "dependencies": draw(st.lists(st.sampled_from(before), unique=True, max_size=3)) if before else [],
        }
        if before and draw(st.booleans()):
            todo["parent_id"] = draw(st.sampled_from(before))
        todos.append(todo)
    return draw(st.permutations(todos))


def plain_backlog(todos: list[Todo]) -> tuple[list[list[str]], dict[str, list[str]]]:
    """The waves, and what is blocked with the held ones that it waits for: the contract again, as plainly as can be."""
    by_id = {todo["id"]: todo for todo in todos}

    def standing(todo: Todo) -> str:
        status = todo["status"].lower().replace("_", " ")
        if status in ("", "todo", "pending", "new", "in progress", "working", "active"):
            return "open"
        return "done" if status in ("done", "cancelled") else "held"

    def needs(identifier: str) -> list[str]:
        todo = by_id[identifier]
        return [each for each in (*todo.get("dependencies", ()), todo.get("parent_id")) if each in by_id]

    def held(identifier: str) -> set[str]:
        found = set()
        for need in needs(identifier):
            if standing(by_id[need]) == "held":
                found.add(need)
            elif standing(by_id[need]) == "open":
                found |= held(need)
        return found

    backlog = [todo["id"] for todo in todos if standing(todo) == "open"]
    blocked = {identifier: sorted(held(identifier)) for identifier in backlog if held(identifier)}
    left = {identifier for identifier in backlog if identifier not in blocked}
    ranks = {"critical": 0, "urgent": 0, "highest": 0, "high": 1, "medium": 2, "": 2, "low": 3}

    def rank(identifier: str) -> tuple[int, str]:
        return ranks.get(by_id[identifier].get("priority", "").lower(), 4), identifier

    waves = []
    while left:
        wave = sorted((each for each in left if not left.intersection(needs(each))), key=rank)
        waves.append(wave)
        left -= set(wave)
    return waves, blocked
