"""Runs of another process: followed (events, status), awaited (wait) and ended (stop)."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from exarp.hosts.another_process import send
from exarp.hosts.process_tree import identity
from tests.cli.conftest import Workspace

LOG = ".exarp/logs/1/t.1.log"


@contextmanager
def under_way(workspace: Workspace, script: str, **options: object) -> Iterator[subprocess.Popen[bytes]]:
    """A run whose task has printed a line and waits for a file ``go``."""
    workspace.manifest(f"[task.t]\nrun = '''{script}; echo one; until [ -e go ]; do sleep 0.02; done; echo two'''")
    process = workspace.start("t", "--events", "events", **options)
    try:
        while not workspace.exists(LOG) or not workspace.read(LOG):
            assert process.poll() is None
        yield process
    finally:
        workspace.write("go", "")
        process.communicate(timeout=20)


def test_events_of_a_run_are_followed_to_its_end_as_the_run_wrote_them(workspace: Workspace) -> None:
    with under_way(workspace, "true"):
        following = workspace.start("events", "--follow")
        told = workspace.start("status", "--follow")
        assert following.stdout is not None
        first = following.stdout.readline()
        assert json.loads(first)["type"] == "run_started"
    rest = following.stdout.read()
    following.communicate(timeout=20)
    wrote = [line for line in workspace.read("events").splitlines(True) if '"task_output"' not in line]
    assert (first + rest).decode() == "".join(wrote) == workspace.exarp("events", "1").out
    seq = json.loads(wrote[2])["seq"]
    assert workspace.exarp("events", "--since", str(seq)).out == "".join(wrote[3:])
    out, err = told.communicate(timeout=20)
    assert (told.returncode, out, b"Wave 1 complete: 1/1 task passed\n1 passed in" in err) == (0, b"one\ntwo\n", True)
    assert workspace.exarp("events", "2").err.startswith("there is no run '2' here (no-run)\n")
    assert workspace.exarp("events", "--json").json["error"]["exit_code"] == 2


def test_a_run_is_awaited_and_its_exit_code_handed_on(workspace: Workspace) -> None:
    workspace.manifest("")
    assert workspace.exarp("wait").err == "exarp: nothing is running\n"
    with under_way(workspace, "trap 'exit 3' EXIT") as process:
        waiting = workspace.start("wait", "--json")
        assert waiting.stderr is not None
        assert waiting.stderr.readline().startswith(b"exarp: waiting for pid %d: exarp t" % process.pid)
        inside = workspace.exarp(
            "wait", env={"EXARP_OUTER_RUNS": json.dumps([[os.path.realpath(workspace.path), "1", ""]])}
        )
        assert (inside.code, "(inside-a-run)" in inside.err) == (5, True)
    assert waiting.stdout is not None
    out = waiting.stdout.read()
    waiting.communicate(timeout=20)
    assert (waiting.returncode, json.loads(out)["runs"][0]["outcome"]) == (1, "failed")
    again = workspace.exarp("wait", "1")
    assert (again.code, again.err) == (1, "exarp: run 1 is not running\n")


def test_a_run_is_ended_as_by_ctrl_c_also_where_it_is_stopped(workspace: Workspace) -> None:
    with under_way(workspace, "true") as process:
        process.send_signal(signal.SIGSTOP)
        stopped = workspace.exarp("stop")
        assert process.wait(timeout=20) == 130
    assert stopped.code == 0
    assert "interrupted (exit 130)" in stopped.out
    again = workspace.exarp("stop", "1")
    assert (again.code, again.err) == (0, "exarp: run 1 is not running\n")


def test_a_run_that_ignores_interrupts_is_ended_all_the_same_and_at_once_if_it_must(workspace: Workspace) -> None:
    def ignore() -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)

    with under_way(workspace, "trap '' INT TERM", preexec_fn=ignore) as process:
        assert workspace.exarp("stop", "--now", "-q").out == ""
        assert process.wait(timeout=20) == 143


def test_no_signal_reaches_a_process_that_took_the_number_of_another() -> None:
    process = subprocess.Popen(["sleep", "60"])
    try:
        now = identity(process.pid)
        assert now
        assert not send(process.pid, now + "0", signal.SIGKILL)
        assert process.poll() is None
        assert send(process.pid, now, signal.SIGKILL)
    finally:
        process.kill()
        process.wait()
    assert not send(process.pid, now, signal.SIGKILL)


def test_the_doctor_says_who_holds_the_workspace_and_changes_nothing(workspace: Workspace) -> None:
    assert workspace.exarp("doctor").code == 0
    assert not workspace.exists(".exarp")
    with under_way(workspace, "true") as process:
        found = workspace.exarp("doctor", "--json").json["findings"]
        assert next(each for each in found if each["name"] == "lock")["message"].startswith(
            f"held by pid {process.pid}"
        )
    broken = workspace.exarp("doctor", "-q", env={"PATH": "/nowhere"})
    assert (broken.code, broken.out.splitlines()[0].split()[:2]) == (1, ["error", "shell"])
