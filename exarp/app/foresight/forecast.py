"""What a run would do now, without doing it.

Knows how a task's rerun reaches those that need it. Looks at files through the checker, changes nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from exarp.app.freshness.checker import Checker
from exarp.engine.services import Services
from exarp.model.event import CANNOT_RUN, NOT_THERE, FreshnessReason
from exarp.model.plan import Plan
from exarp.model.task import Task
from exarp.planning.depfile_order import FoundRead

if TYPE_CHECKING:
    from exarp.app.foresight.restorable import Restorable

_OF_RECIPES = frozenset({"never-ran", "recipe-changed", "variable-changed", "arguments-changed"})


def forecast(
    plan: Plan,
    tasks: Sequence[Task],
    checker: Checker,
    reads: Sequence[FoundRead] = (),
    unwanted: Mapping[int, FreshnessReason] | None = None,
    asked: Collection[int] = (),
    restorable: Restorable | None = None,
) -> dict[int, FreshnessReason | None]:
    """For each selected task why it would run, or None; ``need-runs`` where that depends on what another makes.

    A code of ``CANNOT_RUN`` says that it would not even start, one of ``UNWANTED`` that it would be skipped (``unwanted``).
    ``asked``: tasks that are asked for by name.
    What ``when`` and ``requires`` say by commands is not asked.

    ``restorable``: asked what would be restored, and what follows from that, where all is known that a task rests on.
    ``reads``: what tasks were found to read of what others make, beyond what they need.
    """
    makers: dict[int, list[int]] = {}
    for read in reads:
        makers.setdefault(read.reader, []).append(read.maker)
    # Who reads what later tasks make is looked at more than once.
    foresight = _Forecast(plan, tasks, checker, makers, unwanted or {}, restorable if not makers else None)
    while foresight.look() and makers:
        # Makers that come later in the plan than their readers reach them in another round.
        continue
    _spare_services(Services(plan, tasks, asked), foresight.found)
    return foresight.found


def _spare_services(services: Services, found: dict[int, FreshnessReason | None]) -> None:
    """Services are started only for tasks that run."""
    wanted = set(services.staying)
    # Who uses a service comes after it.
    for task in reversed(services.used):
        if found[task] is not None and (task not in services.all or task in wanted):
            wanted.update(services.used[task])
    for service in services.all:
        if service not in wanted:
            found[service] = None


class _Forecast:
    def __init__(
        self,
        plan: Plan,
        tasks: Sequence[Task],
        checker: Checker,
        makers: Mapping[int, Sequence[int]],
        unwanted: Mapping[int, FreshnessReason],
        restorable: Restorable | None,
    ) -> None:
        self.found: dict[int, FreshnessReason | None] = {}
        self._plan = plan
        self._tasks = tasks
        self._checker = checker
        self._makers = makers
        self._unwanted = unwanted
        self._restorable = restorable
        self._own: dict[int, FreshnessReason | None] = {}
        # Whose dependents are stale; who, or whose need, runs and so may make any file; who cannot run, and for whose sake.
        self._dirty: set[int] = set()
        self._astir: set[int] = set()
        self._stuck: dict[int, int] = {}

    def look(self) -> bool:
        """Look at all tasks, in the order of the plan; whether more of them than before make others stale."""
        before = len(self._dirty)
        tasks, found = self._tasks, self.found
        for wave in self._plan.waves:
            for task in wave.tasks:
                reason = self._look_at(task)
                found[task] = None if reason is not None and tasks[task].is_group else reason
        return len(self._dirty) > before

    def _look_at(self, task: int) -> FreshnessReason | None:
        needs, names = self._plan.needs[task], self._plan.names
        blocker = next((need for need in needs if need in self._stuck), None) if self._stuck else None
        if blocker is None and task in self._unwanted:
            return self._unwanted[task]
        if blocker is not None:
            self._stuck[task] = self._stuck[blocker]
            return FreshnessReason("blocked-by", names[self._stuck[task]])
        reason = self._peek(task)
        need = self._waking(task, reason) if reason is None or reason.code in NOT_THERE else None
        if self._restorable is not None and (need is not None or reason is not None) and self._is_known(task):
            foreseen = self._restorable.look(task)
            if foreseen is not None:
                reason, is_restored = foreseen
                need = None
                if is_restored and reason is not None:
                    if _is_felt(self._tasks[task], reason):
                        self._dirty.add(task)
                    if task in self._restorable.unsure:
                        self._astir.add(task)
                    return reason
        if need is not None:
            reason = FreshnessReason("need-runs", names[need])
            self._dirty.add(task)
        elif reason is not None and reason.code in CANNOT_RUN:
            if not self._tasks[task].allow_failure:
                self._stuck[task] = task
            return reason
        elif reason is not None and _is_felt(self._tasks[task], reason):
            self._dirty.add(task)
        runs = reason is not None and not self._tasks[task].is_group
        if runs or any(need in self._astir for need in needs):
            self._astir.add(task)
        return reason

    def _is_known(self, task: int) -> bool:
        """Whether all that a task rests on is as it will be, or known to be restored."""
        before = (*self._plan.needs[task], *self._before(task))
        return self._astir.isdisjoint(before) and not self._checker.is_distrusted(task)

    def _waking(self, task: int, reason: FreshnessReason | None) -> int | None:
        """A task for whose sake this one runs, or may run: it makes anew what this one reads."""
        needs = self._plan.needs[task]
        need = next((need for need in (*needs, *self._makers.get(task, ())) if need in self._dirty), None)
        if need is None and reason is not None:
            need = next((need for need in (*needs, *self._before(task)) if need in self._astir), None)
        return need

    def _peek(self, task: int) -> FreshnessReason | None:
        if task not in self._own:
            self._own[task] = self._checker.peek(task)
        return self._own[task]

    def _before(self, task: int) -> Sequence[int]:
        """Tasks that merely come earlier: they may make files all the same."""
        return self._order.get(task, ())

    @cached_property
    def _order(self) -> dict[int, list[int]]:
        found: dict[int, list[int]] = {}
        for earlier, later in self._plan.order:
            found.setdefault(later, []).append(earlier)
        return found


def _is_felt(task: Task, reason: FreshnessReason) -> bool:
    """Having run does not by itself make dependents stale: without outputs only the recipe counts for them."""
    return bool(task.outputs) or reason.code in _OF_RECIPES
