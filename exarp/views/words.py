"""The words of a run, exactly as the contract has them ("Words" in the command line's contract).

Knows how announcements, ends, causes and reasons are said. Does not know streams, colours or when something is said.
"""

from __future__ import annotations

import signal
from collections.abc import Sequence
from datetime import datetime, timedelta

from exarp.model.event import (
    AttemptFailed,
    FreshnessReason,
    QuestionAsked,
    RecoveryStarted,
    TaskFinished,
    TaskRetried,
)
from exarp.model.quantity import format_duration
from exarp.views import escape
from exarp.views.cells import listing
from exarp.views.color import Meaning
from exarp.views.tally import Tally, is_verification

_NAMES = 10

# Why a task runs, or does not, where the reason has no subject / where it has one.
REASONS: dict[str, tuple[str, str]] = {
    "never-ran": ("no success of it is recorded", "no success of it is recorded"),
    "variable-changed": ("a variable changed", "the variable {} changed"),
    "arguments-changed": ("its arguments changed", "its arguments changed: {}"),
    "recipe-changed": ("its recipe changed", "its {} changed"),
    "input-changed": ("an input changed", "input {} changed"),
    "input-added": ("an input was added", "input {} was added"),
    "input-removed": ("an input was removed", "input {} was removed"),
    "tool-changed": ("a tool changed", "tool {} changed"),
    "tool-added": ("a tool was added", "tool {} was added"),
    "tool-removed": ("a tool was removed", "tool {} was removed"),
    "output-missing": ("an output is missing", "output {} is missing"),
    "output-changed": ("an output was changed by something else", "output {} was changed by something else"),
    "undeclared": ("it does not declare what it reads and writes", "it does not declare {}"),
    "failed-since": ("it failed since its last success", "it failed since its last success"),
    "interrupted-since": ("it was broken off since its last success", "it was broken off since its last success"),
    "unsettled": ("files changed while it last ran", "files changed while it last ran"),
    "forced": ("it was forced", "it was forced by {}"),
    "made-later": (
        "a file that it read may be made later in this run",
        "{}, which it read, may be made later in this run",
    ),
    "need-changed": ("what a task it needs made changed", "what {} made changed"),
    "need-runs": ("a task it needs would run first", "{}, which it needs, would run first"),
    "mended": ("an agent looked into it", "an agent looked into it"),
    "escalated": ("a person is to see to it", "escalated: {}"),
    "wave-ran": ("a task of the wave ran", "{} ran"),
    "wave-failed": ("something failed before it", "something failed in {}"),
    "checkpoint": ("a checkpoint is before it", "it is behind the checkpoint of {}"),
    "retried": ("the last attempt failed", "the last attempt failed"),
    "unchanged": ("nothing changed", "nothing changed"),
    "prose": ("told in words, for a person or an agent", "told in words, for a person or an agent"),
    "group": ("it only gathers other tasks", "it only gathers other tasks"),
    "blocked-by": ("a task it needs did not pass", "{}, which it needs, did not pass"),
    "outputs-not-made": ("did not make its outputs", "did not make {}"),
    "input-missing": ("an input is missing", "input {} is missing"),
    "input-unreadable": ("an input cannot be read", "input {} cannot be read"),
    "tool-missing": ("a tool is missing", "tool {} is missing"),
    "tool-unreadable": ("a tool cannot be read", "tool {} cannot be read"),
    "output-unreadable": ("an output cannot be read", "output {} cannot be read"),
    "output-is-folder": ("an output is a folder", "output {} is a folder"),
    "name-not-utf8": ("a file's name is not UTF-8", "the name of {} is not UTF-8"),
    "no-match": ("a pattern matches no file", "{} matches no file"),
    "verify-failed": ("what verifies it failed", "verify failed ({})"),
    "timed-out": ("timed out", "timed out after {}"),
    "interrupted": ("interrupted", "interrupted by {}"),
    "outdated": ("what it works on changed", "{} changed while the run went on"),
    "start-failed": ("could not be started", "could not be started: {}"),
    "no-program": ("a program that it requires is not in PATH", "{}, which it requires, is not in PATH"),
    "held": ("another run has it", "another run has it or its files: {}"),
    "requirement-failed": ("what it requires is not there", "what it requires ({}) is not there"),
    "condition-false": ("its condition does not hold", "its condition does not hold ({})"),
    "condition-broken": ("its condition could not be asked", "its condition ({}) could not be asked"),
    "declined": ("somebody said no", "{} said no"),
    "not-confirmed": ("it wants to be confirmed, and nobody is there to ask", "{} is to be confirmed"),
    "needed": ("a task needs it", "{} needs it"),
    "not-needed": ("no task that needs it had to run", "no task that needs {} had to run"),
    "kept": ("it goes on after the run", "it has been up since run {}"),
    "not-ready": ("was not ready in time", "was not ready after {}"),
    "service-ended": ("ended while it was needed", "ended while it was needed ({})"),
    "other-platform": ("it is not for this platform", "it is not for {}"),
    "aborted": ("the run was aborted", "the run was aborted after {} failed"),
    "fail-fast": ("the run stops at the first failure", "the run stops at the first failure, {}"),
}
# What to do about a task that cannot be run, or did not do what it declares.
_STEPS = {
    "input-missing": "make it, correct its name, or let the task that makes it declare it in outputs",
    "input-unreadable": "let yourself read it, or take it out of inputs",
    "tool-missing": "make it, correct its name, or let the task that makes it declare it in outputs",
    "tool-unreadable": "let yourself read it, or take it out of tools",
    "no-match": "correct the pattern, take it out, or allow it to match nothing: allow_empty = true",
    "name-not-utf8": "rename the file, or keep it out with an input that begins with !",
    "outputs-not-made": "correct outputs, or let the command make it there",
    "output-unreadable": "let the command leave it readable",
    "no-program": "install it, or put it into PATH",
    "held": "run it again when that one is done",
    "not-confirmed": "say --yes, or run it in a terminal",
    "not-ready": "see its log; give it more time with timeout in service",
    "service-ended": "let it stay in the foreground for as long as it serves",
    "requirement-failed": "see to it, and run again",
    "condition-broken": "let the script of when end with an exit status: 0 runs the task, any other skips it",
    "output-is-folder": "in outputs, write it with a slash at its end",
}
# Codes that say how an attempt ended, better than its exit status does.
_CAUSES = frozenset(
    {
        "verify-failed",
        "escalated",
        "outputs-not-made",
        "output-unreadable",
        "output-is-folder",
        "input-missing",
        "input-unreadable",
        "tool-missing",
        "tool-unreadable",
        "no-match",
        "name-not-utf8",
        "timed-out",
        "interrupted",
        "start-failed",
        "no-program",
        "held",
        "requirement-failed",
        "condition-broken",
        "declined",
        "not-confirmed",
        "not-ready",
        "service-ended",
    }
)


# Codes whose subject is a script, and how much of one says which it is.
_OF_SCRIPTS = frozenset("requirement-failed condition-false condition-broken verify-failed".split())
_BRIEF = 80


def _brief(script: str) -> str:
    """The beginning of a script: its first line, with an ellipsis for what is left out."""
    first, _, more = script.strip().partition("\n")
    if len(first) > _BRIEF:
        return f"{first[: _BRIEF - 1]}…"
    return f"{first} …" if more else first


def scripts(found: Sequence[str]) -> str:
    """Some scripts, each by its beginning."""
    return ", ".join([escape.name(_brief(script)) for script in found])


def tasks(count: int) -> str:
    """``1 task``, ``4 tasks``."""
    return f"{count} task" if count == 1 else f"{count} tasks"


def waves(count: int) -> str:
    """``1 wave``, ``2 waves``."""
    return f"{count} wave" if count == 1 else f"{count} waves"


def groups(count: int) -> str:
    """``1 group``, ``2 groups``."""
    return f"{count} group" if count == 1 else f"{count} groups"


def starting(wave: int, count: int) -> str:
    """``Starting wave 2 (4 tasks)``."""
    return f"Starting wave {wave} ({tasks(count)})"


def complete(wave: int, passed: int, count: int) -> str:
    """``Wave 2 complete: 4/4 tasks passed``."""
    return f"Wave {wave} complete: {passed}/{tasks(count)} passed"


def up_to_date(count: int) -> str:
    """``up to date (12 tasks)``."""
    return f"up to date ({tasks(count)})"


def touched(count: int, vain: Sequence[str]) -> list[str]:
    """``recorded 2 tasks as done``, and which tasks run all the same."""
    lines = [f"recorded {tasks(count)} as done"]
    if vain:
        runs = "run" if len(vain) > 1 else "runs"
        names = listing([escape.name(name) for name in vain], _NAMES)
        lines.append(f"{names} {runs} every time all the same: no inputs or outputs are declared")
    return lines


def took(duration_ms: int) -> str:
    """``0.9s``, ``14.2s``, ``3m05s``: a duration after the fact."""
    seconds = duration_ms / 1000
    return f"{seconds:.1f}s" if seconds < 59.95 else format_duration(max(seconds, 60.0))


def roughly(seconds: float) -> str:
    """``9s``, ``3m05s``: a duration that is still going on, or a guess."""
    return f"{seconds:.0f}s" if seconds < 59.5 else format_duration(max(seconds, 60.0))


def when(time: str, now: datetime) -> str:
    """``today 14:02``, ``yesterday 09:10``, ``2025-11-20 14:02``; what is no time is printed as it is."""
    try:
        moment = datetime.fromisoformat(time).astimezone(now.tzinfo)
    except ValueError:
        return escape.name(time)
    days = {now.date(): "today", now.date() - timedelta(days=1): "yesterday"}
    return f"{days.get(moment.date(), moment.date().isoformat())} {moment:%H:%M}"


def signal_name(number: int) -> str:
    """``SIGSEGV``, or ``signal 99`` where it has no name."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def ending(signum: int, running: int) -> str:
    """``interrupted: ending 1 task (Ctrl-C again kills it at once)``; of other signals the name."""
    typed = signum == signal.SIGINT
    cause, again = ("interrupted", "Ctrl-C again") if typed else (signal_name(signum), "a second signal")
    return f"{cause}: ending {tasks(running)} ({again} kills {'it' if running == 1 else 'them'} at once)"


def cause(event: TaskFinished | TaskRetried | RecoveryStarted | AttemptFailed | QuestionAsked) -> str:
    """How the last attempt of a task ended: ``exit 1``, ``killed by SIGSEGV``, ``timed out after 10s``."""
    return ended(event.reason, event.signal, event.exit_status, event.duration_ms)


def question(event: QuestionAsked) -> str:
    """``Task D failed 3x: connection refused. Debug / Skip / Abort?``, or what a task's ``confirm`` asks."""
    if event.text:
        return escape.name(event.text)
    options = " / ".join(option.capitalize() for option in event.options)
    if "continue" in event.options:
        name = escape.name(event.task)
        return f"{name[:1].upper()}{name[1:]}: {options}?"
    times = f" {event.retries}x" if event.retries else ""
    error = event.error if event.error and event.reason is None else ""
    said = (escape.name(error) if error else cause(event)).removesuffix(".")
    what = escape.name(event.task) if is_verification(event.task) else f"Task {escape.name(event.task)}"
    return f"{what} failed{times}: {said}. {options}?"


def ended(reason: FreshnessReason | None, signum: int | None, status: int | None, duration_ms: int) -> str:
    """How an attempt ended, as ``cause`` words it."""
    if reason is not None and reason.code in _CAUSES:
        if reason.code == "timed-out" and not reason.subject:
            return f"timed out after {took(duration_ms)}"
        return why(reason)
    if signum is not None:
        return f"killed by {signal_name(signum)}"
    if status is not None:
        return f"exit {status}"
    return why(reason) if reason is not None else "failed"


def why(reason: FreshnessReason) -> str:
    """A reason as a clause: ``input src/a.h changed``. A code that is not known is printed as it is."""
    subject = escape.name(_brief(reason.subject) if reason.code in _OF_SCRIPTS else reason.subject)
    without, with_subject = REASONS.get(reason.code, (None, None))
    if without is None or with_subject is None:
        return f"{escape.name(reason.code)} {subject}".rstrip()
    said = with_subject.format(subject) if subject else without
    return f"{said}: {escape.name(reason.detail)}" if reason.detail else said


def step(reason: FreshnessReason) -> str:
    """What to do next about a reason, or an empty text where its own words say it."""
    known = _STEPS.get(reason.code, "")
    if known and reason.code in ("input-missing", "tool-missing", "no-match", "outputs-not-made"):
        if reason.subject.startswith("~"):
            return "~ is taken literally: write ${env.HOME} for the home folder"
        if "{" in reason.subject:
            return "{ and } are taken literally: list each name as an entry of its own"
    return known


def code(reason: FreshnessReason | None) -> str:
    """A reason as a log has it: ``input-changed src/a.h``."""
    return f"{escape.name(reason.code)} {escape.name(reason.subject)}".rstrip() if reason else ""


def counts(tally: Tally) -> list[tuple[Meaning, str]]:
    """The parts of the counting line with their meaning, worst first: ``1 failed``, ``39 passed (12 ran, …)``."""
    parts: list[tuple[int, Meaning, str]] = [
        (tally.failed, "failed", f"{tally.failed} failed"),
        (tally.allowed, "wait", f"{tally.allowed} failed but allowed to"),
        (tally.skipped, "wait", f"{tally.skipped} skipped"),
        (tally.unwanted, "same", f"{tally.unwanted} skipped by condition"),
        (tally.blocked, "wait", f"{tally.blocked} blocked"),
        (tally.cancelled, "wait", f"{tally.cancelled} cancelled"),
        (tally.passed, "done", f"{tally.passed} passed{_passed_how(tally)}"),
    ]
    return [(meaning, text) for count, meaning, text in parts if count]


def _passed_how(tally: Tally) -> str:
    if tally.passed == tally.ran:
        return ""
    counted = [(tally.ran, "ran"), (tally.restored, "restored"), (tally.up_to_date, "up to date")]
    parts = [f"{count} {word}" for count, word in counted if count]
    return f" ({', '.join([*parts, *([groups(tally.groups)] if tally.groups else [])])})"


def closing(tally: Tally, duration_ms: int) -> str:
    """``1 failed, 1 blocked, 39 passed (12 ran, 27 up to date) in 14.2s``."""
    return f"{', '.join(text for _, text in counts(tally)) or 'nothing done'} in {took(duration_ms)}"
