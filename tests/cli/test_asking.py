"""What becomes of a failure is asked: at a real terminal, and from elsewhere."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.hosts.screen import Screen

from .conftest import Workspace, environment

WAVE = """
[[wave]]
name = "w"
tasks = ["deploy", "slow"]
[task.deploy]
retries = 2
env = { PLACE = "there" }
run = "echo connection refused; test -e mended"
[task.slow]
run = "sleep 0.3; echo slow was here"
"""


@contextmanager
def screen(workspace: Workspace, *words: str, **more: str) -> Iterator[Screen]:
    env = environment({"TERM": "xterm", "NO_COLOR": "1", "SHELL": "/bin/sh", "ENV": "", **more})
    shown = Screen(workspace.path, sys.executable, "-m", "exarp", *words, env=env)
    try:
        yield shown
    finally:
        shown.close()


def test_once_all_of_the_wave_has_ended_a_person_is_asked(workspace: Workspace) -> None:
    workspace.manifest(WAVE)

    with screen(workspace, "run") as shown:
        before = shown.until("Task deploy failed 2x: connection refused. Debug / Skip / Abort? [d/s/a] ")
        assert "FAIL  deploy" in before
        assert "slow was here" in before
        shown.type("x\n")
        shown.until("one of debug, skip, abort, or the first letter of it\n")
        shown.until("[d/s/a] ")
        shown.type("A\n")
        assert "1 failed, 1 passed" in shown.until("[exit 1 ")


def test_a_shell_has_what_the_task_had_and_another_attempt_may_pass(workspace: Workspace) -> None:
    workspace.manifest(WAVE)

    with screen(workspace, "run") as shown:
        shown.until("[d/s/a] ")
        shown.type("debug\n")
        shown.until("a shell for deploy in ")
        shown.until("leave it with exit\n")
        shown.type('echo "<$EXARP_TASK $PLACE $(cat $EXARP_LOG)>"\n')
        shown.until("<deploy there connection refused>")
        shown.type("touch mended; exit\n")
        shown.until("Debug / Retry / Skip / Abort? [d/r/s/a] ")
        shown.type("r\n")
        assert "Wave 1 complete: 2/2 tasks passed" in shown.until("[exit 0 ")

    assert [row["outcome"] for row in json.loads(workspace.exarp("history", "deploy", "--json").out)["attempts"]] == [
        "passed",
        "failed",
        "failed",
        "failed",
    ]


def test_what_others_still_need_cannot_be_skipped(workspace: Workspace) -> None:
    workspace.manifest("""
        settings.on_failure = "ask"
        [task.a]
        run = "exit 3"
        [task.b]
        needs = ["a"]
        run = "exit 0"
        [task.c]
        run = "sleep 0.5"
    """)

    with screen(workspace, "run", "b", "c") as shown:
        shown.until("Task a failed: exit 3. Debug / Abort? [d/a] ")
        # The end of all typing is nobody's answer: what does not need it runs.
        shown.type("\x04")
        assert "1 failed, 1 blocked, 1 passed" in shown.until("[exit 1 ")
    with screen(workspace, "run", "a", "c") as shown:
        shown.until("Task a failed: exit 3. Debug / Skip / Abort? [d/s/a] ")
        shown.type("s\n")
        assert "1 skipped, 1 passed" in shown.until("[exit 1 ")


def test_whoever_answers_first_is_heard(workspace: Workspace) -> None:
    workspace.manifest(WAVE)

    assert "nothing is asked here now" in workspace.exarp("answer").err
    with screen(workspace, "run") as shown:
        shown.until("[d/s/a] ")
        assert workspace.exarp("answer").out == (
            "1.1  Task deploy failed 2x: connection refused. Debug / Skip / Abort?\n"
            "     answer: exarp answer 1.1 skip|abort\n"
        )
        [asked] = json.loads(workspace.exarp("answer", "--json").out)["questions"]
        assert (asked["id"], asked["task"], asked["options"]) == ("1.1", "deploy", ["debug", "skip", "abort"])
        assert "Debug / Skip / Abort?" in workspace.exarp("status").out
        unknown, odd = workspace.exarp("answer", "1.2", "skip"), workspace.exarp("answer", "1.1", "skipp")
        assert (unknown.code, "(no-question)" in unknown.err, "open: 1.1" in unknown.err) == (2, True, True)
        assert (odd.code, "(bad-answer)" in odd.err, "did you mean 'skip'?" in odd.err) == (2, True, True)
        assert workspace.exarp("answer", "1.1").code == 2
        assert "the shell opens at the terminal of the run" in workspace.exarp("answer", "1.1", "debug").err

        assert workspace.exarp("answer", "1.1", "skip").code == 0
        shown.until("skip (answered elsewhere)\n")
        assert "1 skipped, 1 passed" in shown.until("[exit 1 ")

    events = [json.loads(line) for line in workspace.exarp("events", "1").out.splitlines()]
    told = [event for event in events if event["type"] in ("attempt_failed", "question_asked", "question_answered")]
    assert [event["type"] for event in told] == ["attempt_failed", "question_asked", "question_answered"]
    assert [event.get("answer") for event in told] == [None, None, "skip"]
    assert not (workspace.path / ".exarp/answers").exists()


def test_a_confirmation_can_be_given_from_elsewhere(workspace: Workspace) -> None:
    workspace.manifest('[task.deploy]\nconfirm = "Really?"\nrun = "touch done"')

    with screen(workspace, "run", "deploy") as shown:
        shown.until("Really? [y/N] ")
        assert workspace.exarp("answer", "1.1", "yes").code == 0
        shown.until("[exit 0 ")
    assert workspace.exists("done")


@pytest.mark.parametrize(("key", "signum", "code"), [("\x03", None, 130), ("", signal.SIGHUP, 129)])
def test_a_run_that_is_ended_leaves_its_question_unanswered(
    workspace: Workspace, key: str, signum: int | None, code: int
) -> None:
    workspace.manifest(WAVE)

    with screen(workspace, "run") as shown:
        shown.until("[d/s/a] ")
        if signum is None:
            shown.type(key)
        else:
            [run] = json.loads(workspace.exarp("status", "--json").out)["runs"]
            os.kill(run["pid"], signum)
        assert "1 failed" in shown.until(f"[exit {code} ")

    last = [json.loads(line) for line in workspace.exarp("events", "1").out.splitlines()]
    [answered] = [event for event in last if event["type"] == "question_answered"]
    assert answered["answer"] is None


@pytest.mark.parametrize(
    ("words", "more"), [(["--on-failure", "skip"], {}), (["--fail-fast"], {}), ([], {"CI": "1"}), (["--json"], {})]
)
def test_nobody_is_asked_where_it_was_answered_or_nobody_can_be(
    workspace: Workspace, words: list[str], more: dict[str, str]
) -> None:
    workspace.manifest(WAVE)

    with screen(workspace, "run", "--retries", "0", *words, **more) as shown:
        assert "Debug" not in shown.until("[exit 1 ")


def test_a_shell_has_the_terminal_to_itself(workspace: Workspace) -> None:
    workspace.manifest("""
        [task.a]
        on_failure = "ask"
        run = "exit 1"
        [task.quick]
        run = "true"
        [task.slow]
        needs = ["quick"]
        run = "while ! test -e go; do sleep 0.05; done"
        [task.c]
        needs = ["slow"]
        confirm = "Really?"
        run = "touch done"
    """)

    with screen(workspace, "run", "a", "c", "-j2") as shown:
        shown.until("[d/s/a] ")
        shown.type("d\n")
        shown.until("leave it with exit\n")
        shown.type(
            f'touch go; until {sys.executable} -m exarp answer | grep Really; do :; done; echo "<""left>"; exit\n'
        )
        assert "[y/N]" not in shown.until("<left>")
        # What was asked about first comes first again.
        assert "[y/N]" not in shown.until("Debug / Retry / Skip / Abort? [d/r/s/a] ")
        shown.type("s\n")
        shown.until("Really? [y/N] ")
        shown.type("y\n")
        shown.until("[exit 1 ")
    assert workspace.exists("done")


def test_an_answer_that_cannot_be_kept_counts_all_the_same(workspace: Workspace) -> None:
    workspace.manifest(WAVE)
    workspace.write(".exarp/answers", "")

    with screen(workspace, "run", "--retries", "0") as shown:
        shown.until("[d/s/a] ")
        shown.type("s\n")
        assert "1 skipped, 1 passed" in shown.until("[exit 1 ")


def test_what_was_typed_before_the_question_is_no_answer(workspace: Workspace) -> None:
    workspace.manifest('[task.a]\non_failure = "ask"\nrun = "until test -e go; do sleep 0.05; done; exit 1"')

    with screen(workspace, "run", "a") as shown:
        shown.until("Starting wave 1 (1 task)\n")
        shown.type("abort\n")
        shown.until("abort\n")
        workspace.write("go", "")
        shown.until("[d/s/a] ")
        shown.type("d\n")
        shown.until("leave it with exit\n")
        shown.type("exit\n")
        shown.until("[d/r/s/a] ")
        shown.type("a\n")
        shown.until("[exit 1 ")


def test_a_task_that_cannot_be_given_its_variables_can_be_debugged(workspace: Workspace) -> None:
    workspace.manifest("""
        [task.a]
        on_failure = "ask"
        params = { x = "" }
        env = { X = "${x}" }
        run = "true"
    """)

    with screen(workspace, "run", "a", f"x={'y' * 120_000}", SHELL="/") as shown:
        shown.until("Debug / Skip / Abort? [d/s/a] ")
        shown.type("d\n")
        shown.until("leave it with exit\n")
        shown.type("exit\n")
        shown.until("[d/r/s/a] ")
        shown.type("a\n")
        shown.until("[exit 1 ")


def test_a_terminal_that_is_not_ours_has_nobody_to_ask(workspace: Workspace) -> None:
    workspace.manifest(WAVE)
    ours, theirs = os.openpty()
    try:
        done = subprocess.run(
            [sys.executable, "-m", "exarp", "run", "--retries", "0"],
            cwd=workspace.path,
            env=environment({"TERM": "dumb"}),
            stdin=theirs,
            stderr=theirs,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
            check=False,
        )
        told = os.read(ours, 65536).decode()
    finally:
        os.close(ours)
        os.close(theirs)
    assert (done.returncode, "1 failed, 1 passed" in told, "Debug" in told) == (1, True, False)
