"""Conditions of tasks from outside, what is done finally, and services."""

from __future__ import annotations

import signal
import subprocess
import sys

from tests.cli.conftest import Workspace

CONDITIONS = """
    [vars]
    want = "yes"

    [task.wanted]
    run = "echo ran"
    when = "echo looked; test $want = yes"

    [task.elsewhere]
    run = "exit 9"
    platforms = ["windows"]

    [task.all]
    needs = ["wanted", "elsewhere"]

    [task.ship]
    run = "echo shipped"
    needs = ["elsewhere"]
    requires = ["sh", { run = "echo no daemon; false", message = "start it first" }]

    [task.gone]
    run = "echo never"
    requires = ["no-such-program"]
"""


def test_a_condition_decides_whether_a_task_runs(workspace: Workspace) -> None:
    workspace.manifest(CONDITIONS)

    wanted = workspace.exarp("run", "all")
    assert (wanted.code, wanted.out) == (0, "ran\n")
    assert "1 skipped by condition" in wanted.err

    unwanted = workspace.exarp("run", "all", "--set", "want=no", "--json")
    assert unwanted.code == 0
    assert [(row["task"], row["outcome"], row["reason"]) for row in unwanted.json["tasks"]] == [
        ("wanted", "skipped", "condition-false"),
        ("elsewhere", "skipped", "other-platform"),
        ("all", "up_to_date", "group"),
    ]


def test_what_is_required_and_missing_fails_the_task_with_its_message(workspace: Workspace) -> None:
    workspace.manifest(CONDITIONS)

    result = workspace.exarp("run", "ship", "gone")

    assert (result.code, result.out) == (1, "")
    assert "exarp: warning: no-such-program is not in PATH, and gone will fail without it\n" in result.err
    assert "FAIL  ship  what it requires (echo no daemon; false) is not there: start it first\n" in result.err
    assert "FAIL  gone  no-such-program, which it requires, is not in PATH\n" in result.err


def test_a_dry_run_asks_no_command_and_says_what_would_be_asked(workspace: Workspace) -> None:
    workspace.manifest(CONDITIONS)

    result = workspace.exarp("run", "-n", "all", "gone")

    assert (
        "  wanted  it does not declare what it reads and writes, only if `echo looked; test $want = yes`\n"
        in result.out
    )
    assert "  gone  cannot run: no-such-program, which it requires, is not in PATH   exarp.toml:23\n" in result.out
    assert "  elsewhere  skipped: it is not for linux" in result.out
    assert result.out.endswith("1 task would run, 1 cannot, 1 skipped, 0 up to date, 1 group\n")


def test_what_is_printed_finally_is_shown_and_kept_behind_the_output_of_the_task(workspace: Workspace) -> None:
    workspace.manifest("""
        [task.t]
        run = "echo tried; exit 1"
        finally = ["echo stopping; echo no such container >&2; exit 3", "echo removed"]
    """)

    result = workspace.exarp("run", "t")

    said = "tried\nstopping\nno such container\nremoved\n"
    assert (result.code, result.out) == (1, said)
    assert "warning: t: its finally failed: exit 3: no such container\n" in result.err
    # What went wrong is not pushed out by what came after it.
    assert "\n  tried\nlog: exarp log t" in result.err
    assert workspace.exarp("log", "t").out == said


def test_an_interrupt_lets_a_task_clean_up_while_its_service_serves(workspace: Workspace) -> None:
    workspace.manifest("""
        [task.db]
        run = "trap 'echo db ended >> order.txt; exit 0' INT; touch up; while :; do sleep 0.05; done"
        service = { ready = "test -e up" }

        [task.t]
        needs = ["db"]
        run = "echo ready; exec sleep 60"
        finally = "echo finally $EXARP_OUTCOME >> order.txt"
    """)
    command = [sys.executable, "-m", "exarp", "run", "t", "--output", "stream"]
    with subprocess.Popen(command, cwd=workspace.path, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as run:
        assert run.stdout is not None
        assert run.stdout.readline() == b"ready\n"
        run.send_signal(signal.SIGINT)
        assert run.wait(30) == 130

    assert workspace.read("order.txt") == "finally cancelled\ndb ended\n"
