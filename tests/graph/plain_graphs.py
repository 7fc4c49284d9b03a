"""Small random graphs, and what follows from them by trying everything."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from hypothesis import strategies as st

from exarp.graph.task_graph import TaskGraph

Edges = tuple[tuple[int, ...], ...]


def any_edges(most: int = 7) -> st.SearchStrategy[Edges]:
    """Predecessors of each node, cycles and loops included."""
    return st.integers(1, most).flatmap(
        lambda count: st.tuples(*[st.lists(st.integers(0, count - 1), max_size=3, unique=True).map(tuple)] * count)
    )


@st.composite
def acyclic(draw: st.DrawFn, most: int = 8) -> Edges:
    """Predecessors of each node, in an order of nodes that is not that of their numbers."""
    order = draw(st.permutations(range(draw(st.integers(1, most)))))
    before: dict[int, tuple[int, ...]] = {}
    for place, node in enumerate(order):
        earlier = st.lists(st.sampled_from(order[:place]), max_size=3, unique=True) if place else st.just([])
        before[node] = tuple(draw(earlier))
    return tuple(before[node] for node in sorted(before))


@st.composite
def graphs(draw: st.DrawFn, most: int = 8) -> TaskGraph:
    """Graphs whose edges are needs and order-only edges mixed."""
    before = draw(acyclic(most))
    kinds = [draw(st.lists(st.booleans(), min_size=len(edges), max_size=len(edges))) for edges in before]
    needs = [[edge for edge, kind in zip(*pair, strict=True) if kind] for pair in zip(before, kinds, strict=True)]
    after = [[edge for edge, kind in zip(*pair, strict=True) if not kind] for pair in zip(before, kinds, strict=True)]
    return TaskGraph([f"t{node}" for node in range(len(before))], needs, after)


def depths(before: Sequence[Sequence[int]]) -> list[int]:
    """How many edges the longest path to each node has."""

    @cache
    def depth(node: int) -> int:
        return max((depth(edge) + 1 for edge in before[node]), default=0)

    return [depth(node) for node in range(len(before))]


def paths_to(before: Sequence[Sequence[int]], node: int) -> list[tuple[int, ...]]:
    """Every path that ends at ``node``."""
    return [(node,), *((*path, node) for edge in before[node] for path in paths_to(before, edge))]
