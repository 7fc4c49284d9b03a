"""The one stream of events: numbered, stored, then shown.

Knows the order that makes a crash readable: an event is in the ledger before any view sees it, and before the command that
follows it acts. Does not know what events mean.
"""

from __future__ import annotations

import codecs
from collections.abc import Sequence
from contextlib import suppress

import msgspec

from exarp.app.ports import Clock, Ledger, View
from exarp.app.secrets import Secrets
from exarp.model.event import Event, TaskOutput

# What is replayed at once, in bytes.
_SLICE = 65536


class Stream:
    """Events of one run. ``flush`` commits and publishes what was told since the last time."""

    def __init__(
        self, run: str, clock: Clock, ledger: Ledger, views: Sequence[View], secrets: Secrets | None = None
    ) -> None:
        # What is neither stored nor shown; what tasks print is masked already.
        self._secrets = secrets
        self.run = run
        self._clock = clock
        self._ledger = ledger
        self._views = list(views)
        self._stopped = 0.0
        self._seq = 0
        self._events: list[Event] = []
        self._successes: list[tuple[str, bytes, int | None]] = []
        self._decoders: dict[tuple[str, int], codecs.IncrementalDecoder] = {}

    @property
    def wants_output(self) -> bool:
        """Whether anybody shows output as it comes."""
        return any(view.wants_output for view in self._views)

    def tell(self, event: Event) -> None:
        """Number an event and queue it."""
        self._events.append(self._stamped(event))

    def record(self, task: str, record: bytes, duration_ms: int | None) -> None:
        """Queue a record; it is committed with the events around it. ``duration_ms``: None where nothing succeeded."""
        self._successes.append((task, record, duration_ms))

    def output(self, task: str, attempt: int, data: bytes) -> None:
        """Show output at once; it is never stored. Characters cut between two reads are put together; a byte that is no
        UTF-8 becomes a lone surrogate, so that who shows it can give it back."""
        if not self.wants_output:
            return
        decoder = self._decoders.get((task, attempt))
        if decoder is None:
            decoder = self._decoders[task, attempt] = codecs.getincrementaldecoder("utf-8")("surrogateescape")
        if text := decoder.decode(data):
            self._publish_output(task, attempt, text)

    def end_output(self, task: str, attempt: int) -> None:
        """No more output of an attempt will come."""
        decoder = self._decoders.pop((task, attempt), None)
        if decoder is not None and (text := decoder.decode(b"", final=True)):
            self._publish_output(task, attempt, text)

    def replay(self, task: str, log: str) -> None:
        """Show what a task printed when it ran (``log``: the file, absolute) to who wants to see it as it comes."""
        if self.wants_output:
            with suppress(OSError), open(log, "rb", buffering=0) as file:
                while data := file.read(_SLICE):
                    self.output(task, 0, data)
        self.end_output(task, 0)

    def flush(self) -> None:
        """Commit what is queued, then show it."""
        if not self._events and not self._successes:
            return
        events, self._events = self._events, []
        successes, self._successes = self._successes, []
        self._ledger.write(events, successes)
        for event in events:
            for view in self._views:
                view.on_event(event)

    def tick(self) -> None:
        """Let views know that time has passed."""
        now = self._clock.monotonic() - self._stopped
        for view in self._views:
            view.tick(now)

    def delay(self, seconds: float) -> None:
        """Everything was stopped for so long: to views it is no time at all."""
        self._stopped += seconds

    def interrupted(self, signum: int, running: int) -> None:
        """A signal is ending the run, and attempts have their grace."""
        for view in self._views:
            view.interrupted(signum, running)

    def suspend(self) -> None:
        """An interactive task is about to own the terminal."""
        for view in self._views:
            view.suspend()

    def resume(self) -> None:
        """The terminal is exarp's again."""
        for view in self._views:
            view.resume()

    def _publish_output(self, task: str, attempt: int, text: str) -> None:
        self.flush()
        event = self._stamped(TaskOutput(task=task, attempt=attempt, text=text))
        for view in self._views:
            if view.wants_output:
                view.on_event(event)

    def _stamped(self, event: Event) -> Event:
        if self._secrets:
            event = self._secrets.event(event)
        self._seq += 1
        return msgspec.structs.replace(event, seq=self._seq, time=self._clock.timestamp(), run=self.run)
