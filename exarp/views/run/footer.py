"""What stands below a run while it goes on: a row for each active wave, and the tasks that run.

Knows which rows, how many, and what they say. Does not know terminals or colours.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from exarp.model.quantity import format_duration
from exarp.views import escape, words
from exarp.views.run.fold import Running, RunState, WaveState

_MOST_ROWS = 12
_FEWEST_ROWS = 4


class WaveRow(msgspec.Struct, frozen=True):
    """``wave 2 ━━━ 23/41, 1 failed   12s, about 9s left`` in parts; ``elapsed`` and ``left`` may be empty."""

    label: str
    done: int
    total: int
    failed: str
    elapsed: str
    left: str


class TaskRow(msgspec.Struct, frozen=True):
    """``cc@src/parser.c   4.1s  (usually 3.8s)`` in parts; ``usual`` may be empty."""

    name: str
    elapsed: str
    usual: str


class Footer(msgspec.Struct, frozen=True):
    """All rows, top to bottom. ``more`` is one row too, where it is not empty."""

    waves: tuple[WaveRow, ...] = ()
    tasks: tuple[TaskRow, ...] = ()
    more: str = ""


def footer(state: RunState, now: float, height: int) -> Footer:
    """The rows for a terminal of ``height`` lines: a third of it, or four. ``now`` is on the clock of the fold."""
    room = max(1, min(height - 1, max(_FEWEST_ROWS, min(_MOST_ROWS, height // 3))))
    busy = {running.wave for running in state.running.values()}
    active = list(state.active.values())
    ranked = [wave for wave in active if wave.number in busy] or active[:1]
    waves = ranked[: max(1, room // 3)]
    room -= len(waves)
    # Services that serve go on and on: what the run waits for comes first.
    running = sorted(state.running.values(), key=lambda it: it.is_serving)
    hidden = len(running) > room or len(ranked) > len(waves)
    shown = running[: max(0, room - 1)] if hidden else running
    more = _more(len(running) - len(shown), len(ranked) - len(waves)) if hidden and room > 0 else ""
    return Footer(
        tuple([_wave_row(state, wave, now) for wave in waves]), tuple([_task_row(state, it, now) for it in shown]), more
    )


def seconds_left(state: RunState, wave: WaveState, now: float) -> float | None:
    """How long a wave will still take if its tasks take as long as they last did; None where that is not known of
    each of them, or where they are late already."""
    if wave.unknown > 0 or wave.expected_ms <= 0:
        return None
    left = [_left(state, running, now) for running in state.running.values() if running.wave == wave.number]
    spent = sum(
        state.expected_ms.get(running.task, 0) / 1000
        for running in state.running.values()
        if running.wave == wave.number
    ) - sum(left)
    lanes = 1 if wave.sequential else max(1, min(state.jobs, wave.total - wave.tally.done))
    seconds = max([(wave.expected_ms / 1000 - spent) / lanes, *left])
    return seconds if seconds >= 0.5 else None


def _left(state: RunState, running: Running, now: float) -> float:
    return max(0.0, state.expected_ms.get(running.task, 0) / 1000 - (now - running.since))


def _wave_row(state: RunState, wave: WaveState, now: float) -> WaveRow:
    left = seconds_left(state, wave, now)
    return WaveRow(
        f"wave {wave.number}",
        wave.tally.done,
        wave.total,
        f"{wave.tally.failed} failed" if wave.tally.failed else "",
        words.roughly(max(0.0, now - wave.since)) if wave.since is not None else "",
        f"about {words.roughly(left)} left" if left is not None else "",
    )


def _task_row(state: RunState, running: Running, now: float) -> TaskRow:
    if running.is_serving:
        return TaskRow(escape.name(running.task), format_duration(max(0.0, now - running.since)), "(ready)")
    usual = state.expected_ms.get(running.task)
    return TaskRow(
        escape.name(running.task),
        format_duration(max(0.0, now - running.since)),
        f"(usually {format_duration(usual / 1000)})" if usual else "",
    )


def _more(tasks: int, waves: int) -> str:
    parts: Sequence[str] = [
        *([f"{tasks} more"] if tasks else []),
        *([f"{waves} more wave" + ("" if waves == 1 else "s")] if waves else []),
    ]
    return "and " + ", ".join(parts)
