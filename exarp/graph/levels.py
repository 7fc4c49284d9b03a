"""Topological levels and order. graphlib does the ordering, but for dense ids, where counting down is several times faster.

Knows edges as predecessors by node. Raises graphlib.CycleError on a cycle: callers look for those first.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from typing import TypeVar

from exarp.graph.task_graph import reverse

Node = TypeVar("Node", bound=Hashable)


def levels(before: Mapping[Node, Iterable[Node]]) -> list[list[Node]]:
    """Nodes by level: level 0 has no predecessors, level n+1 has its latest predecessor on level n.

    graphlib releases exactly one level at a time when all ready nodes are marked done together.
    """
    from graphlib import TopologicalSorter

    sorter = TopologicalSorter(before)
    sorter.prepare()
    found: list[list[Node]] = []
    while sorter.is_active():
        ready = sorter.get_ready()
        found.append(list(ready))
        sorter.done(*ready)
    return found


def ranks(before: Sequence[Collection[int]]) -> list[int] | None:
    """The level of each node ``0 … n-1`` (see ``levels``), or None where there is a cycle."""
    found: list[int] = []
    for node, edges in enumerate(before):
        rank = 0
        for edge in edges:
            if edge >= node:
                # Only what is listed before its needs takes more than this one pass.
                return _counted_down(before)
            if found[edge] >= rank:
                rank = found[edge] + 1
        found.append(rank)
    return found


def _counted_down(before: Sequence[Collection[int]]) -> list[int] | None:
    left = [len(edges) for edges in before]
    following = reverse(before)
    found = [0] * len(before)
    reached = [node for node, count in enumerate(left) if not count]
    for node in reached:
        rank = found[node] + 1
        for later in following[node]:
            left[later] -= 1
            if found[later] < rank:
                found[later] = rank
            if not left[later]:
                reached.append(later)
    return found if len(reached) == len(before) else None


def ordered(before: Mapping[int, Iterable[int]], key: Mapping[int, tuple[int, ...]]) -> list[int]:
    """Topological order of ``before``'s nodes; among those that are ready the smallest ``key`` goes first.

    Predecessors that are no nodes themselves are left out.
    """
    waiting = {node: [edge for edge in edges if edge in before] for node, edges in before.items()}
    if not any(waiting.values()):
        return sorted(before, key=lambda node: key[node])
    from graphlib import TopologicalSorter
    from heapq import heapify, heappop, heappush

    sorter = TopologicalSorter(waiting)
    sorter.prepare()
    heap = [(key[node], node) for node in sorter.get_ready()]
    heapify(heap)
    found = []
    while heap:
        node = heappop(heap)[1]
        found.append(node)
        sorter.done(node)
        for freed in sorter.get_ready():
            heappush(heap, (key[freed], freed))
    return found
