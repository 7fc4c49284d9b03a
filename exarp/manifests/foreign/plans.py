"""Plans and task states as manifests: what they say of order, files and urgency, and a command to be filled in for each task.

Knows which key says what. Does not read plans (their readers do), and of their words takes descriptions only: no manifest can
have anything done that is told in words.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Any

from exarp.errors import Problem
from exarp.manifests.foreign.draft import Draft, DraftTask
from exarp.manifests.plans.reading import PlanReading
from exarp.model.manifest import WaveSpec
from exarp.model.path import exact_name
from exarp.model.task import PRIORITIES, Task

# A task of this template fails and says what it lacks: nothing may pass before somebody wrote down how it is done.
UNWRITTEN = "unwritten"
_TEMPLATE = {"run": 'echo "$EXARP_TASK: nothing says yet how this is done" >&2; exit 1', "retries": 0}
_WORDS = {number: word for word, number in PRIORITIES.items()}
# What is odd about plans and loses nothing; doubts are told by ``check``, but for those on what was left out.
_HARMLESS = frozenset({"plan-files", "plan-task"})


def convert_plans(reading: PlanReading, tool: str, rebased: Callable[[str], str | None]) -> Draft:
    """The draft of plans that were read. ``rebased``: a path of theirs as seen from the manifest's folder, None for one that
    lies outside of it."""
    return _Converter(reading, tool, rebased).draft()


class _Converter:
    def __init__(self, reading: PlanReading, tool: str, rebased: Callable[[str], str | None]) -> None:
        self.manifest = reading.manifest
        self.places = reading.places
        self.problems = reading.problems
        self.rebased = rebased
        self.out = Draft(reading.places.file, tool)

    def draft(self) -> Draft:
        """Everything that can be done now, and what was left out."""
        manifest, out = self.manifest, self.out
        out.found = len(manifest.tasks) + len(manifest.settled)
        for task in manifest.tasks:
            if task.name in manifest.blocked:
                waits = ", ".join(self._named(manifest.blocked[task.name]))
                self._leave(task.name, f"it waits for {waits}: import it again when that is done")
            else:
                out.tasks.append(self._task(task))
        kept = {task.name for task in out.tasks}
        waves = [wave for wave in manifest.waves if not kept.isdisjoint(wave.tasks)]
        names = {wave.name for wave in waves}
        for index, wave in enumerate(manifest.waves):
            if wave.name in names:
                self._check(index, wave)
                out.waves.append(_wave(wave, kept, names))
        if kept:
            out.templates[UNWRITTEN] = _TEMPLATE
            why = f'that is told in words; each fails until run = "…" stands in the place of extends = "{UNWRITTEN}"'
            out.leave(0, f"how {_tasks(len(kept))} done", why)
        if manifest.settled:
            counts: dict[str, int] = {}
            for status in manifest.settled.values():
                counts[status] = counts.get(status, 0) + 1
            told = ", ".join(f"{count} {status}" for status, count in counts.items())
            out.leave(0, f"what is no work to do now: {told}", "a manifest holds what is to be done")
        for problem in self.problems:
            if problem.slug == "unknown-dependency" or (problem.severity != "doubt" and problem.slug not in _HARMLESS):
                self._tell(problem)
        return out

    def _task(self, task: Task) -> DraftTask:
        place = self.places.key("task", task.name)
        found = DraftTask(task.name, place.line)
        if (place.line, place.column) != (1, 1):
            found.notes.append(f"{place.file}:{place.line}")
        texts: dict[str, Any] = {
            "description": _literal(task.description),
            "extends": UNWRITTEN,
            "needs": list(task.needs),
            "parent": task.parent,
            "modifies": [_literal(path) for path in self._modifies(task)],
            "priority": _WORDS.get(task.priority, task.priority) if task.priority else "",
            "tags": list(map(_literal, task.tags)),
        }
        found.keys = {key: value for key, value in texts.items() if value}
        return found

    def _modifies(self, task: Task) -> Iterator[str]:
        for path in task.modifies:
            seen = self.rebased(path)
            if seen is not None:
                # "!…" takes away from inputs.
                yield f"./{seen}" if seen.startswith("!") else seen
            else:
                place = self.places.key("task", task.name, "modifies", path)
                self.out.leave(place.line, exact_name(path), "it lies outside of the manifest's folder", place.file)

    def _check(self, index: int, wave: WaveSpec) -> None:
        if wave.checkpoint:
            place = self.places.key("wave", index)
            why = "a person is to look after it: no manifest can say so yet"
            self.out.leave(place.line, f"the checkpoint of {wave.name}", why, place.file)

    def _named(self, names: Iterable[str]) -> Iterator[str]:
        for name in names:
            status = self.manifest.settled.get(name)
            yield f"{name} ({status})" if status else name

    def _leave(self, name: str, why: str) -> None:
        place = self.places.key("task", name)
        self.out.leave(place.line, name, why, place.file)

    def _tell(self, problem: Problem) -> None:
        """What the reader could not take as it is written."""
        line, file = (problem.place.line, problem.place.file) if problem.place else (0, "")
        self.out.leave(line, problem.message, problem.next or problem.slug, file)


def _wave(wave: WaveSpec, tasks: Collection[str], waves: Collection[str]) -> dict[str, Any]:
    """What is left of a wave among these tasks and waves."""
    found: dict[str, Any] = {"name": wave.name, "tasks": [name for name in wave.tasks if name in tasks]}
    if wave.order != "parallel":
        found["order"] = wave.order
    if wave.parallel is True:
        found["parallel"] = True
    elif wave.parallel and (others := [name for name in wave.parallel if name != wave.name and name in waves]):
        found["parallel"] = others
    if wave.group is not None:
        found["group"] = wave.group
    return found


def _literal(text: str) -> str:
    """A text that no variable is filled into, and that can be one."""
    return text.replace("\0", " ").replace("${", "$${")


def _tasks(count: int) -> str:
    return "1 task is" if count == 1 else f"{count} tasks are"
