"""The rules under "Waves" in the manifest's contract, by example; the numbers are those of the contract."""

from __future__ import annotations

import pytest

from exarp.graph.build import build_graph
from exarp.model.manifest import WaveSpec
from exarp.model.plan import LateWave
from exarp.planning.grouping import Grouping, SequenceFault

from .plain_plans import listing, on_waves, plan, task, turns


def wave(name, tasks, **fields):
    return WaveSpec(name, tuple(tasks.split()), **fields)


def faults(tasks, *waves):
    graph, _ = build_graph(tasks)
    return Grouping(graph, set(range(len(graph))), waves).faults()


# -- 1 and 2 ---------------------------------------------------------------------------------------------------


def test_1_only_what_is_asked_for_and_needed_is_planned():
    made = plan([task("a"), task("b", "a"), task("c", "b"), task("d")], targets=["b"])

    assert listing(made) == [("wave 1", "a"), ("wave 2", "b")]
    assert made.position == (0, 1, -1, -1)


def test_1_after_pulls_nothing_in_but_orders_what_is_there():
    tasks = [task("late", after=("early",)), task("early")]

    assert listing(plan(tasks, targets=["late"])) == [("wave 1", "late")]
    assert listing(plan(tasks)) == [("wave 1", "early"), ("wave 2", "late")]


def test_2_free_tasks_of_one_level_are_one_derived_wave_in_the_order_of_the_manifest():
    made = plan([task("d", "a", "b"), task("b"), task("c", "b"), task("a")])

    assert listing(made) == [("wave 1", "b a"), ("wave 2", "d c")]


def test_2_a_declared_wave_counts_as_one_node_of_the_graph():
    tasks = [task("a"), task("b", "a"), task("x", "b"), task("y")]
    made = plan(tasks, [wave("W", "a b")])

    assert listing(made) == [("wave 1", "y"), ("W", "a b"), ("wave 3", "x")]


def test_2_on_ties_derived_waves_come_first_and_run_beside_nothing():
    made = plan([task("w"), task("free"), task("v")], [wave("W", "w", parallel=True), wave("V", "v", parallel=True)])

    assert listing(made) == [("wave 1", "free"), ("W", "w"), ("V", "v")]
    assert turns(made) == [((), ()), ((1,), (3,)), ((1,), (2,))]


def test_2_a_derived_wave_on_a_later_level_of_a_wave_comes_after_it():
    tasks = [task("w"), task("f0"), task("f1", "f0"), task("v", "f1")]
    made = plan(tasks, [wave("W", "w"), wave("V", "v")])

    assert listing(made) == [("wave 1", "f0"), ("W", "w"), ("wave 3", "f1"), ("V", "v")]


@pytest.mark.parametrize("length", [2, 3, 7])
def test_2_waves_that_need_each_other_are_refused_with_every_edge_of_the_cycle(length):
    tasks = [task(f"in{n}") for n in range(length)]
    tasks += [task(f"out{n}", f"in{(n + 1) % length}") for n in range(length)]
    cycles, _ = faults(tasks, *(wave(f"W{n}", f"in{n} out{n}") for n in range(length)))

    names = [{(tasks[one].name, tasks[other].name) for one, other in cycle.edges} for cycle in cycles]
    assert names == [{(f"in{(n + 1) % length}", f"out{n}") for n in range(length)}]


def test_2_a_free_task_between_two_tasks_of_a_wave_closes_a_cycle():
    cycles, _ = faults([task("a"), task("between", "a"), task("b", "between")], wave("W", "a b"))

    assert [set(cycle.edges) for cycle in cycles] == [{(0, 1), (1, 2)}]


# -- 3 ---------------------------------------------------------------------------------------------------------


def test_3_waves_run_as_listed_where_the_graph_leaves_it_open():
    made = plan([task("a"), task("b"), task("c")], [wave("C", "c"), wave("A", "a"), wave("B", "b")])

    assert [name for name, _ in listing(made)] == ["C", "A", "B"]
    assert made.late == ()


def test_3_a_listing_that_the_graph_contradicts_is_noted_with_the_path():
    tasks = [task("a", "free"), task("free", "b"), task("b")]
    made = plan(tasks, [wave("A", "a"), wave("B", "b")])

    assert [name for name, _ in listing(made)] == ["B", "wave 2", "A"]
    assert made.late == (LateWave("A", "B", ("b", "free", "a")),)


def test_3_a_sequential_wave_that_lists_a_task_before_its_need_is_refused():
    tasks = [task("a", "b"), task("b"), task("c", after=("a",))]

    assert faults(tasks, wave("W", "a b c", order="sequential")) == ([], [SequenceFault(0, 0, 1)])
    assert faults(tasks, wave("W", "c b a", order="sequential")) == ([], [SequenceFault(0, 2, 0)])
    assert faults(tasks, wave("W", "b a c", order="sequential")) == ([], [])
    assert faults(tasks, wave("W", "a b c")) == ([], [])


def test_3_a_parallel_wave_lists_its_tasks_as_given_as_far_as_edges_allow():
    made = plan([task("a", "b"), task("b"), task("c")], [wave("W", "c a b")])

    assert listing(made) == [("W", "c b a")]


def test_3_a_sequential_wave_runs_its_tasks_one_by_one_in_its_order():
    made = plan([task("a"), task("b"), task("c")], [wave("W", "c a b", order="sequential")])

    assert listing(made) == [("W", "c a b")]
    assert made.order == ((2, 0), (0, 1))


# -- 4 ---------------------------------------------------------------------------------------------------------


def pair_of(one=True, other=True, **fields):
    tasks = [task("a", **fields.pop("first", {})), task("b", **fields.pop("second", {}))]
    return plan(tasks, [wave("A", "a", parallel=one), wave("B", "b", parallel=other)], **fields)


def reasons(made, pair=("A", "B")):
    verdict = on_waves(made)[pair]
    return verdict.marked, verdict.verdict, verdict.runs, [reason.code for reason in verdict.reasons]


@pytest.mark.parametrize(("one", "other"), [(True, True), (("B",), ("A",)), (True, ("X", "A"))])
def test_4_waves_whose_markings_allow_each_other_run_side_by_side(one, other):
    made = pair_of(one, other)

    assert reasons(made) == (True, "upheld", "parallel", [])
    assert turns(made) == [((), (2,)), ((), (1,))]


@pytest.mark.parametrize(("one", "other"), [(False, True), (True, False), (False, False), (("X",), True), ((), ("A",))])
def test_4_a_pair_that_is_not_marked_by_both_is_refuted_as_unmarked(one, other):
    made = pair_of(one, other)

    assert reasons(made) == (False, "refuted", "sequential", ["unmarked"])
    assert turns(made) == [((), ()), ((1,), ())]


def test_4_a_dependency_refutes_a_marked_pair_and_comes_with_its_path():
    tasks = [task("b", "x"), task("a0"), task("a", "a0"), task("x", "a")]
    made = plan(tasks, [wave("A", "a0 a", parallel=True), wave("B", "b", parallel=True)])

    verdict = on_waves(made)["A", "B"]
    assert [(reason.code, reason.tasks, reason.via) for reason in verdict.reasons] == [
        ("dependency", ("a", "b"), ("a", "x", "b"))
    ]
    assert (verdict.marked, verdict.verdict) == (True, "refuted")


def test_4_a_dependency_through_a_third_wave_is_a_dependency():
    tasks = [task("a"), task("b", "a"), task("c", after=("b",))]
    made = plan(tasks, [wave(name, name.lower(), parallel=True) for name in "ABC"])

    assert on_waves(made)["A", "C"].reasons[0].via == ("a", "b", "c")
    assert turns(made) == [((), ()), ((1,), ()), ((2,), ())]


def test_4_order_only_edges_to_a_third_wave_order_through_it():
    tasks = [task("a"), task("b"), task("c")]
    waves = [wave("A", "a", parallel=("C",)), wave("B", "b"), wave("C", "c", parallel=("A",))]
    made = plan(tasks, waves)

    assert reasons(made, ("A", "C")) == (True, "refuted", "sequential", ["ordered-through"])
    assert on_waves(made)["A", "C"].reasons[0].name == "B"
    assert turns(made) == [((), ()), ((1,), ()), ((2,), ())]


def test_4_a_derived_wave_between_two_waves_orders_them():
    tasks = [task("a"), task("b", "free1"), task("free0"), task("free1", "free0")]
    made = plan(tasks, [wave("A", "a", parallel=True), wave("B", "b", parallel=True)])

    assert listing(made) == [("wave 1", "free0"), ("A", "a"), ("wave 3", "free1"), ("B", "b")]
    assert on_waves(made)["A", "B"].reasons[0].name == "wave 3"


def test_4_two_waves_may_run_beside_a_third_and_not_beside_each_other():
    waves = [wave("A", "a", parallel=("C",)), wave("B", "b", parallel=("C",)), wave("C", "c", parallel=True)]
    made = plan([task("a"), task("b"), task("c")], waves)

    assert turns(made) == [((), (3,)), ((1,), (3,)), ((), (1, 2))]


def test_4_files_that_two_waves_touch_refute_a_marked_pair():
    made = pair_of(first={"modifies": ("src/",)}, second={"inputs": ("src/x.c",)})

    [reason] = on_waves(made)["A", "B"].reasons
    assert (reason.code, reason.tasks, reason.path, reason.writer) == ("read-write", ("a", "b"), "src/x.c", "a")
    assert reasons(made) == (True, "refuted", "sequential", ["read-write"])


def test_4_mutexes_and_pools_leave_waves_side_by_side():
    shared = {"mutex": ("db",), "resources": {"gpu": 2}}
    made = pair_of(first=shared, second=shared)

    assert reasons(made) == (True, "upheld", "parallel", [])


@pytest.mark.parametrize(("trust", "expected"), [("plan", []), ("proof", ["undeclared"])])
def test_4_tasks_that_declare_too_little_count_under_proof_only(trust, expected):
    made = pair_of(first={"outputs": None}, trust=trust)

    assert reasons(made)[3] == expected
    assert reasons(made)[1] == ("unproven" if expected else "upheld")


# -- 5 ---------------------------------------------------------------------------------------------------------


def test_5_a_wave_waits_only_for_the_nearest_waves_before_it():
    tasks = [task("f"), task("a"), task("b"), task("c"), task("z", "a", "b", "c")]
    waves = [wave("A", "a"), wave("B", "b", parallel=("C",)), wave("C", "c", parallel=("B",))]
    made = plan(tasks, waves)

    assert [name for name, _ in listing(made)] == ["wave 1", "A", "B", "C", "wave 5"]
    assert [after for after, _ in turns(made)] == [(), (1,), (2,), (2,), (3, 4)]


def test_5_in_flow_declared_waves_keep_their_turns_and_derived_ones_have_none():
    tasks = [task("f"), task("g", "f"), task("a"), task("b")]
    made = plan(tasks, [wave("A", "a"), wave("B", "b")], schedule="flow")

    assert [name for name, _ in listing(made)] == ["wave 1", "A", "B", "wave 4"]
    assert [after for after, _ in turns(made)] == [(), (), (2,), ()]


# -- 6 ---------------------------------------------------------------------------------------------------------


def test_6_a_large_derived_wave_is_split_by_priority_then_as_listed():
    tasks = [task("a"), task("b", priority=50), task("c"), task("d", priority=-50), task("e", priority=50)]
    made = plan(tasks, max_tasks_per_wave=2, schedule="waves")

    assert listing(made) == [("wave 1", "b e"), ("wave 2", "a c"), ("wave 3", "d")]
    assert [after for after, _ in turns(made)] == [(), (1,), (2,)]
    assert made.lower_bound == 3


def test_6_edges_come_before_priority_in_a_split_wave():
    tasks = [task("late", "first", priority=100), task("first", priority=-50), task("mid")]
    made = plan(tasks, [wave("W", "late first mid")], max_tasks_per_wave=1)

    assert listing(made) == [("W", "mid"), ("W", "first"), ("W", "late")]
    assert [(wave.part, wave.parts) for wave in made.waves] == [(1, 3), (2, 3), (3, 3)]


def test_6_a_sequential_wave_is_split_in_its_own_order():
    tasks = [task("a"), task("b", priority=100), task("c")]
    made = plan(tasks, [wave("W", "c a b", order="sequential")], max_tasks_per_wave=2)

    assert listing(made) == [("W", "c a"), ("W", "b")]


def test_6_a_wave_within_the_limit_keeps_its_order_whatever_the_priorities():
    made = plan([task("a"), task("b", priority=100)], max_tasks_per_wave=2, schedule="waves")

    assert listing(made) == [("wave 1", "a b")]


def test_6_parts_inherit_the_marking_and_follow_each_other():
    tasks = [task("a1"), task("a2"), task("b1"), task("b2")]
    made = plan(tasks, [wave("A", "a1 a2", parallel=True), wave("B", "b1 b2", parallel=True)], max_tasks_per_wave=1)

    assert turns(made) == [((), (3, 4)), ((1,), (3, 4)), ((), (1, 2)), ((3,), (1, 2))]


def test_6_the_wave_after_a_split_wave_waits_for_its_last_part():
    made = plan([task("a1"), task("a2"), task("b")], [wave("A", "a1 a2"), wave("B", "b")], max_tasks_per_wave=1)

    assert [after for after, _ in turns(made)] == [(), (1,), (2,)]
