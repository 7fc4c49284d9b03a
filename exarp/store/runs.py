"""What became of earlier runs, and of a task's attempts in them.

Knows the tables ``run``, ``event`` and ``attempt``. Does not know which processes live (it is told), or how
a run is resumed.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

import msgspec

from exarp.model.event import (
    AttemptFailed,
    Event,
    FreshnessReason,
    RecoveryFinished,
    RecoveryStarted,
    TaskFinished,
    TaskRetried,
    TaskStarted,
    VerifyFinished,
    VerifyStarted,
)
from exarp.store.database import Database, Row
from exarp.store.events import decoded
from exarp.store.holder import Holder
from exarp.store.holder import decoded as decoded_holder
from exarp.store.schema import first_place
from exarp.store.text import from_column, from_json, to_column

RUNNING = "running"
DIED = "died"
_COLUMNS = "run.id, started, finished, outcome, exit_code, duration_ms, command, pid, counts, first_failure, holder.who"
_TABLES = "run LEFT JOIN holder ON holder.run = run.id"
_COMMAND: msgspec.json.Decoder[tuple[str, ...]] = msgspec.json.Decoder(tuple[str, ...])
_COUNTS: msgspec.json.Decoder[dict[str, int]] = msgspec.json.Decoder(dict[str, int])
_Start = TaskStarted | VerifyStarted
_Last = TaskFinished | VerifyFinished
_End = TaskRetried | RecoveryStarted | AttemptFailed | _Last
# An attempt starts, ends, and its task may then still be cancelled.
_EVENTS_AN_ATTEMPT = 3
_NO_END = (1 << 63) - 1
# What an agent did is looked for by this and the name of what it was to mend.
_OF_AGENT = "recover "


class RunRow(msgspec.Struct, frozen=True):
    """A run. ``outcome`` is that of its last event, ``running``, or ``died``; times are RFC 3339 in UTC."""

    id: str
    started: str
    finished: str | None
    outcome: str
    exit_code: int | None
    duration_ms: int | None
    command: tuple[str, ...]
    pid: int
    counts: dict[str, int]
    first_failure: str | None


class AttemptRow(msgspec.Struct, frozen=True):
    """An attempt. ``time`` is its end, or its start where no end is stored: ``outcome`` is then ``running`` or ``died``,
    and ``duration_ms`` None, as it is of a service that went on after its run. ``log`` is the path as the event has it,
    ``reason`` why the attempt ran, ``end_reason`` how it ended where its exit status does not tell. ``then``: what its task
    came to where it waited for another attempt in vain.
    ``finally_log``: of what was printed ``finally``, after the task's last attempt. One that was restored has number 0.
    """

    task: str
    run: str
    attempt: int
    outcome: str
    time: str
    log: str | None = None
    duration_ms: int | None = None
    exit_status: int | None = None
    signal: int | None = None
    reason: FreshnessReason | None = None
    end_reason: FreshnessReason | None = None
    then: str | None = None
    finally_log: str | None = None


class RunHistory:
    """The stored runs. ``alive`` says whether somebody that is at work in the workspace lives still."""

    def __init__(self, database: Database, alive: Callable[[Holder], bool]) -> None:
        self._database = database
        self._alive = alive

    def runs(self, limit: int) -> list[RunRow]:
        """The newest ``limit`` runs, newest first."""
        return self._rows("ORDER BY run.number DESC LIMIT ?", limit)

    def running(self) -> list[RunRow]:
        """The runs that are going on, newest first."""
        found = self._rows("WHERE outcome IS NULL AND run.number > ? ORDER BY run.number DESC", 0)
        return [run for run in found if run.outcome == RUNNING]

    def latest(self) -> RunRow | None:
        """The newest run."""
        return next(iter(self.runs(1)), None)

    def find(self, run: str) -> RunRow | None:
        """The run of this id."""
        return next(iter(self._rows("WHERE run.id = ?", to_column(run))), None)

    def task_history(self, task: str, limit: int) -> list[AttemptRow]:
        """The task's newest ``limit`` attempts, newest first; runs in which it did not start have none."""
        found = self._attempts(task, self._attempt_events(task, limit * _EVENTS_AN_ATTEMPT))
        return [*self._at_work(task, found), *found][:limit]

    def attempts_in(self, run: str, task: str) -> list[AttemptRow]:
        """The task's attempts in one run, newest first; none of an unknown run."""
        numbers = self._database.fetch("SELECT number FROM run WHERE id = ?", (to_column(run),))
        if not numbers:
            return []
        start, end = first_place(numbers[0][0]), first_place(numbers[0][0] + 1)
        found = self._attempts(task, self._attempt_events(task, -1, start, end))
        return [*self._at_work(task, found, start, end), *found]

    def _attempts(self, task: str, newest_first: Iterable[Event]) -> list[AttemptRow]:
        attempts: dict[tuple[str, int], list[Event]] = {}
        for event in newest_first:
            if isinstance(event, _Start | _End):
                attempts.setdefault((event.run, event.attempt), []).append(event)
            elif isinstance(event, RecoveryFinished):
                attempts.setdefault((event.run, event.round), []).append(event)
        return [self._attempt(task, run, attempt, events) for (run, attempt), events in attempts.items()]

    def _at_work(
        self, task: str, found: Sequence[AttemptRow], start: int = 0, end: int = _NO_END
    ) -> Iterator[AttemptRow]:
        """An agent of which no end is stored, if it is one that is looked for: its beginning is its task's."""
        if not task.startswith(_OF_AGENT):
            return
        newest = next(iter(self._attempt_events(task.removeprefix(_OF_AGENT), 1, start, end)), None)
        if isinstance(newest, RecoveryStarted) and (newest.run, newest.round) not in [
            (row.run, row.attempt) for row in found
        ]:
            yield AttemptRow(task, newest.run, newest.round, self._unended(newest.run), newest.time)

    def prune(self, keep: int, spared: Collection[str] = ()) -> set[str]:
        """Delete all but the newest ``keep`` runs, and those ``spared``, with their events; the ids of the runs that are left."""
        with self._database.transaction():
            oldest = self._database.fetch("SELECT number FROM run ORDER BY number DESC LIMIT 1 OFFSET ?", (keep,))
            if oldest:
                self._delete_around(oldest[0][0], spared)
            return {from_column(row[0]) for row in self._database.fetch("SELECT id FROM run")}

    def _delete_around(self, last: int, spared: Collection[str]) -> None:
        """Delete the runs up to number ``last``, but for those ``spared``."""
        found = [self._database.fetch("SELECT number FROM run WHERE id = ?", (to_column(run),)) for run in spared]
        after = 0
        for number in sorted(rows[0][0] for rows in found if rows and rows[0][0] <= last):
            self._delete(after, number - 1)
            after = number + 1
        self._delete(after, last)

    def _delete(self, first: int, last: int) -> None:
        start, end = first_place(first), first_place(last + 1)
        # By key, from the events: `attempt` is ordered by task, and looking for old places would read it all.
        self._database.execute(
            "DELETE FROM attempt WHERE (task, place) IN"
            " (SELECT task, place FROM event WHERE place >= ? AND place < ? AND attempt > 0)",
            (start, end),
        )
        self._database.execute("DELETE FROM event WHERE place >= ? AND place < ?", (start, end))
        self._database.execute("DELETE FROM run WHERE number >= ? AND number <= ?", (first, last))

    def _rows(self, condition: str, value: str | bytes | int) -> list[RunRow]:
        return [
            self._run(row) for row in self._database.fetch(f"SELECT {_COLUMNS} FROM {_TABLES} {condition}", (value,))
        ]

    def _run(self, row: Row) -> RunRow:
        id_, started, finished, outcome, exit_code, duration_ms, command, pid, counts, first_failure, who = row
        return RunRow(
            id=from_column(id_),
            started=started,
            finished=finished,
            outcome=outcome or (RUNNING if who is not None and self._alive(decoded_holder(who)) else DIED),
            exit_code=exit_code,
            duration_ms=duration_ms,
            command=from_json(command, _COMMAND),
            pid=pid,
            counts=from_json(counts, _COUNTS) if counts else {},
            first_failure=None if first_failure is None else from_column(first_failure),
        )

    def _attempt_events(self, task: str, limit: int, start: int = 0, end: int = _NO_END) -> Iterable[Event]:
        """The task's events between two places, newest first. Runs without an outcome have no index; see ``schema``.
        ``limit`` -1: all."""
        key, indexed = to_column(task), self._end_of_index()
        rows = self._database.fetch(
            "SELECT type, payload FROM event WHERE place >= ? AND place < ? AND task = ? AND attempt > 0"
            " ORDER BY place DESC LIMIT ?",
            (max(start, indexed), end, key, limit),
        )
        # A run that ended while an older one goes on is in both.
        rows += self._database.fetch(
            "SELECT event.type, event.payload FROM attempt CROSS JOIN event ON event.place = attempt.place"
            " WHERE attempt.task = ? AND attempt.place >= ? AND attempt.place < ? ORDER BY attempt.place DESC LIMIT ?",
            (key, start, min(end, indexed), limit),
        )
        return decoded((tag, payload) for tag, payload in rows)

    def _end_of_index(self) -> int:
        """The first place that is surely not indexed."""
        first, last = self._database.fetch(
            "SELECT (SELECT min(number) FROM run WHERE outcome IS NULL), (SELECT max(number) FROM run)"
        )[0]
        return first_place(first if first is not None else (last or 0) + 1)

    def _attempt(self, task: str, run: str, attempt: int, newest_first: list[Event]) -> AttemptRow:
        if isinstance(newest_first[0], RecoveryFinished):
            return _of_agent(newest_first[0])
        reason = None
        first_end: _End | None = None
        time, last = newest_first[-1].time, newest_first[0]
        for event in newest_first:
            if isinstance(event, _Start):
                reason = event.reason
            elif isinstance(event, _End):
                # The earliest end is the attempt's; a later one is its task's: cancelled before the retry, or decided about.
                first_end = event
        if first_end is None:
            return AttemptRow(task, run, attempt, self._unended(run), time, reason=reason)
        if isinstance(first_end, TaskFinished) and first_end.outcome == "restored":
            return AttemptRow(task, run, attempt, "restored", first_end.time, first_end.log, reason=first_end.reason)
        return AttemptRow(
            task=task,
            run=run,
            attempt=attempt,
            outcome=first_end.outcome if isinstance(first_end, _Last) else "failed",
            time=first_end.time,
            log=first_end.log,
            duration_ms=None if _goes_on(first_end) else first_end.duration_ms,
            exit_status=first_end.exit_status,
            signal=first_end.signal,
            reason=reason,
            end_reason=first_end.reason,
            then=last.outcome if isinstance(last, _Last) and last is not first_end else None,
            finally_log=last.finally_log if isinstance(last, TaskFinished) else None,
        )

    def _unended(self, run: str) -> str:
        row = self.find(run)
        return RUNNING if row is not None and row.outcome == RUNNING else DIED


def _of_agent(event: RecoveryFinished) -> AttemptRow:
    """What an agent did, told as an attempt."""
    return AttemptRow(
        task=_OF_AGENT + event.task,
        run=event.run,
        attempt=event.round,
        outcome="passed" if event.outcome == "tried" else "failed",
        time=event.time,
        log=event.log,
        duration_ms=event.duration_ms,
        exit_status=event.exit_status,
    )


def broken_off(database: Database) -> str | None:
    """When the first run began (RFC 3339) of which no end is stored: it goes on, or it was killed, or the machine went down."""
    rows = database.fetch("SELECT started FROM run WHERE outcome IS NULL ORDER BY number LIMIT 1")
    return rows[0][0] if rows else None


def newest_end(database: Database) -> str | None:
    """When the last run to end did so (RFC 3339)."""
    finished: str | None = database.fetch("SELECT max(finished) FROM run")[0][0]
    return finished


def _goes_on(end: _End) -> bool:
    """Whether an end is that of a service's task, and not of the service."""
    return end.reason is not None and end.reason.code == "kept"
