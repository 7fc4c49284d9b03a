"""The longest chain of tasks: how short a run can be, whatever the number of jobs.

Knows edges and a weight per task. Does not know what a weight means (measured milliseconds, or 1 each).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping


def critical_path(
    order: Iterable[int], before: Callable[[int], Iterable[int]], weights: Mapping[int, float]
) -> tuple[int, ...]:
    """Ids along a heaviest path, first to last. ``order`` is topological; of equal paths the one listed first.
    Predecessors that are not in ``order`` are left out."""
    length: dict[int, float] = {}
    origin: dict[int, int] = {}
    last = -1
    longest = -1.0
    for node in order:
        best, via = -1.0, -1
        for earlier in before(node):
            reached = length.get(earlier, -1.0)
            if reached > best:
                best, via = reached, earlier
        length[node] = reached = weights[node] + best if via >= 0 else weights[node]
        if via >= 0:
            origin[node] = via
        if reached > longest:
            last, longest = node, reached
    path = [last] if last >= 0 else []
    while path and path[-1] in origin:
        path.append(origin[path[-1]])
    return tuple(reversed(path))
