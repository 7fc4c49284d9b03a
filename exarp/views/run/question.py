"""A question to the person at the terminal.

Knows how it is put and what counts as yes. Never waits for an answer. Does not know what is asked for, or what follows.
"""

from __future__ import annotations

import os
import select
from typing import TextIO

from exarp.views import escape

_YES = frozenset({"y", "yes"})


class Question:
    """Asks on ``stderr``, and reads the answer from the terminal behind the descriptor ``source``."""

    def __init__(self, stderr: TextIO, source: int = 0) -> None:
        self._stderr = stderr
        self._source = source

    def ask(self, question: str) -> None:
        """Put a question that takes yes or no."""
        self._say(f"{escape.name(question)} [y/N] ")

    def answer(self) -> bool | None:
        """What was typed; None as long as it was nothing."""
        try:
            if os.tcgetpgrp(self._source) != os.getpgrp():
                # In the background, reading would stop the whole run.
                return None
            if not select.select([self._source], [], [], 0)[0]:
                return None
            typed = os.read(self._source, 4096)
        except OSError:
            typed = b""
        if not typed:
            self._say("\n")
        return typed.decode("utf-8", "replace").strip().lower() in _YES

    def take_back(self) -> None:
        """Nobody needs an answer any more."""
        self._say("\n")

    def _say(self, text: str) -> None:
        try:
            self._stderr.write(text)
            self._stderr.flush()
        except OSError:
            # Nobody reads it; then nobody answers, and the run can be ended as ever.
            return
