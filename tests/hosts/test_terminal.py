"""The terminal: lent to a foreground attempt, taken back when it ends or stops, with the modes that it had."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import exarp
from exarp.hosts.local import LocalHost
from exarp.hosts.process_tree import read_process

from .processes import MakeLaunch, endings, exits, history
from .screen import Screen

_HOST = """
import os, signal, sys
from exarp.hosts.local import LocalHost
from exarp.model.launch import Exited, Launch, Signalled

streams, *scripts = sys.argv[1:]
commands = tuple(("sh", "-c", script) for script in scripts)
with LocalHost("terminal", grace=0.3) as host:
    host.start(Launch(1, "t", commands, dict(os.environ), os.getcwd(), "/nowhere", streams=streams))
    over = False
    while not over:
        for event in host.wait(None):
            if isinstance(event, Signalled) and event.signum == signal.SIGTSTP:
                print("<was away", host.suspend() > 0, end=">", flush=True)
            elif isinstance(event, Signalled):
                host.end(1)
            if isinstance(event, Exited):
                over = True
                ours = os.tcgetpgrp(0) == os.getpgrp()
                print("<exited", event.status, event.signal, "ours" if ours else "not ours", end=">", flush=True)
for fault in host.faults:
    print("<fault", fault, end=">", flush=True)
"""

# The host is held up where it has just lent the terminal, until the attempt is stopped.
_HELD_UP = """
import os
from exarp.hosts.terminal import Terminal
lend = Terminal.lend
def slowly(self, group):
    Terminal.lend = lend
    lent = lend(self, group)
    os.waitid(os.P_PID, group, os.WSTOPPED | os.WNOWAIT)
    return lent
Terminal.lend = slowly
"""

# Reads a line as soon as it is the terminal's, and says whether it was its own group's.
_READS = "read line; echo got $line"
_ECHO_OFF = "stty -echo; read line; echo got $line"


Open = Callable[..., Screen]


@pytest.fixture
def screen(tmp_path: Path) -> Iterator[Open]:
    opened: list[Screen] = []

    def make(streams: str, *scripts: str, wrapped_in: tuple[str, ...] = (), before: str = "") -> Screen:
        opened.append(Screen(tmp_path, *wrapped_in, sys.executable, "-c", before + _HOST, streams, *scripts))
        return opened[-1]

    yield make
    for each in opened:
        each.close()


def test_a_foreground_attempt_can_talk_with_the_person(screen: Open) -> None:
    shown = screen("foreground", f"echo ready; {_READS}")
    assert shown.shows("ready")
    shown.type("hello\n")
    assert shown.shows("got hello")
    assert shown.shows("<exited 0 None ours>")
    assert shown.shows("[exit 0 holding the terminal, echo on]")


def test_a_foreground_attempt_is_in_exarps_session_and_a_group_of_its_own(screen: Open) -> None:
    ask = "import os; print(os.getpgrp() == os.getpid() == os.tcgetpgrp(0), os.getsid(0) == os.getsid(os.getppid()))"
    # The terminal is lent only when the program has begun: reading from it waits for that.
    shown = screen("foreground", f'read line; exec {sys.executable} -c "{ask}"')
    shown.type("go\n")
    assert shown.shows("True True")
    assert shown.shows("<exited 0 None ours>")


def test_the_terminal_is_lent_to_one_command_after_the_other(screen: Open) -> None:
    shown = screen("foreground", "echo first; read line", "echo second; read line; echo got $line")
    assert shown.shows("first")
    shown.type("\n")
    assert shown.shows("second")
    shown.type("hello\n")
    assert shown.shows("got hello")
    assert shown.shows("<exited 0 None ours>")


def test_an_interrupt_typed_at_a_foreground_attempt_reaches_only_it(screen: Open) -> None:
    shown = screen("foreground", "echo ready; read line")
    assert shown.shows("ready")
    shown.type("\x03")
    assert shown.shows("<exited None 2 ours>")


def test_an_interrupt_typed_while_nothing_is_in_the_foreground_reaches_exarp(screen: Open) -> None:
    shown = screen("inherited", "echo ready; exec tail -f /dev/null")
    assert shown.shows("ready")
    shown.type("\x03")
    assert shown.shows("<exited None 2 ours>")


def test_modes_that_an_attempt_changed_are_put_back(screen: Open) -> None:
    shown = screen("foreground", "stty -echo; stty -a | grep -o -e '-echo '; kill -9 $$")
    assert shown.shows("-echo ")
    assert shown.shows("<exited None 9 ours>")
    assert shown.shows("[exit 0 holding the terminal, echo on]")


def test_modes_that_one_command_changed_are_not_those_of_the_next(screen: Open) -> None:
    shown = screen("foreground", "stty -echo", "stty -a | grep -o -w -e '-*echo'")
    assert "-" not in shown.until("echo\n")
    assert shown.shows("<exited 0 None ours>")


def test_modes_that_somebody_else_changed_are_put_back_at_the_end(screen: Open) -> None:
    shown = screen("inherited", "stty -echo < /dev/pts/$(basename $(readlink /proc/$PPID/fd/0))")
    assert shown.shows("<exited 0 None ours>")
    assert shown.shows("[exit 0 holding the terminal, echo on]")


def test_a_stopped_attempt_stops_exarp_and_goes_on_with_it(screen: Open) -> None:
    shown = screen("foreground", f"stty -echo; echo ready; {_READS}; stty -a | grep -o -e '-echo '")
    assert shown.shows("ready")
    shown.type("\x1a")
    assert shown.shows("[stopped holding the terminal, echo on]")
    shown.type("fg\n")
    shown.type("hello\n")
    assert shown.shows("got hello")
    assert shown.shows("-echo ")
    assert shown.shows("<exited 0 None ours>")
    assert shown.shows("[exit 0 holding the terminal, echo on]")


def test_an_attempt_continued_in_the_background_stops_again_when_it_reads(screen: Open) -> None:
    shown = screen("foreground", f"echo ready; {_READS}")
    assert shown.shows("ready")
    shown.type("\x1a")
    assert shown.shows("[stopped holding the terminal")
    shown.type("bg\n")
    assert shown.shows("[stopped without the terminal")
    shown.type("fg\n")
    shown.type("hello\n")
    assert shown.shows("got hello")
    assert shown.shows("<exited 0 None ours>")


@pytest.mark.skipif(not hasattr(os, "waitid"), reason="it waits by waitid")
def test_an_attempt_that_is_stopped_the_moment_it_begins_stays_stopped(screen: Open) -> None:
    shown = screen("foreground", "kill -TSTP $$; echo on", before=_HELD_UP)
    assert shown.shows("[stopped holding the terminal")
    shown.type("fg\n")
    assert shown.shows("on\n")
    assert shown.shows("<exited 0 None ours>")


@pytest.mark.skipif(not hasattr(os, "waitid"), reason="it waits by waitid")
def test_an_attempt_that_reads_before_it_has_the_terminal_goes_on_once_it_has(screen: Open) -> None:
    # Nobody else may have it stopped meanwhile: the host is held up before it lends.
    early = _HELD_UP.replace("    lent = lend(self, group)\n", "").replace("return lent", "return lend(self, group)")
    shown = screen("foreground", _READS, before=early)
    shown.type("hello\n")
    assert shown.shows("got hello")
    assert shown.shows("<exited 0 None ours>")


def test_a_terminal_that_the_shell_took_meanwhile_is_not_taken_from_it(screen: Open, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "go")
    shown = screen("foreground", "echo ready; read line; kill -STOP $PPID; read line < go")
    assert shown.shows("ready")
    shown.type("\n")
    assert shown.shows("[stopped without the terminal")
    shown.type("bg\n")
    (tmp_path / "go").write_text("go\n")
    assert shown.shows("<exited 0 None not ours>")
    assert shown.shows("[exit 0 without the terminal, echo on]")


def test_a_stopped_attempt_goes_on_where_no_shell_would_continue_exarp(screen: Open) -> None:
    ignoring = ("sh", "-c", 'trap "" TSTP; exec "$@"', "sh")
    shown = screen("foreground", f"echo ready; kill -STOP $$; {_READS}", wrapped_in=ignoring)
    assert shown.shows("ready")
    shown.type("hello\n")
    assert shown.shows("got hello")
    assert shown.shows("<exited 0 None ours>")


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
    assert shown.shows("<exited None ")
    assert shown.shows("<fault t: ended, because it stopped to wait for a terminal it cannot have>")


def stopped(pid: str) -> bool:
    process = read_process(int(pid))
    assert process is not None
    return process.stopped


def test_a_stop_typed_while_nothing_is_in_the_foreground_stops_whole_trees_and_they_go_on(
    screen: Open, tmp_path: Path
) -> None:
    os.mkfifo(tmp_path / "go")
    away = "setsid sh -c 'echo $$ > away; read line < go; echo got $line' &"
    shown = screen("inherited", f"{away} until [ -s away ]; do :; done; echo $$ > main; echo ready; wait")
    assert shown.shows("ready")
    shown.type("\x1a")
    assert shown.shows("[stopped holding the terminal, echo on]")
    pids = [(tmp_path / name).read_text() for name in ("main", "away")]
    assert [stopped(pid) for pid in pids] == [True, True]
    shown.type("fg\n")
    assert shown.shows("<was away True>")
    assert [stopped(pid) for pid in pids] == [False, False]
    (tmp_path / "go").write_text("on\n")
    assert shown.shows("got on")
    assert shown.shows("<exited 0 None ours>")


def test_a_stop_sent_to_exarp_while_an_attempt_has_the_terminal_stops_both(screen: Open, tmp_path: Path) -> None:
    shown = screen("foreground", f"echo $$ > main; echo $PPID > host; echo ready; {_READS}")
    assert shown.shows("ready")
    os.kill(int((tmp_path / "host").read_text()), signal.SIGTSTP)
    assert shown.shows("[stopped holding the terminal, echo on]")
    assert stopped((tmp_path / "main").read_text())
    shown.type("fg\n")
    assert shown.shows("<was away True>")
    shown.type("hello\n")
    assert shown.shows("got hello")
    assert shown.shows("<exited 0 None ours>")


def test_what_had_stopped_itself_is_not_continued(screen: Open, tmp_path: Path) -> None:
    own = "import os, signal; open('own', 'w').write(str(os.getpid())); os.kill(os.getpid(), signal.SIGSTOP)"
    script = f'{sys.executable} -c "{own}" & until grep -q "State:.T" /proc/$!/status; do :; done; echo ready; wait'
    shown = screen("inherited", script)
    assert shown.shows("ready")
    shown.type("\x1a")
    assert shown.shows("[stopped holding the terminal, echo on]")
    shown.type("fg\n")
    assert shown.shows("<was away True>")
    pid = (tmp_path / "own").read_text()
    assert stopped(pid)
    os.kill(int(pid), signal.SIGCONT)
    assert shown.shows("<exited 0 None ours>")


def test_a_stop_that_no_shell_could_take_back_stops_nothing_for_long() -> None:
    """A process group without a shell of its own session is never stopped by SIGTSTP."""
    code = (
        "import os, signal, sys\n"
        "from exarp.hosts.local import LocalHost\n"
        "from exarp.model.launch import Exited, Launch\n"
        "os.setsid()\n"
        "with LocalHost('orphaned') as host:\n"
        "    host.start(Launch(1, 't', (('sh', '-c', 'exit 3'),), dict(os.environ), '/', '/nowhere'))\n"
        "    host.suspend()\n"
        "    print([event.status for event in host.wait(20) if isinstance(event, Exited)])\n"
    )
    env = {**os.environ, "PYTHONPATH": str(Path(exarp.__file__).parents[1])}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, timeout=30, check=True)
    assert done.stdout == "[3]\n"


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
