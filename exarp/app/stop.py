"""The use case ``stop``: end the run of another process as Ctrl-C at its terminal would.

Knows whom to tell, and how to await the end. Does not know what the run does about it.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Sequence

from exarp.app.following import find_run
from exarp.app.history import ask, runs
from exarp.app.wiring import at_work, send_to
from exarp.errors import Problem, UsageError
from exarp.store.holders import HolderRow
from exarp.store.runs import RUNNING, RunRow

_LOOK_EVERY = 0.05
# Two of one signal at once are one: the second comes once the first has surely been taken.
_AGAIN_EVERY = 0.2


def stop(root: str, run: str | None, now: bool, on_wait: Callable[[str], None]) -> tuple[bool, RunRow | None]:
    """End what is at work in the workspace, and wait until it has ended. Whether anything was, and the run as it is then.

    ``now``: without the grace that tasks have. ``run``: that one and no other. ``on_wait`` is called with who is being
    ended. Raises UsageError ``no-run`` where there is no such run, ``which-run`` where several are at work and none is named,
    ``cannot-stop`` where it belongs to somebody else.
    """
    row = find_run(root, run) if run is not None else None
    found = [each for each in at_work(root) if run is None or each.run == run]
    if not found or (row is not None and row.outcome != RUNNING):
        return False, row if row is not None else _newest(root)
    if len(found) > 1:
        raise _ambiguous(found)
    (worker,) = found
    on_wait(str(worker.holder))
    _end(root, worker, now)
    return True, ask(root, lambda _, history: history.find(worker.run), None)


def _ambiguous(found: Sequence[HolderRow]) -> UsageError:
    told = "; ".join(f"run {each.run} ({each.holder})" if each.run else str(each.holder) for each in found)
    first = next((each.run for each in found if each.run), "")
    step = f"name one: exarp stop {first}" if first else "end them as they were started"
    return UsageError(Problem("which-run", f"{len(found)} are at work here: {told}", None, step))


def _end(root: str, worker: HolderRow, now: bool) -> None:
    holder = worker.holder
    _tell(worker, holder.signal)
    # One that is stopped (Ctrl-Z) takes the signal when it goes on.
    _tell(worker, signal.SIGCONT)
    told = time.monotonic()
    while worker in at_work(root):
        time.sleep(_LOOK_EVERY)
        if now and time.monotonic() - told >= _AGAIN_EVERY:
            _tell(worker, holder.signal)
            told = time.monotonic()


def _tell(worker: HolderRow, signum: int) -> None:
    try:
        send_to(worker.holder, signum)
    except PermissionError:
        message = f"what runs here belongs to somebody else ({worker.holder})"
        raise UsageError(Problem("cannot-stop", message, None, "ask them, or end it as they would")) from None


def _newest(root: str) -> RunRow | None:
    return next(iter(runs(root, 1)), None)
