"""The last success of each task, and how long it took.

Knows a task's name, its record (bytes that only their writer understands) and milliseconds.
Does not know what makes a record stale.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from exarp.store.database import Database, Row
from exarp.store.text import from_column, to_column


class Successes:
    """One record for each task. A write is committed on return, or with the transaction around it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def load(self, tasks: Collection[str] | None = None) -> dict[str, bytes]:
        """Record by task, of all tasks or of those given that have one."""
        rows = self._fetch("SELECT task, record FROM success WHERE record IS NOT NULL", tasks)
        return {from_column(task): record for task, record in rows}

    def put(self, task: str, record: bytes, duration_ms: int | None = None) -> None:
        """Store a task's success in place of the one before. None for the duration keeps the known one."""
        self.put_each([(task, record, duration_ms)])

    def put_each(self, successes: Sequence[tuple[str, bytes, int | None]]) -> None:
        """As ``put``, for several; of one task in their order."""
        self._database.execute_each(
            "INSERT INTO success (task, record, duration_ms) VALUES (?, ?, ?) ON CONFLICT (task) DO UPDATE"
            " SET record = excluded.record, duration_ms = coalesce(excluded.duration_ms, duration_ms)",
            [(to_column(task), record, duration_ms) for task, record, duration_ms in successes],
        )

    def forget(self, tasks: Collection[str]) -> None:
        """Remember no success of these tasks, but how long they took."""
        for task in tasks:
            self._database.execute("UPDATE success SET record = NULL WHERE task = ?", (to_column(task),))

    def forget_guards(self) -> None:
        """Remember of no verification that it went well, and of no checkpoint that somebody let it pass: their names have white
        space, as no task's has."""
        self._database.execute("UPDATE success SET record = NULL WHERE instr(task, ' ') > 0 AND record IS NOT NULL", ())

    def durations(self, tasks: Collection[str] | None = None) -> dict[str, int]:
        """Milliseconds of the last success that was measured, of all tasks or of those given."""
        rows = self._fetch("SELECT task, duration_ms FROM success WHERE duration_ms IS NOT NULL", tasks)
        return {from_column(task): duration_ms for task, duration_ms in rows}

    def _fetch(self, sql: str, tasks: Collection[str] | None) -> list[Row]:
        if tasks is None:
            return self._database.fetch(sql)
        return self._database.fetch_among(f"{sql} AND task IN", [to_column(task) for task in tasks])
