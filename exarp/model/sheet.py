"""All that can be said of one task before it runs.

Knows the shape only; ``app.show`` fills it, ``views.task_sheet`` words it.
"""

from __future__ import annotations

import msgspec

from exarp.model.task import Task


class TaskSheet(msgspec.Struct, frozen=True):
    """A task resolved. ``inputs``/``outputs``: what ``$in`` and ``$out`` stand for; ``missing``: an input that is not there
    and that nothing it needs makes, ``missing_at`` where it is written.

    ``variables``: those that its scripts name, with the values they would have.
    """

    task: Task
    inputs: tuple[str, ...]
    missing: str
    missing_at: str
    outputs: tuple[str, ...]
    needs: tuple[str, ...]
    after: tuple[str, ...]
    needed_by: tuple[str, ...]
    variables: dict[str, str]
    wave: str | None
