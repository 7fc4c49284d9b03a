"""Bringing attempts to their end: interrupt, terminate, kill, each after a grace, until nothing is left.

Knows the stages, when each is due, and how the processes of an attempt are found. Does not wait, read pipes or reap
leaders: the loop of the host does, and calls ``advance`` when something is due.
"""

from __future__ import annotations

import signal
from collections.abc import Collection, Iterable
from time import monotonic, sleep

from exarp.hosts.attempt import Attempt, Stage
from exarp.hosts.children import Children, reap
from exarp.hosts.mechanisms import Mechanisms
from exarp.hosts.process_tree import Process, ProcessTable, exists, living_groups, send, send_one, targets

KILL_BOUND = 5.0
"""Seconds after which a process that survives SIGKILL (it hangs in the kernel, or is another user's) is given up."""

# How often the dead are looked for while an attempt is only waiting for them, in seconds.
_LOOK_EVERY = 0.01
# One that forks and leaves its session in a loop is another one each time, until a round is quicker than its fork.
_KILL_EVERY = 0.002

# A process that forks may be followed by another one each time, and one that hangs in the kernel stops later.
_FREEZE_LOOKS = 50

_SIGNALS = {
    Stage.INTERRUPTED: signal.SIGINT,
    Stage.TERMINATED: signal.SIGTERM,
    Stage.KILLED: signal.SIGKILL,
}


class Ending:
    """The attempts that are being ended.

    ``grace``: seconds after SIGINT, and again after SIGTERM, for an attempt that is ended on request;
    ``leftover_grace``: seconds after SIGTERM for what an attempt left running.
    """

    def __init__(self, children: Children, mechanisms: Mechanisms, grace: float, leftover_grace: float) -> None:
        self._children = children
        self._mechanisms = mechanisms
        self._grace = grace
        self._leftover_grace = leftover_grace
        self._attempts: dict[int, Attempt] = {}
        # One reading of the table serves all attempts of one call of ``settle`` or ``advance``.
        self._table: ProcessTable | None = None
        self.faults: list[str] = []

    def due(self) -> float | None:
        """When ``advance`` has to be called next, in the time of ``time.monotonic``; None for never."""
        return min(attempt.check for attempt in self._attempts.values()) if self._attempts else None

    def ask(self, attempt: Attempt, now: bool) -> None:
        """End an attempt, gently or at once. A second time changes nothing, but for one that is now to be at once."""
        if now:
            attempt.stage = max(attempt.stage, Stage.TERMINATED)
        elif attempt.stage is not Stage.RUNNING:
            return
        if attempt.stage is Stage.KILLED:
            return
        attempt.asked = True
        attempt.grace = self._grace
        attempt.due = attempt.check = 0.0
        self._attempts[attempt.key] = attempt

    def settle(self, attempt: Attempt) -> bool:
        """To be called when the leader is gone: whether nothing else is left. Otherwise that begins to be ended."""
        self._table = None
        if not self._remains(attempt):
            self._attempts.pop(attempt.key, None)
            return True
        if attempt.stage is Stage.RUNNING and not attempt.asked:
            attempt.stage = Stage.TERMINATED
            attempt.grace = self._leftover_grace
            self._press(attempt)
            self._attempts[attempt.key] = attempt
        else:
            attempt.check = min(attempt.due, monotonic() + _LOOK_EVERY)
        return False

    def advance(self) -> list[Attempt]:
        """Do what is due; the attempts of which nothing is left, or nothing that can be ended."""
        now = monotonic()
        self._table = None
        gone = [a for a in self._attempts.values() if a.check <= now and self._step(a, now)]
        for attempt in gone:
            del self._attempts[attempt.key]
        return gone

    def sweep(self, attempts: Collection[Attempt], kept: Collection[int] = ()) -> tuple[str, ...]:
        """Kill these attempts and every orphan that nobody meant to leave; the names of what was running. ``kept``: attempts
        whose orphans are let alone."""
        names: dict[str, None] = {}
        until = monotonic() + KILL_BOUND
        while left := self._everything(attempts, kept):
            names |= _names(left)
            if monotonic() > until:
                self._give_up("the run", left)
                break
            send(left.values(), signal.SIGKILL, self._own_groups(attempts))
            sleep(_KILL_EVERY)
        for attempt in attempts:
            self._attempts.pop(attempt.key, None)
        return tuple(names)

    def freeze(self, attempts: Collection[Attempt]) -> set[int]:
        """Stop the trees of these attempts; what to continue afterwards: processes, and groups as negative numbers.

        What was stopped before is left so. Who forks meanwhile is found in the next look.
        """
        frozen: set[int] = set()
        apart: set[int] | None = None
        for _ in range(_FREEZE_LOOKS):
            self._table = None
            found = [process for attempt in attempts for process in self._found(attempt).values()]
            if apart is None:
                apart = {process.group for process in found if process.stopped}
            # Without a group: it was dead when it was looked at.
            running = [p for p in found if p.group and not p.stopped and p.pid not in frozen]
            if not running:
                break
            new = targets(running, self._own_groups(attempts) - apart, apart)
            for target in new:
                send_one(target, signal.SIGSTOP)
            frozen |= new
            sleep(_LOOK_EVERY)
        return frozen

    def delay(self, seconds: float) -> None:
        """Nothing was due for so long."""
        for attempt in self._attempts.values():
            attempt.due += seconds
            attempt.check += seconds

    def _step(self, attempt: Attempt, now: float) -> bool:
        if attempt.over and not self._remains(attempt):
            return True
        if now < attempt.due and attempt.stage is not Stage.KILLED:
            attempt.check = min(attempt.due, now + _LOOK_EVERY)
            return False
        if attempt.stage is Stage.KILLED:
            if now >= attempt.due:
                self._abandon(attempt)
                return True
            self._kill(attempt)
            return False
        attempt.stage = Stage(attempt.stage + 1)
        attempt.left = self._found(attempt)
        self._press(attempt)
        return False

    def _press(self, attempt: Attempt) -> None:
        now = monotonic()
        if attempt.stage is Stage.KILLED:
            attempt.due = now + KILL_BOUND
            self._kill(attempt)
            return
        self._send(attempt, attempt.left.values())
        attempt.due = now + attempt.grace
        # While the leader lives, the selector tells of its end.
        attempt.check = min(attempt.due, now + _LOOK_EVERY) if attempt.over else attempt.due

    def _kill(self, attempt: Attempt) -> None:
        if not attempt.over:
            send_one(-attempt.pid, signal.SIGKILL)
        attempt.left = self._found(attempt)
        self._send(attempt, attempt.left.values())
        attempt.check = monotonic() + _KILL_EVERY

    def _send(self, attempt: Attempt, processes: Collection[Process]) -> None:
        send(processes, _SIGNALS[attempt.stage], self._own_groups([attempt]))

    def _remains(self, attempt: Attempt) -> bool:
        """Whether anything of an attempt is alive besides its leader, which is gone."""
        self._children.look()
        known = attempt.left
        if known and any(exists(target) for target in known):
            return True
        attempt.left = self._found(attempt)
        if not attempt.left:
            return False
        if not attempt.asked:
            attempt.ended |= _names(attempt.left)
        newcomers = [process for pid, process in attempt.left.items() if pid not in known]
        if newcomers and attempt.stage is not Stage.RUNNING:
            self._send(attempt, newcomers)
        return True

    def _found(self, attempt: Attempt) -> dict[int, Process]:
        living = [] if attempt.over else [attempt.pid]
        groups = [*living, *attempt.sessions]
        adopting = self._children.adopting
        if attempt.over and not (self._children.adopted_from(attempt.key) if adopting else living_groups(groups)):
            return {}
        if not self._mechanisms.table:
            return living_groups(groups)
        table = self._table = self._table or ProcessTable.read()
        # After the table was read: who is orphaned in between is found either way.
        self._children.look()
        return table.tree([*living, *self._children.adopted_from(attempt.key)], [] if adopting else groups)

    def _everything(self, attempts: Collection[Attempt], kept: Collection[int]) -> dict[int, Process]:
        for attempt in attempts:
            if not attempt.over and reap(attempt.pid):
                self._children.reaped(attempt.pid)
                attempt.gone()
                attempt.result, attempt.early = (None, signal.SIGKILL, ""), True
        living = [attempt.pid for attempt in attempts if not attempt.over]
        groups = [*living, *(session for attempt in attempts for session in attempt.sessions)]
        self._children.look()
        if not living and not self._children.unspared(kept) and not living_groups(groups):
            return {}
        if not self._mechanisms.table:
            return living_groups(groups)
        table = ProcessTable.read()
        self._children.look()
        return table.tree([*living, *self._children.unspared(kept)], [] if self._children.adopting else groups)

    def _own_groups(self, attempts: Iterable[Attempt]) -> set[int]:
        return {pid for attempt in attempts if attempt.foreground or self._mechanisms.groups for pid in attempt.leaders}

    def _abandon(self, attempt: Attempt) -> None:
        self._give_up(attempt.launch.label, attempt.left)
        if not attempt.over:
            attempt.result, attempt.early = (None, signal.SIGKILL, ""), True
            attempt.gone()
            self._children.disowned(attempt.pid, attempt.key)

    def _give_up(self, whose: str, left: dict[int, Process]) -> None:
        names = ", ".join(f"{process.name} ({abs(pid)})" for pid, process in left.items() if process.name)
        self.faults.append(f"{whose}: could not be ended: {names}")


def _names(left: dict[int, Process]) -> dict[str, None]:
    return dict.fromkeys(process.name for process in left.values() if process.name)
