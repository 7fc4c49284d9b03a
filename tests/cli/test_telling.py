"""What a run and the commands that look back say of tasks, from outside, where it is not plain what they came to."""

from __future__ import annotations

import pytest

from tests.cli.conftest import Workspace


@pytest.mark.parametrize(
    ("name", "why"), [("gone.txt", "input gone.txt is missing"), ("gone*", "gone* matches no file")]
)
def test_a_task_that_cannot_start_is_told_as_one_that_failed(workspace: Workspace, name: str, why: str) -> None:
    body = f'inputs = ["{name}"]\nrun = "touch ran"\n'
    workspace.manifest(
        f"""
[task.skips]
on_failure = "skip"
{body}
[task.after]
needs = ["skips"]
run = "true"
[task.may]
allow_failure = true
{body}
"""
    )
    result = workspace.exarp("after")
    assert result.code == 1
    assert result.err.startswith(f"FAIL  skips  {why}, skipped\n1 skipped, 1 blocked in 0.0s\n")
    assert f"first failure: skips, {why}\n" in result.err
    assert "blocked by it: after\n" in result.err
    assert workspace.exarp("after", "--json").json["first_failure"] == {"task": "skips", "tail": ""}
    allowed = workspace.exarp("may")
    assert (allowed.code, allowed.err.split("\n")[0]) == (0, f"FAIL  may  {why}, allowed")


def test_status_offers_a_log_only_where_there_is_one(workspace: Workspace) -> None:
    workspace.manifest(
        """
        [task.mute]
        run = "exit 1"
        [task.loud]
        run = "echo no; exit 1"
        [task.never]
        inputs = ["gone"]
        run = "true"
        """
    )
    for task, log in (("mute", ""), ("loud", "      log: exarp log loud"), ("never", "")):
        assert workspace.exarp(task).code == 1
        assert workspace.exarp("status").out.endswith(f"\n  first failure: {task}{log}\n")


@pytest.mark.parametrize(
    "removes", ["rm .exarp/store.db*", "rm -r .exarp", "cp .exarp/store.db x; mv x .exarp/store.db"]
)
def test_a_database_that_is_taken_away_under_a_run_is_told_once(workspace: Workspace, removes: str) -> None:
    workspace.manifest(f"[task.remove]\nrun = '{removes}'\n[task.other]\nrun = 'true'")
    told = f"exarp: warning: {workspace.path}/.exarp/store.db was removed meanwhile: what was done is not recorded"
    result = workspace.exarp("remove", "other")
    assert (result.code, result.err.count(told)) == (0, 1)
    assert "removed" not in workspace.exarp("other").err
