"""What is remembered with the events of a run: records of successes, and of what makes them doubtful.

Knows which event each record is committed with. Does not know what is in one (the checker does, and ``guards``).
"""

from __future__ import annotations

import msgspec

from exarp.app.freshness.checker import Checker
from exarp.app.running.artifacts import Artifacts
from exarp.app.running.guards import Guards
from exarp.app.running.stream import Stream
from exarp.model.event import (
    AttemptFailed,
    CheckpointReached,
    Event,
    QuestionAnswered,
    RecoveryFinished,
    RecoveryStarted,
    TaskFinished,
    TaskRetried,
    TaskStarted,
    VerifyFinished,
    VerifyStarted,
)
from exarp.planning.freshness import Record


class Remembering:
    """Of one run. ``artifacts``: None where none are used."""

    def __init__(self, stream: Stream, checker: Checker, artifacts: Artifacts | None, guards: Guards) -> None:
        self._stream = stream
        self._checker = checker
        self._artifacts = artifacts
        self._guards = guards
        # Whether the next start would hide an earlier success if it were not in the ledger.
        self.is_pressing = False
        # Verifications of files that tasks had read before an agent changed them: nobody knows whether what these made is well.
        self._ahead_of_tasks: set[str] = set()
        # With the duration where it is not that of the end that is told.
        self._records: dict[str, tuple[Record, int | None]] = {}

    def keep(self, task: str, record: Record, duration_ms: int | None = None) -> None:
        """Keep the record of a success until its end is told. ``duration_ms``: where it is not that of the end."""
        self._records[task] = (record, duration_ms)

    def told(self, event: Event) -> None:
        """Store what is to be remembered with an event that is about to be told."""
        # In the order of how often they come.
        if isinstance(event, TaskStarted):
            # In the ledger before the process exists: exarp may be killed before it sees the end.
            record = self._checker.started(event.task) if event.attempt == 1 else None
            if record is not None:
                self.is_pressing = True
                self._stream.record(event.task, msgspec.msgpack.encode(record), None)
        elif isinstance(event, (TaskFinished, TaskRetried, RecoveryStarted, AttemptFailed)):
            self._record(event)
        elif isinstance(event, VerifyStarted):
            # Whatever went well before does not count any more, also if nobody sees the end.
            self._stream.record(*self._guards.doubted(event.task), None)
        elif isinstance(event, VerifyFinished):
            if event.outcome == "passed" and event.task not in self._ahead_of_tasks:
                self._pass(event.task)
        elif isinstance(event, RecoveryFinished):
            if event.outdated:
                self._ahead_of_tasks.add(event.task)
        elif isinstance(event, CheckpointReached) and event.waits:
            self._stream.record(*self._guards.doubted(event.task), None)
        elif isinstance(event, CheckpointReached) or (
            isinstance(event, QuestionAnswered) and event.answer == "continue"
        ):
            self._pass(event.task)

    def _pass(self, guard: str) -> None:
        self._stream.record(*self._guards.passed(guard), None)

    def _record(self, event: TaskFinished | TaskRetried | RecoveryStarted | AttemptFailed) -> None:
        """Keep what is to be remembered of a task with the end that it belongs to: they are committed together."""
        if (kept := self._records.pop(event.task, None)) is not None:
            record, duration_ms = kept
            duration_ms = event.duration_ms if duration_ms is None else duration_ms
            self._stream.record(event.task, msgspec.msgpack.encode(record), duration_ms)
        elif event.attempt and (not isinstance(event, TaskFinished) or event.outcome in ("failed", "skipped")):
            if event.task in self._guards:
                return
            if (failed := self._checker.failed(event.task)) is not None:
                self._stream.record(event.task, msgspec.msgpack.encode(failed), None)
            if self._artifacts is not None:
                self._artifacts.failed(event.task)
