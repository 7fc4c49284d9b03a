"""Verifications and checkpoints in real runs: when they run, what they hold up, and what is remembered of them."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

from .conftest import Workspace
from .test_asking import screen

TWO = """
[settings]
on_failure = "fail"
[task.one]
inputs = ["in"]
outputs = ["one"]
run = "cp in one"
[task.two]
inputs = ["one"]
outputs = ["two"]
run = "cp one two"
[[wave]]
name = "first"
tasks = ["one"]
verify = ['echo checked >> checks; test ! -e broken || { echo it is broken; exit 3; }']
[[wave]]
name = "second"
tasks = ["two"]
"""
CHECKPOINT = TWO.replace("verify = [", "checkpoint = true\nverify = [")


def begun(workspace: Workspace, manifest: str = TWO) -> None:
    workspace.manifest(manifest)
    workspace.write("in", "1")


def checks(workspace: Workspace) -> int:
    return len(workspace.read("checks").splitlines()) if workspace.exists("checks") else 0


def types(workspace: Workspace) -> list[str]:
    events = workspace.exarp("events").out.splitlines()
    return [json.loads(line)["type"] for line in events]


def test_it_runs_after_its_wave_silently_and_again_only_when_a_task_of_the_wave_ran(workspace: Workspace) -> None:
    begun(workspace)
    done = workspace.exarp("run", "two")
    assert (done.code, checks(workspace)) == (0, 1)
    assert "verify" not in done.err + done.out

    for _ in range(2):
        # The second time nobody looks at anything.
        again = workspace.exarp("run", "two")
        assert (again.code, again.err, checks(workspace)) == (0, "up to date (2 tasks)\n", 1)
    os.remove(workspace.path / "two")
    assert workspace.exarp("run", "two").code == 0
    assert checks(workspace) == 1
    workspace.write("in", "2")
    assert workspace.exarp("run", "two").code == 0
    assert checks(workspace) == 2


def test_what_comes_after_a_failed_one_does_not_start_and_the_end_says_what_it_said(workspace: Workspace) -> None:
    begun(workspace)
    workspace.write("broken", "")
    failed = workspace.exarp("run", "two")

    assert failed.code == 1
    assert not workspace.exists("two")
    assert "FAIL  verify first (" in failed.err
    assert failed.err.endswith(
        "  it is broken\nblocked by it: two\nlog: exarp log 'verify first'      again: exarp resume\n"
    )
    assert workspace.exarp("log", "verify first").out == "it is broken\n"


def test_one_that_failed_runs_again_though_nothing_else_does(workspace: Workspace) -> None:
    begun(workspace)
    workspace.write("broken", "")
    for turn in (1, 2):
        assert workspace.exarp("run", "two").code == 1
        assert checks(workspace) == turn

    os.remove(workspace.path / "broken")
    assert workspace.exarp("run", "two").code == 0
    assert (checks(workspace), workspace.exists("two")) == (3, True)
    assert workspace.exarp("run", "two").code == 0
    assert checks(workspace) == 3


def test_what_ran_in_a_run_that_verified_less_is_verified(workspace: Workspace) -> None:
    begun(workspace)
    workspace.exarp("run", "two")
    workspace.write("in", "2")
    # Of this task no wave is left to be verified but its own; then the other's wave is looked at again.
    workspace.write("broken", "")
    assert workspace.exarp("run", "one").code == 1
    assert checks(workspace) == 2

    assert workspace.exarp("run", "two").code == 1
    assert checks(workspace) == 3


def test_other_scripts_are_other_verifications(workspace: Workspace) -> None:
    begun(workspace)
    workspace.exarp("run", "two")
    workspace.manifest(TWO.replace("exit 3", "exit 4"))

    workspace.exarp("run", "two")
    assert checks(workspace) == 2


def test_those_of_the_settings_run_in_waves_after_each_and_in_flow_at_the_end(workspace: Workspace) -> None:
    tasks = '[task.a]\nrun = "true"\n[task.b]\nneeds = ["a"]\nrun = "true"\n'
    workspace.manifest('[settings]\nverify = ["echo x >> checks"]\n' + tasks)
    assert workspace.exarp("run", "b").code == 0
    assert checks(workspace) == 2

    workspace.manifest('[settings]\nschedule = "flow"\nverify = ["echo x >> checks"]\n' + tasks)
    assert workspace.exarp("run", "b").code == 0
    assert checks(workspace) == 3


def test_events_tell_of_it(workspace: Workspace) -> None:
    begun(workspace)
    workspace.exarp("run", "two")
    found = types(workspace)

    assert found.index("wave_finished") < found.index("verify_started") < found.index("verify_finished")
    assert found.index("verify_finished") < len(found) - 1 - found[::-1].index("wave_started")


def test_a_checkpoint_stops_where_nobody_is_there_and_resume_goes_on(workspace: Workspace) -> None:
    begun(workspace, CHECKPOINT)
    stopped = workspace.exarp("run", "two")

    assert (stopped.code, workspace.exists("two")) == (4, False)
    assert stopped.err.endswith("\ncheckpoint: after wave first\nwaiting behind it: two\ngo on: exarp resume\n")
    assert "checkpoint_reached" in types(workspace)
    # Nobody has looked: it is there still.
    assert workspace.exarp("run", "two").code == 4
    document = workspace.exarp("run", "two", "--json").json
    assert (document["outcome"], document["exit_code"]) == ("waiting", 4)

    assert workspace.exarp("resume").code == 0
    assert workspace.exists("two")
    assert workspace.exarp("run", "two").code == 0


def test_what_ran_again_is_to_be_looked_at_again(workspace: Workspace) -> None:
    begun(workspace, CHECKPOINT)
    assert workspace.exarp("run", "two", "--continue").code == 0
    assert workspace.exarp("run", "two").code == 0

    workspace.write("in", "2")
    assert workspace.exarp("run", "two").code == 4


def test_a_person_at_a_terminal_is_asked(workspace: Workspace) -> None:
    begun(workspace, CHECKPOINT)
    for answer, code in (("s\n", 4), ("c\n", 0)):
        with screen(workspace, "run", "two") as shown:
            shown.until("Checkpoint first: Continue / Stop? [c/s]")
            shown.type(answer)
            assert shown.shows(f"[exit {code} "), shown
    assert workspace.exists("two")


def test_a_run_that_is_killed_at_a_checkpoint_has_shown_it_to_nobody(workspace: Workspace) -> None:
    begun(workspace, CHECKPOINT)
    with screen(workspace, "run", "two") as shown:
        shown.until("Continue / Stop?")
        [run] = workspace.exarp("history", "--json").json["runs"]
        os.kill(run["pid"], signal.SIGKILL)
        shown.until("[exit")

    assert workspace.exarp("resume").code == 4


def test_a_wave_of_an_included_file_is_verified_where_that_file_is(workspace: Workspace, tmp_path: Path) -> None:
    workspace.manifest('[include]\nui = "ui"\n[task.all]\nneeds = ["ui:a"]\n')
    workspace.write("ui/mark", "")
    workspace.write(
        "ui/exarp.toml", '[task.a]\nrun = "true"\n[[wave]]\nname = "w"\ntasks = ["a"]\nverify = "test -e mark"\n'
    )
    assert workspace.exarp("run", "all").code == 0

    os.remove(workspace.path / "ui" / "mark")
    failed = workspace.exarp("run", "all", "--on-failure", "fail")
    assert (failed.code, "FAIL  ui:verify w" in failed.err) == (1, True)


def test_a_dry_run_says_what_would_be_verified_and_where_a_person_would_be_asked(workspace: Workspace) -> None:
    begun(workspace, CHECKPOINT)
    told = workspace.exarp("run", "-n", "two").out
    assert "verify first  would be verified\ncheckpoint first  a person would be asked\nwave 2 (1 task)\n" in told
    assert workspace.exarp("run", "two", "--continue").code == 0
    assert workspace.exarp("run", "-n", "two").out == "up to date (2 tasks)\n"

    workspace.write("in", "2")
    workspace.write("broken", "")
    workspace.exarp("run", "one")
    told = workspace.exarp("run", "-n", "one").out
    assert told.startswith("verify first  would be verified: ")
    assert told.endswith("\n0 tasks would run, 1 up to date\n")
    [verify, checkpoint] = workspace.exarp("run", "-n", "one", "--json").json["guards"]
    assert (verify["name"], verify["kind"], verify["wave"]) == ("verify first", "verify", 1)
    assert checkpoint["kind"] == "checkpoint"


def test_plan_tells_of_them(workspace: Workspace) -> None:
    begun(workspace, CHECKPOINT)
    assert "then verified: echo checked >> checks" in workspace.exarp("plan", "two").out
    assert "a checkpoint" in workspace.exarp("plan", "two").out
    assert workspace.exarp("plan", "two", "--json").json["waves"][0]["verify"] == [
        "echo checked >> checks; test ! -e broken || { echo it is broken; exit 3; }"
    ]
    assert checks(workspace) == 0


def test_a_verification_that_failed_is_no_success_of_an_earlier_run_whatever_comes_between(
    workspace: Workspace,
) -> None:
    begun(workspace)
    workspace.exarp("run", "two")
    workspace.write("in", "2")
    workspace.write("broken", "")
    assert workspace.exarp("run", "two").code == 1
    workspace.exarp("run", "--touch", "one")

    assert workspace.exarp("run", "one").code == 1
    # Other scripts that fail, and the old ones again.
    workspace.manifest(TWO.replace("exit 3", "exit 4"))
    assert workspace.exarp("run", "one").code == 1
    workspace.manifest(TWO)
    assert workspace.exarp("run", "one").code == 1


def test_what_is_taken_as_done_nobody_has_verified_or_looked_at(workspace: Workspace) -> None:
    begun(workspace, CHECKPOINT)
    assert workspace.exarp("run", "two", "--continue").code == 0
    workspace.write("in", "2")
    assert workspace.exarp("run", "--touch", "two").code == 0

    assert workspace.exarp("run", "two").code == 4
    assert checks(workspace) == 2


def test_resume_stops_again_where_something_ran_since_somebody_looked(workspace: Workspace) -> None:
    begun(workspace, CHECKPOINT)
    assert workspace.exarp("run", "two").code == 4
    workspace.write("in", "2")

    assert workspace.exarp("resume").code == 4
    assert workspace.exarp("resume").code == 0


def test_what_may_fail_has_run_all_the_same(workspace: Workspace) -> None:
    workspace.manifest(
        """
        [task.gen]
        inputs = ["in"]
        run = "cp in gen; exit 1"
        allow_failure = true
        retries = 0
        [[wave]]
        name = "w"
        tasks = ["gen"]
        verify = ["! grep bad gen"]
        """
    )
    workspace.write("in", "good")
    assert workspace.exarp("run", "gen").code == 0
    workspace.write("in", "bad")
    assert workspace.exarp("run", "gen").code == 1


def test_no_wave_is_called_as_the_verification_at_the_end_is(workspace: Workspace) -> None:
    workspace.manifest(
        """
        [settings]
        schedule = "flow"
        verify = ["test -e fine"]
        [task.a]
        inputs = []
        outputs = ["a"]
        run = "touch a"
        [[wave]]
        name = "all"
        tasks = ["a"]
        verify = ["true"]
        """
    )
    for _ in range(2):
        assert workspace.exarp("run", "a").code == 1
    workspace.write("fine", "")
    assert workspace.exarp("run", "a").code == 0


def test_a_declared_wave_of_groups_alone_is_guarded_as_planned(workspace: Workspace) -> None:
    workspace.manifest(
        """
        [task.x]
        inputs = ["in"]
        outputs = ["x"]
        run = "cp in x"
        [task.back]
        needs = ["x"]
        [task.z]
        needs = ["back"]
        run = "touch z"
        [[wave]]
        name = "w"
        tasks = ["back"]
        verify = ["echo x >> checks"]
        checkpoint = true
        """
    )
    workspace.write("in", "1")
    assert "then verified: echo x >> checks; then a checkpoint" in workspace.exarp("plan", "--all").out
    assert (workspace.exarp("run", "z").code, checks(workspace), workspace.exists("z")) == (4, 1, False)
    assert workspace.exarp("run", "z", "--continue").code == 0
    workspace.write("in", "2")
    assert workspace.exarp("run", "x").code == 0
    # What the group gathers has run, in another run.
    assert (workspace.exarp("run", "z").code, checks(workspace)) == (4, 2)


def test_another_run_does_not_change_what_a_verification_looks_at(workspace: Workspace) -> None:
    begun(workspace, TWO.replace("echo checked", "mkfifo at go; echo > at; cat go; echo checked"))
    run = workspace.start("run", "one")
    while not workspace.exists("go"):
        assert run.poll() is None
    (workspace.path / "at").read_text()
    workspace.write("in", "2")
    refused = workspace.exarp("run", "one", "--no-wait")
    (workspace.path / "go").write_text("")

    assert run.wait(timeout=30) == 0
    run.communicate()
    assert refused.code == 5


def test_what_to_call_next_leads_to_the_same_workspace(workspace: Workspace) -> None:
    workspace.write("sub/exarp.toml", CHECKPOINT)
    workspace.write("sub/in", "1")
    (workspace.path / "sub/.git").mkdir()

    assert "go on: exarp -C sub resume\n" in workspace.exarp("-C", "sub", "run", "two").err
    workspace.write("sub/broken", "")
    workspace.write("sub/in", "2")
    assert "again: exarp -C sub resume\n" in workspace.exarp("-C", "sub", "run", "two").err


def test_a_run_in_which_only_a_verification_ran_says_more_than_that_all_is_up_to_date(workspace: Workspace) -> None:
    begun(workspace)
    workspace.write("broken", "")
    workspace.exarp("run", "one")
    os.remove(workspace.path / "broken")

    assert "up to date (" not in workspace.exarp("run", "one").err
