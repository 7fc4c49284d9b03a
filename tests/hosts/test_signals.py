"""Signals to exarp itself: real ones, sent to a Python process that runs a host."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import exarp
from exarp.hosts.local import LocalHost
from exarp.hosts.mechanisms import Mechanisms
from exarp.hosts.signals import TOLD
from exarp.model.launch import Exited, Signalled

from .processes import MakeLaunch, exits, history, output, reacts

_PROGRAM = """
import os, sys
from exarp.hosts.local import LocalHost
from exarp.model.launch import Exited, Launch, Output, Signalled

with LocalHost("signals", grace=0.3) as host:
    argv = tuple(sys.argv[1:])
    host.start(Launch(1, "t", (argv,), dict(os.environ), os.getcwd(), os.path.abspath("log")))
    over = False
    while not over:
        for event in host.wait(None):
            over = over or isinstance(event, Exited)
            if isinstance(event, Signalled):
                print("signalled", event.signum, flush=True)
                host.end(1)
            elif isinstance(event, Exited):
                print("exited", event.status, event.signal, flush=True)
            else:
                print(event.data.decode().strip(), flush=True)
"""

Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts a process that runs a host, which runs the command, and ends it when it is told of a signal."""
    started: list[subprocess.Popen[str]] = []
    env = {**os.environ, "PYTHONPATH": str(Path(exarp.__file__).parents[1])}

    def run(*command: str, wrapped_in: tuple[str, ...] = ()) -> subprocess.Popen[str]:
        argv = [*wrapped_in, sys.executable, "-c", _PROGRAM, *command]
        process = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, cwd=tmp_path, env=env)
        started.append(process)
        return process

    yield run
    for process in started:
        process.kill()
        process.communicate()


def _line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


@pytest.mark.parametrize("signum", TOLD)
def test_a_signal_is_told_and_the_attempt_can_be_ended(start: Start, signum: signal.Signals) -> None:
    process = start("sh", "-c", "echo ready; exec tail -f /dev/null")
    assert _line(process) == "ready"
    process.send_signal(signum)
    assert _line(process) == f"signalled {int(signum)}"
    assert _line(process) == "exited None 2"
    assert process.wait() == 0


def test_a_second_signal_is_told_too(start: Start) -> None:
    process = start(*reacts("INT=", "TERM=9"))
    assert _line(process) == "ready"
    process.send_signal(signal.SIGINT)
    assert {_line(process), _line(process)} == {"signalled 2", "INT"}
    process.send_signal(signal.SIGHUP)
    assert {_line(process), _line(process), _line(process)} == {"signalled 1", "TERM", "exited 9 None"}


def test_under_nohup_a_hangup_stays_ignored_by_exarp_and_its_tasks(start: Start) -> None:
    command = ("sh", "-c", "kill -HUP $$; echo alive; exec tail -f /dev/null")
    process = start(*command, wrapped_in=("sh", "-c", 'trap "" HUP; exec "$@"', "sh"))
    assert _line(process) == "alive"
    process.send_signal(signal.SIGHUP)
    process.send_signal(signal.SIGTERM)
    assert _line(process) == "signalled 15"


@pytest.mark.parametrize("signum", [signum for signum in TOLD if signum != signal.SIGHUP])
def test_what_the_caller_ignored_is_not_told_and_tasks_do_not_inherit_it(start: Start, signum: signal.Signals) -> None:
    name, other = signum.name.removeprefix("SIG"), signal.SIGHUP
    wrapped = ("sh", "-c", f'trap "" {name}; exec "$@"', "sh")
    process = start(
        "sh", "-c", f"trap 'echo alive' {name}; kill -{name} $$; exec tail -f /dev/null", wrapped_in=wrapped
    )
    assert _line(process) == "alive"
    process.send_signal(signum)
    process.send_signal(other)
    assert _line(process) == f"signalled {int(other)}"


def test_statuses_are_known_even_where_the_caller_ignored_its_children(start: Start) -> None:
    ignoring = (
        "import os, signal, sys; signal.signal(signal.SIGCHLD, signal.SIG_IGN); os.execv(sys.argv[1], sys.argv[1:])"
    )
    process = start("sh", "-c", "exit 5", wrapped_in=(sys.executable, "-c", ignoring))
    assert _line(process) == "exited 5 None"


@pytest.mark.parametrize("pidfds", [True, False])
def test_statuses_are_known_after_a_foreground_attempt_where_the_caller_ignored_its_children(
    marker: str, launch: MakeLaunch, pidfds: bool
) -> None:
    before = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        with LocalHost(marker, mechanisms=Mechanisms(pidfds, True, True)) as host:
            for launched in (launch("exit 3", streams="foreground"), launch("exit 4"), launch("exit 5")):
                host.start(launched)
                assert exits(host, launched.key)[launched.key].status == launched.key + 2
        assert signal.getsignal(signal.SIGCHLD) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGCHLD, before)


def test_a_task_is_interrupted_although_exarp_was_started_with_interrupts_ignored(start: Start) -> None:
    process = start(
        "sh", "-c", "echo ready; exec tail -f /dev/null", wrapped_in=("sh", "-c", 'trap "" INT; exec "$@"', "sh")
    )
    assert _line(process) == "ready"
    process.send_signal(signal.SIGTERM)
    assert [_line(process), _line(process)] == ["signalled 15", "exited None 2"]


def test_closing_puts_back_handlers_and_the_wake_up_descriptor(marker: str) -> None:
    def mine(signum: int, frame: object) -> None:
        raise AssertionError

    watched = (*TOLD, signal.SIGCHLD, signal.SIGCONT)
    before: dict[int, Any] = {signum: signal.signal(signum, mine) for signum in watched}
    wakeup = os.open(os.devnull, os.O_WRONLY | os.O_NONBLOCK)
    old_wakeup = signal.set_wakeup_fd(wakeup)
    try:
        with LocalHost(marker, mechanisms=Mechanisms(False, True, True)):
            assert signal.getsignal(signal.SIGINT) is not mine
        assert [signal.getsignal(signum) for signum in watched] == [mine] * len(watched)
        assert signal.set_wakeup_fd(old_wakeup) == wakeup
    finally:
        os.close(wakeup)
        for signum, handler in before.items():
            signal.signal(signum, handler)


def test_closing_leaves_no_descriptor_open(marker: str, launch: MakeLaunch) -> None:
    before = os.listdir("/proc/self/fd")
    with LocalHost(marker) as host:
        host.start(launch("echo x", "sleep 300"))
        host.start(launch("exit 1"))
        host.start(launch("exec sleep 300", daemon=True))
        exits(host, 2)
    assert os.listdir("/proc/self/fd") == before


@pytest.mark.parametrize("pidfds", [True, False])
def test_outside_the_main_thread_attempts_run_and_the_limit_is_said(
    marker: str, launch: MakeLaunch, pidfds: bool
) -> None:
    results: list[Any] = []

    def run() -> None:
        with LocalHost(marker, mechanisms=Mechanisms(pidfds, True, True)) as host:
            host.start(launch("(setsid tail -f /dev/null &); echo hello; exit 3"))
            told = history(host, 1)
            results.extend([output(told, 1), told[-1], host.limits])

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    printed, exited, limits = results
    assert isinstance(exited, Exited)
    assert (printed, exited.status, len(exited.ended)) == (b"hello\n", 3, 1)
    assert limits == ("signals to exarp are not told outside its main thread",)


def test_a_stop_that_is_typed_again_before_it_is_seen_is_told_once() -> None:
    with LocalHost("stops", grace=0.1) as host:
        for _ in range(3):
            os.kill(os.getpid(), signal.SIGTSTP)
        assert host.wait(5) == [Signalled(signal.SIGTSTP)]
        os.kill(os.getpid(), signal.SIGTSTP)
        assert host.wait(5) == [Signalled(signal.SIGTSTP)]


def test_a_wait_may_be_longer_than_a_selector_can_count(host: LocalHost) -> None:
    os.kill(os.getpid(), signal.SIGHUP)
    assert host.wait(400 * 86400.0) == [Signalled(signal.SIGHUP)]


def test_between_runs_signals_do_what_they_did_before_and_what_came_just_before_is_told(
    host: LocalHost, launch: MakeLaunch
) -> None:
    before = signal.getsignal(signal.SIGTERM)
    host.close()
    found = signal.getsignal(signal.SIGTERM)
    with LocalHost("between", grace=0.3) as lasting:
        assert signal.getsignal(signal.SIGTERM) is before
        lasting.start(launch("exec sleep 300"))
        os.kill(os.getpid(), signal.SIGTERM)
        lasting.part({1})
        assert signal.getsignal(signal.SIGTERM) is found
        lasting.wake()
        assert Signalled(signal.SIGTERM) in lasting.wait(20)
        os.kill(os.getpid(), signal.SIGINT)
        assert Signalled(signal.SIGINT) in lasting.wait(20)
    assert signal.getsignal(signal.SIGTERM) is found
