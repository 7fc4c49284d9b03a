"""Which tasks a path of edges leads to.

Knows edges both ways through TaskGraph. Searches are bounded by a rank that rises along every edge (the position in
manifest order), so that a question about neighbours stays a small search.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from exarp.graph.task_graph import TaskGraph

Pair = tuple[int, int]
Block = tuple[Sequence[int], Sequence[int]]
"""Earlier tasks and later ones, each in the order of the plan; every earlier one is meant with every later one."""


def closure(graph: TaskGraph, start: Iterable[int]) -> set[int]:
    """``start`` and everything it needs, directly or not (``after`` does not pull in)."""
    found = set(start)
    if len(found) == len(graph):
        return found
    stack = list(found)
    while stack:
        for need in graph.needs[stack.pop()]:
            if need not in found:
                found.add(need)
                stack.append(need)
    return found


def with_dependents(graph: TaskGraph, start: Iterable[int]) -> set[int]:
    """``start`` and everything that needs it, directly or not."""
    found = set(start)
    stack = list(found)
    while stack:
        for dependent in graph.dependents[stack.pop()]:
            if dependent not in found:
                found.add(dependent)
                stack.append(dependent)
    return found


def ordered_pairs(graph: TaskGraph, pairs: Iterable[Pair], tasks: Sequence[int]) -> set[Pair]:
    """Those of ``pairs`` (earlier, later) that a path of edges through ``tasks`` orders.

    ``tasks`` are in topological order. All pairs are answered together, in sweeps over what lies between them that
    carry a bit for each of many starts: a hundred thousand pairs cost dozens of sweeps, not a search each.
    """
    targets: dict[int, set[int]] = {}
    for earlier, later in pairs:
        targets.setdefault(earlier, set()).add(later)
    place = {task: at for at, task in enumerate(tasks)} if targets else {}
    starts = sorted(targets, key=place.__getitem__)
    found: set[Pair] = set()
    for at in range(0, len(starts), _SWEEP):
        some = starts[at : at + _SWEEP]
        last = max(place[later] for start in some for later in targets[start])
        reach = _sweep(graph, some, tasks[place[some[0]] : last + 1])
        for bit, start in enumerate(some):
            found.update((start, later) for later in targets[start] if reach.get(later, 0) >> bit & 1)
    return found


def unordered(graph: TaskGraph, blocks: Sequence[Block], tasks: Sequence[int]) -> list[Block]:
    """For each block, its earlier and its later tasks of which some pair is not ordered by a path through ``tasks``.

    Every earlier task of a block comes before every later one in ``tasks``, a topological order. All blocks are answered
    together, as in ``ordered_pairs``, but without a look at each pair.
    """
    place = {task: at for at, task in enumerate(tasks)} if blocks else {}
    starts = sorted({task for earlier, _ in blocks for task in earlier}, key=place.__getitem__)
    found: list[tuple[set[int], dict[int, None]]] = [(set(), {}) for _ in blocks]
    for at in range(0, len(starts), _SWEEP):
        some = starts[at : at + _SWEEP]
        bit_of = {start: bit for bit, start in enumerate(some)}
        inside = [sum([1 << bit_of[task] for task in earlier if task in bit_of]) for earlier, _ in blocks]
        last = max(
            (place[later[-1]] for bits, (_, later) in zip(inside, blocks, strict=True) if bits and later), default=-1
        )
        reach = _sweep(graph, some, tasks[place[some[0]] : last + 1])
        for bits, (_, later), (left, right) in zip(inside, blocks, found, strict=True):
            missing = 0
            for task in later if bits else ():
                lacking = bits & ~reach.get(task, 0)
                if lacking:
                    missing |= lacking
                    right[task] = None
            while missing:
                lowest = missing & -missing
                left.add(some[lowest.bit_length() - 1])
                missing ^= lowest
    return [
        ([task for task in earlier if task in left], [task for task in later if task in right])
        for (earlier, later), (left, right) in zip(blocks, found, strict=True)
    ]


# Starts that share a sweep: 256 bytes a task.
_SWEEP = 2048


def _sweep(graph: TaskGraph, starts: Sequence[int], tasks: Sequence[int]) -> dict[int, int]:
    """For each of ``tasks`` that any of ``starts`` leads to, bits of those that do (a start leads to itself)."""
    reach = {start: 1 << bit for bit, start in enumerate(starts)}
    for task in tasks:
        bits = reach.get(task, 0)
        for before in graph.before(task):
            if before in reach:
                bits |= reach[before]
        if bits:
            reach[task] = bits
    return reach


def path_between(
    graph: TaskGraph, earlier: Collection[int], later: Iterable[int], position: Sequence[int]
) -> tuple[int, ...]:
    """A shortest path of edges (``needs`` and ``after``) from one of ``earlier`` to one of ``later``, both included, or
    ``()``.

    ``position`` bounds the search: a path never leads through a task that stands before all of ``earlier`` or is not
    selected (-1).
    """
    origin = dict.fromkeys(later, -1)
    first = min(position[task] for task in earlier)
    frontier = list(origin)
    while frontier:
        start = next((node for node in frontier if node in earlier), None)
        if start is not None:
            return _walk(origin, start)
        following: list[int] = []
        for node in frontier:
            for before in graph.before(node):
                if before not in origin and position[before] >= first:
                    origin[before] = node
                    following.append(before)
        frontier = following
    return ()


def _walk(origin: Mapping[int, int], start: int) -> tuple[int, ...]:
    path = [start]
    while origin[path[-1]] >= 0:
        path.append(origin[path[-1]])
    return tuple(path)
