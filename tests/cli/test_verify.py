from __future__ import annotations

import subprocess

from .conftest import Workspace

CHECKED = """
[task.report]
inputs = ["data"]
outputs = ["report"]
run = 'echo made; cat $in > $out'
verify = ["grep -q total $out", 'echo "$LIMIT is the limit"; test "$(wc -l < $out)" -le "$LIMIT"']
env = { LIMIT = "2" }
[task.mail]
needs = ["report"]
inputs = []
outputs = ["sent"]
run = "touch sent"
"""

KEPT = {"EXARP_CACHE": ""}


def test_a_task_whose_verify_fails_has_failed_and_says_which_script_it_was(workspace: Workspace) -> None:
    workspace.manifest(CHECKED)
    workspace.write("data", "nothing\n")

    result = workspace.exarp("mail", "--json")

    report, mail = sorted(result.json["tasks"], key=lambda task: task["task"] == "mail")
    assert (result.code, report["outcome"], mail["outcome"]) == (1, "failed", "blocked")
    assert (report["reason"], report["exit_status"], report["attempts"]) == ("verify-failed", 1, 1)
    told = workspace.exarp("mail")
    assert "verify failed (grep -q total $out): exit 1" in told.err
    assert workspace.exarp("log", "report").out == "made\n"


def test_only_what_is_verified_is_a_success_and_what_verifies_is_a_part_of_the_recipe(workspace: Workspace) -> None:
    workspace.manifest(CHECKED)
    workspace.write("data", "total\ntotal\ntotal\n")
    assert workspace.exarp("report").code == 1
    assert "verify failed" in workspace.exarp("report").err

    workspace.write("data", "total\n")
    assert workspace.exarp("report").code == 0
    assert workspace.exarp("log", "report").out == "made\n2 is the limit\n"
    assert "up to date (1 task)" in workspace.exarp("report").err

    workspace.manifest(CHECKED.replace("grep -q total", "grep -q sum"))
    assert "its verify   changed" in workspace.exarp("explain", "report").out
    assert workspace.exarp("report").code == 1
    assert workspace.exarp("report").code == 1


def test_what_was_verified_once_is_put_back_without_being_verified_again(workspace: Workspace) -> None:
    workspace.manifest(CHECKED.replace("grep -q total $out", "echo x >> verified; grep -q total $out"))
    workspace.write("data", "total\n")
    workspace.exarp("report", env=KEPT)
    (workspace.path / "report").unlink()

    (task,) = workspace.exarp("report", "--json", env=KEPT).json["tasks"]

    assert (task["outcome"], workspace.read("verified")) == ("restored", "x\n")


def test_time_that_verifying_takes_is_the_tasks(workspace: Workspace) -> None:
    workspace.manifest('[task.t]\nrun = "true"\nverify = "sleep 60"\ntimeout = "300ms"')

    (task,) = workspace.exarp("t", "--json").json["tasks"]

    assert (task["outcome"], task["reason"]) == ("failed", "timed-out")


def test_a_flaky_verify_is_tried_again_with_its_task_and_words_are_verified_by_a_shell(workspace: Workspace) -> None:
    workspace.manifest(
        """
        [task.t]
        argv = ["sh", "-c", "echo x >> tries"]
        verify = 'test "$(wc -l < tries)" -ge 3'
        retries = 3
        no_retry_on = [1]
        """
    )

    (task,) = workspace.exarp("t", "--json").json["tasks"]

    assert (task["outcome"], task["attempts"]) == ("passed", 3)
    assert workspace.read("tries") == "x\n" * 3


def test_a_task_that_fails_is_not_verified(workspace: Workspace) -> None:
    workspace.manifest('[task.t]\nrun = ["true", "exit 3"]\nverify = "touch verified"')

    (task,) = workspace.exarp("t", "--json").json["tasks"]

    assert (task["outcome"], task["exit_status"], task["reason"]) == ("failed", 3, "undeclared")
    assert not workspace.exists("verified")


def test_scripts_beside_the_attempts_are_not_verified(workspace: Workspace) -> None:
    workspace.manifest(
        """
        [task.t]
        when = "echo when >> story"
        requires = [{ run = "echo requires >> story" }]
        run = "echo run >> story"
        verify = "echo verify >> story"
        finally = "echo finally >> story"
        """
    )

    assert workspace.exarp("t").code == 0

    assert workspace.read("story").split() == ["when", "requires", "run", "verify", "finally"]


def test_what_verifies_is_among_the_lines_for_a_shell(workspace: Workspace) -> None:
    workspace.manifest("""[task.t]\nargv = ["touch", "b"]\nverify = 'echo "$EXARP_TASK" && test -e b'""")

    lines = workspace.exarp("show", "t", "--shell").out

    assert subprocess.run(["sh", "-c", lines], capture_output=True, text=True, check=True).stdout == "t\n"
