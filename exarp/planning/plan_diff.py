"""What differs between a plan and an earlier one.

Knows tasks that came and went, their needs, waves, and whether and why they would run. Does not know where the earlier plan was
kept, nor how a difference is told.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec


class PlannedTask(msgspec.Struct, frozen=True):
    """A task of a plan. ``wave``: its wave's name, with the part where it has several. ``needs`` and ``would_run``: None where
    nobody knows."""

    wave: str
    needs: tuple[str, ...] | None = None
    would_run: bool | None = None
    reason: str | None = None


class ChangedTask(msgspec.Struct, frozen=True, omit_defaults=True):
    """A task of both plans that is not in both the same; pairs are (then, now), None where they are equal."""

    task: str
    needs_added: tuple[str, ...] = ()
    needs_removed: tuple[str, ...] = ()
    wave: tuple[str, str] | None = None
    would_run: tuple[bool, bool] | None = None
    reason: tuple[str | None, str | None] | None = None


class PlanDiff(msgspec.Struct, frozen=True):
    """Tasks that only one of two plans has, in its order, and those that differ."""

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: tuple[ChangedTask, ...] = ()


def plan_diff(then: Mapping[str, PlannedTask], now: Mapping[str, PlannedTask]) -> PlanDiff:
    """What differs between two plans, by task. What either does not know is no difference."""
    return PlanDiff(
        added=tuple([name for name in now if name not in then]),
        removed=tuple([name for name in then if name not in now]),
        changed=tuple(
            [
                changed
                for name, task in now.items()
                if (before := then.get(name)) is not None and (changed := _changed(name, before, task)) is not None
            ]
        ),
    )


def _changed(name: str, then: PlannedTask, now: PlannedTask) -> ChangedTask | None:
    if then == now:
        return None
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    if then.needs is not None and now.needs is not None:
        # A task may have very many.
        before, after = frozenset(then.needs), frozenset(now.needs)
        added = tuple([need for need in now.needs if need not in before])
        removed = tuple([need for need in then.needs if need not in after])
    known = then.would_run is not None and now.would_run is not None
    found = ChangedTask(
        name,
        added,
        removed,
        (then.wave, now.wave) if then.wave != now.wave else None,
        (bool(then.would_run), bool(now.would_run)) if known and then.would_run != now.would_run else None,
        (then.reason, now.reason) if known and then.reason != now.reason else None,
    )
    return found if found != ChangedTask(name) else None
