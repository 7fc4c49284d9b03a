"""A process that is not ours: sent a signal only while it is the one that was meant.

Knows pidfds, which keep a number from being used again while it is looked at. Does not know what the process does.
"""

from __future__ import annotations

import os
import signal

from exarp.hosts.process_tree import identity


def send(pid: int, process: str, signum: int) -> bool:
    """Send a signal to the process of this number and ``identity``; False where it does not live any more.

    Where the machine tells no identity, the number alone must do. Raises PermissionError.
    """
    try:
        descriptor = os.pidfd_open(pid)
    except AttributeError:
        return _send_by_number(pid, process, signum)
    except ProcessLookupError:
        return False
    except OSError:
        # An old kernel or a sandbox refuses the call although Python has it.
        return _send_by_number(pid, process, signum)
    try:
        # Asked while the descriptor is open: it stands for the process that had the number then, or for one that is dead.
        if not _is(pid, process):
            return False
        signal.pidfd_send_signal(descriptor, signum)
    except ProcessLookupError:
        return False
    finally:
        os.close(descriptor)
    return True


def _send_by_number(pid: int, process: str, signum: int) -> bool:
    if not _is(pid, process):
        return False
    try:
        os.kill(pid, signum)
    except ProcessLookupError:
        return False
    return True


def _is(pid: int, process: str) -> bool:
    now = identity(pid)
    return now is not None and (not now or not process or now == process)
