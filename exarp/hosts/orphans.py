"""What a run that was killed has left running: found by the mark in its environment, and ended.

Knows the mark that each attempt's processes inherit, whatever session or parent they have by now (Linux). Does not know
which runs were killed.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Collection

from exarp.hosts.children import DAEMON, MARK
from exarp.hosts.process_tree import Process, read_proc, read_process, send_one

# Between SIGTERM and SIGKILL, in seconds; nobody has anything to finish for a run that is no more.
_GRACE = 2.0
_LOOK_EVERY = 0.01
# Whoever starts others while it is being ended is met again.
_ROUNDS = 5


def find_orphans(mark: str) -> list[Process]:
    """The living processes that attempts with marks of that beginning have left, but for daemons, which are to stay.

    None where this process is one of them, or the machine has no table of environments.
    """
    if _has(os.environ.get(MARK, "").encode(), mark.encode()):
        return []
    try:
        pids = [int(entry) for entry in os.listdir("/proc") if entry.isdecimal()]
    except OSError:
        return []
    found = []
    for pid in pids:
        variables = read_proc(pid, "environ")
        if MARK.encode() not in variables:
            continue
        values = dict(entry.partition(b"=")[::2] for entry in variables.split(b"\0"))
        orphan = _has(values.get(MARK.encode(), b""), mark.encode()) and not values.get(DAEMON.encode())
        process = read_process(pid) if orphan else None
        if process is not None:
            found.append(process)
    return found


def end_orphans(mark: str) -> list[str]:
    """End what ``find_orphans`` finds; the names of these programs, each once."""
    names: dict[str, None] = {}
    for _ in range(_ROUNDS):
        found = find_orphans(mark)
        if not found:
            break
        names.update(dict.fromkeys(process.name for process in found))
        _end(found)
    return list(names)


def _end(processes: Collection[Process]) -> None:
    left = [process.pid for process in processes]
    for signum, grace in ((signal.SIGTERM, _GRACE), (signal.SIGKILL, _GRACE)):
        for pid in left:
            send_one(pid, signum)
            # What is stopped does not hear anything before it goes on.
            send_one(pid, signal.SIGCONT)
        until = time.monotonic() + grace
        while (left := [pid for pid in left if read_process(pid) is not None]) and time.monotonic() < until:
            time.sleep(_LOOK_EVERY)
        if not left:
            return


def _has(value: bytes, mark: bytes) -> bool:
    """Whether one of the marks of a process, outermost first, begins so."""
    return any(part.startswith(mark) for part in value.split(b"/"))
