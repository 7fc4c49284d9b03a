"""``exarp show``: one task with everything filled in.

Knows which fields are worth a line (those that differ from the default). Does not resolve anything.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator

import msgspec

from exarp.model.sheet import TaskSheet
from exarp.model.task import Task
from exarp.views import escape
from exarp.views.json_line import json_line

_PLAIN = Task("")
_WORDED = frozenset(
    "name description commands argv inputs excluded sources outputs needs after env shell resources".split()
)
_LONGEST = 20


def lines(sheet: TaskSheet) -> Iterator[str]:
    """A line a fact, in the order in which they matter."""
    task = sheet.task
    yield escape.name(task.name) + (f": {escape.name(task.description)}" if task.description else "")
    yield from _commands(task)
    yield from _list("in", sheet.inputs if task.inputs is not None else None)
    if sheet.missing:
        yield f"  {'missing':<12}{escape.name(sheet.missing)}  {escape.name(sheet.missing_at)}".rstrip()
    yield from _list("out", sheet.outputs if task.outputs is not None else None)
    for label, values in (("needs", sheet.needs), ("after", sheet.after), ("needed by", sheet.needed_by)):
        if values:
            yield from _list(label, values)
    for label, pairs in (("env", task.env), ("variables", sheet.variables), ("resources", task.resources)):
        if pairs:
            yield from _list(label, tuple(f"{name}={value}" for name, value in pairs.items()))
    if sheet.wave is not None:
        yield f"  {'wave':<12}{escape.name(sheet.wave)}"
    yield from _rest(task)


def _commands(task: Task) -> Iterator[str]:
    if task.argv:
        yield f"  {'runs':<12}{escape.name(shlex.join(task.argv))}"
    for script in task.commands:
        for number, line in enumerate(script.strip().splitlines() or [""]):
            yield f"  {'runs' if number == 0 else '':<12}{escape.plain(line)}"
    if task.commands:
        yield f"  {'with':<12}{escape.name(shlex.join(task.shell))}"
    if task.is_group:
        yield f"  {'runs':<12}nothing itself: it gathers other tasks"


def _list(label: str, values: tuple[str, ...] | None) -> Iterator[str]:
    if values is None:
        yield f"  {label:<12}not declared"
        return
    if not values:
        yield f"  {label:<12}none"
    for number, value in enumerate(values[:_LONGEST]):
        yield f"  {label if number == 0 else '':<12}{escape.name(value)}"
    if len(values) > _LONGEST:
        yield f"  {'':<12}and {len(values) - _LONGEST} more"


def _rest(task: Task) -> Iterator[str]:
    for field in Task.__struct_fields__:
        value = getattr(task, field)
        if field in _WORDED or value == getattr(_PLAIN, field):
            continue
        if isinstance(value, tuple):
            value = ", ".join(value)
        elif isinstance(value, bool):
            value = "yes"
        yield (
            f"  {field.replace('_', ' '):<12} {escape.name(str(value))}"
            if len(field) > 11
            else (f"  {field.replace('_', ' '):<12}{escape.name(str(value))}")
        )


def document(sheet: TaskSheet) -> bytes:
    """The sheet as one JSON document."""
    return json_line({"version": 1, **msgspec.to_builtins(sheet)})
