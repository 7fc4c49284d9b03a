"""Why two things may not run side by side, as a terminal shows it: shared by ``exarp plan`` and ``exarp why-not``.

Knows rows of evidence. Does not know the words of a reason (``app.reasons``), nor where fields are written: a
``Locate`` does. Does not judge.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec

from exarp.app import reasons
from exarp.model.path import exact_name
from exarp.model.quantity import amount
from exarp.model.task import Task
from exarp.model.verdict import Evidence, Reason
from exarp.views import escape
from exarp.views.cells import pad, width

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
    """A reason as a clause, safe for a terminal; see ``reasons.sentence``."""
    return escape.name(reasons.sentence(reason, tasks, among))


def needs(reason: Reason, tasks: Mapping[str, Task]) -> str:
    """A dependency seen from the later side, safe for a terminal; see ``reasons.needs``."""
    return escape.name(reasons.needs(reason, tasks))


def touches(reason: Reason, tasks: Mapping[str, Task], locate: Locate) -> list[Touch]:
    """The evidence, a row for each task; none where the reason is about no field (``unmarked``)."""
    pair = reason.tasks
    match reason.code:
        case "read-write":
            ordered = sorted(pair, key=lambda task: task != reason.writer)
            return [_touch(task, reason, tasks, locate) for task in ordered]
        case "write-write" | "undecided":
            return [_touch(task, reason, tasks, locate) for task in pair]
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


def _touch(name: str, reason: Reason, tasks: Mapping[str, Task], locate: Locate) -> Touch:
    task = tasks.get(name)
    verb = "reads" if reasons.is_reader(name, reason) else "writes"
    if reason.evidence != "declared" or task is None:
        return Touch(name, verb, exact_name(reason.path), _SEEN[reason.evidence])
    found = reasons.claim(task, reason)
    if found is None:
        return Touch(name, verb, exact_name(reason.path), "")
    return Touch(name, found.verb, exact_name(found.pattern), locate(name, found.field, found.pattern))


def _asks(name: str, pool: str, tasks: Mapping[str, Task], locate: Locate) -> Touch:
    task = tasks.get(name)
    asked = task.resources.get(pool) if task is not None else None
    what = pool if asked is None else f"{pool} = {amount(asked)}"
    return Touch(name, "asks for", what, locate(name, "resources", pool))


def _edge(earlier: str, later: str, tasks: Mapping[str, Task], locate: Locate) -> Touch:
    task = tasks.get(later)
    if task is not None and earlier in task.after:
        return Touch(later, "comes after", earlier, locate(later, "after", earlier))
    return Touch(later, "needs", earlier, locate(later, "needs", earlier))
