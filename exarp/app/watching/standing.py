"""Services that stand from one run to the next, and the host that has them.

Knows what stands, since which run and as what it was started, and what becomes of it while nothing runs. Does not know when a
service is used, kept or ended in a run (``engine.serving``), nor why runs follow each other (``watch``).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from signal import SIGTSTP
from time import monotonic
from typing import Protocol

import msgspec

from exarp.app.opening.project import Project
from exarp.app.ports import LastingHost
from exarp.app.wiring import Idling
from exarp.model.event import FreshnessReason, ServiceStopped
from exarp.model.launch import Exited, HostEvent, Output, Paused, Readable, Signalled
from exarp.model.task import Service
from exarp.planning.freshness import Record

Pause = Callable[[float], int | None]


class Kept(msgspec.Struct, frozen=True):
    """A service that stands: what the host knows it by, the run that started it, its log (absolute, and as events name it), and
    all that must be as it was for it to go on. ``uses``: the services that it uses."""

    task: str
    key: int
    run: str
    path: str
    log: str
    record: Record
    service: Service
    secrets: tuple[bytes, ...]
    uses: tuple[str, ...]


class Listener(Protocol):
    """Who is told of services while nothing runs."""

    def printed(self, service: str, data: bytes) -> None:
        """A service has printed something."""

    def stopped(self, service: str, reason: FreshnessReason) -> None:
        """A service has come to its end, and nobody had told it to."""

    def ends(self, services: int) -> None:
        """So many services are told to end."""


class Standing:
    """All that stands of one workspace. To be closed. ``publish`` is told whenever that is something else."""

    def __init__(self, listener: Listener, publish: Callable[[Collection[Kept]], None] = lambda kept: None) -> None:
        self._listener = listener
        self._publish = publish
        self._host: LastingHost | None = None
        self._kept: dict[str, Kept] = {}
        # What the next run is to tell of.
        self._lost: list[ServiceStopped] = []
        self.last_key = 0
        # The number of a signal that may have come too late for a run to end by it.
        self.interrupted_by: int | None = None

    def __len__(self) -> int:
        return len(self._kept)

    # -- for a run ---------------------------------------------------------------------------------------------

    @property
    def runs(self) -> set[str]:
        """The runs that started what stands."""
        return {kept.run for kept in self._kept.values()}

    def of(self, project: Project) -> dict[int, Kept]:
        """What stands, by the number of its task."""
        return {project.graph.ids[task]: kept for task, kept in self._kept.items() if task in project.graph.ids}

    def take_lost(self) -> list[ServiceStopped]:
        """What has ended since the last run, once."""
        lost, self._lost = self._lost, []
        return lost

    def host(self, make: Callable[[], LastingHost]) -> LastingHost:
        """The host for a run: the one that has what stands, if anything does."""
        if self._host is None:
            return make()
        self._host.wake()
        return self._host

    def leave(
        self, host: LastingHost, kept: Collection[Kept], last_key: int, lost: Collection[ServiceStopped]
    ) -> tuple[str, ...]:
        """A run is over, but for ``kept``; what had to be ended, as ``host.close`` has it."""
        if kept or self._kept:
            self._publish(kept)
        self._kept = {each.task: each for each in kept}
        self.last_key = last_key
        self._lost += lost
        self._host = host
        left = host.part(self._keys())
        if not kept:
            self._host = None
            told = [event.signum for event in host.wait(0.0) if isinstance(event, Signalled)]
            self.interrupted_by = next((signum for signum in told if signum != SIGTSTP), self.interrupted_by)
            host.close()
        return left

    # -- between runs ------------------------------------------------------------------------------------------

    @contextmanager
    def idling(self) -> Iterator[Pause]:
        """Waiting while nothing runs: gives what waits for so many seconds, and tells the signal that is to end this process."""
        if self._host is None:
            with Idling() as idling:
                yield idling.pause
            return
        self._host.wake()
        try:
            yield self._pause
        finally:
            self._host.part(self._keys())

    def end_all_but(self, wanted: Collection[str]) -> int | None:
        """End what nobody wants any more; the number of a signal that came meanwhile."""
        unwanted = self._kept.keys() - set(wanted)
        if not unwanted or self._host is None:
            return None
        self._host.wake()
        try:
            return self._end(unwanted, FreshnessReason("not-needed"), patience=1)
        finally:
            self._host.part(self._keys())

    def close(self) -> tuple[list[str], tuple[str, ...]]:
        """End all that stands, and the host: its faults, and what had to be killed in the end. A signal meanwhile kills all."""
        host = self._host
        if host is None:
            return [], ()
        try:
            host.wake()
            if self._kept:
                self._listener.ends(len(self._kept))
                self._end(set(self._kept), FreshnessReason("interrupted"), patience=0)
        finally:
            self._host = None
            left = host.close()
        return host.faults, left

    def _keys(self) -> set[int]:
        return {kept.key for kept in self._kept.values()}

    def _pause(self, seconds: float) -> int | None:
        until = monotonic() + seconds
        while True:
            for event in self._wait(max(0.0, until - monotonic())):
                if (signum := self._heard(event)) is not None:
                    return signum
            if monotonic() >= until:
                return None

    def _wait(self, seconds: float | None) -> list[HostEvent]:
        assert self._host is not None, "it stands on a host"
        return self._host.wait(seconds)

    def _heard(self, event: HostEvent, reasons: Mapping[str, FreshnessReason] | None = None) -> int | None:
        """Take in what has happened; the number of a signal that is to end this process."""
        if isinstance(event, Output | Exited):
            kept = next((kept for kept in self._kept.values() if kept.key == event.key), None)
            if kept is not None and isinstance(event, Output):
                self._listener.printed(kept.task, event.data)
            elif kept is not None and isinstance(event, Exited):
                self._gone(kept, event, (reasons or {}).get(kept.task))
        elif not isinstance(event, Paused | Readable):
            if event.signum != SIGTSTP:
                return event.signum
            assert self._host is not None, "it told of that"
            self._host.suspend()
        return None

    def _gone(self, kept: Kept, exited: Exited, reason: FreshnessReason | None) -> None:
        del self._kept[kept.task]
        self._publish(self._kept.values())
        if reason is None:
            how = f"exit {exited.status}" if exited.status is not None else f"signal {exited.signal}"
            reason = FreshnessReason("service-ended", how)
            self._listener.stopped(kept.task, reason)
        self._lost.append(
            ServiceStopped(
                task=kept.task,
                reason=reason,
                started_in=kept.run,
                exit_status=exited.status,
                signal=exited.signal,
                duration_ms=round(exited.seconds * 1000),
                log=kept.log if exited.logged else None,
            )
        )

    def _end(self, services: set[str], reason: FreshnessReason, patience: int) -> int | None:
        """End services, who uses one before it; the first signal that came meanwhile. After more than ``patience`` of them what
        is left is killed."""
        assert self._host is not None, "it stands on a host"
        reasons = dict.fromkeys(services, reason)
        asked: set[str] = set()
        signals: list[int] = []
        while left := [self._kept[task] for task in services if task in self._kept]:
            used = {task for kept in left for task in kept.uses}
            for kept in left:
                if kept.task not in asked and kept.task not in used:
                    asked.add(kept.task)
                    self._host.end(kept.key)
            heard = [self._heard(event, reasons) for event in self._wait(None)]
            signals += [signum for signum in heard if signum is not None]
            if len(signals) > patience:
                for kept in left:
                    self._host.end(kept.key, now=True)
        return signals[0] if signals else None
