"""msgspec, loaded without what it only looks for.

Knows that msgspec takes ``typing_extensions`` where that is installed, for others' sake, and Python's own ``typing``, which has
all that exarp uses, where it is not. Loading the former, and ``inspect`` with it, is a fifth of what exarp takes to start.
"""

from __future__ import annotations

import sys

if "msgspec" not in sys.modules and "typing_extensions" not in sys.modules:
    # What stands here as None is not there, to who imports it.
    sys.modules["typing_extensions"] = None  # type: ignore[assignment]
    try:
        import msgspec as msgspec
    finally:
        del sys.modules["typing_extensions"]
