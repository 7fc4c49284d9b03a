"""Cycles, whole. graphlib finds them; this module only asks it again until none is left.

Knows edges as lists of predecessors. Does not know what the nodes are.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from exarp.graph.levels import ranks

if TYPE_CHECKING:
    from graphlib import TopologicalSorter

# Each further cycle costs one pass over the graph; nobody mends more than this many at once.
MAX_CYCLES = 10


def find_cycles(before: Sequence[Collection[int]]) -> list[tuple[int, ...]]:
    """Up to ``MAX_CYCLES`` cycles; ``before[n]`` are the predecessors of ``n``.

    In a cycle each node is a predecessor of the next, and the last one of the first. It starts with its smallest id.
    """
    if ranks(before) is not None:
        return []
    from graphlib import CycleError

    found: list[tuple[int, ...]] = []
    removed: set[tuple[int, int]] = set()
    while len(found) < MAX_CYCLES:
        try:
            _sorter(before, removed).prepare()
        except CycleError as error:
            cycle = [int(node) for node in error.args[1][:-1]]
            start = cycle.index(min(cycle))
            cycle = cycle[start:] + cycle[:start]
            found.append(tuple(cycle))
            removed.add((cycle[-1], cycle[0]))
        else:
            break
    return found


def _sorter(before: Sequence[Collection[int]], removed: set[tuple[int, int]]) -> TopologicalSorter[int]:
    from graphlib import TopologicalSorter

    if not removed:
        return TopologicalSorter(dict(enumerate(before)))
    kept = {node: [edge for edge in edges if (edge, node) not in removed] for node, edges in enumerate(before)}
    return TopologicalSorter(kept)
