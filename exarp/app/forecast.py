"""What a run would do now, without doing it.

Knows how a task's rerun reaches those that need it. Looks at files through the checker, changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from exarp.app.checker import Checker
from exarp.model.event import FreshnessReason
from exarp.model.plan import Plan
from exarp.model.task import Task
from exarp.planning.found_order import FoundRead

_NOT_THERE = frozenset({"input-missing", "no-match"})


def forecast(
    plan: Plan, tasks: Sequence[Task], checker: Checker, reads: Sequence[FoundRead] = ()
) -> dict[int, FreshnessReason | None]:
    """For each selected task why it would run, or None; ``need-runs`` where that depends on what another makes.

    ``reads``: what tasks were found to read of what others make, beyond what they need.
    """
    makers: dict[int, list[int]] = {}
    for read in reads:
        makers.setdefault(read.reader, []).append(read.maker)
    foresight = _Forecast(plan, tasks, checker, makers)
    while foresight.look() and makers:
        # Makers that come later in the plan than their readers reach them in another round.
        continue
    return foresight.found


class _Forecast:
    def __init__(
        self, plan: Plan, tasks: Sequence[Task], checker: Checker, makers: Mapping[int, Sequence[int]]
    ) -> None:
        self.found: dict[int, FreshnessReason | None] = {}
        self._plan = plan
        self._tasks = tasks
        self._checker = checker
        self._makers = makers
        self._dirty: set[int] = set()

    def look(self) -> bool:
        """Look at all tasks, in the order of the plan; whether more of them than before make others stale."""
        before = len(self._dirty)
        for wave in self._plan.waves:
            for task in wave.tasks:
                self._look_at(task)
        return len(self._dirty) > before

    def _look_at(self, task: int) -> None:
        spec = self._tasks[task]
        earlier = (*self._plan.needs[task], *self._makers.get(task, ()))
        need = next((need for need in earlier if need in self._dirty), None)
        if task not in self.found:
            self.found[task] = None if spec.is_group else self._checker.peek(task)
        reason = self.found[task]
        if need is not None and (reason is None or reason.code in _NOT_THERE):
            self.found[task] = None if spec.is_group else FreshnessReason("need-runs", self._plan.names[need])
            self._dirty.add(task)
        elif reason is not None and _is_felt(spec, reason):
            self._dirty.add(task)


def _is_felt(task: Task, reason: FreshnessReason) -> bool:
    """Having run does not by itself make dependents stale: without outputs only the recipe counts for them."""
    return bool(task.outputs) or reason.code in ("never-ran", "recipe-changed")


def would_run(found: Mapping[int, FreshnessReason | None]) -> int:
    """How many tasks would run."""
    return sum(reason is not None for reason in found.values())
