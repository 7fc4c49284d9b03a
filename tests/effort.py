"""How hard property tests try.

Knows the share of its usual examples that a test is given: all, or as many as ``EXAMPLES_SHARE`` says. CI tries most of
them on one interpreter, and few on the others, where another result would be a surprise.
"""

from __future__ import annotations

import os

_SHARE = float(os.environ.get("EXAMPLES_SHARE", "1"))


def tries(count: int) -> int:
    """How many examples a test takes that usually takes ``count``."""
    return max(5, round(count * _SHARE))
