"""``exarp list``: tasks with their descriptions.

Knows the two columns, and that a matrix has one line. Does not know the graph.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType

from exarp.model.task import Task
from exarp.views import escape
from exarp.views.cells import listing
from exarp.views.color import paint

# A longer name pushes only its own description to the right.
_WIDEST = 32
_HELD = 3


Matrices = Mapping[str, Sequence[str]]


def lines(
    tasks: Sequence[Task],
    columns: int | None,
    color: bool,
    matrices: Matrices = MappingProxyType({}),
    blocked: Mapping[str, Sequence[str]] = MappingProxyType({}),
) -> Iterator[str]:
    """A line a task, as listed, and one for all tasks of each of ``matrices``; cut to ``columns`` where given.

    ``blocked``: what tasks wait for that are in no wave.
    """
    rows = list(_rows(tasks, matrices, blocked))
    width = min(max((len(name) for name, _ in rows), default=0), _WIDEST)
    for name, about in rows:
        room = None if columns is None else max(columns - max(width, len(name)) - 2, 10)
        if room is not None and len(about) > room:
            about = f"{about[: room - 1]}…"
        yield f"{name:<{width}}  {paint(about, 'same', color)}".rstrip() if about else name


def _rows(tasks: Sequence[Task], matrices: Matrices, blocked: Mapping[str, Sequence[str]]) -> Iterator[tuple[str, str]]:
    """Names, and what is said of each."""
    matrix_of = _matrix_of(matrices)
    descriptions: dict[str, list[str]] = {}
    for task in tasks:
        if task.name in matrix_of:
            descriptions.setdefault(matrix_of[task.name], []).append(task.description)
    told: set[str] = set()
    for task in tasks:
        matrix = matrix_of.get(task.name)
        about, notes = task.description, _notes(task)
        if matrix is not None:
            if matrix in told:
                continue
            told.add(matrix)
            # What differs from one to the other is not said of all.
            about = about if len(set(descriptions[matrix])) == 1 else ""
            from exarp.views import words

            notes.append(words.tasks(len(descriptions[matrix])))
        if not about and task.is_group and task.needs:
            about = f"needs {listing(task.needs, _HELD)}"
        if task.name in blocked:
            notes.append(f"waits for {escape.name(listing(blocked[task.name], _HELD))}")
        yield escape.name(matrix or task.name), " ".join([escape.name(about), *(f"({note})" for note in notes)]).strip()


def _notes(task: Task) -> list[str]:
    """What is worth knowing beside the description."""
    notes = [f"also {', '.join(map(escape.name, task.aliases))}"] if task.aliases else []
    if task.params:
        # Those that must be given, and others with what they are else.
        words_of = [f"{param.name}={'…' if param.default is None else param.default}" for param in task.params]
        notes.append(escape.name(f"takes {' '.join(words_of)}"))
    platforms = [f"{', '.join(task.platforms)} only"] if task.platforms else []
    return [
        *notes,
        *(["manual"] if task.manual else []),
        *(["service"] if task.service else []),
        *(["prompt"] if task.prompt else []),
        *platforms,
    ]


def _matrix_of(matrices: Matrices) -> dict[str, str]:
    return {instance: name for name, instances in matrices.items() for instance in instances}


def document(tasks: Iterable[Task], matrices: Matrices = MappingProxyType({})) -> bytes:
    """The list as one JSON document, with a row for each task, also for those of ``matrices``."""
    from exarp.views.json_line import json_line

    matrix_of = _matrix_of(matrices)
    rows = [
        {
            "task": task.name,
            "description": task.description,
            "manual": task.manual,
            "tags": list(task.tags),
            "aliases": list(task.aliases),
            "params": [
                {
                    "name": param.name,
                    "default": param.default,
                    "choices": list(param.choices),
                    "required": param.required,
                }
                for param in task.params
            ],
            "parent": task.parent or None,
            "matrix": matrix_of.get(task.name),
            "platforms": list(task.platforms),
            "service": task.service is not None,
        }
        for task in tasks
    ]
    return json_line({"version": 1, "tasks": rows})
