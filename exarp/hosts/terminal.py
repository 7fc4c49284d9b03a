"""The terminal that exarp was started from, and who has it.

Knows foreground process groups and terminal modes (termios). Does not know attempts. Everything here does nothing where
there is no controlling terminal.
"""

from __future__ import annotations

import os
import signal
import termios
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from exarp.hosts.process_tree import exists

Modes = list[Any]


class Terminal:
    """The controlling terminal, by standard input or standard error; its modes are those found at construction."""

    def __init__(self) -> None:
        self._fd = next((fd for fd in (0, 2) if _controls(fd)), -1)
        self._found = self._modes()
        self._own: Modes | None = None
        self._lent: Modes | None = None
        self._holder = 0

    @property
    def present(self) -> bool:
        """Whether there is one."""
        return self._fd >= 0

    @property
    def is_ours(self) -> bool:
        """Whether this process's group is the foreground group."""
        return self._fd >= 0 and _foreground_group(self._fd) == os.getpgrp()

    def lend(self, group: int) -> bool:
        """Make a group the foreground group, with the modes it had last; False if the terminal is not ours to lend."""
        if not self.is_ours:
            return False
        self._own = self._modes()
        self._hand_to(group, self._lent)
        self._holder = group
        return True

    def is_lent_to(self, group: int) -> bool:
        """Whether a group has the terminal from us, and still is the foreground group."""
        return self._holder == group and _foreground_group(self._fd) == group

    def take_back(self) -> None:
        """Become the foreground group again, with our own modes, unless by now somebody else than the holder has it."""
        if not self._holder:
            return
        self._lent = self._modes()
        holder = _foreground_group(self._fd)
        if holder in (0, self._holder) or not exists(-holder):
            self._hand_to(os.getpgrp(), self._own)
        self._holder = 0

    def forget(self) -> None:
        """The one it was lent to is gone, and its modes with it."""
        self._lent = None

    def restore(self) -> None:
        """Set the modes found at construction, if they changed and we are in the foreground."""
        if self.is_ours and self._found and self._modes() != self._found:
            self._hand_to(os.getpgrp(), self._found)

    def _modes(self) -> Modes | None:
        try:
            return termios.tcgetattr(self._fd) if self._fd >= 0 else None
        except termios.error:
            return None

    def _hand_to(self, group: int, modes: Modes | None) -> None:
        with _allowed_from_background():
            try:
                os.tcsetpgrp(self._fd, group)
                if modes is not None:
                    termios.tcsetattr(self._fd, termios.TCSANOW, modes)
            except (OSError, termios.error):
                # Hung up, or the group is gone: there is nothing left to hand over.
                self._fd = self._fd if _controls(self._fd) else -1


def _controls(fd: int) -> bool:
    return os.isatty(fd) and _foreground_group(fd) > 0


def _foreground_group(fd: int) -> int:
    try:
        return os.tcgetpgrp(fd)
    except OSError:
        return 0


@contextmanager
def _allowed_from_background() -> Iterator[None]:
    # A background process that touches the terminal is stopped by SIGTTOU, unless it blocks it (termios(3)).
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTTOU})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
