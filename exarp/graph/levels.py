"""Topological levels and order. graphlib does the ordering.

Knows edges as predecessors by node. Raises graphlib.CycleError on a cycle: callers look for those first.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from graphlib import TopologicalSorter
from heapq import heapify, heappop, heappush
from typing import TypeVar

Node = TypeVar("Node", bound=Hashable)


def levels(before: Mapping[Node, Iterable[Node]]) -> list[list[Node]]:
    """Nodes by level: level 0 has no predecessors, level n+1 has its latest predecessor on level n.

    graphlib releases exactly one level at a time when all ready nodes are marked done together.
    """
    sorter = TopologicalSorter(before)
    sorter.prepare()
    found: list[list[Node]] = []
    while sorter.is_active():
        ready = sorter.get_ready()
        found.append(list(ready))
        sorter.done(*ready)
    return found


def ordered(before: Mapping[int, Iterable[int]], key: Mapping[int, tuple[int, ...]]) -> list[int]:
    """Topological order of ``before``'s nodes; among those that are ready the smallest ``key`` goes first.

    Predecessors that are no nodes themselves are left out.
    """
    waiting = {node: [edge for edge in edges if edge in before] for node, edges in before.items()}
    if not any(waiting.values()):
        return sorted(before, key=lambda node: key[node])
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
