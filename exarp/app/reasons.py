"""Why two things may not run side by side: a clause for each reason, and which field of a task it is about.

Knows the reason codes of the contract; ``check``, ``plan`` and ``why-not`` all tell reasons by it. Does not know where
fields are written, makes nothing safe for a terminal and judges nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from exarp.model.overlap import overlap
from exarp.model.path import exact_name
from exarp.model.task import Task
from exarp.model.verdict import Reason

_NAMES = 10
_BETWEEN = 3


class Claim(msgspec.Struct, frozen=True):
    """What a task says of the path that a reason is about: the field, a verb for it, and the pattern there."""

    field: str
    verb: str
    pattern: str


def sentence(reason: Reason, tasks: Mapping[str, Task], among: Sequence[str] = ()) -> str:
    """A reason as a clause: ``both change CHANGELOG.md``, ``fmt changes what lint reads``.

    ``among``: the members of a group, where the reason itself names no tasks.
    """
    both = "all" if len(among) > 2 else "both"
    if reason.written:
        return f"{_files(reason, both)} ({exact_name(reason.path)}, through a symbolic link)"
    match reason.code:
        case "dependency":
            path = reason.via or reason.tasks
            return f"{path[-1] if path else 'one'} {needs(reason, tasks)}"
        case "unmarked":
            return f"{reason.name} is a derived wave and runs beside no other" if reason.name else "not marked parallel"
        case "ordered-through":
            return f"in {reason.name} one comes after the other" if reason.tasks else f"{reason.name} runs between them"
        case "write-write" | "read-write":
            return _files(reason, both)
        case "mutex":
            return f"{both} hold the mutex {reason.name}"
        case "resource":
            return f"together they ask for more {reason.name} than there is"
        case "undecided":
            return f"whether {both} touch {exact_name(reason.path) or 'the same files'} cannot be decided"
        case "undeclared":
            return undeclared(reason.tasks or tuple(among))


def needs(reason: Reason, tasks: Mapping[str, Task]) -> str:
    """A dependency seen from the later side: ``needs docs:build``, with what lies between."""
    path = reason.via or reason.tasks
    if len(path) < 2:
        return "needs it"
    last = tasks.get(path[-1])
    verb = "comes after" if last is not None and path[-2] in last.after else "needs"
    through = f" (through {_listing(path[1:-1], _BETWEEN)})" if len(path) > 2 else ""
    return f"{verb} {path[0]}{through}"


def undeclared(names: Sequence[str]) -> str:
    """``a, b do not declare all that they read and write``."""
    verb = ("does", "it reads and writes") if len(names) == 1 else ("do", "they read and write")
    return f"{_listing(names, _NAMES) or 'the tasks'} {verb[0]} not declare all that {verb[1]}"


def claim(task: Task, reason: Reason) -> Claim | None:
    """What ``task`` says of a reason's path, or None where it does not. One that reads and changes it changes it,
    unless the reason is that it reads; where a reason does not say who does what, both are looked at."""
    writing = [Claim("modifies", "modifies", pattern) for pattern in task.modifies]
    writing += [Claim("outputs", "writes", pattern) for pattern in task.outputs or ()]
    writing += [Claim("depfile", "writes", task.depfile)] if task.depfile else []
    reading = [Claim("inputs", "reads", pattern) for pattern in task.inputs or ()]
    reading += [Claim("tools", "reads (tool)", pattern) for pattern in task.tools]
    reads = is_reader(task.name, reason)
    path = reason.path
    if reason.written and task.name in reason.tasks:
        path = reason.written[reason.tasks.index(task.name)]
    for claims in (reading, writing) if reads else (writing, reading):
        exact = next((found for found in claims if found.pattern == path), None)
        found = exact or next((found for found in claims if overlap(found.pattern, path)), None)
        if found is not None:
            return found
    return None


def is_reader(task: str, reason: Reason) -> bool:
    """Whether a reason is that ``task`` reads what another changes."""
    return reason.code == "read-write" and bool(reason.writer) and task != reason.writer


def _files(reason: Reason, both: str) -> str:
    if reason.code == "write-write":
        return f"{both} change {'the same files' if reason.written else exact_name(reason.path)}"
    return _read_write(reason, both)


def _read_write(reason: Reason, both: str) -> str:
    reader = next((task for task in reason.tasks if task != reason.writer), None)
    if not reason.writer or reader is None:
        what = "one changes what the other reads" if both == "both" else "some change what others read"
        return f"{what}: {exact_name(reason.path)}"
    return f"{reason.writer} changes what {reader} reads"


def _listing(names: Iterable[str], most: int) -> str:
    names = list(names)
    shown = ", ".join(names[:most])
    return f"{shown} and {len(names) - most} more" if len(names) > most else shown
