"""The states of a task in a run, and the one table of changes between them.

Knows which change is legal. Does not know what causes one.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum

from exarp.errors import DefectError, Problem


class State(IntEnum):
    """Where a task stands. Values are below 32: a task's story is kept as digits of that base."""

    WAITING = 1
    """Something before it has not ended, or its wave has not started, or no slot is free."""
    CHECKING = 2
    """It has its slot, or will be next to have one; whether it must run is being found out."""
    RUNNING = 3
    """An attempt is under way."""
    SETTLING = 4
    """Its process succeeded; whether its outputs exist and its inputs held still is being found out."""
    RESTING = 5
    """An attempt failed; the next one waits for its delay."""
    PASSED = 6
    UP_TO_DATE = 7
    FAILED = 8
    SKIPPED = 9
    BLOCKED = 10
    CANCELLED = 11
    PROBING = 12
    """It has its slot; a command of its ``when`` or ``requires`` is under way."""
    ASKING = 13
    """It has its slot; a person is asked to confirm it."""
    AWAITING = 14
    """It has its slot; a service that it uses is not ready yet."""
    STANDBY = 15
    """A service whose turn has come, and that nobody has needed yet."""
    SERVING = 16
    """A service that is ready."""
    CLEANING = 17
    """Its last attempt has ended; its ``finally`` is under way."""
    RESTORED = 18
    CHECKED = 19
    """It must run, as was found out before there was a slot for it."""
    UNDECIDED = 20
    """It failed; a person is asked what becomes of it, or will be."""
    RECOVERING = 21
    """It failed; an agent is to mend it, or does."""


FINAL = frozenset(
    {
        State.PASSED,
        State.UP_TO_DATE,
        State.RESTORED,
        State.FAILED,
        State.SKIPPED,
        State.BLOCKED,
        State.CANCELLED,
    }
)

_S = State
_BITS = 5
_BEFORE = frozenset({_S.PROBING, _S.CHECKING})
_BROKEN_OFF = frozenset({_S.BLOCKED, _S.CANCELLED})
_NEXT = frozenset({_S.ASKING, _S.AWAITING, _S.RUNNING, _S.UP_TO_DATE, _S.FAILED, _S.UNDECIDED, *_BROKEN_OFF})
_ENDS = frozenset({_S.PASSED, _S.FAILED, _S.SKIPPED, _S.CANCELLED})
_AGAIN = frozenset({_S.RESTING, _S.RECOVERING, _S.UNDECIDED})
CHANGES: dict[State, frozenset[State]] = {
    # A group runs nothing: it passes straight from waiting.
    # One that is not for this platform is skipped before it takes a slot.
    _S.WAITING: frozenset({_S.STANDBY, *_BEFORE, _S.PASSED, _S.UP_TO_DATE, _S.SKIPPED, _S.BLOCKED, _S.CANCELLED}),
    _S.STANDBY: frozenset({*_BEFORE, _S.UP_TO_DATE, _S.CANCELLED}),
    _S.PROBING: frozenset({*_BEFORE, *_NEXT, _S.SKIPPED}),
    # A service that an earlier run left is served without being started.
    _S.CHECKING: frozenset({_S.PROBING, _S.CHECKED, _S.RESTORED, _S.SERVING, *_NEXT, _S.SKIPPED}),
    # What an agent changed meanwhile is looked at again.
    _S.CHECKED: frozenset({_S.CHECKING, _S.RUNNING, _S.CANCELLED}),
    _S.ASKING: frozenset({_S.RUNNING, _S.AWAITING, *_BROKEN_OFF, _S.UP_TO_DATE, _S.SKIPPED, _S.FAILED}),
    # One that was to go on, and has ended meanwhile, is started with all that comes before a start.
    _S.AWAITING: frozenset({_S.PROBING, _S.ASKING, _S.RUNNING, _S.SERVING, *_BROKEN_OFF, _S.UP_TO_DATE}),
    _S.RUNNING: frozenset({_S.SETTLING, _S.SERVING, _S.CLEANING, *_AGAIN, *_ENDS}),
    _S.SERVING: frozenset({_S.CLEANING, _S.UP_TO_DATE, *_ENDS}),
    _S.SETTLING: frozenset({_S.CLEANING, *_AGAIN, *_ENDS}),
    _S.RECOVERING: frozenset({_S.RESTING, _S.UNDECIDED, _S.CLEANING, *_ENDS}),
    _S.RESTING: frozenset({_S.RUNNING, _S.CLEANING, *_ENDS}),
    # One that never came to run is looked at from the beginning when it is tried again.
    _S.UNDECIDED: frozenset({_S.WAITING, _S.RESTING, _S.CLEANING, _S.FAILED, _S.SKIPPED}),
    _S.CLEANING: _ENDS,
    **{state: frozenset() for state in FINAL},
}


class IllegalChange(DefectError):
    """A state change that the table does not have."""


class States:
    """The states of all tasks, given by their names; ``change`` is the only way to set one."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = names
        self._now = [State.WAITING] * len(names)
        self._stories = [int(State.WAITING)] * len(names)

    def __getitem__(self, task: int) -> State:
        return self._now[task]

    def change(self, task: int, state: State) -> None:
        """Set a task's state. Raises IllegalChange, with the task's story, if the table does not allow it."""
        if state not in CHANGES[self._now[task]]:
            raise IllegalChange(Problem("defect", f"task {self.told(task)} → {state.name} is not a legal change"))
        self._now[task] = state
        self._stories[task] = self._stories[task] << _BITS | state

    def story(self, task: int) -> list[State]:
        """All states the task has had, in order."""
        left, found = self._stories[task], []
        while left:
            found.append(State(left & (1 << _BITS) - 1))
            left >>= _BITS
        return found[::-1]

    def told(self, task: int) -> str:
        """A task's name and story, for the report of a defect."""
        return f"{self._names[task]}: {' → '.join(step.name for step in self.story(task))}"
