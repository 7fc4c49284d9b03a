"""What one command costs: wall clock, CPU, peak memory.

Knows how to run a command to its end and to ask the kernel what it and all it waited for used. Does not know what the
command is, nor what a good figure would be.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

# How often the memory of a running command is looked at, in milliseconds; a look takes some 30 µs.
LOOK_EVERY_MS = 25

# These change what a build tool does or prints, and are not the same on two machines.
UNSET = ("CI", "NINJA_STATUS", "MAKEFLAGS", "FORCE_COLOR", "PYTHONDONTWRITEBYTECODE")

# How long a command that took too long has to end, in seconds, before it is killed.
GRACE = 10


@dataclass(frozen=True)
class Cost:
    """Seconds of wall clock and of CPU (user and system, with all descendants waited for), and peak memory in KiB.

    ``peak`` is of the command's own process, not of its children, and 0 where it was gone before it could be looked at.
    """

    wall: float
    cpu: float
    peak: int
    output: str


class CommandFailed(Exception):
    """A measured command did not exit with 0; the text names it and repeats the end of its output."""


class TookTooLong(CommandFailed):
    """A measured command was ended, because it took longer than it may."""


def environment() -> dict[str, str]:
    """That of the caller, without what makes two machines differ."""
    return {key: value for key, value in os.environ.items() if key not in UNSET and not key.startswith("EXARP_")}


def cost_of(argv: Sequence[str], cwd: Path, limit: float | None = None) -> Cost:
    """Run ``argv`` in ``cwd`` without a terminal, for ``limit`` seconds at most (Linux). Raises CommandFailed, TookTooLong."""
    with tempfile.TemporaryFile() as sink:
        begun = time.perf_counter()
        process = subprocess.Popen(
            argv,
            cwd=cwd,
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=subprocess.STDOUT,
            start_new_session=limit is not None,
        )
        peak, in_time = _watch(process.pid, limit)
        if not in_time:
            end_session(process.pid)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - begun
        process.returncode = os.waitstatus_to_exitcode(status)
        sink.seek(0)
        output = sink.read().decode(errors="replace")
    if not in_time:
        raise TookTooLong(f"{' '.join(argv)}: more than {limit:.0f} s")
    if process.returncode:
        raise CommandFailed(failure_text(argv, process.returncode, cwd, output))
    return Cost(wall, usage.ru_utime + usage.ru_stime, peak, output)


def failure_text(argv: Sequence[str], code: int, cwd: Path, output: str) -> str:
    """What failed, and the end of what it said."""
    tail = "\n".join(output.splitlines()[-20:])
    return f"{' '.join(argv)}: exit {code} in {cwd}\n{tail}"


def end_session(pid: int) -> None:
    """End process ``pid``, not yet waited for, and the process group that it leads; kill what does not end."""
    os.killpg(pid, signal.SIGTERM)
    if not wait_until_ended(pid, GRACE):
        os.killpg(pid, signal.SIGKILL)


def wait_until_ended(pid: int, limit: float | None) -> bool:
    """Wait for the end of ``pid``, without reaping it; whether it came within ``limit`` seconds. Linux."""
    ended = os.pidfd_open(pid)
    try:
        poll = select.poll()
        poll.register(ended, select.POLLIN)
        return bool(poll.poll(None if limit is None else limit * 1000))
    finally:
        os.close(ended)


def _watch(pid: int, limit: float | None) -> tuple[int, bool]:
    """Highest resident size of ``pid`` in KiB, looked at until it has ended, and whether it ended within ``limit`` seconds.

    0 where only Linux could tell. Not ``ru_maxrss``: a child starts with the resident size of the process that started
    it, and the interpreter that runs this script is larger than ninja. See memory.py.
    """
    if not sys.platform.startswith("linux"):
        return 0, True
    peak = 0
    latest = None if limit is None else time.monotonic() + limit
    ended = os.pidfd_open(pid)
    try:
        poll = select.poll()
        poll.register(ended, select.POLLIN)
        while not poll.poll(LOOK_EVERY_MS):
            peak = max(peak, _high_water(pid))
            if latest is not None and time.monotonic() > latest:
                return peak, False
    finally:
        os.close(ended)
    return peak, True


def _high_water(pid: int) -> int:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    for line in status.splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1])
    return 0
