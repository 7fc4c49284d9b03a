"""The terminal: lent to a foreground attempt, taken back when it ends or stops, with the modes that it had."""

from __future__ import annotations

import os
import select
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import exarp
from exarp.hosts.local import LocalHost

from .processes import MakeLaunch, endings, exits, history

_HOST = """
import os, sys
from exarp.hosts.local import LocalHost
from exarp.model.launch import Exited, Launch, Signalled

streams, *scripts = sys.argv[1:]
commands = tuple(("sh", "-c", script) for script in scripts)
with LocalHost("terminal", grace=0.3) as host:
    host.start(Launch(1, "t", commands, dict(os.environ), os.getcwd(), "/nowhere", streams=streams))
    over = False
    while not over:
        for event in host.wait(None):
            if isinstance(event, Signalled):
                host.end(1)
            if isinstance(event, Exited):
                over = True
                ours = os.tcgetpgrp(0) == os.getpgrp()
                print("<exited", event.status, event.signal, "ours" if ours else "not ours", end=">", flush=True)
for fault in host.faults:
    print("<fault", fault, end=">", flush=True)
"""

# Reads a line as soon as it is the terminal's, and says whether it was its own group's.
_READS = "read line; echo got $line"
_ECHO_OFF = "stty -echo; read line; echo got $line"


class Screen:
    """The user's end of a terminal, on which the shell runs a host, which runs scripts."""

    def __init__(self, folder: Path, streams: str, *scripts: str, wrapped_in: tuple[str, ...] = ()) -> None:
        self._fd, terminal = os.openpty()
        shell = str(Path(__file__).with_name("job_control_shell.py"))
        env = {**os.environ, "PYTHONPATH": str(Path(exarp.__file__).parents[1])}
        argv = [sys.executable, shell, *wrapped_in, sys.executable, "-c", _HOST, streams, *scripts]
        self._shell = subprocess.Popen(
            argv, stdin=terminal, stdout=terminal, stderr=terminal, start_new_session=True, cwd=folder, env=env
        )
        os.close(terminal)
        self._seen = ""

    def until(self, text: str) -> str:
        """Wait for a text; all that was shown since the last time."""
        while text not in self._seen:
            ready, _, _ = select.select([self._fd], [], [], 20)
            assert ready, f"waited for {text!r}, got {self._seen!r}"
            self._seen += os.read(self._fd, 4096).decode().replace("\r\n", "\n")
        shown, _, self._seen = self._seen.partition(text)
        return shown

    def type(self, text: str) -> None:
        os.write(self._fd, text.encode())

    def close(self) -> None:
        self._shell.kill()
        self._shell.wait()
        os.close(self._fd)


Open = Callable[..., Screen]


@pytest.fixture
def screen(tmp_path: Path) -> Iterator[Open]:
    opened: list[Screen] = []

    def make(streams: str, *scripts: str, wrapped_in: tuple[str, ...] = ()) -> Screen:
        opened.append(Screen(tmp_path, streams, *scripts, wrapped_in=wrapped_in))
        return opened[-1]

    yield make
    for each in opened:
        each.close()


def test_a_foreground_attempt_can_talk_with_the_person(screen: Open) -> None:
    shown = screen("foreground", f"echo ready; {_READS}")
    shown.until("ready")
    shown.type("hello\n")
    shown.until("got hello")
    shown.until("<exited 0 None ours>")
    shown.until("[exit 0 holding the terminal, echo on]")


def test_a_foreground_attempt_is_in_exarps_session_and_a_group_of_its_own(screen: Open) -> None:
    ask = "import os; print(os.getpgrp() == os.getpid() == os.tcgetpgrp(0), os.getsid(0) == os.getsid(os.getppid()))"
    # The terminal is lent only when the program has begun: reading from it waits for that.
    shown = screen("foreground", f'read line; exec {sys.executable} -c "{ask}"')
    shown.type("go\n")
    shown.until("True True")
    shown.until("<exited 0 None ours>")


def test_the_terminal_is_lent_to_one_command_after_the_other(screen: Open) -> None:
    shown = screen("foreground", "echo first; read line", "echo second; read line; echo got $line")
    shown.until("first")
    shown.type("\n")
    shown.until("second")
    shown.type("hello\n")
    shown.until("got hello")
    shown.until("<exited 0 None ours>")


def test_an_interrupt_typed_at_a_foreground_attempt_reaches_only_it(screen: Open) -> None:
    shown = screen("foreground", "echo ready; read line")
    shown.until("ready")
    shown.type("\x03")
    shown.until("<exited None 2 ours>")


def test_an_interrupt_typed_while_nothing_is_in_the_foreground_reaches_exarp(screen: Open) -> None:
    shown = screen("inherited", "echo ready; exec tail -f /dev/null")
    shown.until("ready")
    shown.type("\x03")
    shown.until("<exited None 2 ours>")


def test_modes_that_an_attempt_changed_are_put_back(screen: Open) -> None:
    shown = screen("foreground", "stty -echo; stty -a | grep -o -e '-echo '; kill -9 $$")
    shown.until("-echo ")
    shown.until("<exited None 9 ours>")
    shown.until("[exit 0 holding the terminal, echo on]")


def test_modes_that_one_command_changed_are_not_those_of_the_next(screen: Open) -> None:
    shown = screen("foreground", "stty -echo", "stty -a | grep -o -w -e '-*echo'")
    assert "-" not in shown.until("echo\n")
    shown.until("<exited 0 None ours>")


def test_modes_that_somebody_else_changed_are_put_back_at_the_end(screen: Open) -> None:
    shown = screen("inherited", "stty -echo < /dev/pts/$(basename $(readlink /proc/$PPID/fd/0))")
    shown.until("<exited 0 None ours>")
    shown.until("[exit 0 holding the terminal, echo on]")


def test_a_stopped_attempt_stops_exarp_and_goes_on_with_it(screen: Open) -> None:
    shown = screen("foreground", f"stty -echo; echo ready; {_READS}; stty -a | grep -o -e '-echo '")
    shown.until("ready")
    shown.type("\x1a")
    shown.until("[stopped holding the terminal, echo on]")
    shown.type("fg\n")
    shown.type("hello\n")
    shown.until("got hello")
    shown.until("-echo ")
    shown.until("<exited 0 None ours>")
    shown.until("[exit 0 holding the terminal, echo on]")


def test_an_attempt_continued_in_the_background_stops_again_when_it_reads(screen: Open) -> None:
    shown = screen("foreground", f"echo ready; {_READS}")
    shown.until("ready")
    shown.type("\x1a")
    shown.until("[stopped holding the terminal")
    shown.type("bg\n")
    shown.until("[stopped without the terminal")
    shown.type("fg\n")
    shown.type("hello\n")
    shown.until("got hello")
    shown.until("<exited 0 None ours>")


def test_a_terminal_that_the_shell_took_meanwhile_is_not_taken_from_it(screen: Open, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "go")
    shown = screen("foreground", "echo ready; read line; kill -STOP $PPID; read line < go")
    shown.until("ready")
    shown.type("\n")
    shown.until("[stopped without the terminal")
    shown.type("bg\n")
    (tmp_path / "go").write_text("go\n")
    shown.until("<exited 0 None not ours>")
    shown.until("[exit 0 without the terminal, echo on]")


def test_a_stopped_attempt_goes_on_where_no_shell_would_continue_exarp(screen: Open) -> None:
    ignoring = ("sh", "-c", 'trap "" TSTP; exec "$@"', "sh")
    shown = screen("foreground", f"echo ready; kill -STOP $$; {_READS}", wrapped_in=ignoring)
    shown.until("ready")
    shown.type("hello\n")
    shown.until("got hello")
    shown.until("<exited 0 None ours>")


def test_an_attempt_that_waits_for_a_terminal_it_cannot_have_is_ended(screen: Open) -> None:
    # The outer process stays in the foreground; exarp has a group of its own, and a stop has no effect on it.
    background = """
import os, signal, sys
signal.signal(signal.SIGTSTP, signal.SIG_IGN)
child = os.fork()
if child == 0:
    os.setpgid(0, 0)
    os.execv(sys.argv[1], sys.argv[1:])
os.waitpid(child, 0)
"""
    shown = screen("foreground", _READS, wrapped_in=(sys.executable, "-c", background))
    shown.until("<exited None ")
    shown.until("<fault t: ended, because it stopped to wait for a terminal it cannot have>")


def test_without_a_terminal_a_foreground_attempt_has_exarps_own_streams(
    host: LocalHost, launch: MakeLaunch, capfd: pytest.CaptureFixture[str]
) -> None:
    command = (
        sys.executable,
        "-c",
        "import os; print(os.getpgrp() == os.getpid(), os.getsid(0) == os.getsid(os.getppid()))",
    )
    host.start(launch(command, streams="foreground"))
    assert endings(history(host, 1)) == [(0, None)]
    assert capfd.readouterr().out == "True True\n"


@pytest.mark.parametrize("escape", ["tail -f /dev/null &", "setsid tail -f /dev/null &"])
def test_what_a_foreground_attempt_leaves_is_ended_too(host: LocalHost, launch: MakeLaunch, escape: str) -> None:
    host.start(launch(escape, streams="foreground"))
    exited = exits(host, 1)[1]
    assert (exited.status, len(exited.ended)) == (0, 1)


def test_a_foreground_attempt_is_ended_with_its_whole_tree(host: LocalHost, launch: MakeLaunch) -> None:
    host.start(launch("(tail -f /dev/null & setsid tail -f /dev/null &); exec tail -f /dev/null", streams="foreground"))
    host.end(1, now=True)
    assert exits(host, 1)[1].signal == 9
