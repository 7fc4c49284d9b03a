"""What a run knows of an attempt while it is made ready and runs.

Knows the values. Does not know how one is started, nor what follows from its end.
"""

from __future__ import annotations

import msgspec

from exarp.model.launch import Exited, Launch


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


def warnings_of(exited: Exited) -> tuple[str, ...]:
    """What is worth a warning at the end of one."""
    found = []
    if exited.ended:
        found.append(f"left {', '.join(exited.ended)} running; ended with the task (daemon = true keeps it)")
    if exited.cut:
        found.append(f"its log is cut: {exited.cut} bytes are left out (log_limit)")
    return tuple(found)
