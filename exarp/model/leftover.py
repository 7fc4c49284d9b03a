"""What of another tool's file is not in the manifest that was made of it.

Knows the value. Does not know why there is no counterpart.
"""

from __future__ import annotations

import msgspec


class Leftover(msgspec.Struct, frozen=True, order=True):
    """Something that was not converted: the line it stands in (1-based; 0: no one line), its text, and why not. ``file``: where
    it is not the one that was named."""

    file: str
    line: int
    text: str
    why: str

    def place(self, source: str) -> str:
        """Where it stands, in or beside ``source``."""
        file = self.file or source
        return f"{file}:{self.line}" if self.line else file
