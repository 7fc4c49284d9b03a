"""``why-not`` rests on the same evidence as the plan."""

from __future__ import annotations

from itertools import combinations

import msgspec
import pytest

from exarp.app.judge import judge
from exarp.app.opening.project import Project
from exarp.app.plan import preview
from exarp.errors import UsageError
from exarp.graph.build import build_graph
from exarp.manifests.notations import toml
from exarp.manifests.problems.place import Locator
from exarp.model.manifest import Manifest, Settings, WaveSpec
from exarp.model.task import Task
from exarp.planning.planner import make_plan
from exarp.planning.selection import Chosen
from exarp.planning.wave_verdicts import WaveEvidence


def project(*tasks: Task, waves: tuple[WaveSpec, ...] = (), **settings: object) -> Project:
    manifest = Manifest(
        "exarp.toml",
        tasks,
        waves,
        Settings(**settings),  # type: ignore[arg-type]
        resources={"gpu": 2},
    )
    graph, faults = build_graph(tasks)
    assert not faults
    return Project("/nowhere", manifest, graph, Locator("exarp.toml", "", toml))


def codes(found: Project, one: str, other: str) -> list[str]:
    return [reason.code for reason in judge(found, one, other).reasons]


FREE = Task("free", commands=("x",), inputs=(), outputs=())


def test_a_dependency_names_its_whole_path() -> None:
    found = project(Task("a", outputs=("x",)), Task("b", inputs=("x",), outputs=("y",)), Task("c", inputs=("y",)))
    verdict = judge(found, "c", "a")
    assert verdict.between == ("a", "c")
    assert [reason.via for reason in verdict.reasons] == [("a", "b", "c")]


def test_aliases_are_names_here_too() -> None:
    found = project(Task("a", aliases=("first",)), Task("b", needs=("a",), aliases=("second",)))

    assert judge(found, "first", "second").between == ("a", "b")
    with pytest.raises(UsageError, match="'a' is named twice"):
        judge(found, "a", "first")


def test_files_mutexes_and_pools() -> None:
    found = project(
        Task("writes", commands=("x",), modifies=("src/**",), mutex=("db",), resources={"gpu": 2}),
        Task("reads", commands=("x",), inputs=("src/a.c",), mutex=("db", "other"), resources={"gpu": 1}),
        FREE,
    )
    assert codes(found, "writes", "reads") == ["read-write", "mutex", "resource"]
    verdict = judge(found, "writes", "free")
    assert (verdict.verdict, verdict.runs, verdict.reasons) == ("upheld", "parallel", ())


def test_undeclared_counts_only_where_proof_is_asked_for() -> None:
    tasks = (Task("vague", commands=("x",)), FREE)
    assert codes(project(*tasks), "vague", "free") == []
    verdict = judge(project(*tasks, trust="proof"), "vague", "free")
    assert (verdict.verdict, [reason.code for reason in verdict.reasons]) == ("unproven", ["undeclared"])


def test_waves_and_their_order() -> None:
    tasks = tuple(Task(name, inputs=(), outputs=(f"{name}.out",)) for name in "abc")
    waves = (
        WaveSpec("one", ("a",), parallel=True),
        WaveSpec("two", ("b",), parallel=("one",)),
        WaveSpec("three", ("c",)),
    )
    found = project(*tasks, waves=waves, schedule="waves")
    assert codes(found, "one", "two") == []
    assert codes(found, "two", "three") == ["unmarked"]
    assert codes(found, "a", "b") == []
    assert codes(found, "b", "c") == ["unmarked"]


def test_a_sequential_wave_keeps_its_own_apart() -> None:
    tasks = tuple(Task(name, inputs=(), outputs=()) for name in "ab")
    found = project(*tasks, waves=(WaveSpec("turns", ("a", "b"), order="sequential"),), schedule="waves")
    assert codes(found, "a", "b") == ["ordered-through"]


def test_names_that_do_not_exist_or_do_not_fit() -> None:
    found = project(FREE, Task("b"), waves=(WaveSpec("w", ("b",)),), schedule="waves")
    for one, other in [("free", "free"), ("free", "gone"), ("free", "w")]:
        with pytest.raises(UsageError):
            judge(found, one, other)


def test_a_name_that_is_neither_is_told_before_what_the_other_is() -> None:
    found = project(FREE, Task("b"), waves=(WaveSpec("w", ("b",)),), schedule="waves")
    with pytest.raises(UsageError) as raised:
        judge(found, "w", "gone")
    assert [(problem.slug, problem.message) for problem in raised.value.problems] == [
        ("unknown-task", "there is no task or wave 'gone'")
    ]


DERIVED = (FREE, Task("a", inputs=(), outputs=("x",)), Task("b", inputs=("x",), outputs=()))


def test_derived_waves_are_those_of_the_plan_and_run_beside_no_other() -> None:
    waves = (WaveSpec("w", ("a",), parallel=True),)
    found = project(*DERIVED, waves=waves, schedule="waves", default=("b", "free"))
    verdict = judge(found, "wave 3", "wave 1")
    assert (verdict.kind, verdict.between, verdict.runs) == ("waves", ("wave 1", "wave 3"), "sequential")
    assert [(reason.code, reason.name) for reason in verdict.reasons] == [("unmarked", "wave 1")]
    declared = judge(found, "wave 3", "w")
    assert (declared.between, declared.verdict) == (("w", "wave 3"), "refuted")
    assert [reason.via for reason in declared.reasons] == [("a", "b"), ()]


@pytest.mark.parametrize(
    ("names", "settings", "told"),
    [
        (("wave 1", "wave 2"), {"schedule": "flow", "default": ("b",)}, "in flow it holds no task back"),
        (("wave 1", "w"), {"schedule": "waves", "default": ("free",)}, "wave 'w' is not in the plan that has 'wave 1'"),
        (("wave 1", "b"), {"schedule": "waves", "default": ("b",)}, "'wave 1' is a wave, the other a task"),
        (("wave 1", "wave 9"), {"schedule": "waves", "default": ("b",)}, "there is no task or wave 'wave 9'"),
    ],
)
def test_what_cannot_be_said_of_a_derived_wave(names: tuple[str, str], settings: dict[str, object], told: str) -> None:
    tasks = (*DERIVED, Task("c", inputs=(), outputs=()))
    with pytest.raises(UsageError) as raised:
        judge(project(*tasks, waves=(WaveSpec("w", ("c",)),), **settings), *names)
    assert told in str(raised.value)


def test_it_agrees_with_the_plan_on_every_pair() -> None:
    tasks = [
        Task("fmt", modifies=("src/**/*.c",)),
        Task("lint", inputs=("src/*.c",), outputs=()),
        Task("gen", inputs=(), outputs=("src/gen.c",)),
        Task("docs", inputs=(), outputs=("docs/",)),
        Task("page", inputs=(), outputs=("docs/page.html",)),
        Task("solo", commands=("x",), inputs=(), outputs=(), mutex=("m",)),
        Task("duo", commands=("x",), inputs=(), outputs=(), mutex=("m",)),
    ]
    found = project(*tasks)
    plan = make_plan(found.manifest, found.graph, found.graph.names)
    apart = {frozenset(verdict.between) for verdict in plan.verdicts if verdict.between is not None}
    for one, other in combinations(found.graph.names, 2):
        verdict = judge(found, one, other)
        by_need = any(reason.code == "dependency" for reason in verdict.reasons)
        assert (verdict.runs == "sequential") == (by_need or frozenset((one, other)) in apart), (one, other)


def test_a_free_task_beside_a_wave_is_told_as_derived_and_members_as_such() -> None:
    tasks = (FREE, *(Task(name, commands=("x",), inputs=(), outputs=()) for name in "abcd"))
    waves = (WaveSpec("w", ("a", "b", "c", "d"), parallel=True),)
    found = project(*tasks, waves=waves, schedule="waves", max_tasks_per_wave=2)
    (derived,) = judge(found, "a", "free").reasons
    assert (derived.code, derived.name) == ("unmarked", "wave 1")
    (parts,) = judge(found, "a", "d").reasons
    assert (parts.code, parts.name, parts.tasks) == ("ordered-through", "w", ("a", "d"))


def test_a_reason_of_tasks_and_waves_alike_is_told_once() -> None:
    tasks = tuple(Task(name, commands=("x",), modifies=("f",), inputs=()) for name in "ab")
    waves = (WaveSpec("one", ("a",), parallel=True), WaveSpec("two", ("b",), parallel=True))
    assert codes(project(*tasks, waves=waves, schedule="waves"), "a", "b") == ["write-write"]


def test_of_many_waves_only_the_pair_in_question_is_judged(tmp_path, monkeypatch) -> None:
    judged: list[tuple[int, int]] = []
    verdict = WaveEvidence.verdict
    monkeypatch.setattr(WaveEvidence, "verdict", lambda it, *pair: judged.append(pair[:2]) or verdict(it, *pair))
    tasks = [Task(f"t{number}", commands=("x",), inputs=(), outputs=()) for number in range(9)]
    waves = tuple(WaveSpec(f"w{number}", (f"t{number}",), parallel=number != 5) for number in range(9))
    found = msgspec.structs.replace(project(*tasks, waves=waves, schedule="waves"), root=str(tmp_path))

    assert codes(found, "w2", "w5") == codes(found, "t2", "t5") == ["unmarked"]
    assert judged == [(2, 5), (2, 5)]
    assert preview(found, Chosen(found.graph.names, found.graph), {}, look=False).plan.verdicts == ()
    assert judged == [(2, 5), (2, 5)]
    assert len(preview(found, Chosen(found.graph.names, found.graph), {}, look=False, told=True).plan.verdicts) == 36


def test_a_wave_without_tasks_is_named() -> None:
    found = project(FREE, waves=(WaveSpec("w", ("free",)), WaveSpec("void", ())), schedule="waves")
    with pytest.raises(UsageError, match="wave 'void' has no tasks"):
        judge(found, "w", "void")
