"""Rule 7 of the contract under "Waves": derived waves packed tightly, against trying everything."""

from __future__ import annotations

from itertools import combinations

from hypothesis import given, settings
from hypothesis import strategies as st

from exarp.graph.task_graph import TaskGraph
from exarp.planning.grouping import Grouping
from exarp.planning.packing import fewest_waves
from tests.effort import tries

from .random_manifests import cases
from .test_plan_properties import packed, plan_of
from .test_wave_rules import listing, plan, task, wave

SOME = settings(max_examples=tries(300), deadline=None, derandomize=True)


@st.composite
def needs_of(draw: st.DrawFn, most: int = 7) -> list[list[int]]:
    """What each task needs, listed in any order."""
    order = draw(st.permutations(range(draw(st.integers(1, most)))))
    needs: list[list[int]] = [[] for _ in order]
    for place, node in enumerate(order[1:], 1):
        needs[node] = draw(st.lists(st.sampled_from(order[:place]), max_size=3, unique=True))
    return needs


def optimum(needs, limit):
    """The fewest waves of at most ``limit`` tasks, by trying every set of ready tasks."""
    done, steps = {frozenset()}, 0
    while frozenset(range(len(needs))) not in done:
        steps += 1
        following = set()
        for past in done:
            ready = [node for node in range(len(needs)) if node not in past and past.issuperset(needs[node])]
            size = min(limit, len(ready))
            following.update(past.union(chosen) for chosen in combinations(ready, size))
        done = following
    return steps


def by_list(needs, limit, priority):
    """List scheduling, plainly: of what is ready always those with the longest path to a sink."""

    def height(node):
        return max((height(later) + 1 for later in range(len(needs)) if node in needs[later]), default=0)

    left, waves = set(range(len(needs))), []
    while left:
        ready = [node for node in left if not left.intersection(needs[node])]
        chosen = sorted(ready, key=lambda node: (-height(node), -priority[node], node))[:limit]
        waves.append(sorted(chosen))
        left -= set(chosen)
    return waves


@SOME
@given(needs_of(), st.integers(1, 4), st.data())
def test_tight_is_list_scheduling_where_that_needs_no_more_waves_than_levels(needs, limit, data):
    priority = [data.draw(st.sampled_from([0, 50])) for _ in needs]
    tasks = [
        task(f"t{node}", *(f"t{need}" for need in edges), priority=priority[node]) for node, edges in enumerate(needs)
    ]

    tight = plan(tasks, max_tasks_per_wave=limit, packing="tight", schedule="waves")
    levels = plan(tasks, max_tasks_per_wave=limit, schedule="waves")

    listed = by_list(needs, limit, priority)
    expected = listed if len(listed) <= len(levels.waves) else [wave.tasks for wave in levels.waves]
    assert [list(wave.tasks) for wave in tight.waves] == [list(tasks) for tasks in expected]
    best = optimum(needs, limit)
    assert tight.lower_bound == levels.lower_bound <= best <= len(tight.waves) <= len(levels.waves)


@SOME
@given(needs_of(6), st.integers(1, 3))
def test_the_bound_knows_what_comes_before_and_after_a_crowd(needs, limit):
    graph = TaskGraph([f"t{node}" for node in range(len(needs))], needs, [()] * len(needs))
    found = fewest_waves(Grouping(graph, set(range(len(needs))), ()).drafts(), graph.before, limit)

    assert -(-len(needs) // limit) <= found <= optimum(needs, limit)


@SOME
@given(cases())
def test_tight_keeps_edges_and_declared_waves_and_needs_no_more_waves_than_levels(case):
    limit = case.manifest.settings.max_tasks_per_wave
    tight, levels = plan_of(packed(case, "tight")), plan_of(packed(case, "levels"))

    assert tight.lower_bound == levels.lower_bound <= len(tight.waves) <= len(levels.waves)
    assert limit or tight == levels
    home = {task: wave for wave in tight.waves for task in wave.tasks}
    for later, place in home.items():
        for earlier in case.graph.before(later):
            if earlier in home and not place.declared:
                assert home[earlier].number < place.number
    declared = [[wave.name for wave in made.waves if wave.declared] for made in (tight, levels)]
    assert declared[0] == declared[1]


def test_7_a_task_that_nobody_waits_for_fills_up_a_later_wave():
    tasks = [task("a"), task("b"), task("c"), task("d", "a"), task("e", "d")]

    assert len(plan(tasks, max_tasks_per_wave=2, schedule="waves").waves) == 4
    made = plan(tasks, max_tasks_per_wave=2, packing="tight", schedule="waves")
    assert listing(made) == [("wave 1", "a b"), ("wave 2", "c d"), ("wave 3", "e")]
    assert made.lower_bound == 3


def test_7_a_declared_wave_is_no_wall_to_what_it_does_not_need():
    tasks = [task("a"), task("b"), task("c"), task("w", "a"), task("d", "w")]
    made = plan(tasks, [wave("W", "w")], max_tasks_per_wave=2, packing="tight")

    assert listing(made) == [("wave 1", "a b"), ("W", "w"), ("wave 3", "c d")]
    assert made.lower_bound == 3


def test_7_what_a_declared_wave_waits_for_goes_first():
    tasks = [task("far"), task("near", "far"), task("a"), task("w", "a")]
    made = plan(tasks, [wave("W", "w")], max_tasks_per_wave=1, packing="tight")

    assert listing(made) == [("wave 1", "a"), ("W", "w"), ("wave 3", "far"), ("wave 4", "near")]
