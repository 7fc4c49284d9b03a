"""What names in a manifest stand for: the tasks of a matrix for its name, outputs for ``{ from = … }``.

Knows names only. Does not know whether they exist (``references``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from exarp.model.manifest import WaveSpec
from exarp.model.task import Task

Instances = Mapping[str, tuple[str, ...]]


def named(names: tuple[str, ...], instances: Instances) -> tuple[str, ...]:
    """``names`` with the tasks of a matrix for its name."""
    if instances.keys().isdisjoint(names):
        return names
    return tuple([task for name in names for task in instances.get(name, (name,))])


def named_tasks(tasks: Sequence[Task], instances: Instances) -> list[Task]:
    """The tasks, which name each other by the names of tasks only."""
    names = _Names(instances)
    return [names.task(task) if task.needs or task.after or task.sources or task.parent else task for task in tasks]


class _Names:
    """Tasks that name the same share a tuple: they may be as many as those that they name."""

    def __init__(self, instances: Instances) -> None:
        self._instances = instances
        self._known: dict[tuple[str, ...], tuple[str, ...]] = {}

    def task(self, task: Task) -> Task:
        own = task.name.partition("@")[0]
        needs, after, sources = (self._of(names, own) for names in (task.needs, task.after, task.sources))
        parent = task.parent
        if parent in self._instances and parent != own:
            # A task waits for a parent as for a need.
            needs, parent = self._of((*task.needs, parent), own), ""
        if (needs, after, sources, parent) == (task.needs, task.after, task.sources, task.parent):
            return task
        return replace(task, needs=needs, after=after, sources=sources, parent=parent)

    def _of(self, names: tuple[str, ...], own: str) -> tuple[str, ...]:
        """``own``: the matrix that the task is of itself. Its name is left: who names it needs itself, which is told once."""
        if not names:
            return names
        if own in names and own in self._instances:
            rest = self._of(tuple([name for name in names if name != own]), own)
            return (*rest, own)
        if names not in self._known:
            self._known[names] = tuple(dict.fromkeys(named(names, self._instances)))
        return self._known[names]


def named_wave(wave: WaveSpec, instances: Instances) -> WaveSpec:
    """The wave, with the tasks of a matrix for its name."""
    return replace(wave, tasks=named(wave.tasks, instances))


def with_sources(tasks: Sequence[Task]) -> tuple[Task, ...]:
    """The tasks, with what ``{ from = … }`` stands for among their inputs: all that those tasks declare as outputs."""
    if not any(task.sources for task in tasks):
        return tuple(tasks)
    outputs = {task.name: task.outputs or () for task in tasks}
    known: dict[tuple[tuple[str, ...], tuple[str, ...]], tuple[str, ...]] = {}
    found = []
    for task in tasks:
        if task.sources:
            own = task.inputs or ()
            if (own, task.sources) not in known:
                taken = [path for name in task.sources for path in outputs.get(name, ())]
                known[own, task.sources] = tuple(dict.fromkeys([*own, *taken]))
            task = replace(task, inputs=known[own, task.sources])
        found.append(task)
    return tuple(found)
