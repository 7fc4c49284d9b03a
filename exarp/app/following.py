"""The use cases ``events`` and ``wait``: a run that another process carries out, followed to its end.

Knows how often to look, and when a run is over. Does not know how events are shown.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping

from exarp.app.history import LOOK_EVERY, ask, faults
from exarp.app.outer_runs import runs_around
from exarp.app.wiring import at_work
from exarp.errors import BusyError, Problem, UsageError
from exarp.model.event import Event
from exarp.store.database import Database
from exarp.store.events import EventLog
from exarp.store.runs import RUNNING, RunHistory, RunRow

# A run of 100,000 tasks has more events than need to be in memory at once.
_AT_ONCE = 10_000
# Nobody sees that a run has ended a little later.
_WAIT_EVERY = 0.05
# More runs than these are never at work at once.
_LOOKED_AT = 1000


def find_run(root: str, run: str | None) -> RunRow:
    """The run of this id, or the newest. Raises UsageError ``no-run`` where there is none."""
    found = ask(root, lambda _, history: history.latest() if run is None else history.find(run), None)
    if found is not None:
        return found
    if unknown := faults(root):
        raise UsageError(Problem("no-run", f"which runs there were is not known: {'; '.join(unknown)}"))
    if run is None:
        raise UsageError(Problem("no-run", "no run yet", None, "`exarp run` makes one"))
    raise UsageError(Problem("no-run", f"there is no run {run!r} here", None, "`exarp history` lists runs"))


def follow_events(root: str, run: str, since: int = 0, follow: bool = False) -> Iterator[list[Event]]:
    """The stored events of a run with a ``seq`` above ``since``, in pieces; with ``follow`` until the run has ended.

    Raises UsageError ``no-run`` where the run is gone all of a sudden.
    """

    def query(database: Database, history: RunHistory) -> tuple[RunRow | None, list[Event]]:
        return history.find(run), EventLog(database).read(run, since, _AT_ONCE)

    nothing: tuple[RunRow | None, list[Event]] = (None, [])
    while True:
        row, events = ask(root, query, nothing)
        if row is None:
            raise _gone(run)
        yield events
        if events:
            since = events[-1].seq
        if len(events) == _AT_ONCE:
            continue
        if not follow or row.outcome != RUNNING:
            return
        time.sleep(LOOK_EVERY)


def wait_for(root: str, run: str | None, environ: Mapping[str, str], on_wait: Callable[[str], None]) -> RunRow | None:
    """Wait until a run, or all that is at work in the workspace now, has ended; the run, as it ended.

    ``on_wait`` is called with each that is waited for. Without ``run`` the newest of these; None where there is none,
    also after the end of what made none (as ``--touch`` does). Raises UsageError ``no-run`` where there is none of that id,
    BusyError ``inside-a-run`` where this process is a part of what it would wait for.
    """
    row = find_run(root, run) if run is not None else _newest(root)
    workers = [each for each in at_work(root) if run is None or each.run == run]
    if not workers or (run is not None and row is not None and row.outcome != RUNNING):
        return row
    outer = runs_around(root, environ)
    for each in workers:
        if each.run in outer:
            message = f"run {each.run} waits for this task of it, and the task would wait for the run"
            raise BusyError(Problem("inside-a-run", message, None, "wait outside of the run"))
    for each in workers:
        on_wait(str(each.holder))
    while not set(workers).isdisjoint(at_work(root)):
        time.sleep(_WAIT_EVERY)
    if run is not None:
        return find_run(root, run)
    ids = {each.run for each in workers}
    return ask(root, lambda _, history: next((row for row in history.runs(_LOOKED_AT) if row.id in ids), None), None)


def _newest(root: str) -> RunRow | None:
    return ask(root, lambda _, history: history.latest(), None)


def _gone(run: str) -> UsageError:
    return UsageError(Problem("no-run", f"what run {run} left is gone", None, "`exarp history` lists runs"))
