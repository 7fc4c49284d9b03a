"""Waiting while nothing runs, so that signals are heard.

Knows what ends and what stops this process. Does not know what it waits for.
"""

from __future__ import annotations

import os
import select
import signal

from exarp.hosts.signals import TOLD, Signals


class Idling:
    """A context in which signals to this process are told by ``pause`` instead of ending it."""

    def __enter__(self) -> Idling:
        self._signals = Signals()
        return self

    def __exit__(self, *_: object) -> None:
        self._signals.rest()
        for signum in self._signals.take():
            # Nobody has paused since it came.
            if signum in TOLD:
                os.kill(os.getpid(), signum)
        self._signals.close()

    def pause(self, seconds: float) -> int | None:
        """Wait; the number of the signal that is to end this process, if one came. SIGTSTP stops it here."""
        select.select([self._signals.reader], [], [], seconds)
        taken = self._signals.take()
        if signal.SIGTSTP in taken:
            with self._signals.unwatched(signal.SIGTSTP):
                os.kill(os.getpid(), signal.SIGTSTP)
        return next((signum for signum in taken if signum in TOLD), None)
