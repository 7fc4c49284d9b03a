"""Why two things may not run side by side, in words: shared by ``exarp plan`` and ``exarp why-not``.

Knows the reason codes of the contract and which field of a task a reason is about. Does not know where fields are
written: a ``Locate`` does. Does not judge.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec

from exarp.model.path import is_folder, is_glob, literal_prefix, matches
from exarp.model.task import Task
from exarp.model.verdict import Evidence, Reason
from exarp.views import escape
from exarp.views.cells import listing, pad, width

# locate(task, field, value) -> "exarp.toml:41", or "" where nobody knows.
Locate = Callable[[str, str, str], str]

_NAMES = 10
_SEEN: dict[Evidence, str] = {"declared": "", "traced": "seen when it ran", "history": "seen in an earlier run"}


class Touch(msgspec.Struct, frozen=True):
    """One row of evidence: what a task does to what, and where that is written (or how it is known)."""

    task: str
    verb: str
    what: str
    place: str


def sentence(reason: Reason, tasks: Mapping[str, Task], among: Sequence[str] = ()) -> str:
    """A reason as a clause: ``both change CHANGELOG.md``, ``fmt changes what lint reads``.

    ``among``: the members of a group, where the reason itself names no tasks.
    """
    path, name = escape.name(reason.path), escape.name(reason.name)
    both = "all" if len(among) > 2 else "both"
    match reason.code:
        case "dependency":
            return _dependency(reason, tasks)
        case "unmarked":
            return "not marked parallel"
        case "ordered-through":
            return f"{name} runs between them"
        case "write-write":
            return f"{both} change {path}"
        case "read-write":
            return _read_write(reason, path, both)
        case "mutex":
            return f"{both} hold the mutex {name}"
        case "resource":
            return f"together they ask for more {name} than there is"
        case "undecided":
            return f"whether {both} touch {path or 'the same files'} cannot be decided"
        case "undeclared":
            return _undeclared(reason.tasks or tuple(among))


def needs(reason: Reason, tasks: Mapping[str, Task]) -> str:
    """A dependency seen from the later side: ``needs docs:build``, with what lies between."""
    path = reason.via or reason.tasks
    if len(path) < 2:
        return "needs it"
    last = tasks.get(path[-1])
    verb = "comes after" if last is not None and path[-2] in last.after else "needs"
    between = [escape.name(task) for task in path[1:-1]]
    through = f" (through {listing(between, 3)})" if between else ""
    return f"{verb} {escape.name(path[0])}{through}"


def touches(reason: Reason, tasks: Mapping[str, Task], locate: Locate) -> list[Touch]:
    """The evidence, a row for each task; none where the reason is about no field (``unmarked``)."""
    pair = reason.tasks
    match reason.code:
        case "read-write":
            ordered = sorted(pair, key=lambda task: task != reason.writer)
            return [_touch(task, reason, task == reason.writer, tasks, locate) for task in ordered]
        case "write-write" | "undecided":
            return [_touch(task, reason, True, tasks, locate) for task in pair]
        case "mutex":
            return [Touch(task, "holds", reason.name, locate(task, "mutex", reason.name)) for task in pair]
        case "resource":
            return [_asks(task, reason.name, tasks, locate) for task in pair]
        case "dependency" if len(reason.via) > 1:
            return [_edge(one, other, tasks, locate) for one, other in zip(reason.via, reason.via[1:], strict=False)]
        case "undeclared":
            return [Touch(task, "declares", "not all it touches", locate(task, "", "")) for task in pair[:_NAMES]]
        case _:
            return []


def rows(evidence: Iterable[Touch]) -> list[str]:
    """Rows of evidence in columns, without indentation."""
    shown = [Touch(escape.name(it.task), it.verb, escape.name(it.what), escape.name(it.place)) for it in evidence]
    names = max((width(it.task) for it in shown), default=0)
    verbs = max((width(it.verb) for it in shown), default=0)
    whats = max((width(it.what) for it in shown), default=0)
    return [f"{pad(it.task, names)}  {pad(it.verb, verbs)} {pad(it.what, whats)}   {it.place}".rstrip() for it in shown]


def _dependency(reason: Reason, tasks: Mapping[str, Task]) -> str:
    path = reason.via or reason.tasks
    later = escape.name(path[-1]) if path else "one"
    return f"{later} {needs(reason, tasks)}"


def _read_write(reason: Reason, path: str, both: str) -> str:
    readers = [task for task in reason.tasks if task != reason.writer]
    if not reason.writer or not readers:
        return (
            f"one changes what the other reads: {path}" if both == "both" else f"some change what others read: {path}"
        )
    return f"{escape.name(reason.writer)} changes what {escape.name(readers[0])} reads"


def _undeclared(tasks: Sequence[str]) -> str:
    verb = ("does", "it reads and writes") if len(tasks) == 1 else ("do", "they read and write")
    names = listing([escape.name(task) for task in tasks], _NAMES) or "the tasks"
    return f"{names} {verb[0]} not declare all that {verb[1]}"


def _touch(name: str, reason: Reason, writes: bool, tasks: Mapping[str, Task], locate: Locate) -> Touch:
    task = tasks.get(name)
    if reason.evidence != "declared" or task is None:
        return Touch(name, "writes" if writes else "reads", reason.path, _SEEN[reason.evidence])
    for field, verb, patterns in _fields(task, writes):
        found = _meant(patterns, reason.path)
        if found is not None:
            return Touch(name, verb, found, locate(name, field, found))
    return Touch(name, "writes" if writes else "reads", reason.path, "")


def _fields(task: Task, writes: bool) -> list[tuple[str, str, tuple[str, ...]]]:
    """Fields that may hold the pattern in question, with their verb; an undecided overlap may be about reading."""
    writing = [
        ("modifies", "modifies", task.modifies),
        ("outputs", "writes", task.outputs or ()),
        ("depfile", "writes", (task.depfile,) if task.depfile else ()),
    ]
    reading = [("inputs", "reads", task.inputs or ())]
    return writing + reading if writes else reading + writing


def _meant(patterns: Sequence[str], path: str) -> str | None:
    """The pattern that a reason's path came from: the same, or the first that overlaps with it."""
    if path in patterns:
        return path
    return next((pattern for pattern in patterns if _overlap(pattern, path)), None)


def _overlap(one: str, other: str) -> bool:
    if matches(one, other) or matches(other, one):
        return True
    if not (_is_wide(one) and _is_wide(other)):
        return False
    first, second = literal_prefix(one), literal_prefix(other)
    return first.startswith(second) or second.startswith(first)


def _is_wide(pattern: str) -> bool:
    return is_glob(pattern) or is_folder(pattern)


def _asks(name: str, pool: str, tasks: Mapping[str, Task], locate: Locate) -> Touch:
    task = tasks.get(name)
    amount = task.resources.get(pool) if task is not None else None
    what = pool if amount is None else f"{pool} = {amount}"
    return Touch(name, "asks for", what, locate(name, "resources", pool))


def _edge(earlier: str, later: str, tasks: Mapping[str, Task], locate: Locate) -> Touch:
    task = tasks.get(later)
    if task is not None and earlier in task.after:
        return Touch(later, "comes after", earlier, locate(later, "after", earlier))
    return Touch(later, "needs", earlier, locate(later, "needs", earlier))
