"""todo2's database, read without a lock and without leaving a trace.

Knows its tables. The one reader of manifests that opens a file itself: SQLite reads no bytes from elsewhere.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any
from urllib.parse import quote

from exarp.errors import ManifestError, Place, Problem
from exarp.manifests.plans.backlog import Item
from exarp.manifests.plans.todo2 import item_of

_COLUMNS = ("id", "name", "content", "long_description", "status", "priority", "completed", "parent_id")
_BESIDE = ("-wal", "-journal")
# Somebody may write while it is copied; a copy that is torn is made again.
_TRIES = 5


def items_of_database(path: str, file: str) -> list[Item]:
    """The items of a state in SQLite. ``file``: how messages name it. Raises ManifestError where it cannot be read."""
    for attempt in range(1, _TRIES + 1):
        before = _stamp(path)
        try:
            with _opened(path) as database:
                found = list(_items(database, file))
        except (sqlite3.Error, OSError) as error:
            if attempt == _TRIES:
                raise _unreadable(file, str(error)) from None
        else:
            if _stamp(path) == before or attempt == _TRIES:
                return found
    raise AssertionError("the last try returns or raises")


def _stamp(path: str) -> list[tuple[int, int]]:
    found = []
    for name in (path, *(path + suffix for suffix in _BESIDE)):
        try:
            status = os.stat(name)
        except OSError:
            found.append((0, 0))
        else:
            found.append((status.st_mtime_ns, status.st_size))
    return found


@contextmanager
def _opened(path: str) -> Iterator[sqlite3.Connection]:
    """The database, for reading. Where some of it stands in files beside it, a copy of all of them: what SQLite does to bring
    them together is done to that."""
    beside = [suffix for suffix in _BESIDE if os.path.exists(path + suffix) and os.path.getsize(path + suffix)]
    if not beside:
        with closing(_connect(path, "mode=ro&immutable=1")) as database:
            yield database
        return
    with tempfile.TemporaryDirectory(prefix="exarp-") as folder:
        copy = os.path.join(folder, "todo2.db")
        for suffix in ("", *beside):
            shutil.copyfile(path + suffix, copy + suffix)
        with closing(_connect(copy, "mode=rw")) as database:
            yield database


def _connect(path: str, how: str) -> sqlite3.Connection:
    database = sqlite3.connect(f"file:{quote(os.path.abspath(path))}?{how}", uri=True)
    database.text_factory = _text
    return database


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")


def _items(database: sqlite3.Connection, file: str) -> Iterator[Item]:
    present = {row[1] for row in database.execute("PRAGMA table_info(tasks)")}
    if "id" not in present:
        raise _unreadable(file, "it has no table of tasks")
    columns = [column for column in _COLUMNS if column in present]
    dependencies = _pairs(database, "task_dependencies", "depends_on_id")
    tags = _pairs(database, "task_tags", "tag")
    for row in database.execute(f"SELECT {', '.join(columns)} FROM tasks ORDER BY rowid"):  # names of our own
        entry: dict[str, Any] = dict(zip(columns, row, strict=True))
        identifier = str(entry["id"])
        yield item_of({**entry, "dependencies": dependencies.get(identifier, []), "tags": tags.get(identifier, [])})


def _pairs(database: sqlite3.Connection, table: str, column: str) -> dict[str, list[str]]:
    """Rows of a table by task; none where there is no such table."""
    found: dict[str, list[str]] = {}
    if {row[1] for row in database.execute(f"PRAGMA table_info({table})")} >= {"task_id", column}:
        for task, other in database.execute(f"SELECT task_id, {column} FROM {table} ORDER BY rowid"):
            found.setdefault(str(task), []).append(str(other))
    return found


def _unreadable(file: str, why: str) -> ManifestError:
    step = "name a database of todo2, or its state.todo2.json"
    return ManifestError(Problem("unreadable", f"{file} cannot be read: {why}", Place(file, 1, 1), step))
