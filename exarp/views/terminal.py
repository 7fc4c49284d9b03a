"""The terminal behind a stream, as far as a view must know it: how large it is, and whether it is this process's to draw on.

Knows what the kernel says of it. Does not write to it.
"""

from __future__ import annotations

import os
from typing import TextIO

_USUAL = os.terminal_size((80, 24))


class Terminal:
    """Where ``stream`` leads to, which may be no terminal at all. Everything is asked anew each time."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    @property
    def present(self) -> bool:
        """Whether it is a terminal."""
        return self._stream.isatty()

    @property
    def size(self) -> os.terminal_size:
        """Columns and lines; 80 by 24 where it does not say."""
        try:
            size = os.get_terminal_size(self._stream.fileno())
        except OSError:
            return _USUAL
        return size if size.columns and size.lines else _USUAL

    @property
    def in_front(self) -> bool:
        """Whether no other job has it, such as the shell that exarp is a background job of."""
        try:
            return os.tcgetpgrp(self._stream.fileno()) == os.getpgrp()
        except OSError:
            # It is not this session's controlling terminal: nobody takes turns on it.
            return True
