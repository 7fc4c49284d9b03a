"""What of another tool's file is not in the manifest that was made of it.

Knows the value. Does not know why there is no counterpart.
"""

from __future__ import annotations

import msgspec


class Leftover(msgspec.Struct, frozen=True, order=True):
    """Something that was not converted: the line it stands in (1-based), its text, and why not."""

    line: int
    text: str
    why: str
