"""Waves that are too large become consecutive parts.

Knows rule 6 of the contract under "Waves". Does not know what the parts may run beside.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from exarp.graph.levels import ordered
from exarp.model.choice import Order


def split(
    tasks: Sequence[int],
    limit: int,
    order: Order,
    before: Callable[[int], Iterable[int]],
    priority: Callable[[int], int],
) -> list[tuple[int, ...]]:
    """``tasks`` (in manifest order) in parts of at most ``limit``; 0 is no limit.

    A sequential wave keeps its order; else topological order, ties by priority (high first), then as given.
    """
    if limit == 0 or len(tasks) <= limit:
        return [tuple(tasks)]
    if order != "sequential":
        inside = set(tasks)
        edges = {task: [edge for edge in before(task) if edge in inside] for task in tasks}
        tasks = ordered(edges, {task: (-priority(task), place) for place, task in enumerate(tasks)})
    return [tuple(tasks[start : start + limit]) for start in range(0, len(tasks), limit)]
