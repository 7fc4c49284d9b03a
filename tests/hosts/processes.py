"""What tests ask of the real process table: who carries a marker, and which children are dead but not reaped."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

from exarp.app.ports import Host
from exarp.hosts.process_tree import read_proc
from exarp.model.launch import Exited, HostEvent, Launch, Output

VARIABLE = "HOST_TEST"

REACTS = """
import os, signal, sys
answers = dict(argument.split("=") for argument in sys.argv[1:])
signals = {signal.Signals["SIG" + name]: name for name in answers}
signal.pthread_sigmask(signal.SIG_BLOCK, signals)
os.write(1, b"ready\\n")
while True:
    name = signals[signal.sigwait(signals)]
    os.write(1, name.encode() + b"\\n")
    if answers[name]:
        sys.exit(int(answers[name]))
"""

MakeLaunch = Callable[..., Launch]


def reacts(*answers: str) -> tuple[str, ...]:
    """A command that prints `ready`, then the name of every signal it gets: `INT=7` exits with 7, `INT=` goes on.

    A shell's trap would not do: a signal just before it waits for its child is handled only afterwards.
    """
    return (sys.executable, "-c", REACTS, *answers)


def survivors(marker: str, folder: Path | None = None) -> list[str]:
    """The command lines of living processes that have the marker in their environment, or work in the folder.

    This process does not count.
    """
    sought = f"{VARIABLE}={marker}".encode()
    pids = [int(entry) for entry in os.listdir("/proc") if entry.isdecimal() and int(entry) != os.getpid()]
    found = [pid for pid in pids if sought in read_proc(pid, "environ").split(b"\0") or _works_in(pid, folder)]
    return [read_proc(pid, "cmdline").replace(b"\0", b" ").decode() for pid in found]


def _works_in(pid: int, folder: Path | None) -> bool:
    try:
        return folder is not None and os.readlink(f"/proc/{pid}/cwd") == str(folder)
    except OSError:
        return False


def children() -> list[int]:
    """The children of this process, but for the one that other tests have exarp forked from."""
    pid = os.getpid()
    found = [int(child) for child in read_proc(pid, f"task/{pid}/children").split()]
    return [child for child in found if b"fork_server" not in read_proc(child, "cmdline")]


def zombies() -> list[int]:
    """Children of this process that are dead and not reaped."""
    return [child for child in children() if b") Z " in read_proc(child, "stat")]


def until_dead() -> None:
    """Wait until the only child of this process, if there is one, is dead; nobody is told of it before it is reaped."""
    end = time.monotonic() + 20
    while children() and not zombies():
        assert time.monotonic() < end


def exits(host: Host, *keys: int) -> dict[int, Exited]:
    """Wait until these attempts are over; how each ended, by key."""
    return {event.key: event for event in history(host, *keys) if isinstance(event, Exited)}


def history(host: Host, *keys: int) -> list[HostEvent]:
    """Wait until these attempts are over; everything that happened until then."""
    told: list[HostEvent] = []
    missing = set(keys)
    while missing:
        events = host.wait(20)
        assert events, f"nothing happened for 20 s, still waiting for {missing}"
        told += events
        missing -= {event.key for event in events if isinstance(event, Exited)}
    return told


def until_printed(host: Host, key: int, text: bytes) -> bytes:
    """Wait until the attempt has printed the text; all that it printed."""
    printed = b""
    while text not in printed:
        events = host.wait(20)
        assert events, f"nothing happened for 20 s, got {printed!r}"
        assert not any(isinstance(event, Exited) and event.key == key for event in events), events
        printed += output(events, key)
    return printed


def output(events: list[HostEvent], key: int) -> bytes:
    """What an attempt printed, of these events."""
    return b"".join(event.data for event in events if isinstance(event, Output) and event.key == key)


def endings(events: list[HostEvent]) -> list[tuple[int | None, int | None]]:
    """Status and signal of every exit, in order."""
    return [(event.status, event.signal) for event in events if isinstance(event, Exited)]
