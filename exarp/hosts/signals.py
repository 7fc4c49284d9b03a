"""Signals sent to exarp itself, turned into bytes on a descriptor that a selector can watch.

Knows handlers and the wake-up descriptor, and puts back what it found. Does not know what a signal means for a run.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

TOLD = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
"""Signals that the run is told about."""


def heard_signal() -> int:
    """The number of the signal that ends a run here as Ctrl-C does: an interrupt, where that is not ignored, as it is behind a
    script's ``&``."""
    candidates = (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT)
    return next((signum for signum in candidates if signal.getsignal(signum) is not signal.SIG_IGN), signal.SIGTERM)


class Signals:
    """Watches ``TOLD`` until ``close``, and SIGTSTP where it would stop exarp. What was ignored has no effect, as under nohup
    or behind a script's ``&``.

    ``heard`` is False outside the main thread, where Python does not let handlers be set: then nothing ever arrives.
    """

    def __init__(self) -> None:
        self.reader, self._writer = os.pipe()
        os.set_blocking(self.reader, False)
        os.set_blocking(self._writer, False)
        self._found: dict[int, Any] = {}
        self._watched: set[int] = set()
        self._unheard: set[int] = set()
        self._old_wakeup = -1
        self._is_resting = True
        # Where nobody has loaded it, there is no other thread.
        threading = sys.modules.get("threading")
        self.heard = threading is None or threading.current_thread() is threading.main_thread()
        self.wake()

    def watch(self, signum: int) -> None:
        """Let this signal arrive too."""
        if self.heard and signum not in self._watched:
            self._watched.add(signum)
            self._set(signum, _noted)

    def unwatch(self, signum: int) -> None:
        """Let this signal do again what it did before."""
        if signum in self._watched:
            self._watched.discard(signum)
            found = self._found[signum]
            ignored = signum == signal.SIGCHLD and found is signal.SIG_IGN
            _put_back(signum, signal.SIG_DFL if ignored else found)

    @contextmanager
    def unwatched(self, signum: int) -> Iterator[None]:
        """A time in which the signal does what it did before, if it is watched."""
        watched = signum in self._watched
        self.unwatch(signum)
        try:
            yield
        finally:
            if watched:
                self.watch(signum)

    def take(self) -> bytes:
        """The numbers of the signals that arrived, one a byte, in order."""
        try:
            return bytes(signum for signum in os.read(self.reader, 4096) if signum not in self._unheard)
        except BlockingIOError:
            return b""

    def rest(self) -> None:
        """Put back every handler and the wake-up descriptor, until ``wake``. What has arrived can still be taken."""
        if not self._is_resting:
            self._is_resting = True
            for signum, handler in self._found.items():
                _put_back(signum, handler)
            signal.set_wakeup_fd(self._old_wakeup)

    def wake(self) -> None:
        """Watch again."""
        if self.heard and self._is_resting:
            self._is_resting = False
            self._found, self._unheard = {}, set()
            further, self._watched = self._watched, set()
            self._old_wakeup = signal.set_wakeup_fd(self._writer, warn_on_full_buffer=False)
            self._install()
            for signum in further:
                self.watch(signum)

    def close(self) -> None:
        """As ``rest``, for good."""
        self.rest()
        os.close(self.reader)
        os.close(self._writer)

    def _install(self) -> None:
        for signum in TOLD:
            if signal.getsignal(signum) is not signal.SIG_IGN:
                self.watch(signum)
            elif signum != signal.SIGHUP:
                # Taken and dropped: tasks would inherit that it is ignored, and must be endable by it. Only a hang-up is to
                # spare them too.
                self._set(signum, _noted)
                self._unheard.add(signum)
        if signal.getsignal(signal.SIGTSTP) is signal.SIG_DFL:
            self.watch(signal.SIGTSTP)
        # Where SIGCHLD is ignored the kernel reaps children itself, and their statuses are lost.
        if signal.getsignal(signal.SIGCHLD) is signal.SIG_IGN:
            self._set(signal.SIGCHLD, signal.SIG_DFL)

    def _set(self, signum: int, handler: Any) -> None:
        before = signal.signal(signum, handler)
        self._found.setdefault(signum, before)


def _put_back(signum: int, handler: Any) -> None:
    # None: it was not set by Python, which cannot set it again.
    signal.signal(signum, signal.SIG_DFL if handler is None else handler)


def _noted(signum: int, frame: FrameType | None) -> None:
    """Does nothing: the wake-up descriptor has the number by the time that Python calls this."""
