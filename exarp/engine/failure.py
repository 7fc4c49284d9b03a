"""What follows from a failed attempt.

Knows the rules under ``on_failure`` and ``retries`` of the contract. Does not know the rest of the run.
"""

from __future__ import annotations

from typing import Literal
from zlib import crc32

import msgspec

from exarp.model.task import Task

Cause = Literal["impossible", "declined", "not-started", "timed-out", "exited", "not-verified", "not-made"]
"""Why a task failed: it could never be run, a person declined it, its process could not be started, it used up its time, its
process exited or was killed, the same of a script that verified it, or all succeeded and its files were not as they must be."""

# A shell's "not executable" and "not found": no second try finds what is not there.
_NOT_THERE = frozenset({126, 127})
# By how much a delay is longer at most, as a part of itself.
_SPREAD = 0.25


class Failure(msgspec.Struct, frozen=True):
    """How attempt number ``attempt`` (from 1; 0: there was none) failed; ``status`` is None where a signal killed it."""

    cause: Cause
    attempt: int
    status: int | None = None


class Retry(msgspec.Struct, frozen=True):
    """Try again after ``seconds``."""

    seconds: float


class GiveUp(msgspec.Struct, frozen=True):
    """The task is over. ``abort``: the whole run is."""

    outcome: Literal["failed", "skipped"]
    allowed: bool
    abort: bool


class Recover(msgspec.Struct, frozen=True):
    """An agent may mend it, in this round of its; then it is tried again."""

    round: int


class LeaveOpen(msgspec.Struct, frozen=True):
    """A person is to say what becomes of the task. ``unsaid``: what does if nobody says it."""

    unsaid: GiveUp


def after_failure(
    task: Task,
    failure: Failure,
    keep_going: bool,
    stopping: bool,
    seed: str = "",
    asking: bool = False,
    rounds: int = 0,
) -> Retry | Recover | LeaveOpen | GiveUp:
    """What to do after ``failure`` of ``task``.

    The delay before the n-th retry is ``retry_delay * 2 ** (n - 1)``, spread by ``seed``. ``ask`` with nobody to ask (not
    ``asking``) is ``fail``; so it is for services, and for what may fail. ``keep_going`` takes the edge off ``abort``.
    ``stopping``: the run starts nothing any more. ``rounds``: how often an agent may mend a task; where it may, no other retry
    follows. A task that may fail, one that a person operates, and a service are nothing for it.
    """
    if rounds and not (task.allow_failure or task.interactive or task.service is not None):
        if not stopping and failure.attempt <= rounds and _may_help(task, failure):
            return Recover(failure.attempt)
        return given_up(task, failure, keep_going, asking and not stopping)
    if not stopping and task.service is None and failure.attempt <= task.retries and _may_help(task, failure):
        return Retry(_spread(task.retry_delay * 2.0 ** min(failure.attempt - 1, 30), task, failure, seed))
    return given_up(task, failure, keep_going, asking and not stopping)


def given_up(task: Task, failure: Failure, keep_going: bool, asking: bool) -> LeaveOpen | GiveUp:
    """What becomes of ``task`` where nothing more is tried. ``asking``: there is somebody to ask."""
    skipped = task.on_failure == "skip" or failure.cause == "declined"
    found = GiveUp(
        outcome="skipped" if skipped else "failed",
        allowed=task.allow_failure,
        abort=task.on_failure == "abort" and not task.allow_failure and not keep_going,
    )
    asks = task.on_failure == "ask" and not task.allow_failure and task.service is None and not skipped
    return LeaveOpen(found) if asking and asks else found


def _may_help(task: Task, failure: Failure) -> bool:
    """Whether another attempt can come to another end."""
    match failure.cause:
        case "impossible" | "declined" | "not-started":
            return False
        case "exited":
            return failure.status not in _NOT_THERE and failure.status not in task.no_retry_on
        case "not-verified":
            return failure.status not in _NOT_THERE
    return True


def _spread(seconds: float, task: Task, failure: Failure, seed: str) -> float:
    """``seconds``, or up to a quarter more: tasks that failed together, of one run or of several, are not to fall upon the same
    server together again. Without a ``seed``, which tells runs apart, they are exact."""
    if not seed:
        return seconds
    part = crc32(f"{seed} {failure.attempt} {task.name}".encode("utf-8", "surrogateescape")) / 2**32
    return seconds * (1 + _SPREAD * part)
