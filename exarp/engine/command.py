"""What the machine wants done: the closed union of its commands.

Knows the values. The run's driver carries them out, in order, ``Tell`` before what follows it.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from exarp.model.event import Event, FreshnessReason


class Check(msgspec.Struct, frozen=True, gc=False):
    """Find out whether a task must run; answer with ``Checked``."""

    task: int


class Probe(msgspec.Struct, frozen=True, gc=False):
    """Run the script of a task's ``when``, or of its ``requires`` of that ``index``; answer with ``Probed``, and with
    ``TimedOut`` of attempt ``-number`` after ``timeout`` seconds (0: never)."""

    task: int
    what: Literal["when", "requires"]
    index: int
    number: int
    timeout: float


class Start(msgspec.Struct, frozen=True, gc=False):
    """Start an attempt; answer with ``Ended``, and with ``TimedOut`` after ``timeout`` seconds (0: never)."""

    task: int
    attempt: int
    reason: FreshnessReason
    timeout: float


class Settle(msgspec.Struct, frozen=True, gc=False):
    """Look at the files of a successful attempt and record it; answer with ``Settled``."""

    task: int


class Rest(msgspec.Struct, frozen=True):
    """Answer with ``Rested`` after ``seconds``."""

    task: int
    seconds: float


class Kill(msgspec.Struct, frozen=True):
    """End a task's process tree; ``now`` without grace. ``Ended`` or ``Probed`` follows as ever."""

    task: int
    now: bool


class Tell(msgspec.Struct, frozen=True, gc=False):
    """Put an event into the stream (its number, time and run are filled in there)."""

    event: Event


Command = Check | Probe | Start | Settle | Rest | Kill | Tell
