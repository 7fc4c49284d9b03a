"""What one command costs: wall clock, CPU, peak memory.

Knows how to run a command to its end and to ask the kernel what it and all it waited for used. Does not know what the
command is, nor what a good figure would be.
"""

from __future__ import annotations

import os
import select
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
UNSET = ("CI", "NINJA_STATUS", "MAKEFLAGS", "FORCE_COLOR")


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


def cost_of(argv: Sequence[str], cwd: Path) -> Cost:
    """Run ``argv`` in ``cwd`` without a terminal. Raises CommandFailed."""
    environ = {key: value for key, value in os.environ.items() if key not in UNSET and not key.startswith("EXARP_")}
    with tempfile.TemporaryFile() as sink:
        begun = time.perf_counter()
        process = subprocess.Popen(
            argv, cwd=cwd, env=environ, stdin=subprocess.DEVNULL, stdout=sink, stderr=subprocess.STDOUT
        )
        peak = _peak_until_exit(process.pid)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - begun
        process.returncode = os.waitstatus_to_exitcode(status)
        sink.seek(0)
        output = sink.read().decode(errors="replace")
    if process.returncode:
        tail = "\n".join(output.splitlines()[-20:])
        raise CommandFailed(f"{' '.join(argv)}: exit {process.returncode} in {cwd}\n{tail}")
    return Cost(wall, usage.ru_utime + usage.ru_stime, peak, output)


def _peak_until_exit(pid: int) -> int:
    """Highest resident size of process ``pid`` in KiB, looked at until it has ended; 0 where only Linux could tell.

    Not ``ru_maxrss``: a child starts with the resident size of the process that forked it, and the interpreter that
    runs this script is larger than ninja.
    """
    if not sys.platform.startswith("linux"):
        return 0
    peak = 0
    ended = os.pidfd_open(pid)
    try:
        poll = select.poll()
        poll.register(ended, select.POLLIN)
        while not poll.poll(LOOK_EVERY_MS):
            peak = max(peak, _high_water(pid))
    finally:
        os.close(ended)
    return peak


def _high_water(pid: int) -> int:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    for line in status.splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1])
    return 0
