"""A question to the person at the terminal.

Knows how it is put, and which of its options is meant by what is typed. Never waits for an answer. Does not know what follows.
"""

from __future__ import annotations

import contextlib
import os
import select
import termios
from typing import TextIO

from exarp.model.event import QuestionAsked
from exarp.views import escape, words

_YES_OR_NO = ("yes", "no")


class Question:
    """Asks on ``stderr``, and reads the answer from the terminal behind the descriptor ``source``."""

    def __init__(self, stderr: TextIO, source: int = 0) -> None:
        self._stderr = stderr
        self._source = source
        self._options: tuple[str, ...] = _YES_OR_NO
        self._put = ""

    def ask(self, question: QuestionAsked) -> None:
        """Put a question."""
        self._options = question.options
        keys = "y/N" if self._options == _YES_OR_NO else "/".join(option[0] for option in self._options)
        with contextlib.suppress(termios.error, OSError):
            # What was typed before is no answer.
            termios.tcflush(self._source, termios.TCIFLUSH)
        self._put = f"{words.question(question)} [{keys}] "
        self._say(self._put)

    def answer(self) -> str | None:
        """The option that was typed; None as long as it was nothing, empty where nothing will be. What is no option is asked
        again."""
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
        return self._meant(typed.decode("utf-8", "replace").strip().lower(), bool(typed))

    def _meant(self, typed: str, more: bool) -> str | None:
        """What is meant by a line; by the end of all typing (not ``more``) no, or nothing."""
        if self._options == _YES_OR_NO:
            return "yes" if typed in ("y", "yes") else "no"
        meant = [option for option in self._options if typed and option.startswith(typed)]
        if len(meant) == 1:
            return meant[0]
        if not more:
            return ""
        self._say(f"one of {', '.join(self._options)}, or the first letter of it\n{self._put}" if typed else self._put)
        return None

    def take_back(self, answer: str | None) -> None:
        """Nobody needs an answer any more, or somebody else has given this one."""
        self._say(f"{escape.name(answer)} (answered elsewhere)\n" if answer is not None else "\n")

    def debug(self, task: str, folder: str, log: str) -> None:
        """A shell follows."""
        printed = "; $EXARP_LOG is what it printed" if log else ""
        self._say(f"a shell for {escape.name(task)} in {escape.name(folder)}{printed}; leave it with exit\n")

    def _say(self, text: str) -> None:
        try:
            self._stderr.write(text)
            self._stderr.flush()
        except OSError:
            # Nobody reads it; then nobody answers, and the run can be ended as ever.
            return
