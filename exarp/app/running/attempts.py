"""What a run knows of an attempt while it is made ready and runs.

Knows the values. Does not know how one is started, nor what follows from its end.
"""

from __future__ import annotations

import msgspec

from exarp.engine.stimulus import Ended
from exarp.model.launch import Exited, Launch
from exarp.model.task import Task


class Running(msgspec.Struct):
    """One that runs. ``path`` and ``log``: where its log is, absolute and as it is shown."""

    task: int
    attempt: int
    path: str
    log: str
    interactive: bool


class Prepared(msgspec.Struct):
    """A launch, and its log's path as it is shown."""

    launch: Launch
    shown: str


def ended(running: Running, exited: Exited, task: Task, duration_ms: int) -> Ended:
    """The end of one, as the machine is told."""
    return Ended(
        running.task,
        status=exited.status,
        signal=exited.signal,
        duration_ms=duration_ms,
        log=running.log if exited.logged else None,
        error=exited.error,
        warnings=_warnings_of(exited),
        early=exited.early,
        verifying=_verifying(task, exited.step),
    )


def _verifying(task: Task, step: int) -> str:
    """The script of a task's ``verify`` that is number ``step`` of its commands; empty where that is one of the others."""
    first = len(task.commands) or 1
    return task.verify[step - first] if task.verify and step >= first else ""


def _warnings_of(exited: Exited) -> tuple[str, ...]:
    """What is worth a warning at the end of one."""
    found = []
    if exited.ended:
        found.append(f"left {', '.join(exited.ended)} running; ended with the task (daemon = true keeps it)")
    if exited.cut:
        found.append(f"its log is cut: {exited.cut} bytes are left out (log_limit)")
    return tuple(found)
