"""``exarp explain``: whether a task would run now, and why; why it ran the last time.

Knows the rows and what is worth a sum. Does not know how it was found out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Protocol

import msgspec

from exarp.app.explain import Explanation, First, Since, Unchanged
from exarp.model.event import CANNOT_RUN, UNWANTED, FreshnessReason
from exarp.views import escape, words
from exarp.views.cells import listing, pad, width
from exarp.views.color import Meaning, paint
from exarp.views.history.status import AttemptLike, log_header
from exarp.views.json_line import json_line
from exarp.views.plan.reason_words import Locate
from exarp.views.run.dry_run import asked_before

# More rows of one kind than this help nobody who did not ask for all.
_ROWS = 20
_NAMES = 10
# What is said of the subject of a reason in a row of its own: what stands before it, and what became of it.
_ROW: dict[str, tuple[str, str]] = {
    "arguments-changed": ("its arguments", "changed"),
    "variable-changed": ("variable {}", "changed"),
    "recipe-changed": ("its {}", "changed"),
    "input-changed": ("{}", "changed"),
    "input-added": ("{}", "added"),
    "input-removed": ("{}", "removed"),
    "tool-changed": ("tool {}", "changed"),
    "tool-added": ("tool {}", "added"),
    "tool-removed": ("tool {}", "removed"),
    "output-missing": ("output {}", "missing"),
    "output-changed": ("output {}", "changed by something else"),
    "need-changed": ("what {} made", "changed"),
}


class LastLike(AttemptLike, Protocol):
    """An attempt with the reason why it ran."""

    @property
    def reason(self) -> FreshnessReason | None: ...


def lines(found: Explanation, now: datetime, locate: Locate, color: bool = False, every: bool = False) -> list[str]:
    """The answer, what differs a row each (``every``: however much), what would run before, and what is as it was."""
    headline, meaning = _headline(found)
    rows = [row for reason in found.reasons if (row := _row(reason)) is not None]
    if found.reason is None:
        headline += _since(found.since, now, " since run {} ({})")
    elif len(rows) > 1:
        headline += _since(found.since, now, " (since run {}, {})")
    since = _since(found.since, now, " since run {} ({})") if len(rows) == 1 else ""
    shown = [paint(headline, meaning, color)]
    shown += _cut(_columns([(what, f"{became}{since}") for what, became in rows]), every)
    shown += _cut(_columns([_first(it) for it in found.first]), every)
    shown += _further(found, locate)
    unchanged = _unchanged(found.unchanged, bool(rows))
    return [*shown, *([paint(f"unchanged: {unchanged}", "same", color)] if unchanged else [])]


def _headline(found: Explanation) -> tuple[str, Meaning]:
    task, reason = found.task, found.reason
    if found.blocked:
        return f"blocked: it waits for {_listed(found.blocked)}, which nobody may do now", "wait"
    if task.is_group:
        return f"runs nothing itself: of the tasks that it gathers {len(found.first) or 'none'} would run", ""
    if reason is None:
        if task.service is not None:
            return "would not be started: it is a service, and no task that would run needs it", "same"
        return "up to date" if not found.task.always_runs else "would not run", "same"
    if reason.code == "prose":
        return f"is not run: {words.why(reason)}", ""
    if reason.code in UNWANTED:
        return f"would be skipped: {words.why(reason)}", "wait"
    if reason.code in CANNOT_RUN:
        return f"cannot run: {words.why(reason)}", "failed"
    if task.service is not None:
        return "would be started: it is a service, and runs as long as it is needed", ""
    if found.restored:
        return f"would be restored, not run: {_kinds(reason, found.reasons)}", ""
    return f"would run: {_kinds(reason, found.reasons)}", ""


def _kinds(reason: FreshnessReason, reasons: Sequence[FreshnessReason]) -> str:
    """All kinds of reasons, each once: ``a variable changed, an input changed``; the only one that has no row whole."""
    if not reasons:
        return words.why(reason)
    kinds = [] if reason.code in {other.code for other in reasons} else [words.why(reason)]
    for other in reasons:
        kinds.append(words.why(other if _row(other) is None else FreshnessReason(other.code)))
    return ", ".join(dict.fromkeys(kinds))


def _since(since: Since | None, now: datetime, said: str) -> str:
    """``said`` of the run and its time; without the time where that is forgotten."""
    if since is None:
        return ""
    run = escape.name(since.run)
    return said.format(run, words.when(since.time, now)) if since.time else f" since run {run}"


def _row(reason: FreshnessReason) -> tuple[str, str] | None:
    before, became = _ROW.get(reason.code, ("", ""))
    if not before or ("{}" in before and not reason.subject):
        return None
    return before.format(escape.name(reason.subject)), became


def _first(first: First) -> tuple[str, str]:
    name, why = escape.name(first.task), words.why(first.reason)
    if first.reason.code in CANNOT_RUN:
        told = "cannot run"
    elif first.reason.code in UNWANTED:
        told = "would be skipped"
    elif first.restored:
        told = "would be restored first"
    else:
        told = "would run first"
    return name, f"{told}, because of {escape.name(first.root)}: {why}" if first.root else f"{told}: {why}"


def _columns(rows: Sequence[tuple[str, str]]) -> list[str]:
    column = max((width(what) for what, _ in rows), default=0)
    return [f"  {pad(what, column)}   {became}" for what, became in rows]


def _cut(rows: Sequence[str], every: bool) -> list[str]:
    if every or len(rows) <= _ROWS:
        return list(rows)
    return [*rows[:_ROWS], f"  and {len(rows) - _ROWS} more (-v shows all)"]


def _further(found: Explanation, locate: Locate) -> Iterator[str]:
    """What is asked right before it would run, or what to do about it."""
    task, reason = found.task, found.reason
    if reason is None or task.is_group or found.blocked:
        return
    if reason.code in CANNOT_RUN and reason.code != "blocked-by":
        field = "requires" if reason.code == "no-program" else "inputs"
        yield f"  {escape.name(locate(task.name, field, reason.subject))}: {words.step(reason)}"
    elif reason.code == "undeclared":
        yield "  with inputs, outputs or both it would run only where they differ"
    if found.restored:
        yield "  what it makes of this is kept as an artifact, and would be put back"
    if found.would_run and (asked := asked_before([task])):
        yield f"  {escape.name(asked[0])}"


def _unchanged(unchanged: Unchanged, others: bool) -> str:
    """``1 command, 2 variables (CC, CFLAGS), 6 other inputs, 1 output``."""
    names = [escape.name(name) for name in unchanged.variables]
    other = "other " if others else ""
    parts = [
        _count(unchanged.commands, "command"),
        _count(unchanged.prompts, "prompt"),
        f"{_count(len(names), 'variable')} ({listing(names, _NAMES)})" if names else "",
        _count(unchanged.inputs, f"{other}input"),
        _count(unchanged.outputs, f"{other}output"),
        _count(unchanged.needs, "need"),
    ]
    return ", ".join(filter(None, parts))


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}" if number else ""


def _listed(names: Sequence[str]) -> str:
    return listing([escape.name(name) for name in names], _NAMES)


def last_lines(row: LastLike | None, now: datetime, color: bool = False) -> list[str]:
    """Why a task ran the last time, and what came of it."""
    if row is None:
        return ["it never ran"]
    why = words.why(row.reason) if row.reason is not None else "the reason is not recorded"
    came_to = "restored" if row.outcome == "restored" else "ran"
    return [f"{came_to}: {why}", f"  {log_header(row, now, color)}"]


def document(found: Explanation) -> bytes:
    """The answer as one JSON document."""
    reason = found.reason
    code = reason.code if reason is not None else "group" if found.task.is_group else "unchanged"
    return json_line(
        {
            "version": 1,
            "task": found.task.name,
            "would_run": found.would_run,
            "would_restore": found.restored,
            "reason": "blocked" if found.blocked else code,
            "subject": reason.subject if reason is not None else "",
            "reasons": [_fields(each) for each in found.reasons],
            "since": found.since,
            "first": [{"task": it.task, "because_of": it.root or it.task, **_fields(it.reason)} for it in found.first],
            "waits_for": found.blocked,
            "unchanged": found.unchanged,
        }
    )


def _fields(reason: FreshnessReason) -> dict[str, str]:
    return {"reason": reason.code, "subject": reason.subject, "detail": reason.detail}


def last_document(task: str, row: msgspec.Struct | None) -> bytes:
    """The last attempt as one JSON document, null where there is none."""
    return json_line({"version": 1, "task": task, "last": msgspec.to_builtins(row) if row is not None else None})
