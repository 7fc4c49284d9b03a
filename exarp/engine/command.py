"""What the machine wants done: the closed union of its commands.

Knows the values. The run's driver carries them out, in order, ``Tell`` before what follows it.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from exarp.model.event import Event, FreshnessReason


class Check(msgspec.Struct, frozen=True, gc=False):
    """Find out whether a task must run; answer with ``Checked``. ``ahead``: there is no slot for it yet."""

    task: int
    ahead: bool = False


ProbeKind = Literal["when", "requires", "ready", "finally", "recover"]


class Probe(msgspec.Struct, frozen=True, gc=False):
    """Run a script of a task's beside its attempts: that of ``when``, one of ``requires`` or ``finally`` (of that
    ``index``), what tells whether a service is ready, or the agent that may mend it (in round ``index``). Answer with ``Probed``,
    and with ``TimedOut`` of attempt ``-number`` after ``timeout`` seconds (0: never). ``outcome``: what the task has come to, for
    ``finally``."""

    task: int
    what: ProbeKind
    index: int
    number: int
    timeout: float
    outcome: str = ""


class Ask(msgspec.Struct, frozen=True):
    """Ask a person what the last ``QuestionAsked`` says of the task; answer with ``Answered``."""

    task: int


class Debug(msgspec.Struct, frozen=True):
    """Give a person a shell that has what the task's last attempt had; answer with ``Debugged``."""

    task: int


class Start(msgspec.Struct, frozen=True, gc=False):
    """Start an attempt; answer with ``Ended``, and with ``TimedOut`` after ``timeout`` seconds (0: never)."""

    task: int
    attempt: int
    reason: FreshnessReason
    timeout: float


class Settle(msgspec.Struct, frozen=True, gc=False):
    """Look at the files of a successful attempt and record it; answer with ``Settled``."""

    task: int


class Weigh(msgspec.Struct, frozen=True):
    """Answer with ``Eased`` as soon as the machine has so little to do that one more task may start."""


class Draw(msgspec.Struct, frozen=True):
    """Answer with ``Drawn`` as soon as a token is had for one more task."""


class GiveBack(msgspec.Struct, frozen=True):
    """So many of the tokens that were drawn are not needed any more: others may have them."""

    count: int


class Recount(msgspec.Struct, frozen=True):
    """Nothing runs that could have a token: what is missing was lost by somebody who died, and is made up for."""


class Rest(msgspec.Struct, frozen=True):
    """Answer with ``Rested`` after ``seconds``."""

    task: int
    seconds: float


class Kill(msgspec.Struct, frozen=True):
    """End a task's process trees; ``now`` without grace. ``Ended``, ``Probed`` and ``Debugged`` follow as ever; a question
    that is open is answered by nobody."""

    task: int
    now: bool


class Adopt(msgspec.Struct, frozen=True):
    """What an earlier run started for a service is, from now on, what this run has started for it: ``Kill`` ends it."""

    task: int


class Retire(msgspec.Struct, frozen=True):
    """End what stands of a service, whatever else is under way for its task; ``now`` without grace. ``Ended`` follows."""

    task: int
    now: bool


class Tell(msgspec.Struct, frozen=True, gc=False):
    """Put an event into the stream (its number, time and run are filled in there)."""

    event: Event


Command = (
    Check
    | Probe
    | Ask
    | Debug
    | Start
    | Settle
    | Rest
    | Kill
    | Adopt
    | Retire
    | Tell
    | Weigh
    | Draw
    | GiveBack
    | Recount
)
