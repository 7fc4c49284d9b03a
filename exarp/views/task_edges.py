"""The selected part of a plan as a graph: tasks in plan order and the edges between them.

Knows which edges are needs and which are order alone. Does not know a graph language.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from exarp.model.plan import Plan


class Edge(msgspec.Struct, frozen=True, gc=False):
    """From an earlier task to a later one (ids of the plan). ``order``: only an order, no need."""

    earlier: int
    later: int
    order: bool


def tasks(plan: Plan) -> Iterator[int]:
    """The selected tasks, in plan order."""
    return (task for wave in plan.waves for task in wave.tasks)


def edges(plan: Plan) -> Iterator[Edge]:
    """Every edge between selected tasks once: by the later task in plan order, needs first, then order alone."""
    before: dict[int, list[int]] = {}
    for earlier, later in plan.order:
        before.setdefault(later, []).append(earlier)
    for task in tasks(plan):
        needs = [need for need in dict.fromkeys(plan.needs[task]) if plan.position[need] >= 0]
        yield from (Edge(need, task, False) for need in needs)
        known = set(needs)
        yield from (
            Edge(earlier, task, True)
            for earlier in dict.fromkeys(before.get(task, ()))
            if earlier not in known and plan.position[earlier] >= 0
        )


def wave_title(number: int, name: str) -> str:
    """``2 frontend``; a derived wave, named ``wave 2``, is that alone."""
    return name if name == f"wave {number}" else f"{number} {name}"
