"""From a manifest, its graph and a selection to a plan.

Knows the order of the steps: group, check, split, relate, doubt. Each step is a module of its own; this one only
carries values from one to the next. Touches no file and asks no clock: measured durations are given.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import accumulate, chain, combinations, pairwise
from typing import Literal

from exarp.graph.critical_path import critical_path
from exarp.graph.reachability import Pair, closure
from exarp.graph.task_graph import TaskGraph
from exarp.model.manifest import Manifest, WaveSpec
from exarp.model.plan import LateWave, Plan, Wave
from exarp.model.verdict import Verdict
from exarp.planning.doubts import Company, Doubts
from exarp.planning.grouping import Draft, Grouping
from exarp.planning.hazards import find_cells
from exarp.planning.packing import fewest_waves, packed
from exarp.planning.relations import Relations, relate
from exarp.planning.splitting import split
from exarp.planning.through_links import real_folders, verdicts_as_written
from exarp.planning.wave_verdicts import WaveEvidence

Told = bool | frozenset[str] | Literal["marked"]
"""What verdicts a plan has, see ``make_plan``."""


def make_plan(
    manifest: Manifest,
    graph: TaskGraph,
    targets: Sequence[str],
    expected: Mapping[str, float] | None = None,
    told: Told = True,
) -> Plan:
    """The plan for ``targets`` (task names that exist) and all they need.

    The graph has no faults. ``expected``: measured seconds of tasks, for the critical path; where there are none
    every task counts 1, where some are missing those count the mean. ``told``: with the verdicts, one for each pair of
    declared waves; who shows none does without. Names of declared waves: only those on pairs of these. ``"marked"``: only
    those on pairs of which each marking allows the other.
    """
    return _Planner(manifest, graph, targets).plan(expected or {}, told)


class _Planner:
    def __init__(self, manifest: Manifest, graph: TaskGraph, targets: Sequence[str]) -> None:
        self.manifest = manifest
        self.graph = graph
        self.settings = manifest.settings
        self.barriers = self.settings.schedule == "waves"
        asked = closure(graph, [graph.ids[name] for name in targets])
        self.blocked = [(task, manifest.blocked[name]) for task, name in self.blocked_among(asked)]
        self.selected = asked.difference(task for task, _ in self.blocked) if self.blocked else asked
        self.drafts, self.lower_bound = self.grouped()
        self.cells = find_cells(manifest.real_tasks, sorted(self.selected), real_folders(manifest))
        self.evidence = WaveEvidence(manifest, graph, self.drafts, self.cells)
        self.parts = [self.split(draft) for draft in self.drafts]
        # The number of each wave's first part, and one past the last of all.
        self.first = list(accumulate((len(pieces) for pieces in self.parts), initial=1))

    def plan(self, expected: Mapping[str, float], told: Told) -> Plan:
        relations = self.relate()
        waves = self.number(relations)
        position = self.positions(waves)
        whole = told in (True, "marked")
        doubts = self.doubts(waves, position, whole)
        verdicts = (*self.wave_verdicts(relations, told), *(doubts.verdicts if whole else ()))
        order = sorted(
            doubts.edges | self.after_edges() | self.turns(waves),
            key=lambda pair: (position[pair[0]], position[pair[1]]),
        )
        return Plan(
            names=self.graph.names,
            needs=self.graph.needs,
            waves=tuple(waves),
            order=tuple(order),
            position=tuple(position),
            schedule=self.settings.schedule,
            verdicts=verdicts_as_written(verdicts, self.manifest, self.graph.ids),
            critical_path=self.critical(waves, expected),
            lower_bound=self.lower_bound,
            late=tuple(self.late_waves()),
            blocked=tuple(self.blocked),
            verify=() if self.barriers else self.settings.verify,
        )

    def blocked_among(self, asked: set[int]) -> list[tuple[int, str]]:
        ids = self.graph.ids
        return [(ids[name], name) for name in self.manifest.blocked if ids[name] in asked]

    # -- waves -------------------------------------------------------------------------------------------------

    def grouped(self) -> tuple[list[Draft], int]:
        """The waves before large ones are split, and the fewest waves there can be."""
        graph, tasks, limit = self.graph, self.manifest.tasks, self.settings.max_tasks_per_wave
        drafts = Grouping(graph, self.selected, self.manifest.waves).drafts()
        fewest = fewest_waves(drafts, graph.before, limit)
        if limit and self.settings.packing == "tight":
            drafts = packed(drafts, graph.before, limit, lambda task: tasks[task].priority)
        return drafts, fewest

    def relate(self) -> Relations:
        declared = [draft.spec >= 0 for draft in self.drafts]
        return relate(declared, self.evidence.overlapping, self.barriers)

    def split(self, draft: Draft) -> list[tuple[int, ...]]:
        tasks = self.manifest.tasks
        limit = self.settings.max_tasks_per_wave
        return split(draft.tasks, limit, draft.order, self.graph.before, lambda task: tasks[task].priority)

    def number(self, relations: Relations) -> list[Wave]:
        waves: list[Wave] = []
        numbers = [range(*span) for span in pairwise(self.first)]
        for index, draft in enumerate(self.drafts):
            first = self.first[index]
            declared = draft.spec >= 0
            spec = self.manifest.waves[draft.spec] if declared else None
            # Shared by all parts of the wave: two waves in many parts each are not to cost their product.
            beside = tuple(chain.from_iterable([numbers[other] for other in relations.beside[index]]))
            after = tuple([self.first[other + 1] - 1 for other in relations.after[index]])
            verify = self.verification(spec, draft)
            for part, tasks in enumerate(self.parts[index]):
                waves.append(
                    Wave(
                        number=first + part,
                        name=self.wave_name(index) if declared else f"wave {first + part}",
                        tasks=tasks,
                        part=part + 1 if declared else 1,
                        parts=len(self.parts[index]) if declared else 1,
                        declared=declared,
                        order=draft.order,
                        after=after if part == 0 else (first + part - 1,) if self.barriers or declared else (),
                        beside=beside,
                        group=spec.group if spec else None,
                        checkpoint=bool(spec and spec.checkpoint) and part == len(self.parts[index]) - 1,
                        continued=part < len(self.parts[index]) - 1,
                        verify=verify if part == len(self.parts[index]) - 1 else (),
                    )
                )
        return waves

    def verification(self, spec: WaveSpec | None, draft: Draft) -> tuple[str, ...]:
        """What is run when a wave has ended: what the settings say, and then what it says itself. Nothing after groups alone,
        where nobody has declared a wave of them."""
        tasks = self.manifest.tasks
        if not (self.settings.verify or (spec and spec.verify)) or (
            spec is None and all(tasks[task].is_group for task in draft.tasks)
        ):
            return ()
        return (*(self.settings.verify if self.barriers else ()), *(spec.verify if spec else ()))

    def positions(self, waves: Sequence[Wave]) -> list[int]:
        position = [-1] * len(self.graph)
        place = 0
        for wave in waves:
            for task in wave.tasks:
                position[task] = place
                place += 1
        return position

    # -- order and verdicts ------------------------------------------------------------------------------------

    def after_edges(self) -> set[Pair]:
        selected, after = self.selected, self.graph.after
        return {(edge, task) for task in selected if after[task] for edge in after[task] if edge in selected}

    def turns(self, waves: Sequence[Wave]) -> set[Pair]:
        """A sequential wave's executor takes its tasks in turn."""
        return {pair for wave in waves if wave.order == "sequential" for pair in pairwise(wave.tasks)}

    def doubts(self, waves: Sequence[Wave], position: Sequence[int], told: bool) -> Doubts:
        number = [-1] * len(self.graph)
        for wave in waves:
            for task in wave.tasks:
                number[task] = wave.number
        apart = _apart(waves, number, self.barriers)

        def stretch(task: int) -> int:
            wave = waves[number[task] - 1]
            if not self.barriers and not wave.declared:
                return 0
            return wave.number if wave.order == "parallel" else -task - 1

        tasks = [task for wave in waves for task in wave.tasks]
        doubts = Doubts(self.manifest, self.graph, Company(tasks, position, apart, stretch))
        doubts.add_cells(self.cells)
        if self.settings.trust == "proof":
            doubts.add_undeclared()
        if told:
            # They add nothing to the order: the machine holds mutexes and pools.
            doubts.add_mutexes()
            doubts.add_pools()
        doubts.settle()
        return doubts

    def wave_verdicts(self, relations: Relations, told: Told) -> list[Verdict]:
        found = []
        for one, other in self.told_pairs(told):
            third = relations.through.get((one, other))
            found.append(self.evidence.verdict(one, other, None if third is None else self.wave_name(third)))
        return found

    def told_pairs(self, told: Told) -> Iterable[Pair]:
        """Pairs of declared waves, earlier and later, that verdicts are told of."""
        declared = self.declared()
        if told == "marked":
            return [(one, other) for one in declared for other in self.evidence.marked(one) if other > one]
        if told is not True:
            declared = [index for index in declared if told and self.wave_name(index) in told]
        return combinations(declared, 2)

    def declared(self) -> list[int]:
        return [index for index, draft in enumerate(self.drafts) if draft.spec >= 0]

    def wave_name(self, index: int) -> str:
        draft = self.drafts[index]
        if draft.spec >= 0:
            return self.manifest.waves[draft.spec].name
        return f"wave {self.first[index]}"

    def late_waves(self) -> list[LateWave]:
        """Declared waves that come later than listed, because the graph says so."""
        found = []
        declared = self.declared()
        last = -1
        for place, late in enumerate(declared):
            spec = self.drafts[late].spec
            last = max(last, spec)
            if spec == last:
                continue
            listed_after = [early for early in declared[:place] if self.drafts[early].spec > spec]
            needed = next((early for early in listed_after if self.evidence.dependency(early, late)), None)
            if needed is not None:
                via = self.evidence.dependency(needed, late)[0].via
                found.append(LateWave(self.wave_name(late), self.wave_name(needed), via))
        return found

    # -- measures ----------------------------------------------------------------------------------------------

    def critical(self, waves: Sequence[Wave], expected: Mapping[str, float]) -> tuple[int, ...]:
        names = self.graph.names
        tasks = [task for wave in waves for task in wave.tasks]
        known = [expected[names[task]] for task in tasks if names[task] in expected]
        usual = sum(known) / len(known) if known else 1.0
        weights = {task: expected.get(names[task], usual) for task in tasks}
        # What is not selected has no length, and so is on no path.
        return critical_path(tasks, self.graph.before, weights)


def _apart(waves: Sequence[Wave], number: Sequence[int], barriers: bool) -> Callable[[int, int], bool]:
    """See ``Company.apart``."""
    sets: dict[int, frozenset[int]] = {}

    def are_beside(first: Wave, second: Wave) -> bool:
        # Parts of a wave share one tuple, and so one set.
        key = id(first.beside)
        if key not in sets:
            sets[key] = frozenset(first.beside)
        return second.number in sets[key]

    def apart(one: int, other: int) -> bool:
        first, second = waves[number[one] - 1], waves[number[other] - 1]
        if first is second:
            return first.order == "sequential"
        if barriers or (first.declared and second.declared):
            return not are_beside(first, second)
        return False

    return apart
