"""The use case ``stop``: end the run of another process as Ctrl-C at its terminal would.

Knows whom to tell, and how to await the end. Does not know what the run does about it.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable

from exarp.app.following import find_run
from exarp.app.history import runs
from exarp.app.wiring import holder_of, send_to
from exarp.errors import Problem, UsageError
from exarp.store.run_lock import Holder
from exarp.store.runs import RUNNING, RunRow

_LOOK_EVERY = 0.05
# Two of one signal at once are one: the second comes once the first has surely been taken.
_AGAIN_EVERY = 0.2


def stop(root: str, run: str | None, now: bool, on_wait: Callable[[str], None]) -> tuple[bool, RunRow | None]:
    """End what is at work in the workspace, and wait until it has ended. Whether anything was, and the run as it is then.

    ``now``: without the grace that tasks have. ``run``: only if it is that one. ``on_wait`` is called with who is being
    ended. Raises UsageError ``no-run`` where there is no such run, ``cannot-stop`` where it belongs to somebody else.
    """
    row = find_run(root, run) if run is not None else None
    holder = holder_of(root)
    if not holder.pid or (row is not None and row.outcome != RUNNING):
        return False, row if row is not None else _newest(root)
    on_wait(str(holder))
    _end(root, holder, now)
    if run is not None:
        return True, find_run(root, run)
    newest = _newest(root)
    return True, newest if newest is not None and newest.pid == holder.pid else None


def _end(root: str, holder: Holder, now: bool) -> None:
    _tell(holder, holder.signal)
    # One that is stopped (Ctrl-Z) takes the signal when it goes on.
    _tell(holder, signal.SIGCONT)
    told = time.monotonic()
    while holder_of(root) == holder:
        time.sleep(_LOOK_EVERY)
        if now and time.monotonic() - told >= _AGAIN_EVERY:
            _tell(holder, holder.signal)
            told = time.monotonic()


def _tell(holder: Holder, signum: int) -> None:
    try:
        send_to(holder, signum)
    except PermissionError:
        message = f"what runs here belongs to somebody else ({holder})"
        raise UsageError(Problem("cannot-stop", message, None, "ask them, or end it as they would")) from None


def _newest(root: str) -> RunRow | None:
    return next(iter(runs(root, 1)), None)
