"""``exarp run -n``: what would run, and why.

Knows the lines. Does not know how it was found out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from exarp.model.event import CANNOT_RUN, FreshnessReason
from exarp.model.plan import Plan
from exarp.views import escape, words
from exarp.views.color import paint
from exarp.views.json_line import json_line
from exarp.views.reason_words import Locate


def lines(
    plan: Plan, freshness: Mapping[int, FreshnessReason | None], color: bool, locate: Locate | None = None
) -> Iterator[str]:
    """A heading a wave that has something to run, a line a task, and the sum. ``locate``: where an input is written."""
    running = stuck = 0
    for wave in plan.waves:
        tasks = [(task, reason) for task in wave.tasks if (reason := freshness.get(task)) is not None]
        if tasks:
            yield f"wave {wave.number} ({words.tasks(len(tasks))})"
        for task, reason in tasks:
            name = escape.name(plan.names[task])
            if reason.code in CANNOT_RUN:
                stuck += 1
                yield f"  {name}  {paint(_why_not(reason), 'failed', color)}{_place(plan.names[task], reason, locate)}"
                if step := words.step(reason):
                    yield f"    {step}"
            else:
                running += 1
                yield f"  {name}  {paint(words.why(reason), 'same', color)}"
    if running or stuck:
        cannot = f", {stuck} cannot" if stuck else ""
        yield f"{words.tasks(running)} would run{cannot}, {plan.task_count - running - stuck} up to date"
    else:
        yield words.up_to_date(plan.task_count)


def _why_not(reason: FreshnessReason) -> str:
    if reason.code == "blocked-by":
        return f"cannot run: {escape.name(reason.subject)}, which it needs, cannot"
    return f"cannot run: {words.why(reason)}"


def _place(task: str, reason: FreshnessReason, locate: Locate | None) -> str:
    """Where the input is written that a reason is about, with some space before it."""
    return f"   {escape.name(locate(task, 'inputs', reason.subject))}" if locate and reason.code != "blocked-by" else ""


def document(plan: Plan, freshness: Mapping[int, FreshnessReason | None]) -> bytes:
    """The same as one JSON document."""
    rows = [
        {
            "task": plan.names[task],
            "wave": wave.number,
            "would_run": reason is not None and reason.code not in CANNOT_RUN,
            "reason": reason.code if reason is not None else "unchanged",
            "subject": reason.subject if reason is not None else "",
        }
        for wave in plan.waves
        for task in wave.tasks
        for reason in (freshness.get(task),)
    ]
    return json_line({"version": 1, "task_count": plan.task_count, "tasks": rows})
