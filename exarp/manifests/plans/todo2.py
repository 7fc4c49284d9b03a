"""todo2's tasks, told in words: the backlog in the order in which it is worked off.

Knows what their fields mean, and the JSON that holds them; ``todo2_database`` reads its other form. Does not touch the disk.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from graphlib import CycleError
from typing import Any

import msgspec

from exarp.errors import ManifestError, Place, Problem
from exarp.graph.levels import levels
from exarp.manifests.notations import json
from exarp.manifests.plans.backlog import Backlog, Item, Where, read_backlog
from exarp.manifests.plans.reading import PlanReading
from exarp.manifests.plans.source import decoded
from exarp.manifests.plans.statuses import standing
from exarp.manifests.problems.place import Locator
from exarp.model.manifest import Manifest, Settings
from exarp.model.task import Task

_FIELDS = {"identifier": "id", "description": "content", "parent": "parent_id"}


def read_todo2(items: Sequence[Item], file: str, where: Where) -> PlanReading:
    """The manifest that items mean. ``file``: how messages name their state."""
    backlog = read_backlog(items, file, standing, where)
    ordered = _ordered(backlog)
    manifest = Manifest(
        file=file,
        tasks=tuple(ordered),
        settings=Settings(default=tuple([task.name for task in ordered])),
        blocked={task.name: backlog.blocked[task.name] for task in ordered if task.name in backlog.blocked},
        settled=backlog.settled,
        prose=True,
    )
    return PlanReading(manifest, backlog.problems, backlog.places)


def _ordered(backlog: Backlog) -> list[Task]:
    """By level, priority (high first) and identifier; what is in no wave comes last."""
    named = {task.name: identifier for identifier, task in backlog.tasks.items()}
    free = [task for task in backlog.tasks.values() if task.name not in backlog.blocked]
    level = _levels({task.name: (*task.needs, task.parent) if task.parent else task.needs for task in free})

    def key(task: Task) -> tuple[int, int, str]:
        return level.get(task.name, len(level)), -task.priority, named[task.name]

    return sorted(free, key=key) + sorted((t for t in backlog.tasks.values() if t.name in backlog.blocked), key=key)


def _levels(before: Mapping[str, Sequence[str]]) -> dict[str, int]:
    """Levels; none where there is a cycle, which is told elsewhere."""
    try:
        ranked = levels(before)
    except CycleError:
        return {}
    return {name: number for number, names in enumerate(ranked) for name in names}


def items_of_json(data: bytes, file: str, root: str) -> tuple[list[Item], Where, list[Problem]]:
    """The items of a state in JSON, their places, and warnings. Raises ManifestError where it is no JSON."""
    source = decoded(data, file)
    key, written = entries_of(source.text, file)
    places = Locator(file, source.text, json, root)
    problems = list(source.remarks)

    def where(item: int, field: str = "", nth: int = 0) -> Place:
        path: tuple[str | int, ...] = (*key, numbers[item])
        if field:
            path = (*path, _FIELDS.get(field, field))
        return places.value(*path, nth) if field == "dependencies" else places.value(*path)

    numbers: list[int] = []
    items = []
    for number, entry in enumerate(written):
        if isinstance(entry, dict):
            numbers.append(number)
            items.append(item_of(entry))
        else:
            place = places.value(*key, number)
            problems.append(
                Problem("plan-name", "this is no task: it is left out", place, "write { … }", severity="warning")
            )
    return items, where, problems


def entries_of(text: str, file: str) -> tuple[tuple[str, ...], list[Any]]:
    """The path to the list of tasks in a state, and its elements as they are written. Raises ManifestError."""
    try:
        document = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        document = json.parse(text, file)
    if isinstance(document, list):
        return (), document
    for key in ("todos", "tasks"):
        if isinstance(document, dict) and isinstance(document.get(key), list):
            return (key,), document[key]
    step = 'a state of todo2 is {"todos": [ … ]}'
    raise ManifestError(Problem("no-manifest", f"{file} has no list 'todos'", Place(file, 1, 1), step))


def item_of(entry: Mapping[str, Any]) -> Item:
    """An item as todo2 writes it; what is of another kind than expected counts as not there."""
    status = _text(entry.get("status"))
    if not status and entry.get("completed") in (True, 1):
        status = "Done"
    description = _text(entry.get("content")) or _text(entry.get("name"))
    return Item(
        identifier=_text(entry.get("id")).strip(),
        status=status,
        priority=_text(entry.get("priority")),
        description=description,
        prose=_text(entry.get("long_description")) or description,
        tags=tuple(_texts(entry.get("tags"))),
        dependencies=tuple(_texts(entry.get("dependencies"))),
        parent=_text(entry.get("parent_id")).strip(),
    )


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else ""


def _texts(value: Any) -> Iterator[str]:
    for each in value if isinstance(value, Iterable) and not isinstance(value, str | Mapping) else ():
        text = _text(each)
        if text:
            yield text
