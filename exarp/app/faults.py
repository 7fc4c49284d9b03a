"""Faults of graph and waves as problems with places.

Knows how to word what ``graph`` and ``planning.grouping`` found, and where in the manifest its causes stand.
"""

from __future__ import annotations

from collections.abc import Sequence

from exarp.errors import Place, Problem, Related
from exarp.graph.build import GraphFaults, edge_origin
from exarp.graph.file_edges import DuplicateOutput, SelfInput
from exarp.manifests.place import Locator
from exarp.model.manifest import Manifest
from exarp.planning.grouping import SequenceFault, WaveCycle


class FaultPlaces:
    """Words faults of one manifest."""

    def __init__(self, manifest: Manifest, locator: Locator) -> None:
        self.manifest = manifest
        self.locator = locator

    def graph_problems(self, faults: GraphFaults) -> list[Problem]:
        """Problems for what makes a graph impossible."""
        return [
            *(self._duplicate(fault) for fault in faults.duplicates),
            *(self._self_input(fault) for fault in faults.self_inputs),
            *(self._cycle(cycle) for cycle in faults.cycles),
        ]

    def wave_problems(self, cycles: Sequence[WaveCycle], sequences: Sequence[SequenceFault]) -> list[Problem]:
        """Problems for what makes declared waves impossible."""
        return [*(self._wave_cycle(cycle) for cycle in cycles), *(self._sequence(fault) for fault in sequences)]

    def _name(self, task: int) -> str:
        return self.manifest.tasks[task].name

    def _output_place(self, task: int, path: str) -> Place:
        return self.locator.entry(("task", self._name(task), "outputs"), path)

    def _duplicate(self, fault: DuplicateOutput) -> Problem:
        first, second = self._name(fault.first), self._name(fault.second)
        return Problem(
            "duplicate-output",
            f"{fault.path!r} is an output of two tasks: {first!r} and {second!r}",
            self._output_place(fault.second, fault.path),
            "only one task may make a file: merge them, or let one use modifies",
            (Related(self._output_place(fault.first, fault.path), f"{first} makes it first"),),
        )

    def _self_input(self, fault: SelfInput) -> Problem:
        task = self.manifest.tasks[fault.task]
        place = self._input_place(fault.task, fault.pattern)
        message = f"task {task.name!r} needs itself: its input {fault.pattern!r} is its own output"
        return Problem("self-need", message, place, "a file changed in place belongs in modifies")

    def _input_place(self, task: int, pattern: str) -> Place:
        return self.locator.entry(("task", self._name(task), "inputs"), pattern)

    def _cycle(self, cycle: Sequence[int]) -> Problem:
        edges = [(earlier, cycle[(at + 1) % len(cycle)]) for at, earlier in enumerate(cycle)]
        # An edge from the last back to the first closes the chain; it is where the chain is told from.
        related = tuple(self._edge(earlier, later) for earlier, later in [edges[-1], *edges[:-1]])
        chain = " → ".join([*(self._name(task) for task in cycle), self._name(cycle[0])])
        wide = [self._glob_of(earlier, later) for earlier, later in edges]
        globs = sorted({pattern for pattern in wide if pattern})
        step = (
            f'{globs[0]!r} matches more than it should: take the output away with "!…"'
            if globs
            else "take one edge out"
        )
        return Problem("cycle", f"{chain} is a cycle", related[0].place, step, related)

    def _edge(self, earlier: int, later: int) -> Related:
        origin = edge_origin(self.manifest.tasks, earlier, later)
        task, before = self._name(later), self._name(earlier)
        if origin.field == "needs":
            return Related(self.locator.value("task", task, "needs", origin.index), f"{task} needs {before}")
        if origin.field == "after":
            return Related(self.locator.value("task", task, "after", origin.index), f"{task} comes after {before}")
        return Related(self._input_place(later, origin.text), f"{task} reads what {before} makes")

    def _glob_of(self, earlier: int, later: int) -> str:
        origin = edge_origin(self.manifest.tasks, earlier, later)
        return origin.text if origin.field == "inputs" and "*" in origin.text else ""

    def _wave_of(self, task: int) -> str:
        name = self._name(task)
        return next((f"wave {wave.name!r}" for wave in self.manifest.waves if name in wave.tasks), f"task {name!r}")

    def _wave_cycle(self, cycle: WaveCycle) -> Problem:
        related = tuple(self._edge(earlier, later) for earlier, later in cycle.edges)
        chain = " → ".join([self._wave_of(cycle.edges[0][0]), *(self._wave_of(later) for _, later in cycle.edges)])
        step = "move a task to another wave, so that one wave can end before the next starts"
        return Problem("wave-cycle", f"waves need each other: {chain}", related[0].place, step, related)

    def _sequence(self, fault: SequenceFault) -> Problem:
        wave = self.manifest.waves[fault.wave]
        task, need = self._name(fault.task), self._name(fault.need)
        place = self.locator.value("wave", fault.wave, "tasks", wave.tasks.index(task))
        related = (self._edge(fault.need, fault.task),)
        message = f"sequential wave {wave.name!r} lists {task!r} before {need!r}, which it needs"
        return Problem("wave-sequence", message, place, f"list {need!r} first", related)
