"""The last lines of a run: what came of it, and where to look first.

Knows look.md's "The end of a failed run". Does not know streams; logs are read for it.
"""

from __future__ import annotations

from collections.abc import Callable

from exarp.model.event import TaskFinished
from exarp.views import escape, words
from exarp.views.cells import listing
from exarp.views.color import paint
from exarp.views.run.fold import RunState
from exarp.views.run.manner import Manner
from exarp.views.tally import is_declined, is_verification

TAIL_LINES = 20
_TAIL_BYTES = 65_536
_LONGEST_LINE = 500
_NAMES = 10
_OTHERS = 20


def tail(data: bytes, lines: int = TAIL_LINES) -> str:
    """The last ``lines`` lines of an output that are not blank at its end, as a terminal would show them, bare."""
    text = data[-_TAIL_BYTES:].decode("utf-8", "replace")
    kept = escape.bare(text).strip("\n").rstrip().split("\n")[-lines:]
    return "\n".join(escape.plain(line[:_LONGEST_LINE]) for line in kept)


def ending(state: RunState, manner: Manner, tail_of: Callable[[TaskFinished], str]) -> list[str]:
    """The lines of a finished run; none where nothing is worth saying. ``tail_of`` gives the end of a failed task's
    output (see ``tail``)."""
    color = manner.color_words
    finished = state.finished
    if finished is None:
        return []
    failure = state.first_failure
    stopped = finished.outcome in ("cancelled", "interrupted")
    halted = finished.outcome == "waiting"
    if manner.quiet and failure is None and not stopped and not halted:
        return []
    verified = any(each.attempt for each in state.verified)
    if failure is None and not (stopped or halted or verified or state.tally.happened):
        return [paint(words.up_to_date(state.tally.done - state.tally.unwanted), "same", color)]
    lines = [_stopped(state, color) + _counts(state, color)]
    if failure is None:
        return [*lines, *_cancelled(state), *_halted(state, manner)]
    return [*lines, "", *_failure(state, failure, manner, tail_of(failure)), *_halted(state, manner)]


def _stopped(state: RunState, color: bool) -> str:
    finished = state.finished
    if finished is None or finished.outcome not in ("cancelled", "interrupted"):
        return ""
    by = f" ({words.signal_name(finished.signal)})" if finished.signal else ""
    return paint(f"{finished.outcome}{by}:", "wait", color) + " "


def _counts(state: RunState, color: bool) -> str:
    if not color:
        return words.closing(state.tally, _duration(state))
    parts = [paint(text, meaning, color) for meaning, text in words.counts(state.tally)]
    return f"{', '.join(parts) or 'nothing done'} in {words.took(_duration(state))}"


def _duration(state: RunState) -> int:
    return state.finished.duration_ms if state.finished else 0


def _failure(state: RunState, failure: TaskFinished, manner: Manner, output: str) -> list[str]:
    color = manner.color_words
    title = paint("not run:", "wait", color) if is_declined(failure) else paint("first failure:", "failed", color)
    lines = [f"{title} {_ended(failure)}"]
    lines += [f"  {line}" for line in output.split("\n") if output]
    if failure.reason is not None and (step := words.step(failure.reason)):
        lines.append(f"next: {step}")
    blocked = state.blocked_by(failure.task)
    if blocked:
        lines.append("blocked by it: " + listing([escape.name(task) for task in blocked], _NAMES))
    others = [other for other in state.failures if other is not failure]
    lines += [f"also failed: {_ended(other)}" for other in others[:_OTHERS]]
    if len(others) > _OTHERS:
        lines.append(f"and {len(others) - _OTHERS} more failed")
    lines += _cancelled(state)
    log = f"log: {escape.name(manner.call.of('log', failure.task))}      " if failure.log or failure.finally_log else ""
    again = _on(state, manner) if is_verification(failure.task) else escape.name(manner.call.run(failure.task))
    return [*lines, f"{log}again: {again}"]


def _halted(state: RunState, manner: Manner) -> list[str]:
    """The checkpoints at which a run came to its end, what is behind them, and how to go on."""
    if not state.checkpoints:
        return []
    lines = []
    for reached in state.checkpoints.values():
        lines.append(f"{paint('checkpoint:', 'wait', manner.color_words)} after wave {escape.name(reached.name)}")
        if held := state.held.get(reached.name):
            lines.append("waiting behind it: " + listing([escape.name(task) for task in held], _NAMES))
    return ["", *lines, f"go on: {_on(state, manner, past_checkpoints=True)}"]


def _on(state: RunState, manner: Manner, past_checkpoints: bool = False) -> str:
    """What goes on with a run. Who watches is called anew: only a run is gone on with."""
    if not state.is_watched:
        return escape.name(manner.call.of("resume"))
    return escape.name(manner.call.run(*(["--continue"] if past_checkpoints else [])))


def _cancelled(state: RunState) -> list[str]:
    """Who was ended, or never began, because the run was stopped."""
    if not state.cancelled:
        return []
    return ["cancelled: " + listing([escape.name(task) for task in state.cancelled], _NAMES)]


def _ended(failure: TaskFinished) -> str:
    took = f", {words.took(failure.duration_ms)}" if failure.attempt else ""
    return f"{escape.name(failure.task)}, {words.cause(failure)}{took}"
