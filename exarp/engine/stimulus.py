"""What happens to a run: the closed union of events that the machine takes.

Knows the values. They are made at the edge (by the run's driver) from what a host, a clock or a check of files reports.
"""

from __future__ import annotations

import msgspec

from exarp.model.event import FreshnessReason

BROKEN_OFF = FreshnessReason("interrupted")
"""Instead of an answer: files were no longer looked at, because the machine was ending the run."""


class Begun(msgspec.Struct, frozen=True):
    """The run may begin."""


class Checked(msgspec.Struct, frozen=True, gc=False):
    """Whether a task must run. ``stale`` says why; None: it is up to date. ``impossible``: why it cannot be run at all,
    whether it must or not.

    ``restored``: it had to run, but what it makes was put back instead; ``log``: what it printed when it ran.
    """

    task: int
    stale: FreshnessReason | None = None
    impossible: FreshnessReason | None = None
    restored: bool = False
    log: str | None = None


class Probed(msgspec.Struct, frozen=True, gc=False):
    """The script of a probe has ended. ``status``: None where it could not be run, or did not come to its end by itself;
    then ``error`` says why. ``said``: the last line that it printed. ``log``: where all of it is kept, if it is."""

    task: int
    status: int | None
    said: str = ""
    error: str = ""
    log: str | None = None


class Answered(msgspec.Struct, frozen=True):
    """What was said to the question about a task, one of its options; None: it was taken back."""

    task: int
    word: str | None


class Debugged(msgspec.Struct, frozen=True):
    """The shell that a person had for a task is gone."""

    task: int


class Ended(msgspec.Struct, frozen=True, gc=False):
    """An attempt's process tree is gone. ``log``: its log as the event stream names it. ``early``: it was told to end before
    its last command had ended. ``verifying``: the script of the task's ``verify`` that it ended with, if it came so far."""

    task: int
    status: int | None
    signal: int | None = None
    duration_ms: int = 0
    log: str | None = None
    error: str = ""
    warnings: tuple[str, ...] = ()
    early: bool = False
    verifying: str = ""

    @property
    def succeeded(self) -> bool:
        """Whether its last command came to its end by itself, and well."""
        return self.status == 0 and not self.error and not self.early

    @property
    def how(self) -> str:
        """``exit 3``, or ``signal 9``."""
        return f"exit {self.status}" if self.status is not None else f"signal {self.signal}"


class Settled(msgspec.Struct, frozen=True, gc=False):
    """What became of a successful attempt's files. ``fault``: why it is no success after all."""

    task: int
    fault: FreshnessReason | None = None
    warnings: tuple[str, ...] = ()


class TimedOut(msgspec.Struct, frozen=True):
    """The attempt used up its task's timeout; of probe number n, ``attempt`` is -n."""

    task: int
    attempt: int


class Rested(msgspec.Struct, frozen=True):
    """The delay before the next attempt is over."""

    task: int


class Eased(msgspec.Struct, frozen=True):
    """The machine has little enough to do for one more task."""


class Drawn(msgspec.Struct, frozen=True):
    """There is a token for one more task."""


class Idle(msgspec.Struct, frozen=True):
    """Nothing is left to be done but to wait."""


class Outdated(msgspec.Struct, frozen=True):
    """What a task that has begun was found to read has changed (``path``): whoever watches wants to begin anew."""

    path: str


class Interrupted(msgspec.Struct, frozen=True):
    """exarp was sent a signal."""

    signum: int


Stimulus = (
    Begun
    | Checked
    | Probed
    | Answered
    | Debugged
    | Ended
    | Settled
    | TimedOut
    | Rested
    | Eased
    | Drawn
    | Idle
    | Outdated
    | Interrupted
)
