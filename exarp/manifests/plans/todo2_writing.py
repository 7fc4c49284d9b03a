"""Statuses of todo2's tasks, written back: into the text of its JSON, or into its database.

Knows how to change a status and leave all else as it is. Does not know what the statuses should be, nor when to write.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from typing import Any
from urllib.parse import quote

from exarp.manifests.notations import json as notation
from exarp.manifests.plans.todo2 import entries_of
from exarp.manifests.problems.positions import Positions

# The numbers that later versions of the database keep beside the words.
_NUMBERS = {"In Progress": 2, "Done": 4}
_SET = {
    "status": ":status",
    "status_enum": ":number",
    "completed": ":completed",
    "last_modified": "strftime('%Y-%m-%dT%H:%M:%SZ', 'now')",
    "last_modified_ts": "CAST(strftime('%s', 'now') AS INTEGER)",
    "updated_at": "CAST(strftime('%s', 'now') AS INTEGER)",
    "version": "version + 1",
}
_SET_DONE = {
    "completed_at": _SET["last_modified"],
    "completed_at_ts": _SET["last_modified_ts"],
}


def with_statuses(text: str, file: str, statuses: Mapping[str, str]) -> str:
    """The text of a state with other statuses, by identifier; all else stays, but for a ``completed`` beside them.

    Raises ManifestError where the text is no state.
    """
    key, entries = entries_of(text, file)
    positions = notation.scan(text)
    starts = [0, *(newline.end() for newline in re.finditer("\n", text))]
    edits: list[tuple[int, int, str]] = []
    left = dict(statuses)
    for number, entry in enumerate(entries):
        status = left.pop(str(entry.get("id")).strip(), None) if isinstance(entry, dict) else None
        if status is None:
            continue
        at: tuple[str | int, ...] = (*key, number)
        if "status" in entry:
            edits.append((*_extent(positions, starts, (*at, "status")), json.dumps(status)))
        else:
            end = _extent(positions, starts, (*at, "id"))[1]
            edits.append((end, end, f', "status": {json.dumps(status)}'))
        if isinstance(entry.get("completed"), bool):
            edits.append((*_extent(positions, starts, (*at, "completed")), json.dumps(status == "Done")))
    for start, end, written in sorted(edits, reverse=True):
        text = text[:start] + written + text[end:]
    return text


def _extent(positions: Positions, starts: list[int], path: tuple[str | int, ...]) -> tuple[int, int]:
    span = positions.value(path)
    assert span is not None, "the same text was read"
    start = starts[span.line - 1] + span.column - 1
    return start, start + span.length


def update_database(path: str, statuses: Mapping[str, str], before: Mapping[str, str]) -> bool:
    """Set statuses, by identifier, in one transaction; False, and nothing is written, where one is not what it was ``before``.

    Raises sqlite3.Error.
    """
    with closing(sqlite3.connect(f"file:{quote(path)}?mode=rw", uri=True, isolation_level=None, timeout=5)) as database:
        database.execute("BEGIN IMMEDIATE")
        present = {row[1] for row in database.execute("PRAGMA table_info(tasks)")}
        for identifier, status in statuses.items():
            row = database.execute("SELECT status FROM tasks WHERE id = ?", (identifier,)).fetchone()
            if row is None or (row[0] or "") != before[identifier]:
                database.execute("ROLLBACK")
                return False
            done = status == "Done"
            columns = {name: value for name, value in (_SET | (_SET_DONE if done else {})).items() if name in present}
            values: dict[str, Any] = {
                "status": status,
                "number": _NUMBERS[status],
                "completed": int(done),
                "id": identifier,
            }
            assignments = ", ".join(
                f"{name} = {value}" for name, value in columns.items()
            )  # names and values of our own
            database.execute(f"UPDATE tasks SET {assignments} WHERE id = :id", values)
        database.execute("COMMIT")
    return True
