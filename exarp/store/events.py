"""The stored stream: events in, events out.

Knows which events are stored (all but ``task_output``, whose text is in the logs) and what of them becomes a
column. Does not know when a run may begin, or who gives events their ``seq`` and ``time``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from functools import cache
from typing import get_args

import msgspec

from exarp.errors import DefectError, Problem
from exarp.model.event import Event, RecoveryFinished, RunFinished, RunStarted, TaskFinished, TaskOutput
from exarp.store.database import Database
from exarp.store.schema import first_place
from exarp.store.text import from_json, to_column, to_json

_INSERT = "INSERT INTO event (place, type, task, attempt, payload) VALUES (?, ?, ?, ?, ?)"
_TAGS: dict[type, str] = {kind: str(kind.__struct_config__.tag) for kind in get_args(Event)}
_KNOWN = frozenset(_TAGS.values())
_EventRow = tuple[int, str, str | bytes | None, int | None, bytes]


@cache
def _decoder() -> msgspec.json.Decoder[Event]:
    """Made when something is read, which most runs do not."""
    return msgspec.json.Decoder(Event)


class EventLog:
    """The events of all runs. A write is committed when its call returns, or with the transaction around it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._numbers: dict[str, int] = {}
        self._rollbacks = database.rollbacks

    def begin(self, event: RunStarted) -> None:
        """Store a new run with its first event. ``sqlite3.IntegrityError`` if there is a run of this id."""
        with self._database.transaction():
            self._database.execute(
                "INSERT INTO run (id, started, command, pid) VALUES (?, ?, ?, ?)",
                (to_column(event.run), event.time, to_json(event.command), event.pid),
            )
            self.append((event,))

    def append(self, events: Sequence[Event]) -> None:
        """Store the events in one transaction. ``sqlite3.IntegrityError`` where a ``seq`` is taken already."""
        rows = [self._row(event) for event in events if not isinstance(event, TaskOutput)]
        if len(rows) == 1:
            # One statement is a transaction of its own, and spares the two around it.
            self._database.execute(_INSERT, rows[0])
        elif rows:
            self._database.execute_each(_INSERT, rows)

    def finish(self, event: RunFinished) -> None:
        """Store a run's last event and its outcome."""
        with self._database.transaction():
            self.append((event,))
            number = self._number(event.run)
            first_failure = None if event.first_failure is None else to_column(event.first_failure)
            self._database.execute(
                "UPDATE run SET finished = ?, outcome = ?, exit_code = ?, duration_ms = ?, counts = ?,"
                " first_failure = ? WHERE number = ?",
                (
                    event.time,
                    event.outcome,
                    event.exit_code,
                    event.duration_ms,
                    to_json(event.counts),
                    first_failure,
                    number,
                ),
            )
            self._index(number)

    def died(self, run: str) -> None:
        """Whoever carried a run out is gone: if no end of it is stored, there will be none. Nothing for an unknown run."""
        with self._database.transaction():
            rows = self._database.fetch("SELECT number FROM run WHERE id = ? AND outcome IS NULL", (to_column(run),))
            for (number,) in rows:
                self._database.execute("UPDATE run SET outcome = 'died' WHERE number = ?", (number,))
                self._index(number)

    def read(self, run: str, since: int = 0, limit: int = -1) -> list[Event]:
        """The run's stored events with a ``seq`` above ``since``, in order, at most ``limit`` (-1: all); none of an unknown
        run."""
        number = self._known_number(run)
        if number is None:
            return []
        rows = self._database.fetch(
            "SELECT type, payload FROM event WHERE place > ? AND place < ? ORDER BY place LIMIT ?",
            (first_place(number) + since, first_place(number + 1), limit),
        )
        return decoded((tag, payload) for tag, payload in rows)

    def read_kinds(self, run: str, kinds: Collection[type[Event]]) -> list[Event]:
        """The run's stored events of some kinds, in order; none of an unknown run."""
        number = self._known_number(run)
        if number is None:
            return []
        tags = [_TAGS[kind] for kind in kinds]
        rows = self._database.fetch(
            f"SELECT type, payload FROM event WHERE place >= ? AND place < ? AND type IN ({', '.join('?' * len(tags))})"
            " ORDER BY place",
            (first_place(number), first_place(number + 1), *tags),
        )
        return decoded((tag, payload) for tag, payload in rows)

    def _row(self, event: Event) -> _EventRow:
        task = getattr(event, "task", None)
        attempt = getattr(event, "attempt", None)
        if isinstance(event, TaskFinished) and event.outcome == "restored":
            # It counts as one: it has a log, and who asks for a task's history wants to see it.
            attempt = 1
        elif isinstance(event, RecoveryFinished):
            # What the agent printed is looked for by a name of its own.
            task, attempt = f"recover {task}", event.round
        return (
            first_place(self._number(event.run)) + event.seq,
            _TAGS[type(event)],
            None if task is None else to_column(task),
            attempt,
            to_json(event),
        )

    def _number(self, run: str) -> int:
        number = self._known_number(run)
        if number is None:
            raise DefectError(Problem("store-defect", f"an event of run {run!r}, which has not begun"))
        return number

    def _known_number(self, run: str) -> int | None:
        if self._rollbacks != self._database.rollbacks:
            # The beginning of a run may have been undone.
            self._rollbacks = self._database.rollbacks
            self._numbers.clear()
        if run not in self._numbers:
            rows = self._database.fetch("SELECT number FROM run WHERE id = ?", (to_column(run),))
            if not rows:
                return None
            self._numbers[run] = rows[0][0]
        return self._numbers[run]

    def _index(self, number: int) -> None:
        # In the order of the index: inserting in the order of events costs a seek a row.
        self._database.execute(
            "INSERT OR IGNORE INTO attempt (task, place) SELECT task, place FROM event"
            " WHERE place >= ? AND place < ? AND attempt > 0 ORDER BY task, place",
            (first_place(number), first_place(number + 1)),
        )


def decoded(rows: Iterable[tuple[str, bytes]]) -> list[Event]:
    """The events of stored (type, payload) rows.

    A type that this exarp does not know was stored by a later one with the same tables; no view of this one
    could show it, so it is left out.
    """
    decoder = _decoder()
    return [from_json(payload, decoder) for tag, payload in rows if tag in _KNOWN]
