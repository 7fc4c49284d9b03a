"""What every plan of every manifest has: waves that partition, edges that go forward, limits that hold."""

from __future__ import annotations

import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from exarp.graph.task_graph import TaskGraph
from exarp.model.plan import Plan
from exarp.planning.planner import make_plan
from exarp.views.plan.document import document
from tests.effort import tries

from .plain_order import Order, graph_edges, selected
from .random_manifests import Case, cases

PLANS = settings(max_examples=tries(300), deadline=None, derandomize=True)


def plan_of(case: Case) -> Plan:
    return make_plan(case.manifest, case.graph, case.targets)


def packed(case: Case, packing: str, **others: Any) -> Case:
    """The same manifest with another packing."""
    chosen = msgspec.structs.replace(case.manifest.settings, packing=packing, **others)
    return case._replace(manifest=msgspec.structs.replace(case.manifest, settings=chosen))


def needed(graph: TaskGraph, targets: tuple[str, ...]) -> set[int]:
    found: set[int] = set()
    stack = [graph.ids[name] for name in targets]
    while stack:
        task = stack.pop()
        if task not in found:
            found.add(task)
            stack += graph.needs[task]
    return found


@PLANS
@given(cases())
def test_waves_partition_what_is_asked_for_and_all_it_needs(case):
    plan = plan_of(case)

    tasks = selected(plan)
    assert len(tasks) == len(set(tasks)) == plan.task_count
    assert set(tasks) == needed(case.graph, case.targets)
    assert all(wave.tasks for wave in plan.waves)
    assert [wave.number for wave in plan.waves] == list(range(1, len(plan.waves) + 1))


@PLANS
@given(cases())
def test_positions_count_the_selected_tasks_in_the_order_of_the_waves(case):
    plan = plan_of(case)

    expected = [-1] * len(case.graph)
    for place, task in enumerate(selected(plan)):
        expected[task] = place
    assert list(plan.position) == expected


@PLANS
@given(cases())
def test_every_need_and_every_order_only_edge_goes_forward(case):
    plan = plan_of(case)

    number = {task: wave.number for wave in plan.waves for task in wave.tasks}
    edges = graph_edges(plan, case.graph) | set(plan.order)
    assert all(number[earlier] <= number[later] for earlier, later in edges)
    assert all(-1 < plan.position[earlier] < plan.position[later] for earlier, later in edges)
    assert {(edge, task) for edge, task in graph_edges(plan, case.graph) if edge in case.graph.after[task]} <= set(
        plan.order
    )


@PLANS
@given(cases())
def test_the_same_manifest_gives_the_same_plan_and_the_same_bytes(case):
    one, other = plan_of(case), plan_of(case)

    assert one == other
    assert document(one, case.manifest, {}, {}, "d") == document(other, case.manifest, {}, {}, "d")


@PLANS
@given(cases())
def test_waves_are_beside_each_other_or_in_turn_but_never_both(case):
    plan = plan_of(case)

    turns = Order((earlier, wave.number) for wave in plan.waves for earlier in wave.after)
    related = [wave for wave in plan.waves if wave.declared or plan.schedule == "waves"]
    for place, wave in enumerate(related):
        assert all(earlier < wave.number for earlier in wave.after)
        for other in related[place + 1 :]:
            beside = other.number in wave.beside
            assert beside == (wave.number in other.beside)
            assert beside != turns.orders(wave.number, other.number)
            assert not beside or (wave.declared and other.declared)


@PLANS
@given(cases())
def test_after_names_only_the_nearest_waves(case):
    plan = plan_of(case)

    turns = Order((earlier, wave.number) for wave in plan.waves for earlier in wave.after)
    for wave in plan.waves:
        assert not any(far in turns.later.get(near, ()) for near in wave.after for far in wave.after if far != near)


@PLANS
@given(cases())
def test_in_flow_derived_waves_hold_nothing_back(case):
    plan = plan_of(case)

    if plan.schedule == "flow":
        derived = {wave.number for wave in plan.waves if not wave.declared}
        assert all(not wave.after and not wave.beside for wave in plan.waves if not wave.declared)
        assert not any(derived.intersection((*wave.after, *wave.beside)) for wave in plan.waves)


@PLANS
@given(cases())
def test_no_wave_is_larger_than_the_limit_and_parts_follow_each_other(case):
    plan = plan_of(case)

    limit = case.manifest.settings.max_tasks_per_wave
    parts: dict[str, list[int]] = {}
    for wave in plan.waves:
        assert not limit or len(wave.tasks) <= limit
        if wave.declared:
            parts.setdefault(wave.name, []).append(wave.number)
    for name, numbers in parts.items():
        waves = [plan.waves[number - 1] for number in numbers]
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
        assert [(wave.part, wave.parts) for wave in waves] == [(n, len(numbers)) for n in range(1, len(numbers) + 1)]
        assert [wave.after for wave in waves[1:]] == [(number,) for number in numbers[:-1]]
        spec = next(spec for spec in case.manifest.waves if spec.name == name)
        assert {plan.names[task] for wave in waves for task in wave.tasks} == {
            name for name in spec.tasks if plan.position[case.graph.ids[name]] >= 0
        }


def rule_6(case: Case, tasks: list[int], place: dict[int, int]) -> list[int]:
    """``tasks`` in topological order, ties by priority, then by ``place``."""
    left, found = list(tasks), []
    while left:
        ready = [task for task in left if not set(case.graph.before(task)).intersection(left)]
        found.append(min(ready, key=lambda task: (-case.manifest.tasks[task].priority, place[task])))
        left.remove(found[-1])
    return found


@PLANS
@given(cases(waves=False))
def test_derived_waves_are_levels_split_in_the_order_of_priority(case):
    case = packed(case, "levels")
    plan = plan_of(case)

    chosen = needed(case.graph, case.targets)
    limit = case.manifest.settings.max_tasks_per_wave
    level: dict[int, int] = {}
    while len(level) < len(chosen):
        for task in chosen:
            before = [edge for edge in case.graph.before(task) if edge in chosen]
            if all(edge in level for edge in before):
                level[task] = max((level[edge] + 1 for edge in before), default=0)
    expected = []
    for rank in range(max(level.values()) + 1):
        tasks = sorted(task for task in chosen if level[task] == rank)
        if limit and len(tasks) > limit:
            tasks = rule_6(case, tasks, {task: task for task in tasks})
            expected += [tuple(tasks[start : start + limit]) for start in range(0, len(tasks), limit)]
        else:
            expected.append(tuple(tasks))
    assert [wave.tasks for wave in plan.waves] == expected


@PLANS
@given(cases())
def test_declared_waves_keep_the_listing_as_far_as_edges_and_priorities_allow(case):
    plan = plan_of(case)

    limit = case.manifest.settings.max_tasks_per_wave
    for spec in case.manifest.waves:
        listed = [case.graph.ids[name] for name in spec.tasks if plan.position[case.graph.ids[name]] >= 0]
        place = {task: at for at, task in enumerate(listed)}
        planned = sorted(listed, key=lambda task: plan.position[task])
        if spec.order == "sequential":
            assert planned == listed
        elif limit and len(listed) > limit:
            by_listing = plain(case, listed, place)
            assert planned == rule_6(case, listed, {task: at for at, task in enumerate(by_listing)})
        else:
            assert planned == plain(case, listed, place)


def plain(case: Case, tasks: list[int], place: dict[int, int]) -> list[int]:
    """``tasks`` in topological order, ties as listed."""
    left, found = list(tasks), []
    while left:
        ready = [task for task in left if not set(case.graph.before(task)).intersection(left)]
        found.append(min(ready, key=place.__getitem__))
        left.remove(found[-1])
    return found


@PLANS
@given(cases())
def test_no_plan_has_fewer_waves_than_the_lower_bound(case):
    plan = plan_of(case)

    assert 1 <= plan.lower_bound <= len(plan.waves)


@PLANS
@given(cases(), st.dictionaries(st.sampled_from([f"t{n}" for n in range(8)]), st.floats(0, 100)))
def test_the_critical_path_is_a_chain_of_edges(case, expected):
    plan = make_plan(case.manifest, case.graph, case.targets, expected)

    path = plan.critical_path
    assert path
    edges = graph_edges(plan, case.graph)
    assert all(pair in edges for pair in pairwise(path))


PLAN_BYTES = """
import random, sys
from exarp.planning.planner import make_plan
from exarp.views.plan.document import document
from tests.planning.dice import Dice
from tests.planning.random_manifests import case_of

for seed in range(150):
    case = case_of(Dice(random.Random(seed).randbytes(600)), most=9)
    plan = make_plan(case.manifest, case.graph, case.targets)
    sys.stdout.buffer.write(document(plan, case.manifest, {}, {}, "d"))
"""


def test_the_bytes_do_not_depend_on_how_this_process_hashes_text():
    root = Path(__file__).parents[2]
    done = [
        subprocess.run(
            [sys.executable, "-c", PLAN_BYTES],
            cwd=root,
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(root)},
            capture_output=True,
            check=True,
            timeout=120,
        ).stdout
        for seed in ("1", "2")
    ]

    assert done[0] == done[1]
    assert done[0].count(b'"version"') == 150


@PLANS
@given(cases())
def test_a_plan_that_is_only_carried_out_is_the_same_without_its_verdicts(case):
    told = make_plan(case.manifest, case.graph, case.targets)
    untold = make_plan(case.manifest, case.graph, case.targets, told=False)

    assert untold.verdicts == ()
    assert msgspec.structs.replace(untold, verdicts=told.verdicts) == told
