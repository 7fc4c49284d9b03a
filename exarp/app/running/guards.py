"""What is known of a run's guards: verifications that went well, and checkpoints that somebody let the run pass.

Knows when what an earlier run found out still holds: nothing that the guard is about ran since, and it is the same guard about
the same tasks. Does not know what follows from that (``engine.guarding``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import msgspec

from exarp.app.freshness.checker import Checker
from exarp.app.freshness.records import decoded
from exarp.engine.state import State
from exarp.engine.stimulus import Checked
from exarp.model.event import FreshnessReason
from exarp.model.plan import Guard, Plan
from exarp.model.task import Task
from exarp.planning.freshness import Record

# It changed something, or may have: what failed and is allowed to has run, too. A group is among them if what it gathers is.
_ACTIVE = frozenset({State.PASSED, State.RESTORED, State.FAILED})
_NEVER = FreshnessReason("never-ran")


class Guards:
    """Of one run, whose id is ``run``. ``records``: what earlier runs stored, by the guards' names. ``halted``: the checkpoints
    at which runs ended that are gone on with, with the ids of these: somebody has looked since."""

    def __init__(
        self,
        plan: Plan,
        tasks: Sequence[Task],
        checker: Checker,
        records: Mapping[str, bytes | Record],
        run: str,
        halted: Mapping[str, str] | None = None,
    ) -> None:
        self.first = plan.first_guard
        self._plan = plan
        self._tasks = tasks
        self._checker = checker
        self._run = run
        self._halted = halted or {}
        self._guards = {guard.name: guard for guard in plan.guards}
        self._number_of = {guard.name: self.first + at for at, guard in enumerate(plan.guards)}
        self._records: dict[str, Record | None] = {
            name: decoded(stored) if isinstance(stored, bytes) else stored for name, stored in records.items()
        }
        # The guards that let the run pass.
        self.open: set[str] = set()

    @property
    def all_open(self) -> bool:
        """Whether every guard has let the run pass."""
        return len(self.open) == len(self._guards)

    def check(self, task: int, state: Callable[[int], State], record: Callable[[str, bytes, None], None]) -> Checked:
        """Whether a guard has anything to do. ``state``: of tasks; ``record`` stores what later runs are to know: nobody need
        look again at a checkpoint at which a run ended that is gone on with, if nothing before it has run since."""
        guard = self._plan.guards[task - self.first]
        run = self._halted.get(guard.name)
        if run is not None and self._ran_since(guard, run, state) is None:
            record(*self.passed(guard.name), None)
            return Checked(task)
        reason = self._stale(guard, state)
        if reason is None:
            self.open.add(guard.name)
        return Checked(task, reason)

    def __len__(self) -> int:
        return len(self._guards)

    def __contains__(self, name: str) -> bool:
        return name in self._guards

    def doubted(self, name: str) -> tuple[str, bytes]:
        """A guard has something to do: what is to be stored until it lets the run pass."""
        return name, msgspec.msgpack.encode(Record(b"", {}, {}, {}))

    def passed(self, name: str) -> tuple[str, bytes]:
        """A guard lets the run pass: what is to be stored."""
        self.open.add(name)
        record = Record(self._recipe(self._guards[name]), {}, {}, {}, run=self._run)
        return name, msgspec.msgpack.encode(record)

    def _stale(self, guard: Guard, state: Callable[[int], State]) -> FreshnessReason | None:
        record = self._records.get(guard.name)
        ran = self._ran_since(guard, record.run if record is not None else self._run, state)
        if ran is not None:
            return ran
        if record is None or not record.recipe:
            return _NEVER
        return None if record.recipe == self._recipe(guard) else FreshnessReason("recipe-changed")

    def _ran_since(self, guard: Guard, run: str, state: Callable[[int], State]) -> FreshnessReason | None:
        """Whether something that a guard is about has run in this run, or after ``run``."""
        since = _number(run)
        for member in guard.members:
            if state(member) in _ACTIVE:
                return FreshnessReason("wave-ran", self._tasks[member].name)
        for member in self._gathered(guard):
            success = self._checker.success(member)
            if success is not None and success.run and _number(success.run) > since:
                return FreshnessReason("wave-ran", self._tasks[member].name)
        return None

    def _gathered(self, guard: Guard) -> Iterator[int]:
        """What a guard is about, and for groups what they gather."""
        seen, stack = set(guard.members), list(guard.members)
        while stack:
            member = stack.pop()
            yield member
            if self._tasks[member].is_group:
                new = [need for need in self._plan.needs[member] if need not in seen]
                seen.update(new)
                stack += new

    def _recipe(self, guard: Guard) -> bytes:
        """What must be the same: what is run, and what it is about."""
        from blake3 import blake3

        spec = self._tasks[self._number_of[guard.name]]
        names = [self._tasks[member].name for member in guard.members]
        return blake3(msgspec.msgpack.encode((spec.commands, spec.shell, spec.cwd, names))).digest()


def _number(run: str) -> int:
    return int(run) if run.isascii() and run.isdigit() else 0
