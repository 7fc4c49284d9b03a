"""Whole trees: what leaves its parent, its group or its session is found, named, ended and reaped all the same.

The ``host`` fixture looks afterwards for anything that survived, dead or alive.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

import pytest

import exarp
from exarp.hosts import ending
from exarp.hosts.local import LocalHost
from exarp.hosts.mechanisms import Mechanisms, subreaper
from exarp.hosts.process_tree import Process, read_proc, read_process, targets
from exarp.model.launch import Exited

from .processes import (
    MakeLaunch,
    children,
    endings,
    exits,
    history,
    output,
    reacts,
    survivors,
    until_dead,
    until_printed,
    zombies,
)

# Each prints `ready` when it has become what it is called, and stays. `tail` prints after it was executed, not before.
STAY = "tail -f ready"
BACKGROUND = f"{STAY} &"
NEW_SESSION = f"setsid {STAY} &"
DOUBLE_FORK = f"(setsid sh -c '{STAY} & exit' & exit) &"
OTHER_GROUP = f"""{sys.executable} -c 'import os; os.setpgid(0, 0); os.execvp("tail", "{STAY}".split())' &"""
NO_MARK = f"env -i {STAY} &"
NO_MARK_NEW_SESSION = f"env -i setsid {STAY} &"
NO_MARK_OTHER_GROUP = OTHER_GROUP.replace("execvp(", "execvpe(").replace(".split()", ".split(), {}")
ESCAPES = [BACKGROUND, NEW_SESSION, DOUBLE_FORK, OTHER_GROUP, NO_MARK, NO_MARK_NEW_SESSION, NO_MARK_OTHER_GROUP]

Go = Callable[[], int]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path) -> Path:
    """Has what the programs above read: the file `ready` and the pipe `go`."""
    (tmp_path / "ready").write_text("ready\n")
    os.mkfifo(tmp_path / "go")
    return tmp_path


@pytest.fixture(params=["session", "group"])
def host(request: pytest.FixtureRequest, marker: str, tmp_path: Path) -> Iterator[LocalHost]:
    """As everywhere, but whatever there is of a terminal here."""
    mechanisms = Mechanisms(True, True, True, groups=request.param == "group")
    with LocalHost(marker, grace=0.3, leftover_grace=0.3, mechanisms=mechanisms) as host:
        yield host
    assert survivors(marker, tmp_path) == []
    assert zombies() == []


@pytest.fixture
def go(folder: Path) -> Go:
    """Lets `read x < go` return."""
    return lambda: (folder / "go").write_text("go\n")


@pytest.mark.parametrize("escape", ESCAPES)
def test_what_an_attempt_leaves_running_is_ended_and_named(
    host: LocalHost, launch: MakeLaunch, go: Go, escape: str
) -> None:
    host.start(launch(f"{escape} read x < go; exit 3"))
    until_printed(host, 1, b"ready\n")
    go()
    exited = exits(host, 1)[1]
    assert (exited.status, exited.ended) == (3, ("tail",))


@pytest.mark.parametrize("escape", ESCAPES)
@pytest.mark.parametrize("now", [False, True])
def test_an_attempt_is_ended_with_its_whole_tree(host: LocalHost, launch: MakeLaunch, escape: str, now: bool) -> None:
    host.start(launch(f"{escape} wait; while :; do tail -f /dev/null; done"))
    until_printed(host, 1, b"ready\n")
    host.end(1, now=now)
    exited = exits(host, 1)[1]
    assert (exited.signal, exited.ended) == (signal.SIGKILL if now else signal.SIGINT, ())
    assert host.close() == ()


def test_the_group_of_an_attempt_is_signalled_whole(
    host: LocalHost, launch: MakeLaunch, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[set[int]] = []
    send = ending.send

    def note(processes: Collection[Process], signum: int, groups: Collection[int]) -> None:
        sent.append(targets(processes, groups))
        send(processes, signum, groups)

    monkeypatch.setattr(ending, "send", note)
    host.start(launch(f"{BACKGROUND} wait"))
    until_printed(host, 1, b"ready\n")
    (leader,) = children()
    host.end(1)
    assert (exits(host, 1)[1].signal, sent[0]) == (signal.SIGINT, {-leader})


@pytest.mark.parametrize("escape", ESCAPES)
def test_closing_ends_whole_trees(
    host: LocalHost, launch: MakeLaunch, escape: str, marker: str, tmp_path: Path
) -> None:
    host.start(launch(f"{escape} tail -f /dev/null"))
    host.start(launch(f"{escape} tail -f /dev/null"))
    until_printed(host, 1, b"ready\n")
    assert set(host.close()) <= {"sh", "tail", "setsid", "env", os.path.basename(sys.executable)}
    assert survivors(marker, tmp_path) == []


@pytest.mark.parametrize("escape", [BACKGROUND, DOUBLE_FORK, NO_MARK_NEW_SESSION])
def test_what_a_daemon_leaves_is_not_ended(
    host: LocalHost, launch: MakeLaunch, go: Go, escape: str, marker: str
) -> None:
    host.start(launch(f"{escape} read x < go", daemon=True))
    until_printed(host, 1, b"ready\n")
    go()
    exited = exits(host, 1)[1]
    assert (exited.status, exited.ended) == (0, ())
    assert host.close() == ()
    (left,) = children()
    assert read_proc(left, "comm") == b"tail\n"
    os.kill(left, signal.SIGKILL)
    os.waitpid(left, 0)


def test_what_a_daemon_prints_after_its_task_reaches_the_log(
    host: LocalHost, launch: MakeLaunch, tmp_path: Path
) -> None:
    os.mkfifo(tmp_path / "later")
    host.start(launch("{ read x < later; echo $x; echo done > told; } & echo started", daemon=True))
    told = history(host, 1)
    assert output(told, 1) == b"started\n"
    host.close()
    os.mkfifo(tmp_path / "told")
    (tmp_path / "later").write_text("later\n")
    assert (tmp_path / "told").read_text() == "done\n"
    assert (tmp_path / "1.log").read_text() == "started\nlater\n"
    (daemon,) = children()
    os.waitpid(daemon, 0)


def test_a_daemon_that_says_nothing_yet_has_a_log_that_it_can_write_to(
    host: LocalHost, launch: MakeLaunch, tmp_path: Path
) -> None:
    host.start(launch(("sh", "-c", "sleep 300 &"), daemon=True))
    assert exits(host, 1)[1].logged
    assert (tmp_path / "1.log").read_bytes() == b""
    (daemon,) = children()
    os.kill(daemon, signal.SIGKILL)
    os.waitpid(daemon, 0)


def test_a_daemon_that_says_and_leaves_nothing_has_no_log(host: LocalHost, launch: MakeLaunch, tmp_path: Path) -> None:
    host.start(launch("true", daemon=True))
    assert not exits(host, 1)[1].logged
    assert not (tmp_path / "1.log").exists()


def test_a_daemon_that_is_still_running_is_ended_on_request_with_all_that_it_started(
    host: LocalHost, launch: MakeLaunch
) -> None:
    host.start(launch((sys.executable, "-c", _STARTS_AND_WAITS, *reacts("INT=", "TERM=0")), daemon=True))
    until_printed(host, 1, b"ready\n")
    host.end(1)
    told = history(host, 1)
    assert (output(told, 1), endings(told)) == (b"INT\nTERM\n", [(None, signal.SIGINT)])


def test_leftovers_that_ignore_terminate_are_killed_after_their_own_grace(marker: str, launch: MakeLaunch) -> None:
    with LocalHost(marker, grace=60, leftover_grace=0.1) as host:
        host.start(launch((sys.executable, "-c", _STARTS_AND_LEAVES, *reacts("TERM="))))
        exited = exits(host, 1)[1]
    assert (exited.status, len(exited.ended)) == (0, 1)
    assert survivors(marker) == []


def test_what_is_born_of_the_interrupt_is_interrupted_too(marker: str, launch: MakeLaunch) -> None:
    with LocalHost(marker, grace=5) as host:
        host.start(launch((sys.executable, "-c", _HANDS_ON)))
        until_printed(host, 1, b"ready\n")
        host.end(1)
        (exited,) = [event for event in history(host, 1) if isinstance(event, Exited)]
    assert (exited.status, exited.ended) == (5, ())
    assert survivors(marker) == []


# Leaves when its child is ready; what that says later is read by nobody, but it can be said.
_STARTS_AND_LEAVES = """
import os, subprocess, sys
told, tell = os.pipe()
subprocess.Popen(sys.argv[1:], stdout=tell, pass_fds=[told])
os.read(told, 6)
os._exit(0)
"""

# Instead of ending, it goes on as another process.
_HANDS_ON = """
import os, signal
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
os.write(1, b"ready\\n")
signal.sigwait({signal.SIGINT})
if os.fork():
    os._exit(5)
os.setsid()
signal.sigwait({signal.SIGINT})
"""


def test_a_handler_has_its_time_to_clean_up(host: LocalHost, launch: MakeLaunch) -> None:
    host.start(launch(reacts("INT=7")))
    until_printed(host, 1, b"ready\n")
    host.end(1)
    told = history(host, 1)
    assert (output(told, 1), endings(told)) == (b"INT\n", [(7, None)])


def test_terminate_follows_interrupt_after_the_grace(host: LocalHost, launch: MakeLaunch) -> None:
    host.start(launch(reacts("INT=", "TERM=8")))
    until_printed(host, 1, b"ready\n")
    host.end(1)
    told = history(host, 1)
    assert (output(told, 1), endings(told)) == (b"INT\nTERM\n", [(8, None)])


def test_who_ignores_interrupts_is_terminated_without_waiting_for_the_grace(marker: str, launch: MakeLaunch) -> None:
    with LocalHost(marker, grace=60) as host:
        host.start(launch(("sh", "-c", "trap '' INT; exec \"$@\"", "sh", *reacts("TERM=8"))))
        until_printed(host, 1, b"ready\n")
        host.end(1)
        exited = exits(host, 1)[1]
    assert (exited.status, exited.seconds < 30) == (8, True)


def test_what_is_stopped_can_be_ended(host: LocalHost, launch: MakeLaunch) -> None:
    host.start(launch("trap 'exit 9' INT; kill -STOP $$"))
    (leader,) = children()
    for _ in range(1000):
        process = read_process(leader)
        if process is not None and process.stopped:
            break
        assert host.wait(0.01) == []
    host.end(1)
    assert exits(host, 1)[1].status == 9


def test_the_rest_of_an_ended_tree_has_the_grace_too_when_its_leader_is_gone(
    host: LocalHost, launch: MakeLaunch
) -> None:
    host.start(launch((sys.executable, "-c", _STARTS_AND_WAITS, *reacts("INT=", "TERM=0"))))
    until_printed(host, 1, b"ready\n")
    host.end(1)
    told = history(host, 1)
    assert (output(told, 1), endings(told)) == (b"INT\nTERM\n", [(None, signal.SIGINT)])


_STARTS_AND_WAITS = """
import signal, subprocess, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
subprocess.Popen(sys.argv[1:])
signal.pause()
"""

# Its number is new every time that anybody looks.
_JUMPS = """
import os
if os.fork():
    print("ready", flush=True)
    import signal
    signal.pause()
while True:
    if os.fork():
        os._exit(0)
    os.setsid()
"""

# Every signal that it survives makes it one more.
_MULTIPLIES = """
import os, signal
for signum in (signal.SIGINT, signal.SIGTERM):
    signal.signal(signum, lambda *_: os.fork() or os.setsid())
print("ready", flush=True)
while True:
    signal.pause()
"""


@pytest.mark.parametrize("now", [False, True])
@pytest.mark.parametrize("program", [_JUMPS, _MULTIPLIES])
def test_who_forks_while_being_ended_does_not_get_away(
    host: LocalHost, launch: MakeLaunch, marker: str, program: str, now: bool
) -> None:
    host.start(launch((sys.executable, "-c", program)))
    until_printed(host, 1, b"ready\n")
    host.end(1, now=now)
    assert exits(host, 1)[1].status is None
    assert survivors(marker) == []


def test_closing_catches_who_forks_meanwhile(host: LocalHost, launch: MakeLaunch, marker: str) -> None:
    host.start(launch((sys.executable, "-c", _JUMPS)))
    until_printed(host, 1, b"ready\n")
    assert host.close() != ()
    assert survivors(marker) == []


def test_the_orphans_of_an_attempt_that_goes_on_go_on_with_it(
    host: LocalHost, launch: MakeLaunch, go: Go, marker: str
) -> None:
    host.start(launch(f"{DOUBLE_FORK} read x < go"))
    until_printed(host, 1, b"ready\n")
    before = survivors(marker)
    host.start(launch("sleep 300 & echo ready; exec sleep 300"))
    until_printed(host, 2, b"ready\n")
    # A shell that is about to become what it was told to.
    assert set(host.part({1})) <= {"sleep", "sh"}
    assert survivors(marker) == before
    host.wake()
    go()
    assert exits(host, 1)[1].ended == ("tail",)


def test_the_orphans_of_one_attempt_do_not_concern_another(host: LocalHost, launch: MakeLaunch, go: Go) -> None:
    host.start(launch(f"{DOUBLE_FORK} read x < go"))
    until_printed(host, 1, b"ready\n")
    host.start(launch("true"))
    assert exits(host, 2)[2].ended == ()
    go()
    assert exits(host, 1)[1].ended == ("tail",)


def test_orphans_that_die_early_are_reaped_while_their_attempt_runs(
    host: LocalHost, launch: MakeLaunch, go: Go
) -> None:
    host.start(launch("(setsid sh -c 'echo $$' &); read x < go"))
    orphan = until_printed(host, 1, b"\n").decode().strip()
    for _ in range(100):
        if not os.path.exists(f"/proc/{orphan}"):
            break
        assert host.wait(0.05) == []
    assert not os.path.exists(f"/proc/{orphan}")
    go()
    assert exits(host, 1)[1].ended == ()


def test_what_one_command_starts_the_next_can_use(host: LocalHost, launch: MakeLaunch) -> None:
    host.start(launch("cat go & true", "echo hello > go; wait"))
    told = history(host, 1)
    assert endings(told) == [(0, None)]


def test_no_command_follows_one_that_was_ended(host: LocalHost, launch: MakeLaunch) -> None:
    host.start(launch(reacts("INT=0"), "echo second"))
    until_printed(host, 1, b"ready\n")
    host.end(1)
    told = history(host, 1)
    assert (output(told, 1), endings(told)) == (b"INT\n", [(0, None)])


def test_one_command_that_came_to_its_end_is_not_the_end_of_an_attempt_of_two(
    host: LocalHost, launch: MakeLaunch
) -> None:
    host.start(launch("true", "echo second"))
    until_dead()
    host.end(1)
    told = history(host, 1)
    assert (output(told, 1), endings(told)) == (b"", [(0, None)])
    assert [event.early for event in told if isinstance(event, Exited)] == [True]


def test_a_child_of_another_part_of_the_program_is_let_alone(host: LocalHost, launch: MakeLaunch) -> None:
    other = os.posix_spawnp("tail", ["tail", "-f", "/dev/null"], os.environ)
    host.start(launch("true"))
    assert exits(host, 1)[1].ended == ()
    assert host.close() == ()
    os.kill(other, signal.SIGKILL)
    assert os.waitstatus_to_exitcode(os.waitpid(other, 0)[1]) == -signal.SIGKILL


def test_a_run_inside_a_task_is_known_to_both_runs(
    launch: MakeLaunch, marker: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("EXARP_ATTEMPT", raising=False)  # exarp may be what runs this test
    with LocalHost(marker) as host:
        host.start(launch("echo $EXARP_ATTEMPT"))
        outer = output(history(host, 1), 1).decode().strip()
    assert outer == f"{marker}:1"
    monkeypatch.setenv("EXARP_ATTEMPT", outer)
    with LocalHost("inner") as inner:
        inner.start(launch("echo $EXARP_ATTEMPT"))
        assert output(history(inner, 2), 2).decode().strip() == f"{outer}/inner:2"


def test_what_a_killed_inner_run_leaves_is_ended_by_the_outer_one(host: LocalHost, launch: MakeLaunch) -> None:
    env = launch().env | {"PYTHONPATH": str(Path(exarp.__file__).parents[1])}
    host.start(launch((sys.executable, "-c", _INNER_RUN, *reacts("TERM=0")), env=env))
    exited = exits(host, 2)[2]
    assert (exited.signal, len(exited.ended)) == (signal.SIGKILL, 1)


_INNER_RUN = """
import os, signal, sys
from exarp.hosts.local import LocalHost
from exarp.model.launch import Launch, Output

host = LocalHost("inner")
host.start(Launch(1, "t", (tuple(sys.argv[1:]),), dict(os.environ), os.getcwd(), os.path.abspath("inner.log")))
while not any(isinstance(event, Output) for event in host.wait(None)):
    pass
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_hundreds_of_leftovers_are_all_ended(host: LocalHost, launch: MakeLaunch) -> None:
    host.start(launch("for i in $(seq 700); do tail -f /dev/null & done; exit 3"))
    exited = exits(host, 1)[1]
    assert exited.status == 3
    assert set(exited.ended) <= {"tail", "sh"}


def test_what_cannot_be_killed_is_given_up_and_said(
    host: LocalHost, launch: MakeLaunch, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(ending, "KILL_BOUND", 0.1)
        patched.setattr(ending, "send", lambda *_: None)
        patched.setattr(ending, "send_one", lambda *_: None)
        host.start(launch(("sleep", "300")))
        host.end(1, now=True)
        exited = exits(host, 1)[1]
    (survivor,) = children()
    assert (exited.status, exited.signal) == (None, signal.SIGKILL)
    assert host.faults == [f"t1: could not be ended: sleep ({survivor})"]
    assert host.close() == ("sleep",)


def test_orphans_are_adopted_only_while_the_host_is_open(marker: str) -> None:
    before = subreaper()
    with LocalHost(marker):
        assert subreaper() is True
    assert subreaper() == before


@pytest.mark.parametrize("table", [True, False])
def test_without_adoption_a_group_is_ended_and_the_limits_are_said(
    launch: MakeLaunch, go: Go, marker: str, table: bool
) -> None:
    with LocalHost(marker, grace=0.3, mechanisms=Mechanisms(pidfds=False, adoption=False, table=table)) as host:
        host.start(launch(f"{BACKGROUND} read x < go; exit 3"))
        until_printed(host, 1, b"ready\n")
        go()
        exited = exits(host, 1)[1]
        assert (exited.status, len(exited.ended)) == (3, 1)
        assert [("tail" in name) for name in exited.ended] == [table]
        assert len(host.limits) == (1 if table else 2)
    assert survivors(marker) == []


def test_with_everything_at_hand_there_are_no_limits(host: LocalHost) -> None:
    assert host.limits == ()
