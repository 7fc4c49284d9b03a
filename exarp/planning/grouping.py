"""Waves before they are numbered: declared ones collapsed to a node each, free tasks by level.

Knows rules 2 and 3 of the contract under "Waves". Does not know limits, markings or verdicts.
"""

from __future__ import annotations

from collections.abc import Sequence
from graphlib import CycleError
from heapq import heappop, heappush
from itertools import pairwise

import msgspec

from exarp.graph.levels import levels, ordered, ranks
from exarp.graph.task_graph import TaskGraph
from exarp.model.choice import Order
from exarp.model.manifest import WaveSpec


class Draft(msgspec.Struct, frozen=True):
    """A wave to be: its tasks in manifest order; ``spec`` is the index of a declared wave, -1 for a derived one."""

    tasks: tuple[int, ...]
    level: int
    spec: int = -1
    order: Order = "parallel"


class WaveCycle(msgspec.Struct, frozen=True):
    """Declared waves (and free tasks) that need each other: per edge the tasks (earlier, later) that make it."""

    edges: tuple[tuple[int, int], ...]


class SequenceFault(msgspec.Struct, frozen=True):
    """A ``sequential`` wave lists ``task`` before ``need``."""

    wave: int
    task: int
    need: int


class Grouping:
    """The collapsed graph of one selection.

    Nodes are task ids (free tasks) and ``-1 - k`` for declared wave ``k``.
    """

    def __init__(self, graph: TaskGraph, selected: set[int], waves: Sequence[WaveSpec]) -> None:
        self.graph = graph
        self.selected = selected
        self.waves = waves
        self.members = [
            [graph.ids[name] for name in wave.tasks if graph.ids.get(name, -1) in selected] for wave in waves
        ]
        self.node = {task: -1 - index for index, tasks in enumerate(self.members) for task in tasks}

    def faults(self) -> tuple[list[WaveCycle], list[SequenceFault]]:
        """What makes the declared waves impossible: waves that need each other, and sequences against needs."""
        return self._cycles(), [fault for index in range(len(self.waves)) for fault in self._sequence_faults(index)]

    def drafts(self) -> list[Draft]:
        """The waves in their order. The grouping must be free of cycles."""
        if not self.node:
            return self._levels()
        ranked = levels(self._collapsed())
        level = {node: rank for rank, nodes in enumerate(ranked) for node in nodes}
        derived = [sorted(node for node in nodes if node >= 0) for nodes in ranked]
        drafts = [Draft(tuple(tasks), rank) for rank, tasks in enumerate(derived) if tasks]
        declared = {-1 - index: self._declared(index, level) for index, tasks in enumerate(self.members) if tasks}
        return _Arrangement(self._wave_edges(level), {draft.level: draft for draft in drafts}, declared).order()

    def _declared(self, index: int, level: dict[int, int]) -> Draft:
        spec, tasks = self.waves[index], self.members[index]
        if spec.order != "sequential":
            inside = set(tasks)
            before = {task: [edge for edge in self.graph.before(task) if edge in inside] for task in tasks}
            tasks = ordered(before, {task: (place,) for place, task in enumerate(tasks)})
        return Draft(tuple(tasks), level[-1 - index], index, spec.order)

    def _levels(self) -> list[Draft]:
        """The waves where none is declared: one for each level."""
        selected, graph = self.selected, self.graph
        before = [graph.before(task) for task in range(len(graph))]
        if len(selected) < len(graph):
            before = [tuple([t for t in edges if t in selected]) for edges in before]
        depth = ranks(before)
        assert depth is not None, "callers look for cycles first"
        tasks: list[list[int]] = []
        for task in sorted(selected):
            while depth[task] >= len(tasks):
                tasks.append([])
            tasks[depth[task]].append(task)
        return [Draft(tuple(found), level) for level, found in enumerate(tasks)]

    def _collapsed(self) -> dict[int, set[int]]:
        node, selected, graph = self.node, self.selected, self.graph
        before: dict[int, set[int]] = {}
        for task in sorted(selected):
            here = node.get(task, task)
            into = before.setdefault(here, set())
            into.update(node.get(edge, edge) for edge in graph.before(task) if edge in selected)
            into.discard(here)
        return before

    def _wave_edges(self, level: dict[int, int]) -> dict[tuple[bool, int], set[tuple[bool, int]]]:
        """Edges between waves: ``(True, level)`` is a derived wave, ``(False, node)`` a declared one."""

        def wave(node: int) -> tuple[bool, int]:
            return (True, level[node]) if node >= 0 else (False, node)

        edges: dict[tuple[bool, int], set[tuple[bool, int]]] = {}
        for node, before in self._collapsed().items():
            edges.setdefault(wave(node), set()).update(wave(earlier) for earlier in before)
        return edges

    def _cycles(self) -> list[WaveCycle]:
        if not self.node:
            return []
        try:
            levels(self._collapsed())
        except CycleError as error:
            nodes = list(error.args[1])
            return [WaveCycle(tuple(self._crossing(a, b) for a, b in pairwise(nodes)))]
        return []

    def _crossing(self, earlier: int, later: int) -> tuple[int, int]:
        """The first edge between the tasks of two nodes."""
        for task in self.members[-1 - later] if later < 0 else [later]:
            for edge in self.graph.before(task):
                if self.node.get(edge, edge) == earlier:
                    return edge, task
        raise LookupError(f"no edge from node {earlier} to node {later}")

    def _sequence_faults(self, index: int) -> list[SequenceFault]:
        if self.waves[index].order != "sequential":
            return []
        place = {task: number for number, task in enumerate(self.members[index])}
        return [
            SequenceFault(index, task, edge)
            for task in self.members[index]
            for edge in self.graph.before(task)
            if place.get(edge, -1) > place[task]
        ]


class _Arrangement:
    """Puts waves in order: topological, declared ones as listed, derived ones first on ties of level.

    Each declared wave, as listed, is preceded by what it needs and by the derived waves of its level and below whose
    own needs are met without a declared wave that is listed later.
    """

    def __init__(
        self,
        edges: dict[tuple[bool, int], set[tuple[bool, int]]],
        derived: dict[int, Draft],
        declared: dict[int, Draft],
    ) -> None:
        self.edges = edges
        self.drafts = {(True, level): draft for level, draft in derived.items()}
        self.drafts |= {(False, node): draft for node, draft in declared.items()}
        self.placed: dict[tuple[bool, int], None] = {}
        self.followers: dict[tuple[bool, int], list[tuple[bool, int]]] = {}
        self.left = {key: len(before) for key, before in edges.items()}
        for key, before in edges.items():
            for earlier in before:
                self.followers.setdefault(earlier, []).append(key)
        # Derived waves all of whose needs are placed, lowest level first.
        self.ready = sorted(key for key, left in self.left.items() if key[0] and not left)

    def order(self) -> list[Draft]:
        for key in [key for key in self.drafts if not key[0]]:
            self.place_derived(self.drafts[key].level)
            self.place_with_needs(key)
        self.place_derived(len(self.drafts))
        return [self.drafts[key] for key in self.placed]

    def place_derived(self, level: int) -> None:
        """Place what is ready, up to ``level``; placing one may make others ready."""
        while self.ready and self.ready[0][1] <= level:
            key = heappop(self.ready)
            if key not in self.placed:
                self.place(key)

    def place_with_needs(self, key: tuple[bool, int]) -> None:
        """Place ``key`` and all it waits for, as far as not yet placed."""
        if key in self.placed:
            return
        found = {key}
        stack = [key]
        while stack:
            for before in self.edges[stack.pop()]:
                if before not in found and before not in self.placed:
                    found.add(before)
                    stack.append(before)
        # Along every edge the level rises, so ordering by level is topological; -node is the place in the listing.
        for each in sorted(found, key=lambda key: (self.drafts[key].level, not key[0], -key[1])):
            self.place(each)

    def place(self, key: tuple[bool, int]) -> None:
        self.placed[key] = None
        for later in self.followers.get(key, ()):
            self.left[later] -= 1
            if later[0] and self.left[later] == 0:
                heappush(self.ready, later)
