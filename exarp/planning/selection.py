"""Which tasks a command takes.

Knows the contract's order of defaults (named, ``settings.default``, the task ``default``, the declared waves), what a word of
the command line stands for, and how tags, groups and what is affected narrow that down. Does not know how any of it was
typed, nor what to say of a word that stands for nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence

import msgspec

from exarp.graph.task_graph import TaskGraph
from exarp.model.manifest import Manifest
from exarp.model.name_pattern import names_matching
from exarp.model.path import is_glob
from exarp.model.task import Task


class Wanted(msgspec.Struct, frozen=True):
    """What a command line asks for.

    ``names``: tasks, and patterns of their names. ``every``: all that are not manual. ``tags``, ``groups`` (numbers of declared
    waves' groups): only tasks with one of these. ``affected``: only what changes since that revision concern; empty for the
    usual one. ``waves``: only these waves (numbers) of the plan. ``excluded``: names and patterns of what is not run. ``only``:
    without what they need.
    """

    names: tuple[str, ...] = ()
    every: bool = False
    tags: tuple[str, ...] = ()
    groups: tuple[int, ...] = ()
    affected: str | None = None
    waves: tuple[int, ...] = ()
    excluded: tuple[str, ...] = ()
    only: bool = False

    @property
    def narrows(self) -> bool:
        """Whether some of the tasks that are named are not meant."""
        return bool(self.tags or self.groups or self.waves) or self.affected is not None


class Chosen(msgspec.Struct, frozen=True):
    """What a command takes: its targets, and the graph in which nothing waits for what is left out.

    ``nothing``: why there are no targets, where that is no mistake.
    """

    targets: tuple[str, ...]
    graph: TaskGraph
    nothing: str = ""


def default_targets(manifest: Manifest) -> tuple[str, ...] | None:
    """What ``run`` takes when no task is named, or None where the manifest does not say."""
    if manifest.settings.default:
        return manifest.settings.default
    if "default" in manifest.instances or any(task.name == "default" for task in manifest.tasks):
        return manifest.named(("default",))
    manual = {task.name for task in manifest.tasks if task.manual}
    listed = tuple(name for wave in manifest.waves for name in wave.tasks if name not in manual)
    return listed or None


def all_targets(manifest: Manifest) -> tuple[str, ...]:
    """Every task that is neither ``manual`` nor ``internal``, as listed."""
    return tuple([task.name for task in manifest.tasks if not task.manual and not task.internal])


class Catalogue:
    """What the words of a command line stand for among the tasks of a manifest."""

    def __init__(self, manifest: Manifest, graph: TaskGraph) -> None:
        self._manifest = manifest
        self._graph = graph
        self._by_alias: dict[str, list[str]] | None = None

    def named(self, word: str) -> tuple[str, ...] | None:
        """The task of that name or alias, or those of the matrix; None where there is none."""
        if word in self._graph.ids:
            return (word,)
        if word in self._manifest.instances:
            return self._manifest.instances[word]
        found = self._aliases().get(word)
        return tuple(found) if found else None

    def _aliases(self) -> dict[str, list[str]]:
        if self._by_alias is None:
            self._by_alias = {}
            for task in self._manifest.tasks:
                for alias in task.aliases:
                    self._by_alias.setdefault(alias, []).append(task.name)
        return self._by_alias

    def matching(self, pattern: str) -> list[str]:
        """The tasks whose names match, as listed."""
        return names_matching(pattern, self._graph.names)

    def offered(self, names: Iterable[str]) -> list[str]:
        """Those of ``names`` that are run without being named one by one."""
        tasks, ids = self._manifest.tasks, self._graph.ids
        return [name for name in names if not tasks[ids[name]].manual and not tasks[ids[name]].internal]

    def listed(self, names: Iterable[str]) -> list[str]:
        """Those of ``names`` that a person may name."""
        tasks, ids = self._manifest.tasks, self._graph.ids
        return [name for name in names if not tasks[ids[name]].internal]


def is_pattern(word: str) -> bool:
    """Whether a word that names no task is meant as a pattern."""
    return is_glob(word)


def picked(
    manifest: Manifest, graph: TaskGraph, targets: Sequence[str], wanted: Callable[[Task], bool]
) -> tuple[str, ...]:
    """Those of ``targets`` that are wanted; a task that only gathers others, and is not wanted itself, stands for these."""
    tasks, found = manifest.tasks, []
    seen = {graph.ids[name] for name in targets}
    stack = [graph.ids[name] for name in reversed(targets)]
    while stack:
        task = stack.pop()
        if wanted(tasks[task]):
            found.append(task)
        elif tasks[task].is_group:
            below = [need for need in graph.needs[task] if need not in seen]
            seen.update(below)
            stack.extend(reversed(below))
    return tuple([tasks[task].name for task in found])


def in_groups(manifest: Manifest, groups: Collection[int]) -> set[str]:
    """The tasks of the declared waves with one of these group numbers."""
    return {name for wave in manifest.waves if wave.group in groups for name in wave.tasks}


def without(graph: TaskGraph, left_out: Collection[int]) -> TaskGraph:
    """The graph in which nothing waits for the tasks ``left_out``: they count as done.

    Order through them is lost, too: what a task that does not run leaves as it is needs no waiting for.
    """
    gone = frozenset(left_out)

    def kept(edges: Sequence[tuple[int, ...]]) -> list[tuple[int, ...]]:
        # Tasks that share their needs go on to share them.
        known: dict[int, tuple[int, ...]] = {}
        for some in edges:
            if id(some) not in known:
                known[id(some)] = some if gone.isdisjoint(some) else tuple([task for task in some if task not in gone])
        return [known[id(some)] for some in edges]

    return TaskGraph(graph.names, kept(graph.needs), kept(graph.after))
