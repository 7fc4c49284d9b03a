"""The use case ``plan --diff``: a plan beside the one of the last run, or beside one that was saved.

Knows where earlier plans are kept. Does not know what a difference is (``planning.plan_diff``). Changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set

import msgspec

from exarp.app.history import ask
from exarp.errors import Problem, UsageError
from exarp.model.event import IDLE, FreshnessReason, RunStarted
from exarp.model.plan import Plan
from exarp.planning.plan_diff import PlanDiff, PlannedTask, plan_diff
from exarp.store.database import Database
from exarp.store.events import EventLog
from exarp.store.runs import RunHistory


class Against(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a plan is compared with: a run, with its time (RFC 3339) and command, or a file that holds a plan."""

    run: str = ""
    time: str = ""
    command: tuple[str, ...] = ()
    file: str = ""


class Compared(msgspec.Struct, frozen=True):
    """A plan beside an earlier one; ``against`` None: there is none."""

    against: Against | None
    diff: PlanDiff


class _SavedWave(msgspec.Struct):
    name: str
    tasks: list[str]
    part: int = 1


class _SavedTask(msgspec.Struct):
    needs: list[str] = []
    would_run: bool = False
    reason: str | None = None


class _SavedPlan(msgspec.Struct):
    version: int
    waves: list[_SavedWave]
    tasks: dict[str, _SavedTask]


def against_last_run(
    root: str, plan: Plan, freshness: Mapping[int, FreshnessReason | None], restored: Set[int] = frozenset()
) -> Compared:
    """A plan beside what the last run set out to do. What that knew of needs, and what ran then, is no difference.

    ``restored``: tasks that would be restored instead of being run.
    """

    def query(database: Database, history: RunHistory) -> list[RunStarted]:
        newest = history.latest()
        events = EventLog(database).read(newest.id, limit=1) if newest is not None else []
        return [event for event in events if isinstance(event, RunStarted)]

    nothing: list[RunStarted] = []
    begun = ask(root, query, nothing)
    if not begun:
        return Compared(None, PlanDiff())
    (started,) = begun
    waves = started.plan.waves
    titles = _titles((wave.name, wave.part) for wave in waves)
    then = {name: PlannedTask(title) for title, wave in zip(titles, waves, strict=True) for name in wave.tasks}
    return Compared(
        Against(started.run, started.time, started.command), plan_diff(then, _planned(plan, freshness, restored))
    )


def against_saved(
    data: bytes,
    file: str,
    plan: Plan,
    freshness: Mapping[int, FreshnessReason | None],
    restored: Set[int] = frozenset(),
) -> Compared:
    """A plan beside one that ``plan --json`` printed. ``file``: how messages name where it was. Raises UsageError."""
    try:
        saved = msgspec.json.decode(data, type=_SavedPlan)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _no_plan(file, str(error)) from None
    if saved.version != 1:
        raise _no_plan(file, f"its version is {saved.version}, and this exarp knows 1")
    then = {}
    titles = _titles((wave.name, wave.part) for wave in saved.waves)
    for title, wave in zip(titles, saved.waves, strict=True):
        for name in wave.tasks:
            task = saved.tasks.get(name, _SavedTask())
            then[name] = PlannedTask(title, tuple(task.needs), task.would_run, task.reason)
    return Compared(Against(file=file), plan_diff(then, _planned(plan, freshness, restored)))


def _no_plan(file: str, why: str) -> UsageError:
    message = f"{file} is no plan: {why}"
    return UsageError(Problem("no-saved-plan", message, None, "save one with: exarp plan --json > FILE"))


def _planned(plan: Plan, freshness: Mapping[int, FreshnessReason | None], restored: Set[int]) -> dict[str, PlannedTask]:
    """The tasks of a plan, as ``plan --json`` has them."""
    names, position = plan.names, plan.position
    found = {}
    titles = _titles((wave.name, wave.part) for wave in plan.waves)
    for title, wave in zip(titles, plan.waves, strict=True):
        for task in wave.tasks:
            reason = freshness.get(task)
            code = reason.code if reason is not None else None
            needs = tuple([names[need] for need in plan.needs[task] if position[need] >= 0])
            would_run = code is not None and code not in IDLE and task not in restored
            found[names[task]] = PlannedTask(title, needs, would_run, code)
    return found


def _titles(waves: Iterable[tuple[str, int]]) -> list[str]:
    """Names of waves, with the part of those that are in several."""
    waves = list(waves)
    split = {name for name, part in waves if part > 1}
    return [f"{name} {part}" if name in split else name for name, part in waves]
