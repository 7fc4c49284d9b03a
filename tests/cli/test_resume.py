"""Going on with an earlier run: as it was called, from what it had done."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest

from exarp.hosts.process_tree import read_process
from tests.hosts.screen import Screen

from .conftest import Workspace, environment

THREE = """
[task.first]
run = "echo first >> ran"
[task.second]
needs = ["first"]
params = { level = "1" }
run = 'echo "second $level $@" >> ran; test -e mended'
[task.third]
needs = ["second"]
inputs = []
outputs = ["third.txt"]
run = "echo third >> ran; touch third.txt"
"""


def ran(workspace: Workspace) -> list[str]:
    return workspace.read("ran").splitlines() if workspace.exists("ran") else []


def test_it_is_called_as_it_was_and_what_succeeded_stays_done(workspace: Workspace) -> None:
    workspace.manifest(THREE)
    assert workspace.exarp("run", "third", "second", "level=7", "--retries", "0").code == 1

    again = workspace.exarp("resume")
    assert (again.code, ran(workspace)) == (1, ["first", "second 7 ", "second 7 "])
    assert again.err.startswith("exarp: going on with run 1: exarp run third second level=7 --retries 0\n")
    workspace.write("mended", "")
    assert workspace.exarp("resume").code == 0
    assert ran(workspace) == ["first", "second 7 ", "second 7 ", "second 7 ", "third"]

    done = workspace.exarp("resume")
    assert (done.code, "run 3 has passed: there is nothing to go on with" in done.err) == (0, True)
    # In any other run what declares nothing is done again.
    assert workspace.exarp("run", "third", "second", "level=7").code == 0
    assert ran(workspace)[5:] == ["first", "second 7 "]


def test_what_it_takes_as_done_no_other_run_does(workspace: Workspace) -> None:
    workspace.manifest(THREE)
    workspace.exarp("run", "--all")
    workspace.write("mended", "")
    assert workspace.exarp("resume").code == 0
    done = ran(workspace)

    # The first of them finds what the one before has left behind for it, if that has left anything.
    for _ in range(2):
        workspace.exarp("run", "--all")
        assert ran(workspace)[len(done) :] == ["first", "second 1 "]
        done = ran(workspace)


def test_a_run_of_a_number_and_words_for_the_task(workspace: Workspace) -> None:
    workspace.manifest(THREE)
    workspace.exarp("run", "second", "--", "-x", "a b")
    workspace.exarp("run", "first")

    assert workspace.exarp("resume", "1", "--json").json["outcome"] == "failed"
    assert ran(workspace) == ["first", "second 1 -x a b", "first", "first", "second 1 -x a b"]


def test_what_has_changed_since_is_not_taken_as_done(workspace: Workspace) -> None:
    workspace.manifest(THREE)
    workspace.exarp("run", "third")

    workspace.manifest(THREE.replace("echo first", "echo changed"))
    again = workspace.exarp("resume")
    assert "exarp: the manifest has changed since run 1; the tasks and their waves are the same\n" in again.err
    assert ran(workspace) == ["first", "second 1 ", "changed", "second 1 "]

    workspace.manifest('[task.new]\nrun = "true"\n' + THREE.replace('needs = ["second"]', 'needs = ["second", "new"]'))
    assert "exarp: the manifest has changed since run 2:\n  new: new\n" in workspace.exarp("resume").err.replace(
        "exarp:   ", "  "
    )


def test_it_is_called_where_it_was(workspace: Workspace) -> None:
    workspace.manifest(THREE)
    workspace.write("sub/x", "")
    assert workspace.exarp("-C", "..", "run", "second", cwd="sub").code == 1

    again = workspace.exarp("resume")
    assert "going on with run 1 in sub: exarp -C .. run second\n" in again.err
    assert ran(workspace) == ["first", "second 1 ", "second 1 "]
    (workspace.path / "sub/x").unlink()
    (workspace.path / "sub").rmdir()
    gone = workspace.exarp("resume")
    assert (gone.code, "(cannot-resume)" in gone.err) == (2, True)


def test_after_a_kill_it_goes_on_from_what_finished(workspace: Workspace) -> None:
    workspace.manifest(THREE.replace("test -e mended", "test -e mended || { echo $$ > there; exec sleep 60; }"))
    process = workspace.start("run", "third")
    while not workspace.exists("there") or not workspace.read("there"):
        assert process.poll() is None
    running = workspace.exarp("resume")
    assert (running.code, "run 1 is still running (still-running)" in running.err) == (5, True)
    process.kill()
    process.communicate()
    orphan = int(workspace.read("there"))
    assert read_process(orphan) is not None

    workspace.write("mended", "")
    again = workspace.exarp("resume")
    assert again.code == 0
    if sys.platform == "linux":
        assert f"exarp: warning: a run was killed (pid {process.pid}: exarp run third, since today " in again.err
        assert " and left sleep running: ended\n" in again.err
        assert read_process(orphan) is None
    assert ran(workspace) == ["first", "second 1 ", "second 1 ", "third"]


def test_a_question_that_was_left_open_is_asked_again(workspace: Workspace) -> None:
    workspace.manifest('[task.a]\non_failure = "ask"\nrun = "echo no; exit 1"')
    env = environment({"TERM": "xterm", "NO_COLOR": "1"})
    for words, code in ((("run", "a"), 129), (("resume",), 1)):
        shown = Screen(workspace.path, sys.executable, "-m", "exarp", *words, env=env)
        try:
            shown.until("Task a failed: no. Debug / Skip / Abort? [d/s/a] ")
            if code == 129:
                os.kill(workspace.exarp("status", "--json").json["runs"][0]["pid"], signal.SIGHUP)
            else:
                shown.type("a\n")
            shown.until(f"[exit {code} ")
        finally:
            shown.close()


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["run", "t", "--set", "TOKEN=s3cret"], "its command line holds a secret, which is kept nowhere"),
        (["watch", "t"], "it was a run of `exarp watch`"),
    ],
)
def test_what_nobody_can_call_again_is_refused(workspace: Workspace, words: list[str], why: str) -> None:
    workspace.manifest('settings.secrets = ["TOKEN"]\nvars.TOKEN = ""\n[task.t]\nrun = "touch there; exit 1"')
    process = workspace.start(*words)
    while words[0] == "watch" and not workspace.exists("there"):
        assert process.poll() is None
    if words[0] == "watch":
        process.send_signal(signal.SIGTERM)
    process.communicate()

    refused = workspace.exarp("resume")
    assert refused.code == 2
    assert f"run 1 cannot be gone on with: {why} (cannot-resume)\n" in refused.err
    assert "s3cret" not in refused.err


def test_runs_of_other_commands_are_passed_over(workspace: Workspace) -> None:
    workspace.manifest(THREE)
    workspace.exarp("run", "second")
    process = workspace.start("watch", "first")
    while ran(workspace).count("first") < 2:
        assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    process.communicate()

    assert "going on with run 1: exarp run second\n" in workspace.exarp("resume").err
    assert workspace.exarp("resume", "2").code == 2


def test_without_any_run_there_is_nothing_to_go_on_with(workspace: Workspace) -> None:
    workspace.manifest(THREE)

    none, odd = workspace.exarp("resume"), workspace.exarp("resume", "7")
    assert (none.code, "(no-run)" in none.err, odd.code, "(no-run)" in odd.err) == (2, True, 2, True)
    assert not Path(workspace.path, ".exarp").exists()


def test_what_was_said_about_showing_it_counts_for_one_time(workspace: Workspace) -> None:
    workspace.manifest("[task.t]\nparams = { p = '1' }\nrun = 'false \"$@\"'")
    workspace.exarp("run", "t", "p=x\n2", "--", "--json")

    assert workspace.exarp("resume", "-q", "--json").json["outcome"] == "failed"
    plain = workspace.exarp("resume")
    assert (plain.out, "going on with run 2: exarp run t 'p=x\\n2' -- --json\n" in plain.err) == ("", True)

    workspace.manifest("[task.t]\nparams = { p = '1' }\nrun = 'true \"$@\"'")
    assert workspace.exarp("resume").code == 0
    assert workspace.exarp("resume", "--json").json["runs"][0]["outcome"] == "passed"


def test_what_is_done_is_not_forced_again(workspace: Workspace) -> None:
    workspace.manifest(THREE)
    workspace.exarp("run", "third", "--force")

    workspace.exarp("resume")
    assert ran(workspace) == ["first", "second 1 ", "second 1 "]


def test_what_was_up_to_date_is_not_told_as_new(workspace: Workspace) -> None:
    manifest = '[task.u]\ninputs = []\noutputs = ["o"]\nrun = "touch o"\n[task.f]\nneeds = ["u"]\nrun = "exit 1"\n'
    workspace.manifest(manifest)
    workspace.exarp("run", "f")
    workspace.exarp("run", "f")
    workspace.manifest(manifest + '[task.other]\nrun = "true"\n')

    assert (
        "u" not in workspace.exarp("resume").err.partition("the manifest has changed since run 2")[2].partition("\n")[0]
    )
