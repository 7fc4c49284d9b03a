"""The agent that mends what failed, in real runs: what it is told, what it changed, and what follows from its end."""

from __future__ import annotations

import json
import os
import signal
import sys
from typing import Any

import pytest

from .conftest import Workspace

BUILD = f"""
[settings]
secrets = ["TOKEN"]
[recovery]
run = "{sys.executable} agent.py"
timeout = "20s"
[task.build]
env = {{ TOKEN = "${{env.TOKEN:-none}}" }}
inputs = ["source"]
outputs = ["built"]
run = "echo building $TOKEN; grep -q right source; cp source built"
[task.other]
inputs = ["else"]
outputs = ["copy"]
run = "cp else copy"
[task.use]
inputs = ["built"]
outputs = ["used"]
run = "cp built used"
"""
AGENT = """
import json, os, pathlib, sys
context = json.loads(pathlib.Path(os.environ["EXARP_CONTEXT"]).read_text())
with open("contexts", "a") as file:
    file.write(json.dumps(context) + "\\n")
print("looked into it")
{rest}
"""
MENDS = 'pathlib.Path("source").write_text("right\\n"); print("wrote the right word")'


def begun(workspace: Workspace, rest: str, manifest: str = BUILD) -> None:
    workspace.manifest(manifest)
    workspace.write("source", "wrong\n")
    workspace.write("else", "")
    workspace.write("agent.py", AGENT.format(rest=rest))


def contexts(workspace: Workspace) -> list[Any]:
    return (
        [json.loads(line) for line in workspace.read("contexts").splitlines()] if workspace.exists("contexts") else []
    )


def events(workspace: Workspace, kind: str) -> list[Any]:
    found = [json.loads(line) for line in workspace.exarp("events").out.splitlines()]
    return [event for event in found if event["type"] == kind]


def test_it_mends_what_failed_and_the_run_goes_on_as_if_nothing_had_been(workspace: Workspace) -> None:
    begun(workspace, MENDS)
    done = workspace.exarp("run", "use")

    assert (done.code, workspace.read("used")) == (0, "right\n")
    assert "mend  build (" in done.err
    assert "exit 1, recovery 1 of 3\n" in done.err
    assert "wrote the right word, changed contexts, source\n" in done.err
    [finished] = events(workspace, "recovery_finished")
    assert (finished["outcome"], finished["said"], finished["exit_status"]) == ("tried", "wrote the right word", 0)
    assert finished["changed"] == ["contexts", "source"]
    assert workspace.exarp("log", "recover build").out == "looked into it\nwrote the right word\n"
    assert workspace.exarp("run", "use").err == "up to date (2 tasks)\n"


def test_it_is_told_all_that_is_known_of_the_failure(workspace: Workspace) -> None:
    begun(workspace, MENDS)
    workspace.exarp("run", "use", env={"TOKEN": "abcdefg"})
    [context] = contexts(workspace)

    log = f"{workspace.path}/.exarp/logs/1/build.1.log"
    failed = {"attempt": 1, "exit_status": 1, "signal": None, "reason": None, "log": log, "agent": None}
    assert [{**attempt, "duration_ms": 0} for attempt in context.pop("attempts")] == [{**failed, "duration_ms": 0}]
    assert context == {
        "version": 1,
        "kind": "task",
        "task": "build",
        "wave": {"number": 1, "name": "wave 1"},
        "run": "1",
        "workspace": str(workspace.path),
        "round": 1,
        "rounds": 3,
        "commands": ["echo building $TOKEN; grep -q right source; cp source built"],
        "shell": ["sh", "-eu", "-c"],
        "cwd": "",
        "prompt": None,
        "exit_status": 1,
        "signal": None,
        "reason": None,
        "log": log,
        "last_lines": ["building ***"],
        "inputs": ["source"],
        "outputs": ["built"],
        "modifies": [],
        "dependents": ["use"],
    }


def test_each_round_knows_what_came_of_those_before(workspace: Workspace) -> None:
    begun(workspace, 'print("round", context["round"])')
    failed = workspace.exarp("run", "use")

    assert failed.code == 1
    first, second, third = contexts(workspace)
    assert [len(context["attempts"]) for context in (first, second, third)] == [1, 2, 3]
    agents = [attempt["agent"] and attempt["agent"]["said"] for attempt in third["attempts"]]
    assert agents == ["round 1", "round 2", None]
    assert len(events(workspace, "recovery_started")) == 3
    # The attempts have logs of their own, and the context is there no longer than the agent.
    logs = sorted(os.listdir(workspace.path / ".exarp/logs/1"))
    assert logs == sorted([f"build.{n}.log" for n in (1, 2, 3, 4)] + [f"recover%20build.{n}.log" for n in (1, 2, 3)])


def test_one_that_gives_up_is_not_sent_again(workspace: Workspace) -> None:
    begun(workspace, 'print("no idea"); sys.exit(3)')
    failed = workspace.exarp("run", "use")

    assert (failed.code, len(contexts(workspace))) == (1, 1)
    assert "no help from recovery: exit 3, no idea" in failed.err
    assert "first failure: build, exit 1" in failed.err


def test_one_that_hangs_is_ended_with_all_that_it_started(workspace: Workspace) -> None:
    manifest = BUILD.replace('timeout = "20s"', 'timeout = "300ms"')
    begun(
        workspace,
        """
import subprocess, time
child = subprocess.Popen(["sleep", "60"])
pathlib.Path("child").write_text(str(child.pid))
time.sleep(60)
""",
        manifest,
    )
    failed = workspace.exarp("run", "use")

    assert failed.code == 1
    assert "no help from recovery: timed out after 0.3s" in failed.err
    with pytest.raises(ProcessLookupError):
        os.kill(int(workspace.read("child")), 0)


def test_what_is_escalated_says_why(workspace: Workspace) -> None:
    begun(workspace, 'print("the key of the server is missing"); sys.exit(10)')
    failed = workspace.exarp("run", "use")

    assert failed.code == 1
    assert "first failure: build, escalated: the key of the server is missing" in failed.err
    [end] = [event for event in events(workspace, "task_finished") if event["task"] == "build"]
    assert end["reason"] == {"code": "escalated", "subject": "the key of the server is missing"}


def test_a_verification_is_mended_too(workspace: Workspace) -> None:
    manifest = BUILD + '[[wave]]\nname = "w"\ntasks = ["build"]\nverify = ["grep -q perfect source"]\n'
    begun(workspace, 'pathlib.Path("source").write_text("right and perfect\\n")', manifest)
    workspace.write("source", "right\n")
    done = workspace.exarp("run", "build", "use")

    assert done.code == 0
    [context] = contexts(workspace)
    assert (context["kind"], context["task"], context["wave"]["name"]) == ("verification", None, "w")
    assert context["commands"] == ["grep -q perfect source"]
    assert context["inputs"] == ["built"]
    assert context["dependents"] == ["use"]
    # The task had read what was changed then.
    assert "note: what was changed had been read by build: the next run looks at it again" in done.err
    assert workspace.exarp("run", "build", "use").code == 0
    assert workspace.read("used") == "right and perfect\n"


def test_files_that_other_tasks_write_meanwhile_are_not_its_doing(workspace: Workspace) -> None:
    begun(workspace, f"os.mkfifo('go'); open('go').read(); {MENDS}")
    manifest = BUILD.replace(
        'run = "cp else copy"', 'run = "until test -p go; do sleep 0.01; done; cp else copy; echo > go"'
    )
    workspace.manifest(manifest)
    done = workspace.exarp("run", "use", "other", "-j2")

    assert done.code == 0, done.err
    [finished] = events(workspace, "recovery_finished")
    assert finished["changed"] == ["contexts", "go", "source"]


@pytest.mark.parametrize(("words", "sent"), [(("--retries", "0"), 0), (("--retries", "1"), 1)])
def test_the_command_line_may_have_it_sent_less_often(workspace: Workspace, words: tuple[str, ...], sent: int) -> None:
    begun(workspace, "pass")
    assert workspace.exarp("run", "use", *words).code == 1

    assert len(contexts(workspace)) == sent


def test_ctrl_c_ends_it_with_the_run(workspace: Workspace) -> None:
    begun(workspace, "os.mkfifo('ready'); open('ready', 'w').close(); import time; time.sleep(60)")
    run = workspace.start("run", "use")
    while not workspace.exists("ready"):
        assert run.poll() is None
    open(workspace.path / "ready").close()
    run.send_signal(signal.SIGINT)

    assert run.wait(timeout=30) == 130
    assert run.stderr is not None
    assert b"cancelled" in run.stderr.read()
    run.communicate()


@pytest.mark.parametrize(
    ("text", "slug"),
    [
        ("[recovery]\nattempts = 2\n", "missing-key"),
        ('[recovery]\nrun = "agent"\nattempts = 0\n', "wrong-type"),
        ('[recovery]\nrun = "agent"\ntimeout = "soon"\n', "bad-duration"),
        ('[recovery]\nrun = "agent"\ntries = 2\n', "unknown-key"),
        ('recovery = "agent"\n', "wrong-type"),
    ],
)
def test_what_is_wrong_with_the_table_is_told(workspace: Workspace, text: str, slug: str) -> None:
    workspace.manifest(f'{text}[task.a]\nrun = "true"\n')
    refused = workspace.exarp("run", "a", "--json")

    assert refused.code == 3
    assert [problem["slug"] for problem in refused.json["error"]["problems"]] == [slug]


def test_what_is_secret_is_masked_in_all_that_is_told_and_kept(workspace: Workspace) -> None:
    begun(workspace, 'print("it has", os.environ["TOKEN"]); sys.exit(10)')
    failed = workspace.exarp("run", "use", env={"TOKEN": "abcdefg"})

    assert "escalated: it has ***" in failed.err
    kept = b"".join(path.read_bytes() for path in (workspace.path / ".exarp").rglob("*") if path.is_file())
    assert b"abcdefg" not in kept + workspace.read("contexts").encode() + failed.err.encode()


def test_a_round_that_fails_before_it_began_is_no_help(workspace: Workspace) -> None:
    begun(workspace, "pass", BUILD.replace(f"{sys.executable} agent.py", "no-such-agent"))
    failed = workspace.exarp("run", "use")

    assert failed.code == 1
    assert "no help from recovery: exit 127" in failed.err


def test_what_was_made_ready_before_the_agent_came_is_made_ready_again(workspace: Workspace) -> None:
    workspace.manifest(
        """
        [settings]
        jobs = 2
        [recovery]
        run = "echo > src/b.c; touch mended"
        [task.fails]
        run = "until test -e go; do sleep 0.01; done; test -e mended"
        inputs = ["src/*.c"]
        outputs = []
        priority = "critical"
        [task.long]
        run = "sleep 0.3; touch go; sleep 0.3"
        inputs = []
        outputs = []
        priority = "high"
        [task.reads]
        run = "echo $in > found"
        inputs = ["src/*.c"]
        outputs = ["found"]
        """
    )
    workspace.write("src/a.c", "")
    assert workspace.exarp("run", "--all").code == 0

    assert workspace.read("found") == "src/a.c src/b.c\n"


def test_a_secret_in_the_name_of_a_file_is_masked_too(workspace: Workspace) -> None:
    begun(workspace, 'open("has-" + os.environ["TOKEN"], "w").close(); sys.exit(1)')
    failed = workspace.exarp("run", "use", env={"TOKEN": "abcdefg"})

    assert "has-***" in failed.err
    assert "abcdefg" not in failed.err + workspace.exarp("events").out


def test_new_files_and_removed_outputs_are_told_to_who_had_looked_before(workspace: Workspace) -> None:
    workspace.manifest(
        """
        [recovery]
        run = "echo > src/new; rm -f made; touch mended"
        [task.globs]
        run = "ls src > made"
        inputs = ["src/*"]
        outputs = ["made"]
        [task.fails]
        needs = ["globs"]
        run = "test -e mended"
        """
    )
    workspace.write("src/old", "")
    done = workspace.exarp("run", "fails")

    assert "had been read by globs" in done.err
