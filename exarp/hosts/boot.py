"""When this machine was started.

Knows its clocks. Does not know what went on before.
"""

from __future__ import annotations

import time


def booted_at() -> float | None:
    """Seconds since the epoch, by the clock of now; None where the machine does not tell (macOS)."""
    clock = getattr(time, "CLOCK_BOOTTIME", None)
    return None if clock is None else time.time() - time.clock_gettime(clock)
