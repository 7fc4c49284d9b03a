"""``plan --diff``: what would run and why, and what differs from an earlier plan.

Knows rows and sums. Does not know where the earlier plan comes from, nor what a difference is.
"""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence, Set
from datetime import datetime

from exarp.app.plan_diff import Against, Compared
from exarp.model.event import CANNOT_RUN, IDLE, UNWANTED, FreshnessReason
from exarp.model.manifest import Manifest
from exarp.model.plan import Plan
from exarp.planning.plan_diff import ChangedTask
from exarp.views import escape, words
from exarp.views.cells import listing, pad, width
from exarp.views.color import Meaning, paint

# More rows of one kind than this help nobody who did not ask for all.
_ROWS = 20
_NAMES = 5
_Row = tuple[str, str, str]
_MEANING: dict[str, Meaning] = {"+": "done", "-": "failed", "~": "wait"}


def lines(
    compared: Compared,
    plan: Plan,
    manifest: Manifest,
    freshness: Mapping[int, FreshnessReason | None],
    now: datetime,
    color: bool = False,
    every: bool = False,
    restored: Set[int] = frozenset(),
) -> list[str]:
    """What it is compared with, tasks that came, went or differ, those that would run or be ``restored``, and the sum. ``every``:
    however many."""
    known = frozenset(task.name for task in manifest.tasks)
    wave_of = {plan.names[task]: wave.name for wave in plan.waves for task in wave.tasks}
    diff = compared.diff
    by_run = compared.against is not None and not compared.against.file
    came = list(_came(compared, plan, freshness, by_run))
    added = [("+", name, f"{word}, in {wave_of[name]}") for name, word in came]
    removed = [("-", name, "not asked for now" if name in known else "gone") for name in diff.removed]
    changed = [("~", it.task, said) for it in diff.changed if (said := _said(it))]
    stale = list(_reasons(plan, freshness))
    would = [_would(plan.names[task], reason) for task, reason in stale if task not in restored]
    back = [("", plan.names[task], words.why(reason)) for task, reason in stale if task in restored]
    shown = [_heading(compared.against, now)]
    for rows in (added, removed, changed):
        shown += _shown(rows, color, every)
    shown += _moved(diff.changed, color)
    if would:
        shown += ["would run:", *_shown(would, color, every)]
    if back:
        shown += ["would be restored:", *_shown(back, color, every)]
    return [*shown, _sum(compared, plan, freshness, came, removed, len(restored))]


def _heading(against: Against | None, now: datetime) -> str:
    if against is None:
        return "nothing to compare with: no run yet"
    if against.file:
        return f"against {escape.name(against.file)}"
    command = f": {escape.name(shlex.join(against.command))}" if against.command else ""
    return f"against run {escape.name(against.run)} ({words.when(against.time, now)}){command}"


def _reasons(plan: Plan, freshness: Mapping[int, FreshnessReason | None]) -> Iterator[tuple[int, FreshnessReason]]:
    for wave in plan.waves:
        for task in wave.tasks:
            reason = freshness.get(task)
            if reason is not None and reason.code != "prose":
                yield task, reason


def _came(
    compared: Compared, plan: Plan, freshness: Mapping[int, FreshnessReason | None], by_run: bool
) -> Iterator[tuple[str, str]]:
    """Tasks that the earlier plan had not, and whether they are new: a run may have been asked for some of all."""
    if not compared.diff.added:
        return
    reasons = {plan.names[task]: reason.code for task, reason in _reasons(plan, freshness)}
    for name in compared.diff.added:
        is_new = not by_run or reasons.get(name) == "never-ran"
        yield name, "new" if is_new else "not in that run"


def _would(name: str, reason: FreshnessReason) -> _Row:
    if reason.code in CANNOT_RUN:
        return "", name, f"cannot run: {words.why(reason)}"
    return "", name, f"would be skipped: {words.why(reason)}" if reason.code in UNWANTED else words.why(reason)


def _said(changed: ChangedTask) -> str:
    """What differs of a task, but for its wave and why it would run; empty where that is all."""
    parts = []
    if changed.needs_added:
        parts.append(f"needs {_listed(changed.needs_added)} now")
    if changed.needs_removed:
        parts.append(f"needs {_listed(changed.needs_removed)} no longer")
    if changed.would_run is not None:
        parts.append("would run now" if changed.would_run[1] else "would not run any more")
    elif changed.reason is not None:
        then, now = (escape.name(code or "unchanged") for code in changed.reason)
        parts.append(f"{now}, was {then}")
    return ", ".join(parts)


def _moved(changed: Sequence[ChangedTask], color: bool) -> Iterator[str]:
    """Tasks that are in another wave, by the two waves: one task that comes early may move all others."""
    found: dict[tuple[str, str], list[str]] = {}
    for it in changed:
        if it.wave is not None:
            found.setdefault(it.wave, []).append(it.task)
    for (then, now), names in found.items():
        mark = paint("~", _MEANING["~"], color)
        yield f"  {mark} from {escape.name(then)} to {escape.name(now)}: {_listed(names)}"


def _listed(names: Sequence[str]) -> str:
    return listing([escape.name(name) for name in names], _NAMES)


def _shown(rows: Sequence[_Row], color: bool, every: bool) -> list[str]:
    most = rows if every else rows[:_ROWS]
    column = max((width(escape.name(name)) for _, name, _ in most), default=0)
    found = []
    for mark, name, said in most:
        lead = f"  {paint(mark, _MEANING[mark], color)} " if mark else "  "
        found.append(f"{lead}{pad(escape.name(name), column)}   {said}")
    return [*found, *([f"  and {len(rows) - len(most)} more (-v shows all)"] if len(rows) > len(most) else [])]


def _sum(
    compared: Compared,
    plan: Plan,
    freshness: Mapping[int, FreshnessReason | None],
    came: Sequence[tuple[str, str]],
    removed: Sequence[_Row],
    restored: int,
) -> str:
    would = sum(reason.code not in IDLE for _, reason in _reasons(plan, freshness)) - restored
    stuck = sum(reason.code in CANNOT_RUN for _, reason in _reasons(plan, freshness))
    diff = compared.diff
    parts = [
        f"{would} of {words.tasks(plan.task_count)} would run",
        f"{restored} would be restored" if restored else "",
        f"{stuck} cannot" if stuck else "",
        *(f"{number} {word}" for word, number in Counter(word for _, word in came).items()),
        *(f"{number} {word}" for word, number in Counter(word for *_, word in removed).items()),
        f"{len(diff.changed)} changed" if diff.changed else "",
    ]
    return ", ".join(filter(None, parts))


def fields(compared: Compared) -> dict[str, object]:
    """The same for the document; who would run and why is with its tasks."""
    diff = compared.diff
    against = compared.against
    return {
        "against": against,
        "added": diff.added,
        "removed": diff.removed,
        "changed": [_fields(it) for it in diff.changed],
    }


def _fields(changed: ChangedTask) -> dict[str, object]:
    found: dict[str, object] = {"task": changed.task}
    if changed.needs_added or changed.needs_removed:
        found["needs"] = {"added": changed.needs_added, "removed": changed.needs_removed}
    for name in ("wave", "would_run", "reason"):
        pair = getattr(changed, name)
        if pair is not None:
            found[name] = {"then": pair[0], "now": pair[1]}
    return found
