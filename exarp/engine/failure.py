"""What follows from a failed attempt.

Knows the rules under ``on_failure`` and ``retries`` of the contract. Does not know the rest of the run.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from exarp.model.task import Task

# A shell's "not executable" and "not found": no second try finds what is not there.
NEVER_RETRIED = frozenset({126, 127})


class Retry(msgspec.Struct, frozen=True):
    """Try again after ``seconds``."""

    seconds: float


class GiveUp(msgspec.Struct, frozen=True):
    """The task is over. ``abort``: the whole run is."""

    outcome: Literal["failed", "skipped"]
    allowed: bool
    abort: bool


def after_failure(task: Task, attempt: int, status: int | None, keep_going: bool) -> Retry | GiveUp:
    """What to do after attempt number ``attempt`` (from 1) of ``task`` failed with exit ``status``.

    The delay before the n-th retry is ``retry_delay * 2 ** (n - 1)``. ``ask`` with nobody to ask is ``fail``.
    ``keep_going`` takes the edge off ``abort``.
    """
    if attempt <= task.retries and status not in NEVER_RETRIED:
        return Retry(task.retry_delay * 2.0 ** min(attempt - 1, 30))
    skipped = task.on_failure == "skip"
    return GiveUp(
        outcome="skipped" if skipped else "failed",
        allowed=task.allow_failure,
        abort=task.on_failure == "abort" and not task.allow_failure and not keep_going,
    )
