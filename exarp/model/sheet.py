"""All that can be said of one task before it runs.

Knows the shape only; ``app.show`` fills it, ``views.task_sheet`` words it.
"""

from __future__ import annotations

import msgspec

from exarp.model.task import Task


class TaskSheet(msgspec.Struct, frozen=True):
    """A task resolved. ``inputs``, ``outputs`` and ``depfile``: what ``$in``, ``$out`` and ``$depfile`` stand for, seen from
    the task's folder; ``missing``: an input that is not there and that nothing it needs makes, ``missing_at`` where it is
    written. ``matched``: outputs that are globs, which are not in ``$out``, seen from the task's folder too.

    ``variables``: those that its scripts name, with the values they would have.
    """

    task: Task
    inputs: tuple[str, ...]
    missing: str
    outputs: tuple[str, ...]
    matched: tuple[str, ...]
    depfile: str
    needs: tuple[str, ...]
    after: tuple[str, ...]
    needed_by: tuple[str, ...]
    variables: dict[str, str]
    wave: str | None
    missing_at: str = ""
