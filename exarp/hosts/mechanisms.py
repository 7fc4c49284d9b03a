"""What this machine offers for owning process trees.

Knows how to detect pidfds, adoption of orphans (Linux's child subreaper) and the process table in ``/proc``, and what
cannot be promised where one of them is missing. Does not know how they are used.
"""

from __future__ import annotations

import os
import sys

import msgspec

from exarp.hosts.process_tree import has_controlling_terminal, read_proc

# <linux/prctl.h>
_PR_SET_CHILD_SUBREAPER = 36
_PR_GET_CHILD_SUBREAPER = 37


class Mechanisms(msgspec.Struct, frozen=True):
    """What may be used: ``pidfds`` to notice exits, ``adoption`` of orphans, ``table`` of all processes.

    ``groups``: a process group of its own sets a command apart as well as a session would, for less: there is no controlling
    terminal that it could be stopped by, and what it leaves behind is found without one. The kernel schedules by session where
    it groups them (sched(7), autogroup), and making such a group took 5 % of the CPU of a short command, and 7 % of its time.
    """

    pidfds: bool
    adoption: bool
    table: bool
    groups: bool = False

    @property
    def limits(self) -> tuple[str, ...]:
        """What cannot be promised here, one sentence each; empty where everything can."""
        said = []
        if not self.adoption:
            said.append(
                "a process that leaves its task's session or process group is not found and may outlive the run"
            )
        if not self.table:
            said.append("processes that a task leaves running are ended by process group and cannot be named")
        return tuple(said)


def children_file() -> str:
    """Where Linux lists the children of this process; orphans are adopted by its first thread."""
    pid = os.getpid()
    return f"/proc/{pid}/task/{pid}/children"


def detect() -> Mechanisms:
    """What works here, found out by trying."""
    adoption = sys.platform == "linux" and os.path.exists(children_file()) and subreaper() is not None
    stat = read_proc(os.getpid(), "stat")
    groups = adoption and bool(stat) and not has_controlling_terminal(stat)
    return Mechanisms(pidfds=_has_pidfds(), adoption=adoption, table=bool(stat), groups=groups)


def subreaper() -> bool | None:
    """Whether orphaned descendants are adopted by this process; None where the kernel has no such thing."""
    import ctypes

    answer = ctypes.c_int()
    if _prctl(_PR_GET_CHILD_SUBREAPER, ctypes.addressof(answer)):
        return None
    return bool(answer.value)


def set_subreaper(wanted: bool) -> None:
    """Adopt orphaned descendants, or no longer. Holds for the whole process; its children do not inherit it."""
    _prctl(_PR_SET_CHILD_SUBREAPER, int(wanted))


def _prctl(option: int, argument: int) -> int:
    import ctypes

    unused = ctypes.c_ulong(0)
    return int(ctypes.CDLL(None).prctl(option, ctypes.c_ulong(argument), unused, unused, unused))


def _has_pidfds() -> bool:
    # An old kernel or a sandbox refuses the call although Python has it.
    try:
        os.close(os.pidfd_open(os.getpid()))
    except (AttributeError, OSError):
        return False
    return True
