"""What looks at files, and may take long: in which order it is done, and when it may be put off.

Knows that a slot is worth more than books that are in order: where attempts end faster than the books can be kept one by one,
they are kept for several at once, which costs a fraction (what each of them needs is then in the processor's caches).
Does not do any of it.
"""

from __future__ import annotations

from collections import deque

import msgspec

from exarp.engine.command import Check, Settle, Start
from exarp.engine.stimulus import BROKEN_OFF, Checked, Ended, Settled, Stimulus
from exarp.planning.freshness import Record

# Attempts that end within this time of each other are quick, in seconds; and so long, at most, their books may wait.
QUICK = 0.02
# As many jobs are done at once in any case.
_MOST = 48


class Keep(msgspec.Struct):
    """A success whose outputs are to be kept. ``contents``: of small ones, see ``Artifacts.keep``."""

    task: int
    record: Record
    log: str | None
    duration_ms: int
    contents: dict[str, bytes]
    masked: bool


Job = Check | Settle | Start | Keep


class Jobs:
    """Those of one run that are still to be done. ``current``: the one that is under way."""

    def __init__(self) -> None:
        self.current: Job | None = None
        # Those that a slot waits for.
        self._urgent: deque[Job] = deque()
        # Those that none waits for, until they are gathered: all settling before all checks, so that these may rely on what was
        # looked up for one of them, and successes are kept last.
        self._settles: deque[Job] = deque()
        self._checks: deque[Job] = deque()
        self._unkept: deque[Job] = deque()
        self._batch: deque[Job] = deque()
        self._since: float | None = None
        self._is_quick = False
        self._ended_at = 0.0

    def __bool__(self) -> bool:
        return bool(self._urgent or self._batch or self._settles or self._checks or self._unkept)

    @property
    def is_between_batches(self) -> bool:
        """Whether what was gathered last is done, and there is more."""
        return not self._urgent and not self._batch and bool(self)

    def put(self, job: Job) -> None:
        """Behind all that are as urgent."""
        if isinstance(job, Settle):
            self._settles.append(job)
        elif isinstance(job, Check) and job.ahead:
            self._checks.append(job)
        elif isinstance(job, Keep):
            self._unkept.append(job)
        else:
            self._urgent.append(job)

    def put_first(self, job: Job) -> None:
        """Before all others."""
        self._urgent.appendleft(job)

    def take(self) -> Job:
        """The next one, which there is."""
        self._since = None
        if not self._urgent and not self._batch:
            for queue in (self._settles, self._checks, self._unkept):
                self._batch += queue
                queue.clear()
        return (self._urgent or self._batch).popleft()

    @property
    def settling(self) -> int:
        """How many successes are still to be settled, or just are."""
        return sum(isinstance(job, Settle) for job in (self.current, *self._batch, *self._settles))

    def is_quick(self, now: float) -> bool:
        """Whether attempts end in quick succession, up to now: what was put off for that does not wait longer."""
        return self._is_quick and now - self._ended_at < QUICK

    def ended(self, now: float) -> None:
        """An attempt has ended."""
        self._is_quick = now - self._ended_at < QUICK
        self._ended_at = now

    def may_wait(self, now: float) -> bool:
        """Whether all of it may be put off, with the books of what is done: no slot waits for it, and more will come soon."""
        if not self._is_quick or self._urgent or self._batch or len(self._settles) + len(self._checks) >= _MOST:
            return False
        if self._since is None:
            self._since = now
        # As ``patience`` reckons, to the last bit: or nothing might be due and nothing done.
        return now < self._since + QUICK

    def patience(self, now: float) -> float | None:
        """For how many seconds more what was put off may wait; None where nothing was."""
        return max(0.0, self._since + QUICK - now) if self._since is not None else None

    def resume(self) -> None:
        """Nothing is put off any more."""
        self._since = None


def broken_off(job: Check | Settle | Start) -> Stimulus:
    """The answer to one that was not done, because the run is ending."""
    match job:
        case Check(task):
            return Checked(task, stale=BROKEN_OFF)
        case Settle(task):
            return Settled(task, fault=BROKEN_OFF)
        case Start(task):
            return Ended(task, status=None)
