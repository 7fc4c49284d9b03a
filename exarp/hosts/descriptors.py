"""How many attempts fit into the file descriptors that this process may open.

Knows the limit of the system (getrlimit(2)), and what an attempt takes. Does not know how many are wanted.
"""

from __future__ import annotations

import os
import resource

# A pipe's two ends, a pidfd and a log.
_AN_ATTEMPT = 4
# For what comes and goes: starting a process, the store, a file that is hashed, the views; and a jobserver.
_SPARE = 27


class Room:
    """``attempts``: how many fit at once, at least one; None where there is no limit, which is ``limit`` otherwise."""

    def __init__(self) -> None:
        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        self.limit = soft
        self.attempts = None if soft == resource.RLIM_INFINITY else max(1, (soft - _open() - _SPARE) // _AN_ATTEMPT)


def _open() -> int:
    try:
        return len(os.listdir("/dev/fd"))
    except OSError:
        return 0
