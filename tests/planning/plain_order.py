"""What a plan orders, worked out by brute force: who surely ends before who starts."""

from __future__ import annotations

from collections.abc import Iterable

from exarp.graph.task_graph import TaskGraph
from exarp.model.plan import Plan


class Order:
    """The transitive closure of edges between ids."""

    def __init__(self, edges: Iterable[tuple[int, int]]) -> None:
        self.later: dict[int, set[int]] = {}
        for one, other in edges:
            self.later.setdefault(one, set()).add(other)
        changed = True
        while changed:
            changed = False
            for node, found in self.later.items():
                more = set().union(*(self.later.get(other, set()) for other in found)) - found
                found |= more
                changed = changed or bool(more)
                assert node not in found, "a cycle"

    def orders(self, one: int, other: int) -> bool:
        """Whether the two can never overlap."""
        return other in self.later.get(one, ()) or one in self.later.get(other, ())


def selected(plan: Plan) -> list[int]:
    return [task for wave in plan.waves for task in wave.tasks]


def graph_edges(plan: Plan, graph: TaskGraph) -> set[tuple[int, int]]:
    chosen = {task for task in selected(plan) if task < plan.first_guard}
    return {(edge, task) for task in chosen for edge in (*graph.needs[task], *graph.after[task]) if edge in chosen}


def wave_edges(plan: Plan) -> set[tuple[int, int]]:
    """Pairs of tasks whose waves follow each other, directly or not."""
    waves = Order((earlier, wave.number) for wave in plan.waves for earlier in wave.after)
    return {
        (one, other)
        for first in plan.waves
        for number in waves.later.get(first.number, ())
        for one in first.tasks
        for other in plan.waves[number - 1].tasks
    }


def turn_edges(plan: Plan) -> set[tuple[int, int]]:
    """Each task of a sequential wave comes before all that follow it."""
    found = set()
    for wave in plan.waves:
        if wave.order == "sequential":
            found |= {(one, other) for at, one in enumerate(wave.tasks) for other in wave.tasks[at + 1 :]}
    return found
