"""How the process ends: by a signal, and with streams that nobody reads any more.

Knows the exit codes of signals. Does not know what is going on.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from types import FrameType


@contextmanager
def ending() -> Iterator[None]:
    """Until a command is over: ended by a signal where no run has its own handlers, exarp exits with 128 + n, as the contract has
    it; what it is in the middle of is left in order. Afterwards the handlers of before are back, and output that nobody could
    take is let go."""

    def end(received: int, frame: FrameType | None) -> None:
        sys.exit(128 + received)

    handlers: dict[int, Any] = dict.fromkeys((signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT), end)
    handlers[signal.SIGINT] = signal.default_int_handler
    # Under nohup a hang-up stays ignored.
    heard = [signum for signum in handlers if signal.getsignal(signum) is not signal.SIG_IGN]
    before = {signum: signal.signal(signum, handlers[signum]) for signum in heard}
    try:
        yield
    finally:
        for signum, handler in before.items():
            signal.signal(signum, handler)
        _let_go(sys.stdout)
        _let_go(sys.stderr)


def _let_go(stream: TextIO) -> None:
    """What a gone reader or a full disk left unwritten must not become a complaint of Python's, and exit code 120."""
    try:
        stream.flush()
    except OSError:
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, stream.fileno())
        os.close(null)
