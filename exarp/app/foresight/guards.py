"""Which guards a run would have something to do for: what it would verify, and where it would stop for a person.

Knows that a guard is due where something before it would run, and where it is due in any case. Does not know what becomes of
it: that shows when it runs.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from exarp.app.freshness.checker import Checker
from exarp.app.running.guards import Guards
from exarp.engine.state import State
from exarp.model.event import IDLE, FreshnessReason
from exarp.model.manifest import Manifest
from exarp.model.plan import Guard, Plan
from exarp.planning.guards import guarded
from exarp.store.database import Database
from exarp.store.reading import read
from exarp.store.state_folder import StateFolder
from exarp.store.successes import Successes


class DueGuard(msgspec.Struct, frozen=True):
    """A guard that would not simply let the run pass, and why."""

    guard: Guard
    reason: FreshnessReason


def due_guards(
    root: str, plan: Plan, manifest: Manifest, checker: Checker, freshness: Mapping[int, FreshnessReason | None]
) -> tuple[DueGuard, ...]:
    """The guards of a run of ``plan`` that would have something to do. ``freshness``: why tasks would run."""
    whole, tasks = guarded(plan, manifest)
    if not whole.guards:
        return ()
    guards = Guards(whole, tasks, checker, _recorded(root, [guard.name for guard in whole.guards]), "")
    runs = {task for task, reason in freshness.items() if reason is not None and reason.code not in IDLE}
    found = []
    for at, guard in enumerate(whole.guards):
        gathered = {need for member in guard.members if tasks[member].is_group for need in whole.needs[member]}
        ran = not runs.isdisjoint(gathered)

        def state(task: int, ran: bool = ran) -> State:
            return State.PASSED if task in runs or (ran and tasks[task].is_group) else State.UP_TO_DATE

        reason = guards.check(whole.first_guard + at, state, _nothing).stale
        if reason is not None:
            found.append(DueGuard(guard, reason))
    return tuple(found)


def _nothing(name: str, record: bytes, duration_ms: None) -> None:
    """Nothing is stored by who only looks."""


def _recorded(root: str, names: list[str]) -> Mapping[str, bytes]:
    folder = StateFolder(root)
    if not folder.has_database():
        return {}

    def load(database: Database) -> Mapping[str, bytes]:
        return Successes(database).load(names)

    return read(folder.database, load)
