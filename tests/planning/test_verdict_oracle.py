"""Verdicts against brute force: every pair of tasks that could run at the same time, every pair of their accesses."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exarp.model.plan import Plan
from exarp.model.task import Task
from exarp.model.verdict import Verdict
from exarp.planning import doubts, hazards
from exarp.planning.planner import make_plan
from tests.effort import tries

from .overlaps import conflicts
from .plain_order import Order, graph_edges, selected, turn_edges, wave_edges
from .random_manifests import Case, cases

PLANS = settings(max_examples=tries(600), deadline=None, derandomize=True)
FILE_CODES = {"write-write", "read-write"}
# As if there were thousands of tasks: every pattern that is read more often than written is a cell of its own.
CROWDED = {(hazards, "_MANY_PAIRS"): 0}
SIZES = st.sampled_from([{}, CROWDED])
# Besides: one task stands between all blocks; what readers take away counts as far as they have it in common; overlaps
# are not looked for at all.
ALL_SIZES = SIZES | st.sampled_from(
    [
        {**CROWDED, (doubts, "_MANY_EDGES"): 0},
        {**CROWDED, (hazards, "_MANY_LISTS"): 0},
        {(hazards, "_ALWAYS_FOUND"): 3, (hazards, "_MANY_OVERLAPS"): 0},
        {(hazards, "_ALWAYS_FOUND"): 0, (hazards, "_MANY_OVERLAPS"): 0},
    ]
)


class Judged:
    """A plan, and what it orders: by the graph alone, with its waves, and in all."""

    def __init__(self, case: Case, sizes: dict | None = None) -> None:
        self.case = case
        with pytest.MonkeyPatch.context() as patch:
            for (module, name), size in (sizes or {}).items():
                patch.setattr(module, name, size)
            self.plan: Plan = make_plan(case.manifest, case.graph, case.targets)
        self.tasks = selected(self.plan)
        self.by_graph = Order(graph_edges(self.plan, case.graph))
        # What holds whatever the tasks touch: edges, waves in turn, turns in a sequential wave.
        given = graph_edges(self.plan, case.graph) | wave_edges(self.plan) | turn_edges(self.plan)
        self.anyway = Order(given)
        self.in_all = Order(given | set(self.plan.order))

    def spec(self, task: int) -> Task:
        return self.case.manifest.tasks[task]

    def clash(self, one: int, other: int) -> set[str]:
        """Codes of file conflicts between two tasks; ``undeclared`` where that counts."""
        first, second = self.spec(one), self.spec(other)
        settings = self.case.manifest.settings
        codes = {code for code, _, _ in conflicts(first, second, settings.cache_dirs)}
        both_run = not first.is_group and not second.is_group
        if settings.trust == "proof" and both_run and not (first.is_declared and second.is_declared):
            codes.add("undeclared")
        return codes

    def told(self, *kinds: str) -> Iterator[tuple[Verdict, int, int]]:
        """Pairs of tasks that verdicts speak of, earlier first."""
        ids, position = self.case.graph.ids, self.plan.position
        for verdict in self.plan.verdicts:
            if verdict.kind not in kinds:
                continue
            pairs = [verdict.between] if verdict.between else []
            if verdict.kind == "group":
                pairs += combinations(verdict.among, 2)
            pairs += {(one, other) for one in verdict.among for other in verdict.against if one != other}
            for pair in pairs:
                one, other = sorted((ids[name] for name in pair), key=position.__getitem__)
                yield verdict, one, other


@PLANS
@given(cases(), ALL_SIZES)
def test_tasks_that_touch_the_same_files_never_run_at_the_same_time(case, sizes):
    judged = Judged(case, sizes)

    for one, other in combinations(judged.tasks, 2):
        if judged.clash(one, other):
            assert judged.in_all.orders(one, other)


@PLANS
@given(cases(), SIZES)
def test_verdicts_tell_every_edge_that_the_plan_adds_for_a_doubt(case, sizes):
    judged = Judged(case, sizes)

    told = {(one, other) for _, one, other in judged.told("tasks", "group", "groups")}
    by_after = {(edge, task) for task in judged.tasks for edge in case.graph.after[task]}
    in_turn = {pair for wave in judged.plan.waves for pair in zip(wave.tasks, wave.tasks[1:], strict=False)}
    assert {edge for edge in judged.plan.order if edge not in by_after | in_turn} <= told


@PLANS
@given(cases(), SIZES)
def test_doubts_tie_only_what_could_otherwise_run_at_the_same_time(case, sizes):
    judged = Judged(case, sizes)

    # In flow, what only waves in turn and edges together order may be told all the same.
    apart = wave_edges(judged.plan) | turn_edges(judged.plan)
    barriers = judged.plan.schedule == "waves"
    groups: dict[int, list[bool]] = {}
    for verdict, one, other in judged.told("tasks", "group", "groups"):
        ordered = judged.anyway.orders(one, other) if barriers else judged.by_graph.orders(one, other)
        groups.setdefault(id(verdict), []).append(ordered or (one, other) in apart)
    assert not any(all(ordered) for ordered in groups.values())


@PLANS
@given(cases(), SIZES)
def test_nothing_is_told_of_tasks_that_share_nothing(case, sizes):
    judged = Judged(case, sizes)

    pools = case.manifest.resources
    for verdict, one, other in judged.told("tasks", "group", "groups"):
        first, second = judged.spec(one), judged.spec(other)
        assert not first.is_group or not {"mutex", "resource"}.intersection(r.code for r in verdict.reasons)
        for reason in verdict.reasons:
            if reason.code == "mutex":
                assert reason.name in first.mutex
                assert reason.name in second.mutex
            elif reason.code == "resource":
                asked = [task.resources.get(reason.name, 0) for task in (first, second)]
                assert all(asked)
                assert sum(asked) > pools[reason.name]
            elif verdict.kind == "tasks":
                assert reason.code in judged.clash(one, other)
            else:
                assert judged.clash(one, other).intersection(FILE_CODES | {"undeclared"})


@PLANS
@given(cases())
def test_the_reason_names_what_both_tasks_touch_and_who_writes_it(case):
    judged = Judged(case)

    names = case.graph.names
    for verdict, one, other in judged.told("tasks"):
        found = conflicts(judged.spec(one), judged.spec(other), case.manifest.settings.cache_dirs)
        for reason in verdict.reasons:
            if reason.code not in FILE_CODES:
                continue
            assert reason.tasks == (names[one], names[other])
            assert any(code == reason.code and reason.path in (mine, theirs) for code, mine, theirs in found)
            assert (reason.writer in reason.tasks) == (reason.code == "read-write")


@PLANS
@given(cases())
def test_tasks_that_exclude_each_other_by_name_or_size_are_told_where_they_could_meet(case):
    judged = Judged(case)

    told = {
        (reason.code, reason.name, one, other)
        for v, one, other in judged.told("tasks", "group", "groups")
        for reason in v.reasons
    }
    for one, other in combinations(judged.tasks, 2):
        first, second = judged.spec(one), judged.spec(other)
        if judged.anyway.orders(one, other) or first.is_group or second.is_group:
            continue
        for name in set(first.mutex).intersection(second.mutex):
            assert ("mutex", name, one, other) in told
        for pool, size in case.manifest.resources.items():
            asked = [task.resources.get(pool, 0) for task in (first, second)]
            assert not all(asked) or sum(asked) <= size or ("resource", pool, one, other) in told


@PLANS
@given(cases())
def test_a_verdict_is_unproven_where_nothing_but_missing_declarations_speaks_against_it(case):
    judged = Judged(case)

    for verdict in judged.plan.verdicts:
        codes = {reason.code for reason in verdict.reasons}
        assert verdict.verdict == ("upheld" if not codes else "unproven" if codes == {"undeclared"} else "refuted")
        assert verdict.runs == ("sequential" if codes else "parallel")


@PLANS
@given(cases(), SIZES)
def test_every_pair_of_declared_waves_has_one_verdict_with_the_reasons_that_brute_force_finds(case, sizes):
    judged = Judged(case, sizes)

    waves: dict[str, list[int]] = {}
    for wave in judged.plan.waves:
        if wave.declared:
            waves.setdefault(wave.name, []).extend(wave.tasks)
    pairs = list(combinations(waves, 2))
    verdicts = [verdict for verdict in judged.plan.verdicts if verdict.kind == "waves"]
    assert [verdict.between for verdict in verdicts] == pairs
    specs = {spec.name: spec for spec in case.manifest.waves}
    for verdict, (one, other) in zip(verdicts, pairs, strict=True):
        marked = specs[one].allows(other) and specs[other].allows(one)
        assert verdict.marked == marked
        between = [(first, second) for first in waves[one] for second in waves[other]]
        codes = {reason.code for reason in verdict.reasons}
        needed = any(second in judged.by_graph.later.get(first, ()) for first, second in between)
        assert ("dependency" in codes) == needed
        clashes = set().union(*(judged.clash(first, second) for first, second in between)) & FILE_CODES
        assert codes & FILE_CODES <= clashes
        assert needed or bool(codes & FILE_CODES) == bool(clashes)
        assert ("unmarked" in codes) == (not marked)
        undeclared = any(not judged.spec(task).is_declared for task in waves[one] + waves[other])
        assert ("undeclared" in codes) == (undeclared and case.manifest.settings.trust == "proof")
        assert ("ordered-through" in codes) == (codes == {"ordered-through"})
        assert _beside(judged.plan, one, other) == (not codes)


def _beside(plan: Plan, one: str, other: str) -> bool:
    numbers = {wave.number for wave in plan.waves if wave.name == other}
    beside = [numbers.issubset(wave.beside) for wave in plan.waves if wave.name == one]
    assert all(beside) or not any(beside)
    return all(beside)


@PLANS
@given(cases())
def test_waves_are_ordered_through_a_third_only_where_that_one_really_stands_between(case):
    judged = Judged(case)

    first = {wave.name: wave.number for wave in reversed(judged.plan.waves)}
    turns = Order((earlier, wave.number) for wave in judged.plan.waves for earlier in wave.after)
    for verdict in judged.plan.verdicts:
        for reason in verdict.reasons:
            if reason.code == "ordered-through":
                one, other = (first[name] for name in verdict.between)
                third = first[reason.name]
                assert third in turns.later[one]
                assert other in turns.later[third]


@PLANS
@given(cases())
def test_a_dependency_between_waves_comes_with_a_path_of_real_edges(case):
    judged = Judged(case)

    ids = case.graph.ids
    home = {name: spec.name for spec in case.manifest.waves for name in spec.tasks}
    edges = graph_edges(judged.plan, case.graph)
    for verdict in judged.plan.verdicts:
        for reason in verdict.reasons:
            if reason.code == "dependency":
                via = [ids[name] for name in reason.via]
                assert all(pair in edges for pair in pairwise(via))
                assert (home[reason.via[0]], home[reason.via[-1]]) == verdict.between
                assert reason.tasks == (reason.via[0], reason.via[-1])
