"""``exarp run -n``: what would run, and why.

Knows the lines. Does not know how it was found out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from exarp.model.event import FreshnessReason
from exarp.model.plan import Plan
from exarp.views import escape, words
from exarp.views.color import paint
from exarp.views.json_line import json_line


def lines(plan: Plan, freshness: Mapping[int, FreshnessReason | None], color: bool) -> Iterator[str]:
    """A heading a wave that has something to run, a line a task, and the sum."""
    running = 0
    for wave in plan.waves:
        tasks = [(task, reason) for task in wave.tasks if (reason := freshness.get(task)) is not None]
        if tasks:
            yield f"wave {wave.number} ({words.tasks(len(tasks))})"
        for task, reason in tasks:
            running += 1
            yield f"  {escape.name(plan.names[task])}  {paint(words.why(reason), 'same', color)}"
    if running:
        yield f"{words.tasks(running)} would run, {plan.task_count - running} up to date"
    else:
        yield words.up_to_date(plan.task_count)


def document(plan: Plan, freshness: Mapping[int, FreshnessReason | None]) -> bytes:
    """The same as one JSON document."""
    rows = [
        {
            "task": plan.names[task],
            "wave": wave.number,
            "would_run": freshness.get(task) is not None,
            "reason": reason.code if (reason := freshness.get(task)) is not None else "unchanged",
        }
        for wave in plan.waves
        for task in wave.tasks
    ]
    return json_line({"version": 1, "task_count": plan.task_count, "tasks": rows})
