"""A run's events, its tasks' successes and the digests it learned, written together.

Knows one transaction a step, so that a crash leaves neither a success without its event nor the other way round.
Does not know what the values mean.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from exarp.model.event import Event, RunFinished, RunStarted
from exarp.store.database import Database
from exarp.store.events import EventLog
from exarp.store.file_digests import FileDigests, FileState
from exarp.store.successes import Successes


class StoreLedger:
    """The ledger of one run, in the workspace's database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._events = EventLog(database)
        self._successes = Successes(database)

    def write(self, events: Sequence[Event], successes: Sequence[tuple[str, bytes, int | None]]) -> None:
        """Commit events and successes in one transaction: (task, record, ms or None where nothing succeeded)."""
        if successes or len(events) > 1:
            with self._database.transaction():
                if successes:
                    self._successes.put_each(successes)
                self._append(events)
        elif events:
            self._append(events)

    def _append(self, events: Sequence[Event]) -> None:
        start = 0
        for index, event in enumerate(events):
            if isinstance(event, RunStarted | RunFinished):
                self._events.append(events[start:index])
                if isinstance(event, RunStarted):
                    self._events.begin(event)
                else:
                    self._events.finish(event)
                start = index + 1
        if start < len(events):
            self._events.append(events[start:] if start else events)

    def forget(self, tasks: Collection[str]) -> None:
        """Remember no success of these tasks."""
        if tasks:
            with self._database.transaction():
                self._successes.forget(tasks)

    def forget_guards(self) -> None:
        """What was found out of waves does not count any more."""
        with self._database.transaction():
            self._successes.forget_guards()

    def learn(self, files: Iterable[tuple[str, FileState]], gone: Iterable[str]) -> None:
        """Remember digests of files, and forget those of files that are gone."""
        digests = FileDigests(self._database)
        with self._database.transaction():
            digests.save(files)
            digests.forget(gone)


class MemoryLedger:
    """A ledger that keeps everything in lists: for tests, and for what must leave no trace."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.successes: list[tuple[str, bytes, int | None]] = []

    def write(self, events: Sequence[Event], successes: Sequence[tuple[str, bytes, int | None]]) -> None:
        """Keep events and successes."""
        self.events.extend(events)
        self.successes.extend(successes)
