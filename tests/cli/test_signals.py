"""Signals to exarp itself: every process tree ends with the run, however it tries to get away."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path

import pytest

from exarp.hosts.process_tree import ProcessTable, read_process
from tests.cli.conftest import Workspace, environment
from tests.hosts.screen import Screen

ESCAPES = {
    "traps": "trap '' INT TERM HUP; touch $ready; while :; do sleep 0.1; done",
    "background": "sleep 300 & (sleep 300 &) ; touch $ready; sleep 300",
    "setsid": "setsid sleep 300 & setsid sh -c 'setsid sleep 300 & sleep 300' & touch $ready; sleep 300",
    "double-fork": "python3 fork.py; touch $ready; sleep 300",
}
FORK = """
import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        for sig in (1, 2, 15):
            import signal; signal.signal(sig, signal.SIG_IGN)
        time.sleep(300)
    os._exit(0)
os.wait()
"""


def survivors(mark: str) -> list[str]:
    """Commands of living processes that carry ``mark`` in their environment."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            if mark.encode() in (entry / "environ").read_bytes():
                state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
                if state != "Z":
                    found.append((entry / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except (OSError, ValueError):
            continue
    return found


def started(workspace: Workspace, mark: str, *options: str) -> subprocess.Popen[bytes]:
    """exarp with all four escape artists running, each of which has said that it is ready."""
    workspace.write("fork.py", FORK)
    tasks = "".join(
        f"[task.{name}]\nenv = {{ ready = \"ready-{name}\" }}\nrun = '''{script}'''\n"
        for name, script in ESCAPES.items()
    )
    workspace.manifest(tasks)
    process = workspace.start("run", "--all", "-j4", *options, env={"MARK": mark}, start_new_session=True)
    while not all(workspace.exists(f"ready-{name}") for name in ESCAPES):
        assert process.poll() is None
    return process


ENDINGS = [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGQUIT, 131)]


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize(("signum", "code"), ENDINGS)
def test_a_signal_ends_every_tree_and_the_exit_code_tells_which(workspace: Workspace, signum: int, code: int) -> None:
    mark = uuid.uuid4().hex
    process = started(workspace, mark)
    assert len(survivors(mark)) >= 9
    process.send_signal(signum)
    process.communicate(timeout=30)
    assert process.returncode == code
    assert survivors(mark) == []


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_second_interrupt_ends_at_once(workspace: Workspace) -> None:
    mark = uuid.uuid4().hex
    process = started(workspace, mark)
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=10)
    assert process.returncode == 130
    assert err.count(b"\ninterrupted: ending 4 tasks (Ctrl-C again kills them at once)\n") == 1
    assert survivors(mark) == []


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_timeout_ends_every_tree(workspace: Workspace) -> None:
    mark = uuid.uuid4().hex
    workspace.write("fork.py", FORK)
    tasks = "".join(
        f"[task.{name}]\ntimeout = \"600ms\"\nenv = {{ ready = \"ready-{name}\" }}\nrun = '''{script}'''\n"
        for name, script in ESCAPES.items()
    )
    workspace.manifest(tasks)
    result = workspace.exarp("run", "--all", "-j4", "--json", env={"MARK": mark})
    assert [task["reason"] for task in result.json["tasks"]] == ["timed-out"] * len(ESCAPES)
    assert survivors(mark) == []


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_what_a_finished_task_left_behind_is_ended_and_named(workspace: Workspace) -> None:
    mark = uuid.uuid4().hex
    workspace.manifest(
        """
        [task.leaves]
        run = "sleep 300 & setsid sleep 300 & echo done"
        [task.after]
        needs = ["leaves"]
        run = "true"
        """
    )
    result = workspace.exarp("after", env={"MARK": mark})
    assert result.code == 0
    assert "running; ended with the task" in result.err
    assert survivors(mark) == []


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_daemon_stays(workspace: Workspace) -> None:
    mark = uuid.uuid4().hex
    workspace.manifest("[task.server]\ndaemon = true\nrun = 'sleep 300 >/dev/null 2>&1 & echo $! > pid'")
    try:
        assert workspace.exarp("server", env={"MARK": mark}).code == 0
        assert survivors(mark) == ["sleep 300 "]
    finally:
        os.kill(int(workspace.read("pid")), signal.SIGKILL)


def test_an_interrupted_task_is_not_taken_as_done(workspace: Workspace) -> None:
    workspace.manifest(
        """
        [task.t]
        inputs = []
        outputs = ["out"]
        run = "trap 'exit 0' INT; echo half > out; touch ready; while :; do sleep 0.05; done"
        """
    )
    process = workspace.start("t")
    while not workspace.exists("ready"):
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=20)
    assert process.returncode == 130
    assert "1 task would run" in workspace.exarp("t", "-n").out


@pytest.mark.parametrize(("signum", "code"), ENDINGS)
def test_a_signal_while_it_waits_for_another_run_ends_it_with_its_status(
    workspace: Workspace, signum: int, code: int
) -> None:
    workspace.manifest('[task.t]\nrun = "touch started; until [ -e go ]; do sleep 0.02; done"')
    first = workspace.start("t")
    try:
        while not workspace.exists("started"):
            assert first.poll() is None
        second = workspace.start("t")
        assert second.stderr is not None
        assert b"waiting for" in second.stderr.readline()
        second.send_signal(signum)
        second.communicate(timeout=20)
        assert second.returncode == code
    finally:
        workspace.write("go", "")
        first.communicate(timeout=20)


# What is loaded first behind the door, and last before the command line is there to handle signals.
EARLY = "import os\nos.kill(os.getpid(), int(os.environ['SIGNAL']))\nraise SystemExit('it was not ended')\n"
# A signal in a callback: Python prints what is raised there, and goes on.
FORGOTTEN = """
import os, sys
from exarp import door
from exarp.cli import entry
class Dropped:
    def __del__(self):
        os.kill(os.getpid(), int(os.environ["SIGNAL"]))
        self.done = True
def run(*given, **options):
    Dropped()
    raise ValueError("it was not ended")
entry.group.main = run
door.main()
"""
LATE = """
import os
from exarp.door import main
leave = os._exit
def late(status):
    os.kill(os.getpid(), int(os.environ["SIGNAL"]))
    leave(status)
os._exit = late
main()
"""


@pytest.mark.parametrize(("signum", "code"), ENDINGS)
def test_a_signal_while_it_loads_what_it_needs_ends_it_with_its_status(
    workspace: Workspace, signum: int, code: int
) -> None:
    workspace.write("early/click/__init__.py", EARLY)
    env = {"PYTHONPATH": str(workspace.path / "early"), "SIGNAL": str(int(signum))}
    result = workspace.exarp("list", env=env)
    assert (result.code, result.err) == (code, "")


@pytest.mark.parametrize(
    ("program", "codes"), [(FORGOTTEN, dict(ENDINGS)), (LATE, {signum: 0 for signum, _ in ENDINGS})]
)
def test_a_signal_where_python_would_forget_it_or_when_all_is_done_is_no_traceback(
    program: str, codes: dict[int, int]
) -> None:
    for signum, code in codes.items():
        done = subprocess.run(
            [sys.executable, "-c", program, "completion", "bash"],
            env=environment({"SIGNAL": str(int(signum))}),
            capture_output=True,
            check=False,
        )
        assert (done.returncode, done.stderr) == (code, b"")


def test_an_interrupt_that_its_caller_ignores_leaves_a_run_alone(workspace: Workspace) -> None:
    workspace.manifest('[task.t]\nrun = "touch ready; until [ -e go ]; do sleep 0.02; done; touch done"')
    ignoring = 'trap "" INT; exec "$@"'
    process = subprocess.Popen(
        ["sh", "-c", ignoring, "sh", sys.executable, "-m", "exarp", "t"],
        cwd=workspace.path,
        env=environment(),
        stderr=subprocess.PIPE,
    )
    while not workspace.exists("ready"):
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    workspace.write("go", "")
    _, err = process.communicate(timeout=20)
    assert (process.returncode, workspace.exists("done"), b"interrupted" in err) == (0, True, False)


# Reading it takes minutes; it takes no room, because nothing is in it.
HUGE = 1 << 40
BUSY = """
    [task.first]
    run = "touch ready; sleep 300"
    FIRST
    [task.reads]
    inputs = ["huge"]
    run = "true"
"""


def test_an_interrupt_ends_a_run_that_is_reading_a_huge_file(workspace: Workspace) -> None:
    workspace.manifest(BUSY.replace("FIRST", ""))
    os.truncate(workspace.write("huge", ""), HUGE)
    process = workspace.start("run", "--all", "-j2", "--json")
    while not workspace.exists("ready"):
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=20)
    assert process.returncode == 130
    assert {task["task"]: task["outcome"] for task in json.loads(out)["tasks"]} == {
        "first": "cancelled",
        "reads": "cancelled",
    }


def test_a_timeout_is_kept_while_a_huge_file_is_read(workspace: Workspace) -> None:
    workspace.manifest(BUSY.replace("FIRST", 'timeout = "200ms"\non_failure = "abort"'))
    os.truncate(workspace.write("huge", ""), HUGE)
    result = workspace.exarp("run", "--all", "-j2", "--json")
    assert result.code == 1
    assert [(task["outcome"], task["reason"]) for task in result.json["tasks"]] == [
        ("failed", "timed-out"),
        ("cancelled", "aborted"),
    ]


# Reading it takes long enough to be interrupted.
LARGE = 3 << 30


def interrupted_while_settling(workspace: Workspace, size: int) -> subprocess.Popen[bytes]:
    """exarp, sent SIGINT after the command of its task has ended."""
    workspace.manifest(f"""
        [task.t]
        inputs = []
        outputs = ["made"]
        run = "echo $$ > pid; truncate -s {size} made; echo ran >> runs"
    """)
    process = workspace.start("t")
    while not workspace.exists("runs") or read_process(int(workspace.read("pid"))) is not None:
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    return process


def test_a_success_is_recorded_although_the_run_is_interrupted_while_it_reads_what_was_made(
    workspace: Workspace,
) -> None:
    process = interrupted_while_settling(workspace, LARGE)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert b"interrupted: ending 1 task" in err
    assert workspace.exarp("t").code == 0
    assert workspace.read("runs") == "ran\n"


def test_a_second_interrupt_ends_a_run_that_reads_what_a_task_made_and_it_is_not_taken_as_done(
    workspace: Workspace,
) -> None:
    process = interrupted_while_settling(workspace, HUGE)
    assert process.stderr is not None
    while b"interrupted: ending 1 task" not in process.stderr.readline():
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=20)
    assert process.returncode == 130
    assert "1 task would run" in workspace.exarp("t", "-n").out


def test_a_stop_typed_at_a_run_takes_its_display_away_and_stops_its_tasks(workspace: Workspace) -> None:
    workspace.manifest("""
        [task.t]
        timeout = "2s"
        run = "echo $$ > ready; until [ -e go ]; do sleep 0.02; done"
    """)
    shown = Screen(workspace.path, sys.executable, "-m", "exarp", "t", env=environment({"TERM": "xterm"}))
    try:
        shown.until("0/1")
        shown.type("\x1a")
        assert shown.until("[stopped holding the terminal, echo on]").endswith("\r\x1b[J")
        task = int(workspace.read("ready"))
        # A busy machine may take its time to carry a stop out. The shell or its `sleep` will do: the one waits for the other
        # either way, and while the other, just forked, is stopped before it becomes `sleep`, the shell cannot be stopped.
        end = time.monotonic() + 20
        while not any(process.stopped for process in ProcessTable.read().tree([task], []).values()):
            assert time.monotonic() < end
        shown.type("fg\n")
        shown.until("0/1")
        workspace.write("go", "")
        shown.until("[exit 0 holding the terminal, echo on]")
    finally:
        shown.close()


def test_a_run_in_the_background_draws_nothing_where_the_person_types(workspace: Workspace) -> None:
    until = "until [ -e {} ]; do sleep 0.02; done; echo {}"
    workspace.manifest(f"""
        [task.one]
        run = "{until.format("first", "out")}"
        [task.while]
        needs = ["one"]
        run = "sleep 0.3; echo out"
        [task.two]
        needs = ["while"]
        run = "{until.format("second", "out")}"
    """)
    env = environment({"TERM": "xterm", "NO_COLOR": "1"})
    shown = Screen(workspace.path, sys.executable, "-m", "exarp", "two", env=env)
    try:
        shown.until("0/1")
        shown.type("\x1a")
        shown.until("[stopped holding the terminal, echo on]")
        shown.type("away\n")
        workspace.write("first", "")
        # It takes so long that the footer would come several times.
        assert "\x1b" not in shown.until("ok    while")
        assert "\x1b" not in shown.until("Starting wave 3 (1 task)")
        shown.type("\n")
        shown.until("wave 3")
        shown.until("0/1")
        workspace.write("second", "")
        shown.until("[exit 0 holding the terminal, echo on]")
    finally:
        shown.close()


def test_an_interrupt_typed_at_an_interactive_task_is_told_on_a_line_of_its_own(workspace: Workspace) -> None:
    workspace.manifest("""
        [task.ask]
        interactive = true
        run = "printf 'name? '; read n; printf 'sure? '; read n"
    """)
    env = environment({"TERM": "xterm", "NO_COLOR": "1"})
    shown = Screen(workspace.path, sys.executable, "-m", "exarp", "ask", env=env)
    try:
        # The terminal is lent when the task has begun; then it can be read from.
        shown.type("me\n")
        shown.until("sure? ")
        shown.type("\x03")
        assert shown.until("stop  ask") == "^C" + " " * 80 + "\r"
        shown.until("[exit 130 holding the terminal, echo on]")
    finally:
        shown.close()
