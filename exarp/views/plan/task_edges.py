"""The selected part of a plan as a graph: tasks in plan order and the edges between them.

Knows which edges are needs and which are order alone, and in which order a drawing tells them. Does not know a graph
language: a ``Notation`` does.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

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


class Notation(Protocol):
    """How a graph language writes each part, a line or several."""

    head: str
    foot: str
    box_end: str

    def box(self, number: int, title: str) -> str:
        """What opens the box of a wave."""

    def node(self, task: int, name: str) -> str:
        """A task."""

    def edge(self, edge: Edge) -> str:
        """An edge."""


def draw(plan: Plan, notation: Notation, waves: bool) -> str:
    """The selected tasks and their edges, earlier to later, in a box for each wave if wanted."""
    return "".join(f"{line}\n" for line in _lines(plan, notation, waves) if line)


def _lines(plan: Plan, notation: Notation, waves: bool) -> Iterator[str]:
    yield notation.head
    for wave in plan.waves:
        if waves:
            yield notation.box(wave.number, wave_title(wave.number, wave.name))
        indent = "  " if waves else ""
        yield from (indent + notation.node(task, plan.names[task]) for task in wave.tasks)
        if waves:
            yield notation.box_end
    yield from map(notation.edge, edges(plan))
    yield notation.foot


def wave_title(number: int, name: str) -> str:
    """``2 frontend``; a derived wave, named ``wave 2``, is that alone."""
    return name if name == f"wave {number}" else f"{number} {name}"
