"""``exarp list``: tasks with their descriptions.

Knows the two columns. Does not know the graph.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from exarp.model.task import Task
from exarp.views import escape
from exarp.views.color import paint
from exarp.views.json_line import json_line

# A longer name pushes only its own description to the right.
_WIDEST = 32


def lines(tasks: Sequence[Task], columns: int | None, color: bool) -> Iterator[str]:
    """A line a task, as listed; cut to ``columns`` where given."""
    names = [escape.name(task.name) for task in tasks]
    width = min(max(map(len, names), default=0), _WIDEST)
    for task, name in zip(tasks, names, strict=True):
        about = escape.name(task.description) + _beside(task)
        room = None if columns is None else max(columns - max(width, len(name)) - 2, 10)
        if room is not None and len(about) > room:
            about = f"{about[: room - 1]}…"
        yield f"{name:<{width}}  {paint(about, 'same', color)}".rstrip() if about else name


def _beside(task: Task) -> str:
    """What is worth knowing beside the description."""
    aliases = f" (also {', '.join(map(escape.name, task.aliases))})" if task.aliases else ""
    return aliases + (" (manual)" if task.manual else "")


def document(tasks: Iterable[Task]) -> bytes:
    """The list as one JSON document."""
    rows = [
        {
            "task": task.name,
            "description": task.description,
            "manual": task.manual,
            "tags": list(task.tags),
            "aliases": list(task.aliases),
            "parent": task.parent or None,
        }
        for task in tasks
    ]
    return json_line({"version": 1, "tasks": rows})
