"""The use case ``resume``: what it takes to go on with an earlier run.

Knows which runs can be gone on with, how each was called, and what differs since. Does not run anything.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import msgspec

from exarp.app.following import find_run
from exarp.app.history import ask, runs
from exarp.errors import BusyError, Problem, UsageError
from exarp.model.event import CheckpointReached, Event, QuestionAnswered, QuestionAsked, RunStarted
from exarp.model.plan import Plan
from exarp.planning.plan_diff import PlannedTask, plan_diff
from exarp.store.database import Database
from exarp.store.events import EventLog
from exarp.store.runs import RUNNING, RunHistory, RunRow

# More names of one kind than these help nobody.
_NAMES = 5
_OF_CHECKPOINTS = (CheckpointReached, QuestionAsked, QuestionAnswered)
# So many runs of others may have come since.
_LOOKED_AT = 50


class _Chain(NamedTuple):
    """What runs told that went on with each other: how they began, and the checkpoints at which they ended."""

    begun: list[RunStarted]
    checkpoints: dict[str, str]


class Resumed(msgspec.Struct, frozen=True):
    """An earlier run that is gone on with. ``runs``: it, and those that it went on with in turn, newest first. ``checkpoints``:
    names of those at which they ended, each with the id of the newest that did."""

    runs: tuple[str, ...]
    started: RunStarted
    checkpoints: Mapping[str, str] = {}

    @property
    def arguments(self) -> tuple[str, ...]:
        """The command line, without ``exarp``."""
        return self.started.command[1:]


def find_resumable(
    root: str, run: str | None, commands: Sequence[str], first_word: Callable[[Sequence[str]], str]
) -> tuple[RunRow, Resumed]:
    """The run of this id, or the newest of ``exarp run``, and what it takes to go on with it. ``commands``: words that are no
    tasks; ``first_word``: that of a command line which may be one.

    Raises UsageError ``no-run``, or ``cannot-resume`` where nobody can say how it was called, or it was no ``exarp run``;
    BusyError ``still-running``.
    """

    def other(command: Sequence[str]) -> str:
        """The command that made a run, if it was another one than ``run``."""
        word = first_word(command[1:])
        return word if word in commands and word != "run" else ""

    mine = (row for row in runs(root, _LOOKED_AT) if not other(row.command)) if run is None else iter(())
    row = next(mine, None) or find_run(root, run)
    if row.outcome == RUNNING:
        step = "`exarp wait` awaits its end, `exarp stop` ends it"
        raise BusyError(Problem("still-running", f"run {row.id} is still running", None, step))

    def query(database: Database, history: RunHistory) -> _Chain:
        log, found = EventLog(database), _Chain([], {})
        next_: str | None = row.id
        while next_ is not None:
            begun = [event for event in log.read(next_, limit=1) if isinstance(event, RunStarted)]
            found.begun.extend(begun)
            for checkpoint in _halted_at(log.read_kinds(next_, _OF_CHECKPOINTS)):
                found.checkpoints.setdefault(checkpoint, next_)
            next_ = begun[0].resumes if begun else None
        return found

    begun, checkpoints = ask(root, query, _Chain([], {}))
    if not begun or not begun[0].folder:
        raise _cannot(row, "it is not known where it was called")
    if begun[0].withheld:
        raise _cannot(row, "its command line holds a secret, which is kept nowhere")
    if command := other(begun[0].command):
        raise _cannot(row, f"it was a run of `exarp {command}`")
    return row, Resumed(tuple(event.run for event in begun), begun[0], checkpoints)


def _halted_at(events: Sequence[Event]) -> set[str]:
    """The checkpoints at which a run came to its end: nobody was there, or somebody said so. Who goes on with it has looked.
    Where a question was left open, nobody has."""
    found: set[str] = set()
    for event in events:
        match event:
            case CheckpointReached(task=checkpoint, waits=True):
                found.add(checkpoint)
            case QuestionAsked():
                found.discard(event.task)
            case QuestionAnswered(answer="stop"):
                found.add(event.task)
    return found


def folder_of(root: str, resumed: Resumed) -> str:
    """Where the run was called. Raises UsageError ``cannot-resume`` where that folder is gone."""
    folder = os.path.normpath(os.path.join(root, resumed.started.folder))
    if not os.path.isdir(folder):
        message = f"run {resumed.runs[0]} was called in {resumed.started.folder}, which is gone"
        raise UsageError(Problem("cannot-resume", message, None, "make the folder again, or type the command anew"))
    return folder


def differences(resumed: Resumed, digest: str, plan: Plan) -> list[str]:
    """What the manifest, whose ``digest`` it is, makes other than the run had it, in lines; none where it is the same."""
    started = resumed.started
    if not started.digest or started.digest == digest:
        return []
    then = {name: PlannedTask(wave.name) for wave in started.plan.waves for name in wave.tasks}
    now = {plan.names[task]: PlannedTask(wave.name) for wave in plan.waves for task in wave.tasks}
    diff = plan_diff(then, now)
    moved = [changed.task for changed in diff.changed]
    # What was known to be up to date before anything was looked at is not named there.
    added = () if any(wave.settled for wave in started.plan.waves) else diff.added
    kinds = (("new", added), ("gone", diff.removed), ("in another wave", moved))
    told = [f"  {what}: {_listed(names)}" for what, names in kinds if names]
    changed = f"the manifest has changed since run {resumed.runs[0]}"
    if told:
        return [f"{changed}:", *told]
    return [f"{changed}; the tasks and their waves are the same" if added == diff.added else changed]


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMES} more" if len(names) > _NAMES else ""
    return ", ".join(names[:_NAMES]) + more


def _cannot(row: RunRow, why: str) -> UsageError:
    message = f"run {row.id} cannot be gone on with: {why}"
    return UsageError(Problem("cannot-resume", message, None, "type its command anew: what it has done stays done"))
