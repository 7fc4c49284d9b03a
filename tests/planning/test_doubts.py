"""Verdicts on tasks, by example: what is found, what is told of it, and what is left alone."""

from __future__ import annotations

from itertools import combinations, product

import pytest

from exarp.graph.build import build_graph
from exarp.model.manifest import Manifest, WaveSpec
from exarp.model.path import normalise
from exarp.planning.doubts import Doubts
from exarp.planning.hazards import narrower
from exarp.planning.planner import make_plan

from .plain_plans import edges, plan, task, told


def pair(first, second, **settings):
    return plan([task("a", **first), task("b", **second)], **settings)


def reads(*paths):
    return {"inputs": paths}


def makes(*paths):
    return {"outputs": paths}


def changes(*paths):
    return {"modifies": paths}


@pytest.mark.parametrize(
    ("first", "second", "code", "path", "writer"),
    [
        (changes("x"), changes("x"), "write-write", "x", ""),
        (changes("x"), makes("x"), "write-write", "x", ""),
        (makes("out/"), makes("out/x"), "write-write", "out/x", ""),
        (makes("out/"), changes("out/x/*"), "write-write", "out/x/*", ""),
        (makes("gen/*.c"), makes("gen/a*"), "write-write", "gen/*.c", ""),
        (changes("src/"), changes("src"), "write-write", "src", ""),
        (changes("x"), reads("x"), "read-write", "x", "a"),
        (reads("x"), changes("x"), "read-write", "x", "b"),
        (changes("src/"), reads("src/x.c"), "read-write", "src/x.c", "a"),
        (changes("src/x.c"), reads("src/"), "read-write", "src/x.c", "a"),
        (changes("src/**/*.c"), reads("src/x.c"), "read-write", "src/x.c", "a"),
        (reads("src/**"), changes("src/x.c"), "read-write", "src/x.c", "b"),
        (reads("src/**"), changes("**/*.c"), "read-write", "src/**", "b"),
        (reads("src"), changes("src/"), "read-write", "src", "b"),
        (reads("./"), changes("deep/down"), "read-write", "deep/down", "b"),
        (makes("gen/*.h"), reads("gen/a.h"), "read-write", "gen/a.h", "a"),
        ({"depfile": "o/x.d"}, reads("o/**"), "read-write", "o/x.d", "a"),
        ({"depfile": "o/x.d"}, reads("o/x.d"), "read-write", "o/x.d", "a"),
        ({"depfile": "x.d"}, {"depfile": "x.d"}, "write-write", "x.d", ""),
        ({"depfile": "x.d"}, makes("x.d"), "write-write", "x.d", ""),
        (changes(normalise("./src//x.c")), reads(normalise("src/y/../x.c")), "read-write", "src/x.c", "a"),
    ],
)
def test_two_tasks_that_touch_one_path_run_in_manifest_order(first, second, code, path, writer):
    made = pair(first, second)

    [verdict] = made.verdicts
    [reason] = verdict.reasons
    assert (verdict.between, verdict.verdict, verdict.runs) == (("a", "b"), "refuted", "sequential")
    assert (reason.code, reason.tasks, reason.path, reason.writer) == (code, ("a", "b"), path, writer)
    assert reason.evidence == "declared"
    assert edges(made) == ["a<b"]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (reads("x"), reads("x")),
        (changes("src/*.c"), reads("src/*.h")),
        (changes("src/a*"), changes("src/b*")),
        (makes("out/a/"), makes("out/b/")),
        (makes("out/"), reads("output/x")),
        (changes("*.c"), reads("src/x.c")),
        (changes("src/*"), reads("src/.hidden")),
        (changes("src/x.c"), {"inputs": ("src/**",), "excluded": ("src/x.c",)}),
        (changes("src/gen/*"), {"inputs": ("src/**",), "excluded": ("src/gen/",)}),
    ],
)
def test_tasks_that_share_nothing_are_left_alone(first, second):
    made = pair(first, second)

    assert made.verdicts == ()
    assert made.order == ()


def test_what_the_graph_orders_needs_no_verdict():
    made = plan([task("a", **changes("x")), task("mid", "a"), task("b", "mid", **changes("x"))])

    assert (made.verdicts, made.order) == ((), ())


def test_a_pair_with_two_reasons_has_one_verdict_with_both():
    made = pair({**changes("x"), "mutex": ("db",)}, {**changes("x"), "mutex": ("db",)})

    assert told(made) == [("a b", "write-write", "mutex")]


def test_three_writers_of_a_file_are_a_group_in_a_chain():
    made = plan([task(name, **changes("x")) for name in "abc"])

    assert told(made) == [("a b c", "write-write")]
    assert made.verdicts[0].reasons[0].path == "x"
    assert edges(made) == ["a<b", "b<c"]


def test_readers_between_writers_are_tied_to_both_but_not_to_each_other():
    made = plan(
        [task("w1", **changes("x")), *[task(f"r{n}", **reads("x")) for n in (1, 2)], task("w2", **changes("x"))]
    )

    assert edges(made) == ["w1<r1", "w1<r2", "w1<w2", "r1<w2", "r2<w2"]
    assert ("r1 r2",) not in [row[:1] for row in told(made)]


def test_readers_of_what_a_group_writes_are_told_as_against_it():
    made = plan([*[task(name, **changes("x")) for name in "abc"], task("r", **reads("x"))])

    assert told(made) == [("a b c /r", "write-write")]
    assert edges(made) == ["a<b", "b<c", "c<r"]


# -- many ------------------------------------------------------------------------------------------------------

MANY = 100


def many_writers(after=()):
    return [task(f"w{n}", *after, **reads(), modifies=(f"src/{n}.c",)) for n in range(MANY)]


def many_readers(needs=(), **fields):
    return [task(f"r{n}", *needs, **{**reads("src/**"), **fields}) for n in range(MANY)]


def test_many_readers_of_what_many_write_are_told_once_and_tied_by_few_edges():
    made = plan([*many_writers(), *many_readers()])

    [verdict] = made.verdicts
    assert (verdict.kind, verdict.runs) == ("groups", "sequential")
    assert set(verdict.among) == {f"w{n}" for n in range(MANY)}
    assert set(verdict.against) == {f"r{n}" for n in range(MANY)}
    assert [(reason.code, reason.path) for reason in verdict.reasons] == [("read-write", "src/**")]
    # One reader comes first; the others do not wait for each other.
    assert set(edges(made)) == {f"w{n}<r0" for n in range(MANY)} | {f"r0<r{n}" for n in range(1, MANY)}


def test_many_that_the_graph_orders_already_are_left_alone():
    hub = task("between", *[f"w{n}" for n in range(MANY)])

    made = plan([*many_writers(), hub, *many_readers(needs=("between",))])

    assert (made.verdicts, made.order) == ((), ())


def test_of_many_only_those_are_tied_that_nothing_orders():
    hub = task("between", *[f"w{n}" for n in range(MANY)])
    free = task("free", **reads("src/**"))

    made = plan([*many_writers(), hub, *many_readers(needs=("between",)), free])

    assert told(made)[0] == (" ".join([*[f"w{n}" for n in range(MANY)], "/free"]), "read-write")
    assert set(edges(made)) == {f"w{n}<free" for n in range(MANY)}


def test_many_that_read_what_each_of_them_writes_are_one_group_in_a_chain():
    tasks = [task(f"t{n}", inputs=("src/**/*.c",), outputs=(f"src/m{n}/*.c",)) for n in range(MANY)]

    made = plan(tasks)

    assert told(made) == [(" ".join(f"t{n}" for n in range(MANY)), "read-write")]
    assert edges(made) == [f"t{n}<t{n + 1}" for n in range(MANY - 1)]


def test_what_many_readers_take_away_is_not_held_against_them():
    assert told(plan([*many_writers(), *many_readers(excluded=("src/*.c",))])) == []


def test_many_that_each_take_something_else_away_cost_no_pairs():
    made = plan(
        [task(f"t{n}", **reads("src/**"), excluded=(f"src/{n}.c",), **changes(f"src/{n}.c")) for n in range(MANY)]
    )

    assert told(made) == [(" ".join(f"t{n}" for n in range(MANY)), "read-write")]
    assert edges(made) == [f"t{n}<t{n + 1}" for n in range(MANY - 1)]


def test_what_all_of_many_lists_take_away_frees_their_readers():
    odd = [task(f"r{n}", **reads("src/**"), excluded=(f"src/x{n}", "src/*.c")) for n in range(MANY)]

    assert told(plan([*many_writers(), *odd])) == []


def test_a_list_that_many_share_is_minded_whatever_else_is_taken_away():
    odd = [task(f"odd{n}", **reads("src/**"), excluded=(f"src/{n}.c",)) for n in range(MANY)]

    made = plan([*many_writers(), *many_readers(excluded=("src/*.c",)), *odd])

    [verdict] = made.verdicts
    assert set(verdict.among) == {f"w{n}" for n in range(MANY)}
    assert set(verdict.against) == {f"odd{n}" for n in range(MANY)}


def test_many_in_sequential_waves_or_in_waves_in_turn_need_no_verdict_on_their_tasks():
    tasks = [*many_writers(), *many_readers()]
    names = [made.name for made in tasks]
    waves = [WaveSpec("A", tuple(names[:MANY])), WaveSpec("B", tuple(names[MANY:]))]

    assert told(plan(tasks, waves)) == []
    assert told(plan(tasks, [WaveSpec("A", tuple(names), "sequential")])) == []


def test_patterns_that_all_overlap_are_one_group_however_many_they_are():
    tasks = [task(f"t{n}", inputs=(f"out/*_y{n}",), outputs=(f"out/x{n}_*",)) for n in range(300)]

    made = plan(tasks)

    assert any(verdict.reasons[0].path == "out/" and len(verdict.among) == len(tasks) for verdict in made.verdicts)
    assert {f"t{n}<t{n + 1}" for n in range(299)} <= set(edges(made))
    assert len(made.order) < 100 * len(tasks)


def test_what_lies_in_a_cache_folder_may_be_shared():
    shared = changes("cache/x")

    assert told(pair(shared, shared, cache_dirs=("cache/",))) == []
    assert told(pair(shared, shared, cache_dirs=("cache2/",))) == [("a b", "write-write")]


def test_a_barrier_between_two_tasks_needs_no_verdict():
    tasks = [task("a", **changes("x")), task("mid"), task("b", "mid", **changes("x"))]

    assert told(plan(tasks, schedule="waves")) == []
    assert told(plan(tasks, schedule="flow")) == [("a b", "write-write")]


def test_waves_in_turn_and_sequential_waves_need_no_verdicts_on_their_tasks():
    tasks = [task("a", **changes("x")), task("b", **changes("x")), task("c", **changes("x"))]
    made = plan(tasks, [WaveSpec("A", ("a", "b"), "sequential"), WaveSpec("B", ("c",))])

    assert told(made) == []


# -- undeclared ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("silent", [{"inputs": None}, {"outputs": None}])
def test_a_task_that_does_not_say_all_it_touches_excludes_every_other_under_proof(silent):
    tasks = [task("a"), task("silent", **silent), task("b"), task("group", commands=())]

    made = plan(tasks, trust="proof")
    assert told(made) == [("a silent", "undeclared"), ("silent b", "undeclared")]
    assert {verdict.verdict for verdict in made.verdicts} == {"unproven"}
    assert made.verdicts[0].reasons[0].tasks == ("silent",)
    assert edges(made) == ["a<silent", "silent<b"]
    assert told(plan(tasks, trust="plan")) == []


def test_many_undeclared_tasks_are_one_group():
    made = plan([task(name, outputs=None) for name in "abcd"] + [task("e")], trust="proof")

    assert told(made) == [("a b c d /e", "undeclared")]
    assert made.verdicts[0].verdict == "unproven"


def test_a_file_refutes_where_silence_alone_would_leave_it_unproven():
    made = pair({**changes("x"), "inputs": None}, changes("x"), trust="proof")

    assert told(made) == [("a b", "write-write", "undeclared")]
    assert made.verdicts[0].verdict == "refuted"


# -- mutexes and pools -----------------------------------------------------------------------------------------


def test_a_mutex_of_two_is_a_pair_and_of_three_a_group_without_edges():
    held = {"mutex": ("db",)}

    made = plan([task("a", **held), task("b", **held)])
    assert told(made) == [("a b", "mutex")]
    assert made.verdicts[0].reasons[0].tasks == ("a", "b")
    made = plan([task("a", **held), task("b", **held), task("c", **held)])
    assert told(made) == [("a b c", "mutex")]
    assert made.verdicts[0].reasons[0].name == "db"
    assert made.order == ()


def test_a_mutex_of_tasks_in_a_chain_is_not_told():
    held = {"mutex": ("db",)}

    assert told(plan([task("a", **held), task("b", "a", **held), task("c", "b", **held)])) == []


def test_a_mutex_is_told_where_only_two_of_many_could_meet():
    held = {"mutex": ("db",)}

    assert told(plan([task("a", **held), task("b", "a", **held), task("c", "a", **held)])) == [("a b c", "mutex")]


def test_a_group_task_holds_nothing():
    held = {"mutex": ("db",), "resources": {"gpu": 2}}

    assert told(plan([task("a", **held), task("b", commands=(), **held)])) == []


def asks(amount):
    return {"resources": {"memory": amount}}


def test_requests_that_do_not_fit_together_are_told():
    tasks = [task("six", **asks(6)), task("five", **asks(5)), task("four", **asks(4))]

    assert told(plan(tasks)) == [("six five", "resource")]


def test_small_requests_exclude_the_large_ones_they_do_not_fit_beside():
    tasks = [*[task(f"large{n}", **asks(8)) for n in (1, 2, 3)], *[task(f"small{n}", **asks(3)) for n in (1, 2)]]

    assert told(plan(tasks)) == [
        ("large1 large2 large3", "resource"),
        ("large1 large2 large3 /small1 /small2", "resource"),
    ]


def test_small_requests_against_two_large_ones_are_pairs_each():
    tasks = [task("l1", **asks(8)), task("s1", **asks(3)), task("l2", **asks(8)), task("s2", **asks(3))]

    assert [who for who, _ in told(plan(tasks))] == ["l1 s1", "l1 l2", "l1 s2", "s1 l2", "l2 s2"]


def test_of_many_amounts_just_those_pairs_are_told_that_do_not_fit_together():
    amounts = {f"{name}{number}": 20 * number + 7 for number in range(50) for name in "ab"}
    tasks = [task(name, **asks(amount)) for name, amount in amounts.items()]
    size = 1000

    made = plan(tasks, resources={"memory": size})

    excluded = {frozenset(pair) for pair in combinations(amounts, 2) if sum(amounts[name] for name in pair) > size}
    assert {frozenset(pair) for verdict in made.verdicts for pair in pairs_of(verdict)} == excluded
    listed = sum(len(verdict.among) + len(verdict.against) for verdict in made.verdicts)
    assert listed < len(tasks) * 8


def pairs_of(verdict):
    return (
        [verdict.between]
        if verdict.between
        else [*combinations(verdict.among, 2), *product(verdict.among, verdict.against)]
    )


def test_mutexes_and_pools_are_looked_at_only_where_they_are_told(monkeypatch):
    monkeypatch.delattr(Doubts, "add_pools")
    monkeypatch.delattr(Doubts, "add_mutexes")

    tasks = [task(name, **asks(6), mutex=("db",)) for name in "abc"]
    manifest = Manifest("exarp.toml", tuple(tasks), resources={"memory": 10})
    graph, _ = build_graph(tasks)
    assert make_plan(manifest, graph, graph.names, told=False).verdicts == ()


def test_requests_of_zero_exclude_nobody():
    assert told(plan([task("a", **asks(0)), task("b", **asks(10))])) == []


# -- how reasons are worded ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("src/", "src/x.c", "src/x.c"),
        ("src/*.c", "src/x.c", "src/x.c"),
        ("x", "./", "x"),
        ("src/", "**/*.c", "src/"),
        ("src/", "src/*.c", "src/*.c"),
        ("src/deep/", "src/**", "src/deep/"),
        ("a*", "b*", "a*"),
    ],
)
def test_the_narrower_pattern_says_more(one, other, expected):
    assert narrower(one, other) == expected
