"""From a manifest's tasks to their graph, with everything that makes it impossible.

Knows where edges come from: ``needs``, ``parent``, ``from``, declared files, and ``after`` (order only). Names that
do not exist are skipped: ``manifests.references`` tells of them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

import msgspec

from exarp.graph.cycles import find_cycles
from exarp.graph.file_edges import DuplicateOutput, FileEdges, SelfInput
from exarp.graph.task_graph import TaskGraph
from exarp.model.path import is_glob, is_outside, is_taken_away, literal_prefix, matches, takes_away
from exarp.model.task import Task


class GraphFaults(msgspec.Struct, frozen=True):
    """What is wrong with a graph. A cycle lists task ids; each precedes the next, and the last the first."""

    duplicates: tuple[DuplicateOutput, ...] = ()
    self_inputs: tuple[SelfInput, ...] = ()
    cycles: tuple[tuple[int, ...], ...] = ()

    def __bool__(self) -> bool:
        return bool(self.duplicates or self.self_inputs or self.cycles)


def build_graph(tasks: Sequence[Task]) -> tuple[TaskGraph, GraphFaults]:
    """The graph of ``tasks`` (ids are positions) and its faults; with cycles it must not be ordered."""
    ids = {task.name: number for number, task in enumerate(tasks)}
    files = FileEdges(tasks)
    needs: list[Collection[int]] = []
    after: list[Collection[int]] = []
    for number, task in enumerate(tasks):
        before = files.makers(number)
        if before:
            named = _ids_of((*task.needs, *task.sources, task.parent), ids)
            named.discard(number)
            needs.append(before if named <= before else before | named)
        elif task.needs or task.sources or task.parent:
            # Nearly every task of a large manifest that declares no files.
            only_needs = not task.parent and not task.sources
            named = _ids_of(task.needs if only_needs else (*task.needs, *task.sources, task.parent), ids)
            named.discard(number)
            needs.append(tuple(sorted(named)))
        else:
            needs.append(())
        after.append(_ids_of(task.after, ids) - set(needs[-1]) - {number} if task.after else ())
    graph = TaskGraph([task.name for task in tasks], needs, after)
    cycles = find_cycles([graph.before(number) for number in range(len(graph))] if any(after) else graph.needs)
    return graph, GraphFaults(tuple(files.duplicates), tuple(files.self_inputs), tuple(cycles))


def _ids_of(names: Iterable[str], ids: Mapping[str, int]) -> set[int]:
    """Ids of those names that exist."""
    try:
        return {ids[name] for name in names}
    except KeyError:
        return {ids[name] for name in names if name in ids}


class EdgeOrigin(msgspec.Struct, frozen=True):
    """Which words of the manifest make an edge: the ``index``-th entry of ``field``, and its text."""

    field: str
    index: int
    text: str


def as_written(faults: GraphFaults, tasks: Sequence[Task]) -> GraphFaults:
    """The faults of a graph of tasks seen through links, but for those that the ``tasks`` as they are written do not have.

    What two tasks make under two names is a doubt, no error.
    """

    def makes(task: int, path: str) -> bool:
        return any(output.rstrip("/") == path.rstrip("/") for output in tasks[task].outputs or ())

    return GraphFaults(
        tuple(it for it in faults.duplicates if makes(it.first, it.path) and makes(it.second, it.path)),
        tuple(it for it in faults.self_inputs if it.pattern in (tasks[it.task].inputs or ())),
        faults.cycles,
    )


def edge_origin(tasks: Sequence[Task], earlier: int, later: int, seen: Sequence[Task] = ()) -> EdgeOrigin:
    """Why ``earlier`` comes before ``later``; the first of needs, parent, from, files, after that says so.

    ``seen``: the tasks by the real names of their folders, where these are others.

    Raises LookupError if there is no such edge.
    """
    task, before = tasks[later], tasks[earlier]
    if before.name in task.needs:
        return EdgeOrigin("needs", task.needs.index(before.name), before.name)
    if before.name == task.parent:
        return EdgeOrigin("parent", 0, before.name)
    if before.name in task.sources:
        return EdgeOrigin("inputs", 0, before.name)
    reader, maker = (seen[later], seen[earlier]) if seen else (task, before)
    made = [output for output in maker.outputs or () if not is_glob(output)]
    for field, patterns, written, excluded in (
        ("inputs", reader.inputs or (), task.inputs or (), reader.excluded),
        ("tools", reader.tools, task.tools, ()),
    ):
        for index, pattern in enumerate(patterns):
            if any(_is_made(pattern, output, excluded) for output in made):
                return EdgeOrigin(field, index, written[index])
    if before.name in task.after:
        return EdgeOrigin("after", task.after.index(before.name), before.name)
    raise LookupError(f"no edge from {before.name} to {task.name}")


def _is_made(pattern: str, output: str, excluded: Sequence[str]) -> bool:
    """Whether an input follows from an exact output or output folder (``FileEdges`` finds the same with indexes)."""
    if is_taken_away(pattern, excluded):
        return False
    if output == "./":
        return not is_outside(pattern)
    made = output.rstrip("/")
    if is_glob(pattern):
        if literal_prefix(pattern).startswith(f"{made}/"):
            return True
        below = matches(pattern, made)
    else:
        path = pattern.rstrip("/")
        if path == made or path.startswith(f"{made}/"):
            return True
        below = pattern == "./" or made.startswith(f"{path}/")
    return below and not any(matches(out, made) or takes_away(out, output, pattern) for out in excluded)
