"""The use cases ``status``, ``history`` and ``log``: what earlier runs left.

Knows how to ask the store without changing anything. Words nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import TypeVar

from exarp.app.wiring import lives, read_log
from exarp.errors import Problem, UsageError
from exarp.model.event import Event
from exarp.store.database import Database
from exarp.store.events import EventLog
from exarp.store.reading import read
from exarp.store.runs import DIED, RUNNING, AttemptRow, RunHistory, RunRow
from exarp.store.state_folder import StateFolder

Answer = TypeVar("Answer")
# How often what is being followed is looked at, in seconds.
LOOK_EVERY = 0.2


def ask(root: str, query: Callable[[Database, RunHistory], Answer], nothing: Answer) -> Answer:
    """What a query says about what runs left; ``nothing`` where there is no database."""
    folder = StateFolder(root)
    if not folder.has_database():
        return nothing
    return read(folder.database, lambda database: query(database, RunHistory(database, lives)))


def runs(root: str, limit: int) -> list[RunRow]:
    """The newest runs, newest first."""
    return ask(root, lambda _, history: history.runs(limit), [])


def faults(root: str) -> list[str]:
    """What is wrong with what runs left, so that nothing of it can be told."""
    return ask(root, lambda database, _: list(database.warnings), [])


def events_of(root: str, run: str) -> list[Event]:
    """All stored events of a run."""
    return ask(root, lambda database, _: EventLog(database).read(run), [])


def newest_events(root: str) -> list[Event]:
    """All stored events of the newest run."""

    def query(database: Database, history: RunHistory) -> list[Event]:
        newest = history.latest()
        return EventLog(database).read(newest.id) if newest is not None else []

    return ask(root, query, [])


def running_and_last(root: str) -> list[RunRow]:
    """The runs that go on, newest first, and behind them the last one that has ended."""

    def query(_: Database, history: RunHistory) -> list[RunRow]:
        running = history.running()
        ended = (run for run in history.runs(len(running) + 1) if run.outcome != RUNNING)
        return [*running, *list(ended)[:1]]

    return ask(root, query, [])


def attempts(root: str, task: str, limit: int) -> list[AttemptRow]:
    """A task's newest attempts, newest first."""
    return ask(root, lambda _, history: history.task_history(task, limit), [])


def find_attempt(root: str, task: str, run: str | None, number: int | None = None) -> AttemptRow:
    """A task's last attempt, or that with a ``number``, of one run or of the last that it ran in. Raises UsageError if there
    is none."""
    found = attempts(root, task, 1) if run is None else _attempts_in(root, run, task)
    if found and number is not None:
        return _numbered(_attempts_in(root, found[0].run, task), number)
    if found:
        return found[0]
    where = f" in run {run}" if run is not None else ""
    message = f"task {task!r} has not been run{where}"
    if unknown := faults(root):
        message = f"whether task {task!r} has been run{where} is not known: {'; '.join(unknown)}"
    raise UsageError(Problem("no-log", message, None, "`exarp history` lists runs, `exarp list` the tasks"))


def _numbered(rows: list[AttemptRow], number: int) -> AttemptRow:
    """That with a number, of a task's attempts in one run."""
    for row in rows:
        if row.attempt == number:
            return row
    last = rows[0]
    if last.attempt == 0:
        message, step = (
            f"task {last.task!r} was not run in run {last.run}: what it makes was restored",
            "take --attempt away",
        )
    else:
        message = f"task {last.task!r} has no attempt {number} in run {last.run}"
        step = "take --attempt away: there was one" if last.attempt == 1 else f"there were {last.attempt}, from 1 on"
    raise UsageError(Problem("no-log", message, None, step))


def has_log(root: str, run: str, task: str) -> bool:
    """Whether a run kept what the last attempt of a task printed: one that printed nothing has no log."""
    return any(row.log or row.finally_log for row in _attempts_in(root, run, task)[:1])


def printed(root: str, row: AttemptRow) -> bytes:
    """What an attempt has printed until now. Raises UsageError ``no-log`` where it ended and its log cannot be read."""
    return _read(root, row, 0) + _unfinished(root, row) + _printed_finally(root, row)


def _unfinished(root: str, row: AttemptRow) -> bytes:
    """The end of a long log that exarp was killed at."""
    if row.outcome != DIED:
        return b""
    from exarp.hosts.log_tail import left_behind

    try:
        return left_behind(StateFolder(root).log_path(row.run, row.task, row.attempt))
    except OSError:
        return b""


def _printed_finally(root: str, row: AttemptRow) -> bytes:
    return _content(root, row.task, row.finally_log) if row.finally_log else b""


def _read(root: str, row: AttemptRow, start: int) -> bytes:
    if row.log:
        return _content(root, row.task, row.log, start)
    # Until its end is stored: where it will be. It is made with the first output.
    expected = StateFolder(root).log_path(row.run, row.task, row.attempt)
    return _content(root, row.task, expected, start, there=False)


def _content(root: str, task: str, log: str, start: int = 0, there: bool = True) -> bytes:
    try:
        return read_log(root, log, start)
    except OSError as error:
        if not there and isinstance(error, FileNotFoundError):
            return b""
        message = f"the log of task {task!r}, {log}, cannot be read: {error.strerror}"
        raise UsageError(Problem("no-log", message, None, "run the task again with --force")) from None


def follow_log(root: str, row: AttemptRow) -> Iterator[bytes]:
    """What an attempt has printed, and what it goes on to print until it has ended.

    Raises UsageError ``no-log`` where it cannot be read, or is gone all of a sudden.
    """
    shown = 0
    while True:
        # Asked first: what was printed before the end is then surely read.
        now = next((other for other in _attempts_in(root, row.run, row.task) if other.attempt == row.attempt), None)
        if now is None:
            message = f"what run {row.run} left is gone"
            raise UsageError(Problem("no-log", message, None, "`exarp history` lists runs"))
        data = _read(root, now, shown)
        shown += len(data)
        yield data
        if now.outcome != RUNNING:
            # What the next run has put where it belongs meanwhile is read from there.
            yield _unfinished(root, now) or _read(root, now, shown)
            yield _printed_finally(root, now)
            return
        time.sleep(LOOK_EVERY)


def _attempts_in(root: str, run: str, task: str) -> list[AttemptRow]:
    return ask(root, lambda _, history: history.attempts_in(run, task), [])
