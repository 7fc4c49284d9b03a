"""``exarp run -n``: what would run, and why.

Knows the lines. Does not know how it was found out.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from exarp.model.event import FreshnessReason
from exarp.model.plan import Plan
from exarp.views import escape, words
from exarp.views.color import paint
from exarp.views.json_line import json_line


def lines(
    plan: Plan, freshness: Mapping[int, FreshnessReason | None], groups: Collection[int], color: bool
) -> Iterator[str]:
    """A heading a wave that has something to run, a line a task, and the sum. ``groups``: tasks that run nothing."""
    running = 0
    for wave in plan.waves:
        tasks = [(task, reason) for task in wave.tasks if (reason := freshness.get(task)) is not None]
        if tasks:
            yield f"wave {wave.number} ({words.tasks(len(tasks))})"
        for task, reason in tasks:
            running += 1
            yield f"  {escape.name(plan.names[task])}  {paint(words.why(reason), 'same', color)}"
    if running:
        gathering = sum(task in groups for wave in plan.waves for task in wave.tasks)
        yield f"{words.tasks(running)} would run, {plan.task_count - running - gathering} up to date" + (
            f", {words.groups(gathering)}" if gathering else ""
        )
    else:
        yield words.up_to_date(plan.task_count)


def document(plan: Plan, freshness: Mapping[int, FreshnessReason | None], groups: Collection[int]) -> bytes:
    """The same as one JSON document."""
    rows = [
        {
            "task": plan.names[task],
            "wave": wave.number,
            "would_run": freshness.get(task) is not None,
            "reason": _code(freshness.get(task), task in groups),
        }
        for wave in plan.waves
        for task in wave.tasks
    ]
    return json_line({"version": 1, "task_count": plan.task_count, "tasks": rows})


def _code(reason: FreshnessReason | None, is_group: bool) -> str:
    if reason is not None:
        return reason.code
    return "group" if is_group else "unchanged"
