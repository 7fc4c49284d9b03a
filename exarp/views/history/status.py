"""The words of ``exarp status``, ``exarp history`` and ``exarp log``.

Knows how earlier runs and attempts are told. Does not know where they are stored: any object with the attributes of
``RunLike`` or ``AttemptLike`` will do. Times of day are those of the time zone that ``now`` is given in.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from exarp.model.call import Call
from exarp.model.event import FreshnessReason
from exarp.model.quantity import format_duration
from exarp.views import escape, words
from exarp.views.cells import cut, pad, width, wrap
from exarp.views.color import Meaning, paint
from exarp.views.history.questions import question_line
from exarp.views.run.fold import RunState
from exarp.views.tally import Tally

_MEANING: dict[str, Meaning] = {
    "passed": "done",
    "restored": "done",
    "up_to_date": "same",
    "running": "",
    "failed": "failed",
    "died": "failed",
}
_TASKS = 10
_LEAST_COMMAND = 12
_PLAIN = Call()


class RunLike(Protocol):
    """A run. Times are RFC 3339; ``outcome`` may also be ``running`` or ``died`` (no end, and its process is gone)."""

    @property
    def id(self) -> str: ...
    @property
    def started(self) -> str: ...
    @property
    def finished(self) -> str | None: ...
    @property
    def outcome(self) -> str: ...
    @property
    def exit_code(self) -> int | None: ...
    @property
    def duration_ms(self) -> int | None: ...
    @property
    def command(self) -> Sequence[str]: ...
    @property
    def counts(self) -> Mapping[str, int]: ...
    @property
    def first_failure(self) -> str | None: ...


class AttemptLike(Protocol):
    """An attempt of a task. ``time``: when it ended, or when it began where it has not. ``then``: what its task came to
    where it waited for another attempt in vain."""

    @property
    def task(self) -> str: ...
    @property
    def run(self) -> str: ...
    @property
    def attempt(self) -> int: ...
    @property
    def outcome(self) -> str: ...
    @property
    def time(self) -> str: ...
    @property
    def duration_ms(self) -> int | None: ...
    @property
    def exit_status(self) -> int | None: ...
    @property
    def signal(self) -> int | None: ...
    @property
    def end_reason(self) -> FreshnessReason | None: ...
    @property
    def then(self) -> str | None: ...


def status(
    runs: Sequence[RunLike],
    now: datetime,
    states: Mapping[str, RunState] = {},
    color: bool = False,
    call: Call = _PLAIN,
    has_log: Callable[[str, str], bool] = lambda run, task: True,
) -> str:
    """What runs, and how the last run ended. ``runs``: those that go on first. ``states``: by id, the folds of the events of runs
    that go on, on the clock of ``now.timestamp()``. ``call``: how to reach the same manifest again;
    ``has_log``: whether a run kept what a task printed (by id and name)."""
    if not runs:
        return "no run yet"
    lines: list[str] = []
    for run in runs:
        if run.outcome != "running":
            return "\n".join([*lines, *_ended(run, now, color, call, has_log)])
        lines += _running(run, now, states.get(run.id), call)
    return "\n".join(lines)


def standing(services: Iterable[tuple[str, str, str]]) -> list[str]:
    """A line for each process that keeps services up: ``up: db (since run 12), kept by pid 7: exarp watch``."""
    kept: dict[str, list[str]] = {}
    for task, run, holder in services:
        kept.setdefault(holder, []).append(f"{escape.name(task)} (since run {escape.name(run)})")
    return [f"up: {', '.join(names)}, kept by {escape.name(holder)}" for holder, names in kept.items()]


def history(runs: Sequence[RunLike], now: datetime, columns: int | None = None, color: bool = False) -> str:
    """A line a run, as given: id, when, how long, outcome, counts, command. ``columns``: None where nothing is cut."""
    if not runs:
        return "no run yet"
    cells = [
        (escape.name(run.id), words.when(run.started, now), took(run), _outcome(run.outcome), _counts(run.counts))
        for run in runs
    ]
    widths = [max(width(row[column]) for row in cells) for column in range(5)]
    room = None if columns is None else columns - sum(widths) - 2 * len(widths)
    if columns is not None and room is not None and room < _LEAST_COMMAND:
        narrow = (_narrow(run, row, widths, columns, color) for run, row in zip(runs, cells, strict=True))
        return "\n".join(narrow)
    return "\n".join(_history_line(run, row, widths, room, color) for run, row in zip(runs, cells, strict=True))


def attempts(rows: Iterable[AttemptLike], now: datetime, color: bool = False) -> str:
    """A line an attempt of one task, as given: run, attempt, when, how long, how it ended."""
    told = [
        (
            f"run {escape.name(row.run)}",
            f"attempt {row.attempt}" if row.attempt else "",
            words.when(row.time, now),
            _took(row.duration_ms),
            row,
        )
        for row in rows
    ]
    if not told:
        return "it never ran"
    run, attempt, time = (max(width(str(line[column])) for line in told) for column in range(3))
    return "\n".join(
        f"{pad(line[0], run)}  {pad(line[1], attempt)}  {pad(line[2], time)}  {line[3]:>6}  {_cause(line[4], color)}"
        for line in told
    )


def log_header(row: AttemptLike, now: datetime, color: bool = False) -> str:
    """What ``exarp log`` says above a log: ``cc@src/a.c: exit 1, run 41, today 14:02, 1.2s``."""
    tried = f", attempt {row.attempt}" if row.attempt > 1 else ""
    run = f"run {escape.name(row.run)}{tried}"
    told = [f"{escape.name(row.task)}: {_cause(row, color)}", run, words.when(row.time, now), _took_so_far(row, now)]
    return ", ".join(part for part in told if part)


def took(run: RunLike) -> str:
    """How long a run took, or nothing where it has no end. Less than from start to end where it was stopped meanwhile."""
    return _took(run.duration_ms) if run.finished else ""


def _took(duration_ms: int | None) -> str:
    return words.took(duration_ms) if duration_ms is not None else ""


def _took_so_far(row: AttemptLike, now: datetime) -> str:
    """How long an attempt took, or has been running; nothing where nobody saw its end."""
    seconds = _seconds_between(row.time, now.isoformat()) if row.outcome == "running" else None
    return _took(row.duration_ms) if seconds is None else f"{words.roughly(seconds)} so far"


def _seconds_between(start: str, end: str) -> float | None:
    try:
        return max(0.0, (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds())
    except (ValueError, TypeError):
        return None


def _running(run: RunLike, now: datetime, state: RunState | None, call: Call) -> list[str]:
    seconds = _seconds_between(run.started, now.isoformat())
    since = f" for {words.roughly(seconds)}" if seconds is not None else ""
    lines = [f"run {escape.name(run.id)} has been running{since}: {_command(run.command)}"]
    if state is None:
        return lines
    failed = f", {state.tally.failed} failed" if state.tally.failed else ""
    lines.append(f"  {state.tally.done}/{words.tasks(state.total)} done{failed}")
    running = list(state.running.values())
    column = max((width(escape.name(it.task)) for it in running[:_TASKS]), default=0)
    for it in running[:_TASKS]:
        elapsed = format_duration(max(0.0, now.timestamp() - it.since))
        lines.append(f"    {pad(escape.name(it.task), column)}  {elapsed:>5}")
    if len(running) > _TASKS:
        lines.append(f"    and {len(running) - _TASKS} more")
    for question in state.questions.values():
        lines += [f"  {line}" for line in question_line(question, call).split("\n")]
    return lines


def _ended(run: RunLike, now: datetime, color: bool, call: Call, has_log: Callable[[str, str], bool]) -> list[str]:
    outcome = paint(_outcome(run.outcome), _MEANING.get(run.outcome, "wait"), color)
    code = f" (exit {run.exit_code})" if run.exit_code else ""
    counts = _counts(run.counts)
    duration = took(run)
    behind = f": {counts}" + (f" in {duration}" if duration else "") if counts else ""
    lines = [f"run {escape.name(run.id)}, {words.when(run.finished or run.started, now)}: {outcome}{code}{behind}"]
    lines.append(f"  {_command(run.command)}")
    if run.first_failure is not None:
        kept = has_log(run.id, run.first_failure)
        log = f"      log: {escape.name(call.of('log', run.first_failure))}" if kept else ""
        lines.append(f"  first failure: {escape.name(run.first_failure)}{log}")
    return lines


def _history_line(run: RunLike, row: tuple[str, ...], widths: list[int], room: int | None, color: bool) -> str:
    cells = [pad(text, columns) for text, columns in zip(row, widths, strict=True)]
    cells[3] = paint(cells[3], _MEANING.get(run.outcome, "wait"), color)
    command = _command(run.command)
    return "  ".join([*cells, command if room is None else cut(command, room)]).rstrip()


def _narrow(run: RunLike, row: tuple[str, ...], widths: list[int], columns: int, color: bool) -> str:
    """A run where not all fits into a line: the counts stand below."""
    room = max(0, columns - sum(widths[:4]) - 2 * len(widths[:4]))
    line = _history_line(run, row[:4], widths[:4], room, color)
    return f"{line}\n{wrap('    ' + row[4], columns)}" if row[4] else line


def _outcome(outcome: str) -> str:
    return escape.name(outcome.replace("_", " "))


def _counts(counts: Mapping[str, int]) -> str:
    """Stored counts, by outcome, as the end of a run words them."""
    tally = Tally(
        ran=counts.get("passed", 0) - counts.get("groups", 0),
        restored=counts.get("restored", 0),
        up_to_date=counts.get("up_to_date", 0),
        groups=counts.get("groups", 0),
        failed=counts.get("failed", 0) - counts.get("allowed", 0),
        allowed=counts.get("allowed", 0),
        skipped=counts.get("skipped", 0) - counts.get("unwanted", 0),
        unwanted=counts.get("unwanted", 0),
        blocked=counts.get("blocked", 0),
        cancelled=counts.get("cancelled", 0),
    )
    return ", ".join(text for _, text in words.counts(tally))


def _cause(row: AttemptLike, color: bool) -> str:
    told = _outcome(row.outcome)
    if row.end_reason is not None and row.end_reason.code == "kept":
        told = "kept"
    if row.outcome == "failed":
        told = words.ended(row.end_reason, row.signal, row.exit_status or None, row.duration_ms or 0)
    then = f", then {_outcome(row.then)}" if row.then else ""
    return paint(told, _MEANING.get(row.outcome, "wait"), color) + then


def _command(command: Sequence[str]) -> str:
    return escape.name(shlex.join(command))
