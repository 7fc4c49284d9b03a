"""How many examples tests draw."""

from __future__ import annotations

import os

# Set where the same tests run once more, on another interpreter: what is drawn is for rules that are alike on all of them.
THRIFT = int(os.environ.get("EXARP_TEST_THRIFT", "1"))


def examples(count: int) -> int:
    """``count``, or the part of it that thrift leaves."""
    return max(10, count // THRIFT)
