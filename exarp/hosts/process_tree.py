"""Finding the processes of a tree, and sending them signals.

Knows the process table of Linux (``/proc/PID/stat``, see proc(5)), and which processes belong together: descendants,
and everything in a session that one of them made. Does not know attempts, or when a tree is to end.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import NamedTuple

# Fields of /proc/PID/stat, counted from the state, which follows the name: the controlling terminal, how many threads, when it
# started, where the environment ends.
_TERMINAL, _THREADS, _START, _ENVIRONMENT_END = 4, 17, 19, 48


class Process(NamedTuple):
    """A living process. Where there is no table, ``pid`` is negative and stands for the whole group of that number."""

    pid: int
    parent: int
    group: int
    session: int
    stopped: bool
    name: str


class ProcessTable:
    """All living processes at one moment; zombies are left out."""

    def __init__(self, processes: Iterable[Process]) -> None:
        self._by_pid = {process.pid: process for process in processes}
        self._by_parent: defaultdict[int, list[Process]] = defaultdict(list)
        self._by_session: defaultdict[int, list[Process]] = defaultdict(list)
        for process in self._by_pid.values():
            self._by_parent[process.parent].append(process)
            self._by_session[process.session].append(process)

    @classmethod
    def read(cls) -> ProcessTable:
        """The table as it is now. Costs about 15 microseconds a process on the machine."""
        found = (read_process(int(entry)) for entry in os.listdir("/proc") if entry.isdecimal())
        return cls(process for process in found if process is not None)

    def tree(self, roots: Iterable[int], sessions: Iterable[int]) -> dict[int, Process]:
        """By pid: the roots, members of the sessions, their descendants, and whoever shares a session with one of them.

        This process and its own session are never followed. A root that is dead by now is given without a name: since
        it was called a root, it may have left others, which are in nobody's list yet.
        """
        us, own_session = os.getpid(), os.getsid(0)
        found: dict[int, Process] = {}
        queue = [self._by_pid.get(root) or read_process(root) or _departed(root) for root in roots]
        queue += [process for session in sessions for process in self._by_session[session]]
        while queue:
            process = queue.pop()
            if process.pid in found or process.pid == us:
                continue
            found[process.pid] = process
            queue += self._by_parent[process.pid]
            # Session 0 is not one: the kernel's threads have it, and who came from outside a container.
            if process.session not in (0, own_session):
                queue += self._by_session[process.session]
        return found


def _departed(pid: int) -> Process:
    return Process(pid, 0, 0, 0, False, "")


def read_process(pid: int) -> Process | None:
    """One process from the table; None if it does not exist, is dead, or may not be looked at."""
    stat = read_proc(pid, "stat")
    return _parsed(pid, stat) if stat else None


def is_replacing_program(pid: int) -> bool:
    """Whether a living process is inside execve(2), where it has no environment that could be read."""
    fields = read_proc(pid, "stat").rpartition(b")")[2].split()
    return len(fields) > _ENVIRONMENT_END and fields[0] not in (b"Z", b"X") and fields[_ENVIRONMENT_END] == b"0"


def read_proc(pid: int, entry: str) -> bytes:
    """A small file of ``/proc/PID``; empty if it cannot be read."""
    try:
        with open(f"/proc/{pid}/{entry}", "rb", buffering=0) as file:
            return file.read() or b""
    except OSError:
        return b""


def _parsed(pid: int, stat: bytes) -> Process | None:
    # The name may contain anything, spaces and parentheses too: only the last parenthesis ends it.
    opening, closing = stat.index(b"("), stat.rindex(b")")
    fields = stat[closing + 2 :].split()
    state, parent, group, session = fields[:4]
    # One whose first thread has ended is shown as a zombie although its other threads run.
    if state in b"ZX" and int(fields[_THREADS]) <= 1:
        return None
    name = stat[opening + 1 : closing].decode("utf-8", "replace")
    return Process(pid, int(parent), int(group), int(session), state in b"Tt", name)


def has_controlling_terminal(stat: bytes) -> bool:
    """Of a process by its ``stat``: whether one could stop it, or read what is typed."""
    return stat.rpartition(b")")[2].split()[_TERMINAL] != b"0"


def identity(pid: int) -> str | None:
    """What tells a living process from a later one of the same number: the boot, and when it started in it.

    Empty where the machine does not say; None where no such process lives (a zombie, which nobody has reaped, does not).
    """
    if pid <= 0 or not exists(pid):
        return None
    fields = read_proc(pid, "stat").rpartition(b")")[2].split()
    if not fields:
        return ""
    if fields[0] in (b"Z", b"X"):
        return None
    try:
        with open("/proc/sys/kernel/random/boot_id") as file:
            return f"{file.read().strip()} {int(fields[_START])}"
    except OSError:
        return ""


def descends_from(pid: int) -> bool:
    """Whether this process was started by another one, directly or not; False where the machine has no table."""
    at, seen = os.getpid(), set[int]()
    while at > 1 and at not in seen:
        seen.add(at)
        process = read_process(at)
        at = process.parent if process is not None else 0
        if at == pid and pid > 0:
            return True
    return False


def living_groups(groups: Iterable[int]) -> dict[int, Process]:
    """Stand-ins for those process groups that have members, where the members cannot be listed."""
    alive = (group for group in groups if exists(-group))
    return {-group: Process(-group, 0, group, 0, False, f"process group {group}") for group in alive}


def exists(target: int) -> bool:
    """Whether a process (or, if negative, a process group) exists, a zombie included."""
    try:
        os.kill(target, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        # On macOS this is also the answer for a group of zombies.
        return sys.platform == "linux"
    return True


def send(processes: Collection[Process], signum: int, groups: Collection[int]) -> None:
    """Send a signal to every process, once, by group where the group cannot have a stranger in it.

    In this process's own session other groups are the user's other jobs: there, only ``groups`` are signalled whole.
    A group is caught even while it forks. What is stopped is continued, or it could not react. Those who ignore SIGINT
    are sent SIGTERM instead: a shell's background jobs do, and each would take the whole grace.
    """
    for target in targets(processes, groups):
        send_one(target, signum)
    if signum == signal.SIGINT:
        for process in processes:
            if _ignores_interrupts(process.pid):
                send_one(process.pid, signal.SIGTERM)
    for process in processes:
        if process.stopped and signum != signal.SIGKILL:
            send_one(process.pid, signal.SIGCONT)


def targets(processes: Iterable[Process], groups: Collection[int], apart: Collection[int] = ()) -> set[int]:
    """Whom to send a signal that is meant for all of them: groups as negative numbers, and processes.

    In this process's own session only ``groups`` count as groups; those of ``apart`` are never taken whole.
    """
    own_session = os.getsid(0)
    found = set()
    for process in processes:
        whole = process.group not in (0, *apart) and (process.session != own_session or process.group in groups)
        found.add(-process.group if whole else process.pid)
    return found


def send_one(target: int, signum: int) -> None:
    """Send a signal to a process, or if negative to a group."""
    # It may be gone by now; one of another user (sudo) is found to be still there later, and said.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(target, signum)


def _ignores_interrupts(pid: int) -> bool:
    if pid < 0:
        return False
    _, found, rest = read_proc(pid, "status").partition(b"\nSigIgn:")
    return bool(found) and bool(int(rest.split(None, 1)[0], 16) >> (signal.SIGINT - 1) & 1)
