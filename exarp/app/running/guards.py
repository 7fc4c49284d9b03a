"""What is known of a run's guards: verifications that went well, and checkpoints that somebody let the run pass.

Knows when what an earlier run found out still holds: nothing that the guard is about ran since, and it is the same guard about
the same tasks. Does not know what follows from that (``engine.guarding``).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

import msgspec

from exarp.app.freshness.checker import Checker
from exarp.app.freshness.records import decoded
from exarp.engine.state import State
from exarp.engine.stimulus import Checked
from exarp.model.event import FreshnessReason
from exarp.model.plan import Guard, Plan
from exarp.model.task import Task
from exarp.planning.freshness import Record

_ACTIVE = frozenset({State.PASSED, State.RESTORED})
_NEVER = FreshnessReason("never-ran")


class Guards:
    """Of one run, whose id is ``run``. ``records``: what earlier runs stored, by the guards' names. ``passed``: names of
    checkpoints that the run which is gone on with had reached: somebody has looked since."""

    def __init__(
        self,
        plan: Plan,
        tasks: Sequence[Task],
        checker: Checker,
        records: Mapping[str, bytes | Record],
        run: str,
        passed: Collection[str] = (),
    ) -> None:
        self.first = plan.first_guard
        self._plan = plan
        self._tasks = tasks
        self._checker = checker
        self._run = run
        self._passed = passed
        self._guards = {guard.name: guard for guard in plan.guards}
        self._records: dict[str, Record | None] = {
            name: decoded(stored) if isinstance(stored, bytes) else stored for name, stored in records.items()
        }
        # The guards that let the run pass.
        self.open: set[str] = set()

    @property
    def all_open(self) -> bool:
        """Whether every guard has let the run pass."""
        return len(self.open) == len(self._guards)

    def check(self, task: int, state: Callable[[int], State]) -> Checked:
        """Whether a guard has anything to do. ``state``: of tasks."""
        guard = self._plan.guards[task - self.first]
        reason = self._stale(guard, state)
        if reason is None:
            self.open.add(guard.name)
        return Checked(task, reason)

    def passed_before(self, task: int) -> tuple[str, bytes] | None:
        """What is to be stored of a checkpoint that the run which is gone on with had reached; None for any other guard."""
        name = self._plan.guards[task - self.first].name
        return self.passed(name) if name in self._passed else None

    def __len__(self) -> int:
        return len(self._guards)

    def __contains__(self, name: str) -> bool:
        return name in self._guards

    def passed(self, name: str) -> tuple[str, bytes] | None:
        """A guard, if it is one, lets the run pass: what is to be stored."""
        guard = self._guards.get(name)
        if guard is None:
            return None
        self.open.add(name)
        record = Record(self._recipe(guard), {}, {}, {}, run=self._run)
        return name, msgspec.msgpack.encode(record)

    def _stale(self, guard: Guard, state: Callable[[int], State]) -> FreshnessReason | None:
        for member in guard.members:
            if state(member) in _ACTIVE and not self._tasks[member].is_group:
                return FreshnessReason("wave-ran", self._tasks[member].name)
        record = self._records.get(guard.name)
        if record is None:
            return _NEVER
        if record.recipe != self._recipe(guard):
            return FreshnessReason("recipe-changed")
        since = _number(record.run)
        for member in guard.members:
            success = self._checker.success(member)
            if success is not None and success.run and _number(success.run) > since:
                return FreshnessReason("wave-ran", self._tasks[member].name)
        return None

    def _recipe(self, guard: Guard) -> bytes:
        """What must be the same: what is run, and what it is about."""
        from blake3 import blake3

        spec = self._tasks[self.first + list(self._guards).index(guard.name)]
        names = [self._tasks[member].name for member in guard.members]
        return blake3(msgspec.msgpack.encode((spec.commands, spec.shell, spec.cwd, names))).digest()


def _number(run: str) -> int:
    return int(run) if run.isascii() and run.isdigit() else 0
