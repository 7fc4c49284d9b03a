"""``exarp run -n``: what would run or be restored, and why.

Knows the lines. Does not know how it was found out.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence, Set

from exarp.model.event import CANNOT_RUN, IDLE, UNWANTED, FreshnessReason
from exarp.model.plan import Guard, Plan
from exarp.model.task import Task
from exarp.views import escape, words
from exarp.views.color import paint
from exarp.views.json_line import json_line
from exarp.views.plan.reason_words import Locate

_Due = tuple[Guard, FreshnessReason]


def lines(
    plan: Plan,
    freshness: Mapping[int, FreshnessReason | None],
    groups: Collection[int],
    color: bool,
    locate: Locate | None = None,
    asked: Mapping[int, str] | None = None,
    restored: Set[int] = frozenset(),
    guards: Sequence[_Due] = (),
) -> Iterator[str]:
    """A heading a wave that has something to run, a line a task, and the sum.

    ``groups``: tasks that run nothing. ``restored``: those that would be restored instead of being run.
    ``locate``: where an input is written. ``asked``: what is asked, by task, right before it
    would run. ``guards``: what would be verified, and where a person would be asked, with why.
    """
    running = {plan.names[task] for task, reason in freshness.items() if reason is not None}
    behind: dict[int, list[_Due]] = {}
    for due in guards:
        behind.setdefault(due[0].number, []).append(due)
    for wave in plan.waves:
        tasks = [(task, reason) for task in wave.tasks if (reason := freshness.get(task)) is not None]
        if tasks:
            yield f"wave {wave.number} ({words.tasks(len(tasks))})"
        for task, reason in tasks:
            if task in restored:
                said = f"would be restored: {words.why(reason)}"
                yield f"  {escape.name(plan.names[task])}  {paint(said, 'same', color)}"
            else:
                yield from _task(plan.names[task], reason, (asked or {}).get(task, ""), color, locate)
        yield from _guards(behind.get(wave.number, ()), running, color)
    yield from _guards(behind.get(0, ()), running, color)
    yield _sum(plan, freshness, groups, restored) if not guards else _sum_of_some(plan, freshness, groups, restored)


def _guards(due: Sequence[_Due], running: Collection[str], color: bool) -> Iterator[str]:
    for guard, reason in due:
        said = "a person would be asked" if guard.kind == "checkpoint" else "would be verified"
        if reason.code != "wave-ran" or reason.subject not in running:
            # Nothing that was told before says why.
            said += f": {words.why(reason)}"
        yield f"{escape.name(guard.name)}  {paint(said, 'same', color)}"


def _task(name: str, reason: FreshnessReason, asked: str, color: bool, locate: Locate | None) -> Iterator[str]:
    if reason.code in UNWANTED:
        yield f"  {escape.name(name)}  {paint(f'skipped: {words.why(reason)}', 'same', color)}"
    elif reason.code not in CANNOT_RUN:
        only = f", {escape.name(asked)}" if asked else ""
        yield f"  {escape.name(name)}  {paint(words.why(reason) + only, 'same', color)}"
    elif reason.code == "blocked-by":
        why_not = f"cannot run: {escape.name(reason.subject)}, which it needs, cannot"
        yield f"  {escape.name(name)}  {paint(why_not, 'failed', color)}"
    else:
        field = "requires" if reason.code == "no-program" else "inputs"
        place = f"   {escape.name(locate(name, field, reason.subject))}" if locate else ""
        yield f"  {escape.name(name)}  {paint(f'cannot run: {words.why(reason)}', 'failed', color)}{place}"
        yield f"    {words.step(reason)}"


def asked_before(tasks: Sequence[Task]) -> dict[int, str]:
    """What is asked right before tasks run, by task: ``only if `test -n "$CI"` ``."""
    found = {}
    for number, task in enumerate(tasks):
        if task.when or task.confirm:
            only = f"only if `{task.when.strip()}`" if task.when else ""
            found[number] = ", ".join(filter(None, (only, "once confirmed" if task.confirm else "")))
    return found


def _sum(
    plan: Plan, freshness: Mapping[int, FreshnessReason | None], groups: Collection[int], restored: Set[int]
) -> str:
    if all(freshness.get(task) is None for wave in plan.waves for task in wave.tasks):
        return words.up_to_date(plan.task_count)
    return _sum_of_some(plan, freshness, groups, restored)


def _sum_of_some(
    plan: Plan, freshness: Mapping[int, FreshnessReason | None], groups: Collection[int], restored: Set[int]
) -> str:
    """The sum where there is something to do."""
    reasons = [reason for wave in plan.waves for task in wave.tasks if (reason := freshness.get(task)) is not None]
    stuck = sum(reason.code in CANNOT_RUN for reason in reasons)
    told = sum(reason.code == "prose" for reason in reasons)
    skipped = sum(reason.code in UNWANTED for reason in reasons)
    gathering = sum(task in groups for wave in plan.waves for task in wave.tasks)
    parts = [
        f"{words.tasks(len(reasons) - stuck - told - skipped - len(restored))} would run",
        f"{len(restored)} would be restored" if restored else "",
        f"{told} told in words, for a person or an agent" if told else "",
        f"{stuck} cannot" if stuck else "",
        f"{skipped} skipped" if skipped else "",
        f"{plan.task_count - len(reasons) - gathering} up to date",
        words.groups(gathering) if gathering else "",
    ]
    return ", ".join(part for part in parts if part)


def document(
    plan: Plan,
    freshness: Mapping[int, FreshnessReason | None],
    groups: Collection[int],
    restored: Set[int] = frozenset(),
    guards: Sequence[_Due] = (),
) -> bytes:
    """The same as one JSON document."""
    rows = [
        {
            "task": plan.names[task],
            "wave": wave.number,
            "would_run": reason is not None and reason.code not in IDLE and task not in restored,
            "would_restore": task in restored,
            "reason": _code(reason, task in groups),
            "subject": reason.subject if reason is not None else "",
        }
        for wave in plan.waves
        for task in wave.tasks
        for reason in (freshness.get(task),)
    ]
    due = [
        {"name": guard.name, "kind": guard.kind, "wave": guard.number or None, "reason": reason.code}
        for guard, reason in guards
    ]
    return json_line({"version": 1, "task_count": plan.task_count, "tasks": rows, "guards": due})


def _code(reason: FreshnessReason | None, is_group: bool) -> str:
    if reason is not None:
        return reason.code
    return "group" if is_group else "unchanged"
