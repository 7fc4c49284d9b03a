"""How the process ends: by a signal, and with streams that nobody reads any more.

Knows the exit codes of signals. Does not know what is going on.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from types import FrameType


def end_with_status() -> dict[int, Any]:
    """Ended by a signal where no run has its own handlers, exarp exits with 128 + n, as the contract has it; what it is in
    the middle of is left in order. Gives back what handled these signals before."""

    def end(received: int, frame: FrameType | None) -> None:
        sys.exit(128 + received)

    handlers: dict[int, Any] = dict.fromkeys((signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT), end)
    handlers[signal.SIGINT] = signal.default_int_handler
    # Under nohup a hang-up stays ignored.
    heard = [signum for signum in handlers if signal.getsignal(signum) is not signal.SIG_IGN]
    return {signum: signal.signal(signum, handlers[signum]) for signum in heard}


def let_go(stream: TextIO) -> None:
    """What a gone reader or a full disk left unwritten must not become a complaint of Python's, and exit code 120."""
    try:
        stream.flush()
    except OSError:
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, stream.fileno())
        os.close(null)
