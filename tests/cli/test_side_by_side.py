"""Several runs in one workspace: real processes that meet in fifos."""

from __future__ import annotations

import os
import select
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.cli.conftest import Workspace

# A task with ``HOLD`` says that it is there, and goes on when it is told to.
HOLD = "echo there > there; cat go > /dev/null"


@contextmanager
def held(workspace: Workspace, *arguments: str, **options: object) -> Iterator[subprocess.Popen[bytes]]:
    """A run one of whose tasks is in the midst of ``HOLD``."""
    for name in ("there", "go"):
        if not workspace.exists(name):
            os.mkfifo(workspace.path / name)
    process = workspace.start(*arguments, **options)
    try:
        heard(workspace, "there", process)
        yield process
        let_go(workspace, process)
    finally:
        process.kill()
        process.communicate(timeout=30)


def let_go(workspace: Workspace, process: subprocess.Popen[bytes]) -> None:
    """Let it go on, and wait for its end."""
    while process.poll() is None:
        try:
            descriptor = os.open(workspace.path / "go", os.O_WRONLY | os.O_NONBLOCK)
        except OSError:
            # Nobody reads yet.
            continue
        os.write(descriptor, b"on\n")
        os.close(descriptor)
        break
    process.communicate(timeout=30)


def heard(workspace: Workspace, name: str, process: subprocess.Popen[bytes]) -> None:
    """Wait until somebody has written to a fifo."""
    descriptor = os.open(workspace.path / name, os.O_RDONLY | os.O_NONBLOCK)
    try:
        while not select.select([descriptor], [], [], 0.05)[0] or not os.read(descriptor, 100):
            assert process.poll() is None, process.communicate()
    finally:
        os.close(descriptor)


def busy(workspace: Workspace, *arguments: str) -> str:
    """What is said by who does not wait."""
    result = workspace.exarp(*arguments, "--no-wait", "--json")
    assert result.code == 5, result.err
    error = result.json["error"]
    (problem,) = error["problems"]
    assert (error["exit_code"], problem["slug"]) == (5, "busy")
    return str(problem["message"])


def first_line(process: subprocess.Popen[bytes]) -> str:
    assert process.stderr is not None
    return process.stderr.readline().decode()


def test_runs_that_have_nothing_to_do_with_each_other_go_on_at_the_same_time(workspace: Workspace) -> None:
    workspace.manifest(
        """
        [task.one]
        run = "echo one > to-two; cat to-one"
        [task.two]
        run = "cat to-two; echo two > to-one"
        """
    )
    for name in ("to-one", "to-two"):
        os.mkfifo(workspace.path / name)
    # Each waits for the other in its midst.
    one, two = workspace.start("one"), workspace.start("two")
    assert one.communicate(timeout=30)[0] == b"two\n"
    assert two.communicate(timeout=30)[0] == b"one\n"
    assert (one.returncode, two.returncode) == (0, 0)
    runs = workspace.exarp("history", "--json").json["runs"]
    assert sorted((run["id"], run["outcome"]) for run in runs) == [("1", "passed"), ("2", "passed")]


def test_who_wants_a_task_of_another_run_waits_for_it_and_finds_it_done(workspace: Workspace) -> None:
    workspace.manifest(f"[task.t]\noutputs = ['o']\nrun = '{HOLD}; echo x >> count; touch o'")
    with held(workspace, "t") as process:
        other = workspace.start("t")
        said = first_line(other)
        assert said.startswith(f"exarp: waiting for pid {process.pid}: exarp t, since today ")
        assert said.endswith(": it has task t\n")
        let_go(workspace, process)
        _, err = other.communicate(timeout=30)
    assert (process.returncode, other.returncode, err) == (0, 0, b"up to date (1 task)\n")
    assert workspace.read("count") == "x\n"


def test_a_task_is_let_go_as_soon_as_it_has_ended(workspace: Workspace) -> None:
    workspace.manifest(
        f"""
        [task.first]
        outputs = ["o"]
        run = "echo x >> count; touch o"
        [task.second]
        needs = ["first"]
        run = '{HOLD}'
        """
    )
    with held(workspace, "second"):
        assert workspace.exarp("first", "--no-wait").err == "up to date (1 task)\n"
        assert busy(workspace, "second").startswith("another run has task second (pid ")


@pytest.mark.parametrize(
    ("mine", "what", "why"),
    [
        ('outputs = ["out/x"]', "writes out/, in task t", "reads or writes there"),
        ('modifies = ["out/sub/y"]', "writes out/, in task t", "reads or writes there"),
        ('inputs = ["out/*.x"]', "writes out/, in task t", "reads or writes there"),
        ('inputs = []\noutputs = ["src/gen.c"]', "reads src/*.c, in task t", "writes there"),
        ('mutex = ["db"]', "has the mutex db, in task t", "needs it, too"),
    ],
)
def test_what_comes_in_the_way_is_named(workspace: Workspace, mine: str, what: str, why: str) -> None:
    workspace.write("src/a.c", "")
    workspace.write(
        "other.toml", f"[task.other]\n{mine}\nrun = 'true'\n[task.free]\noutputs = ['free']\nrun = 'touch free'"
    )
    workspace.manifest(
        f"[task.t]\ninputs = ['src/*.c']\noutputs = ['out/']\nmutex = ['db']\nrun = '{HOLD}; touch out/t'"
    )
    with held(workspace, "t"):
        said = busy(workspace, "-f", "other.toml", "other")
        assert said.partition(" (pid ")[0] == f"another run {what}"
        assert said.partition("), ")[2] == f"and task other {why}"
        assert workspace.exarp("-f", "other.toml", "free", "--no-wait").code == 0


SHARED = f"""
    [task.common]
    inputs = ["src"]
    outputs = ["out/common"]
    run = "cat src > out/common; echo x >> count"
    [task.back]
    inputs = ["out/common"]
    outputs = ["back"]
    run = '{HOLD}; cp out/common back'
    [task.front]
    inputs = ["out/common"]
    outputs = ["front"]
    run = "cp out/common front"
    [task.edit]
    run = "echo 2 > src"
    [task.late]
    needs = ["common"]
    after = ["edit"]
    run = "true"
"""


def test_runs_may_both_need_what_is_up_to_date(workspace: Workspace) -> None:
    workspace.manifest(SHARED)
    workspace.write("src", "1")
    assert workspace.exarp("common").code == 0
    with held(workspace, "back") as process:
        front = workspace.exarp("front", "--no-wait")
        assert (front.code, workspace.read("front")) == (0, "1")
        # What the other run reads is not to be made anew meanwhile.
        assert "reads out/common, in task back" in busy(workspace, "common", "--force")
        workspace.write("src", "2")
        assert "reads out/common, in task back" in busy(workspace, "front")
        let_go(workspace, process)
    assert workspace.exarp("front").code == 0
    assert (workspace.read("back"), workspace.read("front"), workspace.read("count")) == ("1", "2", "x\nx\n")


def test_what_turns_out_not_to_be_up_to_date_fails_where_another_run_is_in_the_way(workspace: Workspace) -> None:
    manifest = SHARED.replace('inputs = ["src"]', 'inputs = ["src"]\n    after = ["edit"]')
    workspace.manifest(manifest)
    workspace.write("src", "1")
    assert workspace.exarp("common").code == 0
    with held(workspace, "back") as process:
        late = workspace.exarp("edit", "late", "--no-wait")
        assert late.code == 1
        assert f"another run has it or its files: pid {process.pid}: exarp back" in late.err
    assert workspace.exarp("edit", "late").code == 0
    assert workspace.read("out/common") == "2\n"


def test_what_turns_out_not_to_be_up_to_date_is_taken_where_nobody_is_in_the_way(workspace: Workspace) -> None:
    workspace.manifest(
        """
        [task.sure]
        inputs = ["src"]
        outputs = ["sure"]
        run = "cp src sure"
        [task.edit]
        run = "echo 2 > other"
        [task.common]
        after = ["edit"]
        inputs = ["other"]
        outputs = ["common"]
        run = "cp other common"
        [task.all]
        needs = ["sure", "edit", "common"]
        """
    )
    workspace.write("src", "1")
    workspace.write("other", "1")
    assert workspace.exarp("sure", "common").code == 0
    workspace.write("other.toml", f"[task.x]\ninputs = ['sure']\nrun = '{HOLD}'")
    with held(workspace, "-f", "other.toml", "x"):
        # Since `sure`, which x reads, is up to date, less is taken than everything.
        assert workspace.exarp("all", "--no-wait").code == 0
        assert workspace.read("common") == "2\n"


def test_exarp_inside_a_task_has_what_its_own_run_does_not_have(workspace: Workspace) -> None:
    workspace.manifest(
        """
        [task.outer]
        outputs = ["out/"]
        run = '''
        python3 -m exarp run part || echo "part $?"
        python3 -m exarp run done || echo "done $?"
        python3 -m exarp run later || echo "later $?"
        python3 -m exarp run outer || echo "outer $?"
        python3 -m exarp run reader || echo "reader $?"
        '''
        needs = ["done"]
        [task.part]
        outputs = ["out/part"]
        run = "touch out/part"
        [task.done]
        outputs = ["done"]
        run = "touch done"
        [task.later]
        needs = ["outer"]
        outputs = ["later"]
        run = "touch later"
        [task.reader]
        inputs = ["later"]
        run = "true"
        """
    )
    result = workspace.exarp("later")
    assert result.code == 0, result.err
    said = [line for line in result.out.splitlines() if line.split()[0] in ("part", "done", "later", "outer", "reader")]
    assert said == ["later 5", "outer 5", "reader 5"]
    assert workspace.exists("out/part")
    assert "run 1 of exarp, of which this is a task, has task outer (inside-a-run)" in result.out


def test_exarp_inside_a_task_is_known_by_its_parents_where_its_environment_says_nothing(workspace: Workspace) -> None:
    workspace.manifest(
        """
        [task.outer]
        run = 'env -u EXARP_OUTER_RUNS python3 -m exarp run outer || echo "code $?"'
        """
    )
    assert workspace.exarp("outer").out.endswith("code 5\n")


def test_tasks_of_two_runs_that_want_of_each_other_do_not_wait_for_ever(workspace: Workspace) -> None:
    workspace.write(
        "one",
        "mkdir ran-one || exit 0; echo on > to-two; cat to-one > /dev/null; python3 -m exarp run of-two || echo one $?",
    )
    workspace.write(
        "two",
        "mkdir ran-two || exit 0; cat to-two > /dev/null; echo on > to-one; python3 -m exarp run of-one || echo two $?",
    )
    workspace.manifest(
        """
        [task.one]
        run = "sh one"
        [task.two]
        run = "sh two"
        [task.of-one]
        needs = ["one"]
        run = "true"
        [task.of-two]
        needs = ["two"]
        run = "true"
        """
    )
    for name in ("to-one", "to-two"):
        os.mkfifo(workspace.path / name)
    runs = [workspace.start(name) for name in ("of-one", "of-two")]
    try:
        outs = [run.communicate(timeout=60)[0].decode() for run in runs]
    finally:
        for run in runs:
            run.kill()
    assert [run.returncode for run in runs] == [0, 0]
    # The second to ask is refused, and the first goes on.
    assert sum(out.count("(inside-a-run)") for out in outs) == 1


def test_what_a_killed_run_had_is_free_and_what_it_left_is_ended(workspace: Workspace) -> None:
    workspace.manifest(f"[task.t]\nrun = 'if [ -e again ]; then exit; fi; trap \"\" HUP; {HOLD}; touch mischief'")
    with held(workspace, "t") as process:
        process.kill()
        process.wait(timeout=30)
        workspace.write("again", "")
        again = workspace.exarp("t", "--no-wait")
        assert again.code == 0
        assert f"a run was killed (pid {process.pid}: exarp t, since today" in again.err
        assert "running: ended\n" in again.err
    runs = workspace.exarp("history", "--json").json["runs"]
    assert [run["outcome"] for run in runs] == ["passed", "died"]
    assert os.listdir(workspace.path / ".exarp/running") == []


def test_ctrl_c_ends_the_wait_for_another_run(workspace: Workspace) -> None:
    workspace.manifest(f"[task.t]\nrun = '{HOLD}'")
    with held(workspace, "t"):
        other = workspace.start("t")
        assert "waiting for pid" in first_line(other)
        other.send_signal(signal.SIGINT)
        other.communicate(timeout=30)
        assert other.returncode == 130
        assert len(workspace.exarp("status", "--json").json["runs"]) == 1


def test_who_waits_for_a_run_that_is_killed_goes_on(workspace: Workspace) -> None:
    workspace.manifest(f"[task.t]\nrun = 'if [ -e again ]; then exit; fi; {HOLD}'")
    with held(workspace, "t") as process:
        other = workspace.start("t")
        assert "waiting for pid" in first_line(other)
        workspace.write("again", "")
        process.kill()
        other.communicate(timeout=30)
        assert other.returncode == 0


def test_runs_that_go_on_are_told_and_ended_one_by_one(workspace: Workspace) -> None:
    workspace.manifest(f"[task.a]\nrun = '{HOLD}'\n[task.b]\nrun = 'echo b > there2; cat go2'")
    for name in ("there2", "go2"):
        os.mkfifo(workspace.path / name)
    with held(workspace, "a") as first:
        second = workspace.start("b")
        try:
            heard(workspace, "there2", second)
            runs = workspace.exarp("status", "--json").json["runs"]
            assert [(run["id"], run["running"][0]["task"]) for run in runs] == [("2", "b"), ("1", "a")]
            assert workspace.exarp("status").out.count("has been running for") == 2
            assert [name for name in workspace.exarp("doctor", "-v").out.split() if name == f"{second.pid}:"]
            which = workspace.exarp("stop", "--json")
            (problem,) = which.json["error"]["problems"]
            assert (which.code, problem["slug"]) == (2, "which-run")
            assert f"run 1 (pid {first.pid}: exarp a" in problem["message"]
            waiting = workspace.start("wait")
            assert {first_line(waiting).split(":")[1] for _ in range(2)} == {
                f" waiting for pid {each.pid}" for each in (first, second)
            }
            stopped = workspace.exarp("stop", "2", "--json")
            assert stopped.json["runs"][0]["outcome"] == "interrupted"
            assert (second.wait(timeout=30), first.poll()) == (130, None)
            let_go(workspace, first)
            waiting.communicate(timeout=30)
            assert waiting.returncode == 130
        finally:
            second.kill()
            second.communicate(timeout=30)


def test_files_are_removed_and_taken_as_done_beside_a_run_that_has_nothing_to_do_with_them(
    workspace: Workspace,
) -> None:
    workspace.manifest(
        f"""
        [task.t]
        outputs = ["t"]
        run = '{HOLD}; touch t'
        [task.u]
        outputs = ["u"]
        run = "touch u"
        """
    )
    with held(workspace, "t"):
        workspace.write("u", "")
        assert workspace.exarp("u", "--touch", "--no-wait").code == 0
        assert workspace.exarp("clean", "u", "--no-wait").out == "removed 1 file\n"
        assert "has task t" in workspace.exarp("t", "--touch", "--no-wait").err
        assert workspace.exarp("clean", "t", "--no-wait").code == 5
        stale = workspace.exarp("clean", "--stale", "--no-wait")
        assert (stale.code, "another run is at work here" in stale.err) == (5, True)


def test_only_a_run_that_was_alone_leaves_an_index(workspace: Workspace) -> None:
    workspace.manifest(
        f"""
        [task.t]
        outputs = ["t"]
        run = '{HOLD}; touch t'
        [task.u]
        outputs = ["u"]
        run = "touch u"
        """
    )
    while not workspace.exists(".exarp/index"):
        # A manifest that is as young as the run might change in the same tick of the clock.
        assert workspace.exarp("u").code == 0
    with held(workspace, "t"):
        assert not workspace.exists(".exarp/index")
        assert workspace.exarp("u", "--force").code == 0
        assert not workspace.exists(".exarp/index")
    assert not workspace.exists(".exarp/index")
    assert workspace.exarp("t", "u").err == "up to date (2 tasks)\n"
    assert workspace.exists(".exarp/index")


def test_who_is_at_work_keeps_others_out_though_the_database_is_gone(workspace: Workspace) -> None:
    workspace.manifest(f"[task.t]\nrun = '{HOLD}'\n[task.u]\nrun = 'true'")
    with held(workspace, "t") as process:
        for name in ("store.db", "store.db-wal", "store.db-shm"):
            (workspace.path / ".exarp" / name).unlink()
        assert f"another run is at work here (pid {process.pid})" in workspace.exarp("u", "--no-wait").err
        other = workspace.start("u")
        assert first_line(other) == f"exarp: waiting for pid {process.pid}\n"
        let_go(workspace, process)
        other.communicate(timeout=30)
        assert other.returncode == 0


def test_who_is_at_work_is_named_without_secrets(workspace: Workspace) -> None:
    workspace.manifest(f"[settings]\nsecrets = ['KEY']\n[vars]\nKEY = 'key'\n[task.t]\nrun = '{HOLD}'")
    with held(workspace, "t", "--set", "KEY=given-key"):
        said = busy(workspace, "t")
        assert "exarp t --set KEY=***" in said
        assert b"given-key" not in (workspace.path / ".exarp/store.db-wal").read_bytes()
