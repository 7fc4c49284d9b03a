"""The one line that a run says of a task: ``ok    cc@src/lexer.c (0.9s)  input-changed src/lexer.h``.

Knows the labels and what stands behind them. Does not know whether a line is said at all.
"""

from __future__ import annotations

from typing import cast

from exarp.model.event import (
    AttemptFailed,
    FreshnessReason,
    RecoveryFinished,
    RecoveryStarted,
    ServiceReady,
    ServiceStopped,
    TaskFinished,
    TaskRetried,
)
from exarp.views import escape, words
from exarp.views.cells import listing
from exarp.views.color import Meaning, paint
from exarp.views.tally import is_declined, is_unwanted, is_verification

# More files than these are counted.
_CHANGED = 5


def finished(event: TaskFinished, started_for: FreshnessReason | None, color: bool) -> str:
    """The line of a task that reached its last state. ``started_for``: why it ran, where it did."""
    label, meaning, detail = _told(event, started_for)
    return _line(label, meaning, event.task, event.duration_ms if event.attempt else None, detail, color)


def ready(event: ServiceReady, took_ms: int, color: bool) -> str:
    """The line of a service that is ready for those who need it."""
    if event.started_in is not None:
        return _line("ready", "same", event.task, None, f"since run {escape.name(event.started_in)}", color)
    return _line("ready", "done", event.task, took_ms, "", color)


def stopped(event: ServiceStopped, color: bool) -> str:
    """The line of a service that stood and was ended, or ended by itself."""
    return _line("stop", "wait", event.task, event.duration_ms, words.code(event.reason), color)


def retried(event: TaskRetried, color: bool) -> str:
    """The line of an attempt that failed and is followed by another."""
    again = f"attempt {event.attempt + 1} of {event.retries + 1}"
    if event.delay_ms:
        again += f" in {words.took(event.delay_ms)}"
    return _line("retry", "wait", event.task, event.duration_ms, f"{words.cause(event)}, {again}", color)


def recovering(event: RecoveryStarted, color: bool) -> str:
    """The line of an attempt that failed, and that an agent looks into."""
    detail = f"{words.cause(event)}, recovery {event.round} of {event.rounds}"
    return _line("mend", "wait", event.task, event.duration_ms, detail, color)


def recovered(event: RecoveryFinished, color: bool) -> str:
    """The line of the agent's end."""
    how = event.error or (f"exit {event.exit_status}" if event.exit_status is not None else "")
    said = escape.name(event.said)
    label, meaning, detail = {
        "tried": ("tried", "wait", said),
        "escalated": ("mend", "wait", f"escalated{': ' if said else ''}{said}"),
        "no_help": ("mend", "wait", f"no help from recovery: {escape.name(how)}{', ' if said else ''}{said}"),
        "cancelled": ("stop", "wait", "recovery ended"),
    }[event.outcome]
    if event.changed:
        more = f" and {event.changed_more} more" if event.changed_more else ""
        named = listing([escape.name(path) for path in event.changed], _CHANGED)
        detail += f"{', ' if detail else ''}changed {named}{more}"
    return _line(label, cast("Meaning", meaning), event.task, event.duration_ms, detail, color)


def undecided(event: AttemptFailed, color: bool) -> str:
    """The line of a task that failed, and of which a person will say what becomes of it."""
    took_ms = event.duration_ms if event.attempt else None
    return _line("FAIL", "failed", event.task, took_ms, words.cause(event), color)


def _told(event: TaskFinished, started_for: FreshnessReason | None) -> tuple[str, Meaning, str]:
    """Label, its meaning, and the detail behind the task's name."""
    match event.outcome:
        case "passed":
            return "ok", "done", _why(started_for or event.reason)
        case "restored":
            return "ok", "done", "restored"
        case "up_to_date" if event.reason is not None and event.reason.code == "kept":
            return "ok", "same", words.why(event.reason)
        case "up_to_date":
            return "ok", "same", "up to date"
        case "failed" if event.allowed:
            return "FAIL", "wait", f"{words.cause(event)}, allowed"
        case "failed":
            return "FAIL", "failed", words.cause(event)
        case "skipped" if is_unwanted(event) or (not event.attempt and is_verification(event.task)):
            return "skip", "same", words.why(event.reason) if event.reason else ""
        case "skipped" if is_declined(event):
            return "skip", "wait", words.cause(event)
        case "skipped":
            return "FAIL", "failed", f"{words.cause(event)}, skipped"
        case "blocked":
            return "wait", "wait", words.code(event.reason)
        case "cancelled":
            return "stop", "wait", words.code(event.reason)


def _why(reason: FreshnessReason | None) -> str:
    """A task that declares nothing always runs: that is no news."""
    return "" if reason is not None and reason.code == "undeclared" else words.code(reason)


def _line(label: str, meaning: Meaning, task: str, duration_ms: int | None, detail: str, color: bool) -> str:
    took = f" ({words.took(duration_ms)})" if duration_ms is not None else ""
    behind = f"  {detail}" if detail else ""
    return f"{paint(label, meaning, color)}{' ' * (6 - len(label))}{escape.name(task)}{took}{behind}"
