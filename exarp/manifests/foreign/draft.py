"""A manifest in the making: what was converted from another tool's file, and what was not.

Knows the shape, and which names a manifest can have. Does not know where it comes from, nor how it is
written down (``toml_text``).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

import msgspec

from exarp.model.leftover import Leftover

# Tasks that take away what others make.
_CLEANS = re.compile(r"_?(?:\w*[_-])?(?:dist|mostly|real|deep|full)?clean(?:up|[_-]\w+)?|purge|reset")
_ODD = re.compile(r"[\s@:,\x00-\x1f\x7f]+")


class UnconvertibleError(Exception):
    """What another tool's file says has no counterpart in a manifest; the text says what."""


class DraftTask(msgspec.Struct):
    """A task to be: ``keys`` as in ``[task.NAME]``, in the order in which they are written; ``line``, ``file``: where it comes
    from; ``notes`` become comments above it."""

    name: str
    line: int
    keys: dict[str, Any] = {}
    notes: list[str] = []
    file: str = ""


class Draft(msgspec.Struct):
    """A manifest to be. ``file``: what it comes from, as messages name it; ``tool``: whose file that is.

    ``found``: how many tasks (rules, recipes, scripts) the file has, converted or not. ``converted``: the file says all this, and
    does not only suggest it.
    """

    file: str
    tool: str
    variables: dict[str, Any] = {}
    settings: dict[str, Any] = {}
    resources: dict[str, Any] = {}
    templates: dict[str, dict[str, Any]] = {}
    tasks: list[DraftTask] = []
    waves: list[dict[str, Any]] = []
    leftovers: dict[Leftover, None] = {}
    found: int = 0
    converted: bool = True

    def leave(self, line: int, text: str, why: str, file: str = "") -> None:
        """Say that something was not converted; told once for each line and reason. ``file``: if that is not the draft's."""
        first = text.strip().partition("\n")[0]
        shown = first if len(first) <= 100 else f"{first[:99]}…"
        self.leftovers.setdefault(Leftover("" if file == self.file else file, line, shown, why))

    def drop(self, name: str, why: str) -> bool:
        """Take a task out, as not convertible after all, and out of the needs of others; whether it was there."""
        gone = next((task for task in self.tasks if task.name == name), None)
        if gone is None:
            return False
        self.tasks.remove(gone)
        self.leave(gone.line, name, why, gone.file)
        self.drop_needs({name})
        if name in self.settings.get("default", ()):
            del self.settings["default"]
        for wave in list(self.waves):
            if wave["tasks"] == [name]:
                self.drop_wave(wave["name"], f"all that it holds was not converted: {name}")
            elif name in wave["tasks"]:
                wave["tasks"] = [each for each in wave["tasks"] if each != name]
        return True

    def drop_missing(self) -> None:
        """Take what is no task out of the needs of all; each that is left without one is told of."""
        there = {task.name for task in self.tasks}
        needed = (each for task in self.tasks for key in ("needs", "after") for each in task.keys.get(key, ()))
        self.drop_needs({each for each in map(_of_matrix, needed) if each not in there})

    def drop_needs(self, names: Collection[str]) -> None:
        """Take ``names`` out of the needs of all; a task that only gathers them goes with them."""
        for task in list(self.tasks):
            if "after" in task.keys:
                _keep(task, "after", names)
            if "needs" not in task.keys or not (missing := _keep(task, "needs", names)):
                continue
            shown = " and ".join(missing)
            if "needs" not in task.keys and "run" not in task.keys:
                self.drop(task.name, f"all that it needs was not converted: {shown}")
            else:
                task.notes.append(f"needs {shown} as well, which was not converted")
                self.leave(task.line, task.name, f"it needs {shown}, which was not converted", task.file)

    def clean_first(self) -> None:
        """Make and just do what a task needs in order: all that comes behind something that cleans waits for that."""
        makers = {path: task.name for task in self.tasks for path in _made(task)}
        tasks = {task.name: task for task in self.tasks}
        for task in self.tasks:
            needs = [*map(_of_matrix, task.keys.get("needs", ()))]
            for at, cleaner in enumerate(needs):
                if _CLEANS.fullmatch(cleaner) and needs[at + 1 :]:
                    before = _behind(tasks, makers, [cleaner])
                    for name in _behind(tasks, makers, needs[at + 1 :]):
                        if name not in before and cleaner not in tasks[name].keys.get("needs", ()):
                            tasks[name].keys["after"] = unique([*tasks[name].keys.get("after", ()), cleaner])

    def drop_wave(self, name: str, why: str) -> bool:
        """Take a wave out, and out of the markings of others; whether it was there."""
        gone = next((wave for wave in self.waves if wave["name"] == name), None)
        if gone is None:
            return False
        self.waves.remove(gone)
        self.leave(0, f"wave {name}", why)
        for wave in self.waves:
            if isinstance(marking := wave.get("parallel"), list):
                wave["parallel"] = [each for each in marking if each != name]
        return True


def _made(task: DraftTask) -> Iterator[str]:
    """The paths that a task makes, those of all instances."""
    for path in task.keys.get("outputs", ()):
        for axis, values in task.keys.get("matrix", {"": [""]}).items():
            yield from (path.replace(f"${{{axis}}}", str(value)) for value in values)


def _behind(tasks: Mapping[str, DraftTask], makers: Mapping[str, str], names: Iterable[str]) -> list[str]:
    """Tasks, and all that they need directly or not."""
    found: dict[str, None] = {}
    waiting = [*names]
    while waiting:
        name = _of_matrix(waiting.pop())
        if name in tasks and name not in found:
            found[name] = None
            keys = tasks[name].keys
            waiting += [*keys.get("needs", ()), *keys.get("after", ())]
            waiting += [makers[path] for path in keys.get("inputs", ()) if path in makers]
    return list(found)


def _of_matrix(need: str) -> str:
    return need.partition("@")[0]


def _keep(task: DraftTask, key: str, without: Collection[str]) -> list[str]:
    """Take names out of what a task needs; those that were there."""
    missing = [each for each in task.keys[key] if _of_matrix(each) in without or each in without]
    if missing:
        task.keys[key] = [each for each in task.keys[key] if each not in missing]
        if not task.keys[key]:
            del task.keys[key]
    return missing


def task_name(wanted: str, taken: Collection[str]) -> str:
    """``wanted`` as a name that a task can have, different from those ``taken``."""
    printable = "".join(char if char.isprintable() else " " for char in wanted)
    name = _ODD.sub("-", printable).strip("-").lstrip("./-") or "task"
    found, number = name, 2
    while found in taken:
        found, number = f"{name}-{number}", number + 1
    return found


def unique(texts: Iterable[str]) -> list[str]:
    """Each text once, in order."""
    return list(dict.fromkeys(texts))
