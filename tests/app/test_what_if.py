from __future__ import annotations

import os

import pytest

from exarp.app.opening.examining import open_project
from exarp.app.opening.project import Overrides
from exarp.app.selection.targets import choose
from exarp.app.what_if import Change, what_if
from exarp.planning.selection import Wanted
from exarp.views.plan.what_if import fields, table

MANIFEST = """
[task.slow]
run = "true"
[task.quick]
run = "true"
[task.next]
run = "true"
needs = ["quick"]
[task.all]
needs = ["slow", "next"]
"""


def play(tmp_path, expected, *changes, settings="", overrides=None):
    (tmp_path / "exarp.toml").write_text(settings + MANIFEST)
    project = open_project(str(tmp_path), None, {}, overrides)
    chosen = choose(project, Wanted(names=("all",)), "default or all", environ=os.environ)
    return what_if(project, chosen, expected, changes)


EXPECTED = {"slow": 4.0, "quick": 1.0, "next": 2.0}


def test_scenarios_are_compared_with_the_settings_as_they_are(tmp_path):
    found = play(tmp_path, EXPECTED, Change(jobs=1), Change(schedule="waves"), settings="[settings]\njobs = 2\n")

    assert [scenario.makespan for scenario in found.scenarios] == [4, 7, 6]
    assert [scenario.barriers for scenario in found.scenarios] == [0, 0, 2]
    assert [scenario.critical_path for scenario in found.scenarios] == [4, 4, 4]
    assert (found.measured, found.assumed) == (3, 0)


def test_a_limit_brings_barriers_unless_somebody_chose_flow(tmp_path):
    limit = Change(jobs=2, max_tasks_per_wave=1)

    assert play(tmp_path, EXPECTED, limit).scenarios[1].settings.schedule == "waves"
    written = play(tmp_path, EXPECTED, limit, settings='[settings]\nschedule = "flow"\n')
    assert written.scenarios[1].settings.schedule == "flow"
    given = play(tmp_path, EXPECTED, limit, overrides=Overrides(schedule="flow"))
    assert given.scenarios[1].settings.schedule == "flow"


def test_what_was_never_measured_counts_as_much_as_the_others_and_is_said(tmp_path):
    found = play(tmp_path, {"quick": 1.0, "next": 3.0}, Change(jobs=1))

    assert found.scenarios[1].makespan == 1 + 3 + 2
    said = "if all 3 tasks run: 2 as long as they last did, 1 never measured, 2.0s each"
    assert table(found, None).split("\n")[0] == said


def test_without_any_measurement_each_task_counts_one_second(tmp_path):
    found = play(tmp_path, {}, Change(jobs=1))

    assert found.scenarios[1].makespan == 3
    assert table(found, None).startswith("if all 3 tasks run, 1s each: none was ever measured\n")


def test_the_table_and_the_document_say_the_same(tmp_path):
    changes = (Change(jobs=1, packing="tight"), Change(schedule="waves"))
    found = play(tmp_path, EXPECTED, *changes, settings="[settings]\njobs = 2\n")

    assert table(found, 100) == (
        "if all 3 tasks run, each as long as it last did\n"
        "\n"
        "                                    makespan    critical path    lost to barriers    waves\n"
        " as it is: jobs=2, schedule=flow        4.0s             4.0s                   -        3\n"
        " jobs=1, packing=tight                  7.0s             4.0s                   -        3\n"
        " schedule=waves                         6.0s             4.0s                2.0s        3"
    )
    assert [dict(each) for each in fields(found)][2] == {
        "change": {"schedule": "waves"},
        "jobs": 2,
        "max_parallel_waves": 8,
        "max_tasks_per_wave": 0,
        "packing": "levels",
        "schedule": "waves",
        "waves": 3,
        "makespan_ms": 6000,
        "critical_path_ms": 4000,
        "barriers_ms": 2000,
        "measured": 3,
        "assumed": 0,
    }


@pytest.mark.parametrize("jobs", [0, 2])
def test_no_jobs_are_the_cpus_of_this_process(tmp_path, jobs):
    found = play(tmp_path, EXPECTED, Change(jobs=jobs))

    assert found.scenarios[1].settings.jobs == (jobs or len(os.sched_getaffinity(0)))
