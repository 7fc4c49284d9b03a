"""Order that only depfiles ask for: what can wait does, nothing waits for ever, nothing is passed over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exarp.engine.gates import Gates
from exarp.graph.build import build_graph
from exarp.model.manifest import Manifest, Settings, WaveSpec
from exarp.model.plan import Plan
from exarp.model.task import Task
from exarp.planning.depfile_order import DepfileOrder, depfile_order
from exarp.planning.planner import make_plan
from tests.effort import tries
from tests.planning.random_manifests import FILES, Case, cases

HDR = Task("hdr", commands=("h",), inputs=(), outputs=("gen/h.h",))
CC = Task("cc", commands=("c",), inputs=("m.c",), outputs=("m.o",), depfile="m.d")


def planned(
    tasks: Sequence[Task], waves: tuple[WaveSpec, ...] = (), targets: Sequence[str] = (), schedule: str = "flow"
) -> Plan:
    manifest = Manifest("exarp.toml", tuple(tasks), waves, Settings(schedule=schedule))  # type: ignore[arg-type]
    graph, faults = build_graph(manifest.tasks)
    assert not faults
    return make_plan(manifest, graph, targets or graph.names)


def found_by(tasks: Sequence[Task], plan: Plan, found: Mapping[str, Sequence[str]]) -> tuple[list[str], list[str]]:
    """Reads as ``reader < maker``: those that wait, and those that cannot."""
    ids = {task.name: number for number, task in enumerate(tasks)}
    listed = {ids[name]: dict.fromkeys(paths).keys() for name, paths in found.items()}
    order = depfile_order(plan, tasks, listed)

    def told(reads: Sequence[object]) -> list[str]:
        return [f"{tasks[read.maker].name} < {tasks[read.reader].name}" for read in reads]  # type: ignore[attr-defined]

    return told(order.tied), told(order.late)


@pytest.mark.parametrize("tasks", [(HDR, CC), (CC, HDR)])
def test_the_reader_waits_for_the_maker_wherever_they_are_listed(tasks: tuple[Task, ...]) -> None:
    plan = planned(tasks)
    assert found_by(tasks, plan, {"cc": ["gen/h.h", "x.h"]}) == (["hdr < cc"], [])
    ids = {task.name: number for number, task in enumerate(tasks)}
    order = depfile_order(plan, tasks, {ids["cc"]: {"gen/h.h": b""}.keys()})
    assert (ids["hdr"], ids["cc"]) in order.added_to(plan).order


def test_what_lies_in_an_output_folder_counts() -> None:
    tasks = (msgspec.structs.replace(HDR, outputs=("gen/",)), CC)
    assert found_by(tasks, planned(tasks), {"cc": ["gen/deep/h.h"]}) == (["hdr < cc"], [])
    assert found_by(tasks, planned(tasks), {"cc": ["generated.h"]}) == ([], [])


def test_what_is_ordered_already_is_no_news() -> None:
    through = (HDR, Task("headers", needs=("hdr",)), msgspec.structs.replace(CC, needs=("headers",)))
    after = (HDR, msgspec.structs.replace(CC, after=("hdr",)))
    for tasks in (through, after):
        assert found_by(tasks, planned(tasks), {"cc": ["gen/h.h"]}) == ([], [])


def test_a_maker_that_is_not_selected_orders_nothing() -> None:
    tasks = (HDR, CC)
    assert found_by(tasks, planned(tasks, targets=["cc"]), {"cc": ["gen/h.h"]}) == ([], [])


def test_a_reader_that_the_maker_needs_cannot_wait_for_it() -> None:
    tasks = (CC, msgspec.structs.replace(HDR, needs=("cc",)))
    assert found_by(tasks, planned(tasks), {"cc": ["gen/h.h"]}) == ([], ["hdr < cc"])


def test_one_that_cannot_wait_keeps_no_other_from_waiting() -> None:
    other = Task("other", commands=("o",), inputs=(), outputs=("x.o",), depfile="x.d")
    tasks = (CC, other, msgspec.structs.replace(HDR, needs=("cc",)))
    plan = planned(tasks)
    found = {"cc": ["gen/h.h"], "other": ["gen/h.h"]}
    assert found_by(tasks, plan, found) == (["hdr < other"], ["hdr < cc"])


def test_two_that_read_what_the_other_makes_do_not_wait_for_each_other() -> None:
    one = Task("one", commands=("o",), inputs=(), outputs=("1",), depfile="1.d")
    two = Task("two", commands=("t",), inputs=(), outputs=("2",), depfile="2.d")
    assert found_by((one, two), planned((one, two)), {"one": ["2"], "two": ["1"]}) == (["one < two"], ["two < one"])


def test_waves_that_follow_each_other_order_their_tasks() -> None:
    first, second = WaveSpec("first", ("hdr",)), WaveSpec("second", ("cc",))
    tasks = (HDR, CC)
    plan = planned(tasks, (first, second), schedule="waves")
    assert found_by(tasks, plan, {"cc": ["gen/h.h"]}) == ([], [])
    plan = planned(tasks, (second, first), schedule="waves")
    assert found_by(tasks, plan, {"cc": ["gen/h.h"]}) == ([], ["hdr < cc"])
    plan = planned(tasks, (WaveSpec("both", ("cc", "hdr")),), schedule="waves")
    assert found_by(tasks, plan, {"cc": ["gen/h.h"]}) == (["hdr < cc"], [])
    plan = planned(tasks, (WaveSpec("turns", ("cc", "hdr"), "sequential"),), schedule="waves")
    assert found_by(tasks, plan, {"cc": ["gen/h.h"]}) == ([], ["hdr < cc"])


def all_pass(plan: Plan, rooms: int) -> list[int]:
    """The order in which tasks pass their gates, one at a time."""
    gates = Gates(plan, rooms)
    gates.first()
    ready: list[int] = []
    passed: list[int] = []
    while True:
        for number in gates.open_waves():
            ready += gates.ready(number)
        if not ready:
            return passed
        task = ready.pop()
        passed.append(task)
        freed, is_over = gates.pass_task(task)
        if is_over:
            gates.close_wave(gates.wave_of[task])
        ready += freed


def order_of(case: Case, seed: Sequence[int]) -> tuple[Plan, dict[int, list[str]], DepfileOrder]:
    plan = make_plan(case.manifest, case.graph, case.targets)
    selected = [task for wave in plan.waves for task in wave.tasks]
    found = {
        task: [FILES[pick % len(FILES)] for pick in seed[number : number + 2]] for number, task in enumerate(selected)
    }
    listed = {task: dict.fromkeys(paths).keys() for task, paths in found.items()}
    return plan, found, depfile_order(plan, case.manifest.tasks, listed)


@settings(max_examples=tries(400), deadline=None)
@given(case=cases(), seed=st.lists(st.integers(0, 50), min_size=12, max_size=12), rooms=st.integers(1, 3))
def test_nothing_waits_for_ever_and_who_waits_comes_later(case: Case, seed: list[int], rooms: int) -> None:
    plan, found, order = order_of(case, seed)
    count = plan.task_count
    assert len(all_pass(plan, rooms)) == count
    passed = all_pass(order.added_to(plan), rooms)
    assert len(passed) == count
    at = {task: place for place, task in enumerate(passed)}
    late = {(read.maker, read.reader) for read in order.late}
    for reader, paths in found.items():
        for maker in at:
            made = set(case.manifest.tasks[maker].outputs or ()).intersection(paths)
            if made and maker != reader and (maker, reader) not in late:
                assert at[maker] < at[reader]
