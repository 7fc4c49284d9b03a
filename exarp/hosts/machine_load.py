"""How much the machine has to do.

Knows where the system tells it. Does not know how much is too much.
"""

from __future__ import annotations

import os

_TOLD = "/proc/loadavg"


def machine_load() -> float:
    """How many processes (on Linux: threads) run or are ready to at this moment, this one among them, where the system tells
    (Linux); else how many did on average, over the last minute. As GNU make 4.4 has it: an average of a minute knows nothing yet
    of what has been started a second ago.
    """
    try:
        with open(_TOLD, encoding="ascii") as file:
            return float(file.read().split()[3].partition("/")[0])
    except (OSError, ValueError, IndexError):
        return os.getloadavg()[0]
