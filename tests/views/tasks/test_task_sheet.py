from __future__ import annotations

from exarp.model.sheet import TaskSheet
from exarp.model.task import Task
from exarp.views.tasks.sheet import lines


def sheet(task, **fields):
    empty = {
        "inputs": (), "missing": "", "outputs": (), "matched": (), "depfile": "", "needs": (), "after": (),
        "needed_by": (), "variables": {}, "wave": None,
    }  # fmt: skip
    return [line.strip() for line in lines(TaskSheet(task, **(empty | fields)))]


def test_outputs_that_are_globs_are_told_beside_those_that_are_named():
    task = Task("t", commands=("x",), inputs=(), outputs=("a", "gl/*.o"))
    shown = sheet(task, outputs=("a",), matched=("gl/*.o",), depfile="x.d")
    assert shown[3:] == ["in             none", "out            a", "out matching   gl/*.o", "depfile        x.d"]
    assert "out            none" not in sheet(task, matched=("gl/*.o",))


def test_values_are_said_as_the_manifest_has_them_and_stay_in_their_column():
    task = Task(
        "t", commands=("x",), priority=50, timeout=90.0, retry_delay=0.05, allow_failure=True, keep_outputs=True,
        resources={"memory": 16 * 10**9, "gpu": 1},
    )  # fmt: skip
    assert sheet(task)[3:] == [
        "in             not declared",
        "out            not declared",
        "resources      memory=16GB",
        "gpu=1",
        "priority       high",
        "retry delay    50ms",
        "timeout        1m30s",
        "allow failure  yes",
        "keep outputs   yes",
    ]


def test_what_verifies_a_task_stands_with_what_it_runs():
    shown = sheet(Task("t", argv=("make", "x"), verify=("grep x $out", "if true; then\n  test -s $out\nfi")))
    assert shown[1:6] == [
        "runs           make x",
        "verify         grep x $out",
        "verify         if true; then",
        "test -s $out",
        "fi",
    ]
    assert shown[6] == "with           sh -eu -c"


def test_a_group_declares_no_files_and_is_not_told_that_it_does_not():
    assert sheet(Task("g", needs=("a",)), needs=("a",)) == [
        "g",
        "runs           nothing itself: it gathers other tasks",
        "needs          a",
    ]


def test_whether_artifacts_are_kept_is_told_where_it_is_not_plain_to_see():
    def told(**fields):
        return [line for line in sheet(Task("t", **{"commands": ("x",), **fields})) if line.startswith("artifacts")]

    files = {"inputs": ("a",), "outputs": ("b",)}
    assert told() == told(**files) == []
    assert told(cache=True, **files) == ["artifacts      kept"]
    assert told(cache=False, **files) == ["artifacts      none: cache = false says so"]
    assert told(cache=True) == ["artifacts      none: it does not declare its inputs"]
    assert told(interactive=True, **files) == ["artifacts      none: it is interactive"]
