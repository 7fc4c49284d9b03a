"""What a run would do now, without doing it.

Knows how a task's rerun reaches those that need it. Looks at files through the checker, changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from exarp.app.checker import Checker
from exarp.model.event import FreshnessReason
from exarp.model.plan import Plan
from exarp.model.task import Task

_NOT_THERE = frozenset({"input-missing", "no-match"})


def forecast(plan: Plan, tasks: Sequence[Task], checker: Checker) -> dict[int, FreshnessReason | None]:
    """For each selected task why it would run, or None; ``need-runs`` where that depends on what a need makes."""
    found: dict[int, FreshnessReason | None] = {}
    dirty: set[int] = set()
    for wave in plan.waves:
        for task in wave.tasks:
            need = next((need for need in plan.needs[task] if need in dirty), None)
            reason = None if tasks[task].is_group else checker.peek(task)
            if need is not None and (reason is None or reason.code in _NOT_THERE):
                reason = None if tasks[task].is_group else FreshnessReason("need-runs", plan.names[need])
                dirty.add(task)
            elif reason is not None and _is_felt(tasks[task], reason):
                dirty.add(task)
            found[task] = reason
    return found


def _is_felt(task: Task, reason: FreshnessReason) -> bool:
    """Having run does not by itself make dependents stale: without outputs only the recipe counts for them."""
    return bool(task.outputs) or reason.code in ("never-ran", "recipe-changed")


def would_run(found: Mapping[int, FreshnessReason | None]) -> int:
    """How many tasks would run."""
    return sum(reason is not None for reason in found.values())
