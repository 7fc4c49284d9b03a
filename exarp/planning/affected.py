"""Which tasks changed files concern.

Knows what a task reads, as far as it says so, and that what depends on an affected task is affected, too. Pure: the changed paths
are given. Does not know what changed them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from exarp.graph.path_index import starting_with
from exarp.graph.pattern_index import PatternIndex
from exarp.graph.reachability import with_dependents
from exarp.graph.task_graph import TaskGraph
from exarp.model.path import is_glob, matches, parents
from exarp.model.task import Task


def affected(
    tasks: Sequence[Task],
    graph: TaskGraph,
    tracked: Iterable[str],
    untracked: Iterable[str] = (),
    found: Mapping[int, Collection[str]] | None = None,
) -> set[int]:
    """The tasks that changed paths concern, and all that need these.

    ``tracked``: paths that were changed, made or removed; ``untracked``: new files, which are no change where a task makes them.
    ``found``: what tasks with a depfile were seen to read. A task that does not say what it reads reads its folder.
    """
    readers = _Watchers((_inputs(task, number, found or {}) for number, task in enumerate(tasks)), tasks)
    others = _Watchers(
        (*task.modifies, *task.tools, *task.dotenv, *(found or {}).get(number, ())) for number, task in enumerate(tasks)
    )
    makers = _Watchers(task.outputs or () for task in tasks)
    touched: set[int] = set()
    for path in tracked:
        makers.meet(path, touched)
        readers.meet(path, touched)
        others.meet(path, touched)
    for path in untracked:
        if not makers.know(path):
            readers.meet(path, touched)
            others.meet(path, touched)
    return with_dependents(graph, touched)


def _inputs(task: Task, number: int, found: Mapping[int, Collection[str]]) -> Iterable[str]:
    """Patterns of what a task reads; of one that does not say it all, its folder. A group reads nothing."""
    if task.is_group:
        return ()
    if task.inputs is None or (task.depfile and number not in found):
        return (*(task.inputs or ()), f"{task.cwd}/" if task.cwd else "./")
    return task.inputs


class _Watchers:
    """Tasks by the patterns that they watch. ``excluding``: the tasks, where what their ``!`` take away is not watched."""

    def __init__(self, watched: Iterable[Iterable[str]], excluding: Sequence[Task] = ()) -> None:
        self._excluding = excluding
        self._by_pattern: dict[str, list[int]] = {}
        for task, patterns in enumerate(watched):
            for pattern in patterns:
                self._by_pattern.setdefault(pattern, []).append(task)
        many = [pattern for pattern in self._by_pattern if is_glob(pattern) or pattern.endswith("/")]
        self._index = PatternIndex(many)
        self._exact = sorted(self._by_pattern.keys() - set(many))

    def know(self, path: str) -> bool:
        """Whether any of the patterns stands for a path."""
        return next(iter(self._patterns(path)), None) is not None

    def meet(self, path: str, touched: set[int]) -> None:
        """Add the tasks that watch a path. What was found once is not looked at again."""
        for pattern in self._patterns(path):
            if waiting := self._by_pattern[pattern]:
                excluding = [task for task in waiting if self._excludes(task, path)]
                touched.update(waiting if not excluding else set(waiting).difference(excluding))
                self._by_pattern[pattern] = excluding

    def _excludes(self, task: int, path: str) -> bool:
        return bool(self._excluding) and any(matches(out, path) for out in self._excluding[task].excluded)

    def _patterns(self, path: str) -> Iterator[str]:
        """Patterns that stand for a path, for a folder that it is in, or, where it is a folder, for something in it."""
        for name in (path, *(folder[:-1] for folder in parents(path))):
            if name in self._by_pattern:
                yield name
        yield from self._exact[starting_with(self._exact, f"{path}/")]
        yield from self._index.overlapping(path)
