"""Runs that are under way, died, or hold each other: what the reading commands and other runs make of them."""

from __future__ import annotations

import io
import json
import os
import shutil
import signal
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest

from exarp.app.opening.examining import open_project
from exarp.app.run import RunRequest, Voice, run
from exarp.cli import log
from exarp.cli.invocation import Invocation
from exarp.errors import Problem, UsageError
from exarp.planning.selection import Chosen
from exarp.store.ledger import StoreLedger
from tests.cli.conftest import Workspace, environment

LOG = ".exarp/logs/1/t.1.log"
SLOW = '[task.t]\nrun = "echo one; until [ -e go ]; do sleep 0.02; done; echo two"'


@contextmanager
def under_way(workspace: Workspace, *options: str) -> Iterator[subprocess.Popen[bytes]]:
    """A run whose task has printed a line, which is in its log, and waits."""
    workspace.manifest(SLOW)
    process = workspace.start("t", *options)
    try:
        while not workspace.exists(LOG) or not workspace.read(LOG):
            assert process.poll() is None
        yield process
    finally:
        workspace.write("go", "")
        process.communicate(timeout=20)


def test_a_run_that_goes_on_is_told_as_running(workspace: Workspace) -> None:
    with under_way(workspace):
        assert workspace.exarp("status", "--json").json["runs"][0]["outcome"] == "running"
        assert "run 1 has been running for" in workspace.exarp("status").out
    assert workspace.exarp("status", "--json").json["runs"][0]["outcome"] == "passed"


@pytest.mark.parametrize("lock", ["", "its number among the holders"])
def test_a_run_that_died_is_not_running_because_another_process_has_its_number(workspace: Workspace, lock: str) -> None:
    with under_way(workspace) as process:
        process.send_signal(signal.SIGKILL)
        process.wait(timeout=20)
    taken = os.getpid()
    with closing(sqlite3.connect(workspace.path / ".exarp/store.db")) as database, database:
        database.execute("UPDATE run SET pid = ?", (taken,))
    if lock:
        with closing(sqlite3.connect(workspace.path / ".exarp/store.db")) as database, database:
            ((holder,),) = database.execute("SELECT who FROM holder")
            holder = json.loads(holder)
            assert holder["pid"] == process.pid
            database.execute("UPDATE holder SET who = ?", (json.dumps(holder | {"pid": taken}),))
    assert workspace.exarp("status").out.startswith("run 1, today")
    assert ": died" in workspace.exarp("status").out
    followed = workspace.exarp("log", "t", "--follow")
    assert (followed.out, followed.err.split(",")[0]) == ("one\n", "t: died")
    # Nobody saw how long it took.
    assert "0.0s" not in followed.err + workspace.exarp("history", "t").out
    assert workspace.exarp("history", "t", "--json").json["attempts"][0]["duration_ms"] is None


def test_a_log_that_is_followed_ends_when_all_that_was_kept_is_gone(workspace: Workspace) -> None:
    with under_way(workspace):
        following = workspace.start("log", "t", "--follow")
        assert following.stdout is not None
        assert following.stdout.readline() == b"one\n"
        shutil.rmtree(workspace.path / ".exarp")
        _, err = following.communicate(timeout=20)
    assert (following.returncode, b"what run 1 left is gone" in err) == (2, True)


def test_the_log_of_a_running_task_has_what_it_printed_so_far(workspace: Workspace) -> None:
    with under_way(workspace):
        result = workspace.exarp("log", "t")
        assert result.out == "one\n"
        assert result.err.startswith("t: running, run 1, today ")
        assert result.err.endswith("s so far\n")
        assert workspace.exarp("log", "t", "--run", "1").out == "one\n"
        attempt = workspace.exarp("log", "t", "--json").json["attempt"]
        assert (attempt["outcome"], attempt["output"]) == ("running", "one\n")
        following = workspace.start("log", "t", "--json", "--follow")
    out, _ = following.communicate(timeout=20)
    assert (json.loads(out)["attempt"]["outcome"], json.loads(out)["attempt"]["output"]) == ("passed", "one\ntwo\n")


def test_a_task_whose_output_was_not_kept_is_said_to_have_none(workspace: Workspace) -> None:
    workspace.manifest('[task.t]\nrun = "echo one"')
    assert workspace.exarp("t", "--output", "raw").out == "one\n"
    result = workspace.exarp("log", "t")
    assert result.out == ""
    assert "nothing is kept: it printed nothing, or right to the terminal (raw output, interactive)\n" in result.err


def test_a_log_that_comes_in_pieces_is_put_together_for_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.TextIOWrapper):
        def isatty(self) -> bool:
            return True

    shown = io.BytesIO()
    monkeypatch.setattr("sys.stdout", Terminal(shown, encoding="utf-8"))
    invocation = Invocation()
    invocation.color = "always"
    pieces = [b"\xc3", b"\xa9 \x1b[3", b"1mred\x1b]0;ti", b"tle\x07\x1b[", b"0m\xe2"]
    assert log._show(invocation, pieces) == sum(map(len, pieces))
    assert shown.getvalue().decode() == "é \x1b[31mred\x1b[0m\N{REPLACEMENT CHARACTER}"


def test_a_run_inside_a_run_inside_it_is_refused_instead_of_waiting_for_ever(workspace: Workspace) -> None:
    """A task of one workspace runs exarp in another, whose task runs exarp in the first."""
    command = "python3 -m exarp -C"
    workspace.manifest(f"[task.out]\nrun = '{command} other in'\n[task.again]\nneeds = ['out']\nrun = 'touch again'")
    workspace.write("other/exarp.toml", f"[task.in]\nrun = '{command} .. again || echo code $?'")
    result = workspace.exarp("again")
    assert result.code == 0
    assert "code 5\n" in result.out
    assert "run 1 of exarp, of which this is a task, has task " in result.out


def test_what_a_touch_takes_as_done_has_no_duration(workspace: Workspace) -> None:
    workspace.manifest('[task.t]\ninputs = []\noutputs = ["out"]\nrun = "touch out"')
    workspace.write("out", "")
    assert workspace.exarp("t", "--touch").code == 0
    assert workspace.exarp("plan", "--json").json["tasks"]["t"]["expected_ms"] is None


def test_a_full_disk_after_a_run_does_not_change_what_the_run_came_to(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise UsageError(Problem("state-folder", "cannot use store.db: database or disk is full"))

    monkeypatch.setattr(StoreLedger, "learn", full)
    workspace.manifest('[task.t]\nrun = "true"')
    said: list[str] = []
    project = open_project(str(workspace.path), None, {})
    assert run(project, RunRequest(Chosen(("t",), project.graph)), environment(), Voice(said.append, list)) == 0
    assert next(line for line in said if "disk is full" in line).startswith("warning: digests of files")
