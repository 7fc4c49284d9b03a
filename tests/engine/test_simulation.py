from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from exarp.engine.progress import Limits
from exarp.engine.simulation import makespan
from exarp.graph.critical_path import critical_path
from exarp.planning.planner import make_plan
from tests.effort import tries

from ..planning.plain_plans import plan, task
from ..planning.random_manifests import cases

SOME = settings(max_examples=tries(200), deadline=None, derandomize=True)


def played(case, seconds, jobs):
    chosen = make_plan(case.manifest, case.graph, case.targets)
    limits = Limits(jobs, case.manifest.settings.max_parallel_waves, case.manifest.resources)
    return chosen, makespan(chosen, case.manifest.tasks, limits, seconds)


@SOME
@given(cases(), st.lists(st.integers(0, 9), min_size=8, max_size=8), st.integers(1, 4))
def test_a_run_takes_as_long_as_its_longest_chain_and_its_work_ask_for(case, lengths, jobs):
    tasks = case.manifest.tasks
    idle = {number for number, task in enumerate(tasks) if task.is_group or task.service is not None}
    seconds = {number: 0 if number in idle else lengths[number] for number in range(len(tasks))}
    chosen, took = played(case, seconds, jobs)

    selected = [task for wave in chosen.waves for task in wave.tasks]
    total = sum(seconds[task] for task in selected)
    edges = {task: [*case.graph.needs[task]] for task in selected}
    for earlier, later in chosen.order:
        edges[later].append(earlier)
    longest = critical_path(selected, edges.__getitem__, seconds)
    assert max(total / jobs, sum(seconds[task] for task in longest)) <= took <= total
    assert played(case, seconds, 1)[1] == total


def test_waves_wait_for_their_slowest_task_and_flow_does_not():
    tasks = [task("slow"), task("quick"), task("next", "quick"), task("last", "next")]
    seconds = dict(enumerate((4, 1, 2, 1)))

    barriers = plan(tasks, schedule="waves")
    assert makespan(barriers, tasks, Limits(2), seconds) == 4 + 2 + 1
    assert makespan(plan(tasks), tasks, Limits(2), seconds) == 4


def test_mutexes_pools_and_being_alone_take_time():
    tasks = [task("a", mutex=("db",)), task("b", mutex=("db",)), task("c", interactive=True), task("d")]
    seconds = dict(enumerate((3, 3, 5, 1)))

    assert makespan(plan(tasks), tasks, Limits(4), seconds) == 3 + 3 + 5 + 1
