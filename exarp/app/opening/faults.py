"""Faults of graph and waves as problems with places.

Knows how to word what ``graph`` and ``planning.grouping`` found, and where in the manifest its causes stand.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise
from typing import TypeVar

from exarp.errors import Place, Problem, Related
from exarp.graph.build import EdgeOrigin, GraphFaults, edge_origin
from exarp.graph.file_edges import DuplicateOutput, SelfInput
from exarp.manifests.document import wave_words
from exarp.manifests.problems.place import Places
from exarp.model.manifest import Manifest
from exarp.model.path import is_folder, is_glob, matches
from exarp.model.plan import LateWave, Plan
from exarp.planning.grouping import SequenceFault, WaveCycle

Fault = TypeVar("Fault")


class FaultPlaces:
    """Words faults of one manifest."""

    def __init__(self, manifest: Manifest, locator: Places) -> None:
        self.manifest = manifest
        self.locator = locator
        self._waves = {name: wave.name for wave in reversed(manifest.waves) for name in wave.tasks}

    def graph_problems(self, faults: GraphFaults) -> list[Problem]:
        """Problems for what makes a graph impossible."""
        duplicates = self._once(faults.duplicates, lambda fault: (fault.first, fault.second))
        self_inputs = self._once(faults.self_inputs, lambda fault: (fault.task,))
        cycles = self._once(faults.cycles, lambda cycle: cycle)
        return [
            *(self._duplicate(fault) for fault in duplicates),
            *(self._self_input(fault) for fault in self_inputs),
            *(self._cycle(cycle) for cycle in cycles),
        ]

    def _once(self, faults: Iterable[Fault], tasks: Callable[[Fault], Sequence[int]]) -> Iterator[Fault]:
        """Faults without those that only concern other instances of the same matrices, which are mended alike."""
        told: set[tuple[str, ...]] = set()
        for fault in faults:
            matrices = tuple([self._name(task).partition("@")[0] for task in tasks(fault)])
            if self.manifest.instances.keys().isdisjoint(matrices):
                yield fault
            elif matrices not in told:
                told.add(matrices)
                yield fault

    def wave_problems(
        self, cycles: Sequence[WaveCycle], sequences: Sequence[SequenceFault], tasks: GraphFaults
    ) -> list[Problem]:
        """Problems for what makes declared waves impossible; those that ``tasks`` alone make are told by them."""
        told = self._once(sequences, lambda fault: (fault.task, fault.need))
        circular = {edge for cycle in tasks.cycles for edge in pairwise((cycle[-1], *cycle))}
        return [
            *(self._wave_cycle(cycle) for cycle in cycles if not tasks.cycles),
            *(self._sequence(fault) for fault in told if (fault.need, fault.task) not in circular),
        ]

    def late_waves(self, late: Sequence[LateWave]) -> list[Problem]:
        """Warnings about waves that are listed before one that they wait for."""
        numbers = {wave.name: number for number, wave in enumerate(self.manifest.waves)} if late else {}
        # Plans are listed by their numbers: where those contradict what they depend on, that is told.
        prose, waves = self.manifest.prose, self.manifest.waves
        told = (found for found in late if not prose or waves[numbers[found.late]].group is None)
        return [self._late_wave(found, numbers[found.late]) for found in told]

    def _late_wave(self, found: LateWave, number: int) -> Problem:
        message = f"wave {found.late!r} is listed before {found.early!r} but runs after it: {' → '.join(found.via)}"
        place = self.locator.value("wave", number, "name")
        return Problem("wave-order", message, place, f"list {found.early!r} first", severity="warning")

    def _name(self, task: int) -> str:
        return self.manifest.tasks[task].name

    def _place(self, task: int, field: str, entry: str) -> Place:
        return self.locator.entry(("task", self._name(task), field), entry)

    def _duplicate(self, fault: DuplicateOutput) -> Problem:
        first, second = self._name(fault.first), self._name(fault.second)
        matrix = first.partition("@")[0]
        if matrix in self.manifest.instances and second.startswith(f"{matrix}@"):
            axis = next(iter(self.manifest.tasks[fault.first].variables))
            return Problem(
                "duplicate-output",
                f"{fault.path!r} is an output of several tasks of matrix {matrix!r}: {first!r}, {second!r}",
                self._place(fault.second, "outputs", fault.path),
                f"let its name hold the value of an axis: ${{{axis}}}",
            )
        return Problem(
            "duplicate-output",
            f"{fault.path!r} is an output of two tasks: {first!r} and {second!r}",
            self._place(fault.second, "outputs", fault.path),
            "only one task may make a file: merge them, or let one of them list it in modifies",
            (Related(self._place(fault.first, "outputs", fault.path), f"{first} makes it"),),
        )

    def _self_input(self, fault: SelfInput) -> Problem:
        task = self.manifest.tasks[fault.task]
        field, word, step = "inputs", "input", "a file changed in place belongs in modifies, and nowhere else"
        if fault.pattern in task.tools:
            field, word, step = "tools", "tool", "let another task make the tool"
        place = self._place(fault.task, field, fault.pattern)
        message = f"task {task.name!r} needs itself: its {word} {fault.pattern!r} is its own output"
        return Problem("self-need", message, place, step)

    def _cycle(self, cycle: Sequence[int]) -> Problem:
        # The edge from the last back to the first closes the chain; it is where the chain is told from.
        edges = list(pairwise((cycle[-1], *cycle)))
        chain = " → ".join([*(self._name(task) for task in cycle), self._name(cycle[0])])
        related = tuple(self.edge(earlier, later) for earlier, later in edges)
        step = "take one of these edges out"
        for earlier, later in edges:
            if taken := self._take_away(earlier, later):
                step = taken
        return Problem("cycle", f"{chain} is a cycle", related[0].place, step, related)

    def edge(self, earlier: int, later: int) -> Related:
        """The words of the manifest that put ``earlier`` (a task id) before ``later``."""
        origin = self._origin(earlier, later)
        task, before = self._name(later), self._name(earlier)
        verb = {"needs": "needs", "parent": "waits for its parent", "after": "comes after"}.get(origin.field)
        note = f"{task} {verb} {before}" if verb else f"{task} reads what {before} makes"
        return Related(self._place(later, origin.field, origin.text), note)

    def _take_away(self, earlier: int, later: int) -> str:
        """How to break an edge that only a glob or a folder makes; empty for one that is named."""
        origin = self._origin(earlier, later)
        if origin.field != "inputs" or not (is_glob(origin.text) or is_folder(origin.text)):
            return ""
        outputs = self.manifest.tasks[earlier].outputs or ()
        made = next((path for path in outputs if matches(origin.text, path.rstrip("/"))), None)
        if made is None:
            return ""
        return (
            f'{origin.text!r} may match too much: to take {made} away, add "!{made}" to inputs of {self._name(later)!r}'
        )

    def _origin(self, earlier: int, later: int) -> EdgeOrigin:
        return edge_origin(self.manifest.tasks, earlier, later, self.manifest.seen)

    def _wave_of(self, task: int) -> str:
        name = self._name(task)
        return wave_words(self._waves[name]) if name in self._waves else f"task {name!r}"

    def _wave_cycle(self, cycle: WaveCycle) -> Problem:
        related = tuple(self.edge(earlier, later) for earlier, later in cycle.edges)
        chain = " → ".join([self._wave_of(cycle.edges[0][0]), *(self._wave_of(later) for _, later in cycle.edges)])
        step = "move a task to another wave, so that one wave can end before the next starts"
        return Problem("wave-cycle", f"waves need each other: {chain}", related[0].place, step, related)

    def _sequence(self, fault: SequenceFault) -> Problem:
        wave = self.manifest.waves[fault.wave]
        task, need = self._name(fault.task), self._name(fault.need)
        place = self.locator.entry(("wave", fault.wave, "tasks"), task)
        edge = self.edge(fault.need, fault.task)
        message = f"sequential {wave_words(wave.name)} lists {task!r} before {need!r}, but {edge.note}"
        matrix, of = need.partition("@")[0], task.partition("@")[0]
        first = matrix if matrix != of and matrix in self.manifest.instances else need
        return Problem("wave-sequence", message, place, f"list {first!r} first", (edge,))


def plan_warnings(manifest: Manifest, locator: Places, plan: Plan) -> list[Problem]:
    """What is odd about a plan, with places: waves that come later than they are listed."""
    return FaultPlaces(manifest, locator).late_waves(plan.late) if plan.late else []
