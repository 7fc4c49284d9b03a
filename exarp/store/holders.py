"""The table ``holder``: who is at work in a workspace, and what each has taken for itself.

Knows how runs get their numbers, and which tasks of a run have ended. Does not know who lives, nor what the claims mean.

What a run holds by now is what it took, without the tasks of which an event says that they have ended: so letting a task go
costs nothing beyond the event.
"""

from __future__ import annotations

from collections.abc import Collection

import msgspec

from exarp.store.database import Database, Row
from exarp.store.events import EventLog
from exarp.store.holder import Holder, decoded, encoded
from exarp.store.schema import first_place
from exarp.store.text import from_column, from_json, to_column, to_json

_NEXT = (
    "SELECT max(coalesce((SELECT max(CAST(id AS INTEGER)) FROM run), 0),"
    " coalesce((SELECT max(CAST(run AS INTEGER)) FROM holder), 0)) + 1"
)
_ENDED = "SELECT max(place), max(type = 'task_finished' AND task IS ?) FROM event WHERE place >= ? AND place < ?"
_ENDS = "FROM event WHERE place >= ? AND place < ? AND type = 'task_finished'"


class HolderRow(msgspec.Struct, frozen=True):
    """Somebody at work. ``number``: none is used twice. ``run``: its id; empty where it makes none."""

    number: int
    run: str
    holder: Holder


class WaiterRow(msgspec.Struct, frozen=True):
    """Somebody who waits for run ``held_by``, as a part of the runs ``inside``, none of which can end before that."""

    number: int
    holder: Holder
    inside: tuple[str, ...]
    held_by: str


class Holders:
    """Who is in the table. What changes it is to be in a transaction with the look that it rests on."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def rows(self) -> list[HolderRow]:
        """Everybody, dead ones included, in the order that they came."""
        return [_row(row) for row in self._database.fetch("SELECT number, run, who FROM holder ORDER BY number")]

    def claims(self, number: int) -> bytes | None:
        """What somebody took, as it was given; None where nobody has that number any more."""
        rows = self._database.fetch("SELECT claims FROM holder WHERE number = ?", (number,))
        return rows[0][0] if rows else None

    def add(self, holder: Holder, claims: bytes, is_run: bool) -> HolderRow:
        """Put somebody in; with ``is_run`` under the id of a new run."""
        run = str(self._database.fetch(_NEXT)[0][0]) if is_run else ""
        self._database.execute(
            "INSERT INTO holder (run, who, claims) VALUES (?, ?, ?)", (run or None, encoded(holder), claims)
        )
        return HolderRow(self._database.fetch("SELECT last_insert_rowid()")[0][0], run, holder)

    def replace(self, number: int, claims: bytes) -> None:
        """Somebody has taken something else."""
        self._database.execute("UPDATE holder SET claims = ? WHERE number = ?", (claims, number))

    def remove(self, row: HolderRow) -> None:
        """Somebody is gone. A run of which no end is stored counts as one that died."""
        with self._database.transaction():
            self._database.execute("DELETE FROM holder WHERE number = ?", (row.number,))
            if row.run:
                EventLog(self._database).died(row.run)

    def waiters(self) -> list[WaiterRow]:
        """Who waits within runs of their own, dead ones included."""
        rows = self._database.fetch("SELECT number, who, inside, held_by FROM waiter ORDER BY number")
        return [
            WaiterRow(number, decoded(who), from_json(inside, msgspec.json.Decoder(tuple[str, ...])), held_by)
            for number, who, inside, held_by in rows
        ]

    def wait(self, holder: Holder, inside: Collection[str], held_by: str) -> int:
        """Write down that somebody waits; the number by which that is taken back."""
        sql = "INSERT INTO waiter (who, inside, held_by) VALUES (?, ?, ?)"
        self._database.execute(sql, (encoded(holder), to_json(tuple(inside)), held_by))
        return int(self._database.fetch("SELECT last_insert_rowid()")[0][0])

    def go_on(self, number: int) -> None:
        """Somebody waits no longer."""
        self._database.execute("DELETE FROM waiter WHERE number = ?", (number,))

    def is_newest(self, number: int) -> bool:
        """Whether nobody has come since."""
        rows = self._database.fetch("SELECT seq FROM sqlite_sequence WHERE name = 'holder'")
        return bool(rows) and rows[0][0] == number

    def ended(self, run: str) -> set[str]:
        """The tasks of a run that have ended."""
        places = _places(self._database, run)
        rows = self._database.fetch(f"SELECT task {_ENDS}", places) if places is not None else []
        return {from_column(row[0]) for row in rows}


class Ends:
    """Waits for the end of one task of a run; each look goes on where the last one came to."""

    def __init__(self, database: Database, run: str, task: str) -> None:
        self._database = database
        self._run = run
        self._task = to_column(task)
        self._from = 0

    def has_come(self) -> bool:
        """Whether it is stored by now."""
        places = _places(self._database, self._run)
        if places is None:
            return False
        start, end = max(self._from, places[0]), places[1]
        last, found = self._database.fetch(_ENDED, (self._task, start, end))[0]
        self._from = start if last is None else last + 1
        return bool(found)


def _places(database: Database, run: str) -> tuple[int, int] | None:
    """Where the events of a run begin and end; None of one that has not begun."""
    numbers = database.fetch("SELECT number FROM run WHERE id = ?", (run,)) if run else []
    return (first_place(numbers[0][0]), first_place(numbers[0][0] + 1)) if numbers else None


def _row(row: Row) -> HolderRow:
    return HolderRow(row[0], row[1] or "", decoded(row[2]))
