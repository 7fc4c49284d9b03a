"""The use cases ``status``, ``history`` and ``log``: what earlier runs left.

Knows how to ask the store without changing anything. Words nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import TypeVar

from exarp.app.wiring import is_alive, read_log
from exarp.errors import Problem, UsageError
from exarp.model.event import Event
from exarp.store.database import Database
from exarp.store.events import EventLog
from exarp.store.reading import read
from exarp.store.runs import AttemptRow, RunHistory, RunRow
from exarp.store.state_folder import StateFolder

Answer = TypeVar("Answer")
# How often a log that is being followed is looked at, in seconds.
_LOOK_EVERY = 0.2
# Attempts of one task that are searched for those of one run.
_DEPTH = 1000


def _ask(root: str, query: Callable[[Database], Answer], nothing: Answer) -> Answer:
    import os

    path = StateFolder(root).database
    return read(path, query) if os.path.exists(path) else nothing


def runs(root: str, limit: int) -> list[RunRow]:
    """The newest runs, newest first."""
    return _ask(root, lambda database: RunHistory(database, is_alive).runs(limit), [])


def faults(root: str) -> list[str]:
    """What is wrong with what runs left, so that nothing of it can be told."""
    return _ask(root, lambda database: list(database.warnings), [])


def newest_events(root: str) -> list[Event]:
    """All stored events of the newest run."""

    def query(database: Database) -> list[Event]:
        newest = RunHistory(database, is_alive).latest()
        return EventLog(database).read(newest.id) if newest is not None else []

    return _ask(root, query, [])


def attempts(root: str, task: str, limit: int) -> list[AttemptRow]:
    """A task's newest attempts, newest first."""
    return _ask(root, lambda database: RunHistory(database, is_alive).task_history(task, limit), [])


def find_attempt(root: str, task: str, run: str | None) -> AttemptRow:
    """A task's last attempt, of one run or of any. Raises UsageError if there is none."""
    for row in attempts(root, task, _DEPTH if run is not None else 1):
        if run is None or row.run == run:
            return row
    where = f" in run {run}" if run is not None else ""
    message = f"task {task!r} has not been run{where}"
    raise UsageError(Problem("no-log", message, None, "`exarp history` lists runs, `exarp list` the tasks"))


def log_of(root: str, row: AttemptRow) -> bytes:
    """All that an attempt printed. Raises UsageError ``no-log`` where its log cannot be read."""
    try:
        return read_log(root, row.log) if row.log else b""
    except OSError as error:
        message = f"the log of task {row.task!r}, {row.log}, cannot be read: {error.strerror}"
        raise UsageError(Problem("no-log", message, None, "run the task again with --force")) from None


def _so_far(root: str, log: str) -> bytes:
    try:
        return read_log(root, log)
    except FileNotFoundError:
        # It is made with the first output.
        return b""


def follow_log(root: str, row: AttemptRow) -> Iterator[bytes]:
    """What an attempt has printed, and what it goes on to print until it has ended."""
    run, task, attempt = row.run, row.task, row.attempt
    shown = 0
    while True:
        # Asked first: what was printed before the end is then surely read.
        now = next((r for r in attempts(root, task, _DEPTH) if (r.run, r.attempt) == (run, attempt)), row)
        log = now.log or StateFolder(root).log_path(run, task, attempt)
        data = _so_far(root, log)
        yield data[shown:]
        shown = len(data)
        if now.outcome != "running":
            return
        time.sleep(_LOOK_EVERY)
