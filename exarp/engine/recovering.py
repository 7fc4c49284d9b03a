"""Recovery: an agent that may mend what failed, before it is tried again.

Knows when the agent is sent, what does not start meanwhile, and what its word means. Does not know what it does, nor which files
that is about: which tasks are entangled with one that failed is given (``planning.entanglement``).

One agent works at a time. From the failure on nothing starts that is entangled with the task, and the agent begins when nothing
of that runs any more. What was found out about the files of such tasks is found out again afterwards.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence

import msgspec

from exarp.engine.command import Kill
from exarp.engine.failure import Failure
from exarp.engine.guarding import Guarding
from exarp.engine.progress import Limits
from exarp.engine.state import State
from exarp.engine.stimulus import Probed
from exarp.model.event import FreshnessReason, RecoveryFinished, RecoveryOutcome, RecoveryStarted
from exarp.model.plan import Plan
from exarp.model.task import Task

Entangled = Callable[[int], Collection[int]]
ESCALATED = 10
_MENDED = FreshnessReason("mended")
# It has its slot, or something of it is under way.
_BUSY = frozenset(
    {State.PROBING, State.CHECKING, State.ASKING, State.AWAITING, State.RUNNING, State.SETTLING, State.CLEANING}
)


class Sick(msgspec.Struct):
    """A task that failed, and that the agent may mend in this round."""

    task: int
    round: int
    reason: FreshnessReason | None
    failure: Failure


def nothing_else(task: int) -> Collection[int]:
    """Where no agent is ever sent, nothing need be known."""
    return ()


class Recovering(Guarding):
    """The part of a machine that is about the agent."""

    def __init__(
        self,
        plan: Plan,
        tasks: Sequence[Task],
        limits: Limits,
        unwanted: Mapping[int, FreshnessReason] | None = None,
        asked: Collection[int] = (),
        standing: Mapping[int, str] | None = None,
        borrowed: Mapping[int, str] | None = None,
        entangled: Entangled = nothing_else,
    ) -> None:
        super().__init__(plan, tasks, limits, unwanted, asked, standing, borrowed)
        self._entangled_with = entangled
        # Those that wait for the agent; the first is the one that it works for, or will next.
        self._sick: deque[Sick] = deque()
        self._is_sent = False
        # What is entangled with the first; of that what is busy still, and what would have started otherwise.
        self._entangled: Collection[int] = frozenset()
        self._busy: list[int] = []
        self._kept_back: list[int] = []

    def _give_up_after(self, task: int, failure: Failure, reason: FreshnessReason | None) -> None:
        """No agent helped a task that failed."""
        raise NotImplementedError

    def _seek_help(self, sick: Sick) -> None:
        self.states.change(sick.task, State.RECOVERING)
        self._release(sick.task)
        self._sick.append(sick)
        if len(self._sick) == 1:
            self._attend()

    def _attend(self) -> None:
        """See to the first in line."""
        first = self._sick[0].task
        found = self._entangled_with(first)
        self._entangled = found = {task for task in found if task != first and self.tasks[task].service is None}
        self._busy = [task for task in found if self.states[task] in _BUSY]

    def _proceed(self) -> None:
        super()._proceed()
        if self._sick and not self._is_sent and self._stopping is None:
            self._busy = [task for task in self._busy if self.states[task] in _BUSY]
            if not self._busy:
                self._send()

    def _send(self) -> None:
        sick = self._sick[0]
        self._is_sent = True
        attempt = self._attempts[sick.task]
        ended = attempt.ended
        self._tell(
            RecoveryStarted(
                task=self.plan.names[sick.task],
                attempt=attempt.number,
                round=sick.round,
                rounds=self.limits.rounds,
                exit_status=ended.status if ended is not None else None,
                signal=ended.signal if ended is not None else None,
                duration_ms=ended.duration_ms if ended is not None else 0,
                log=ended.log if ended is not None else None,
                reason=sick.reason,
            )
        )
        self._active[sick.task] = None
        self._probe(sick.task, "recover", sick.round, self.limits.recovery_timeout)

    def _keeps_back(self, task: int) -> bool:
        """Whether a task that could start waits for the agent."""
        return bool(self._sick) and task in self._entangled

    def _keep_back(self, task: int) -> None:
        """A task has its slot, and gives it up for as long as the agent works."""
        self._release(task)
        self._kept_back.append(task)

    def _helped(self, probed: Probed) -> None:
        """The agent is gone."""
        sick = self._sick[0]
        task = sick.task
        del self._active[task]
        outcome = _outcome(probed) if self._stopping is None else "cancelled"
        self._tell(
            RecoveryFinished(
                task=self.plan.names[task],
                attempt=self._attempts[task].number,
                round=sick.round,
                outcome=outcome,
                exit_status=probed.status,
                said=probed.said,
                error=probed.error,
                log=probed.log,
            )
        )
        self._dismiss_agent()
        if self._stopping is not None:
            self._conclude(task, State.CANCELLED, self._stopping)
        elif outcome == "tried":
            self.states.change(task, State.RESTING)
            self._attempts[task].reason = _MENDED
            self.slots.add(task)
        elif outcome == "escalated":
            self._give_up_after(task, sick.failure, FreshnessReason("escalated", probed.said))
        else:
            self._give_up_after(task, sick.failure, sick.reason)

    def _dismiss_agent(self) -> None:
        """The agent has nothing more to do for the first in line; what waited for that goes on."""
        self._sick.popleft()
        self._is_sent = False
        # What was found out about their files may not be so any more.
        self._unsure.update(task for task in self._ahead if task in self._entangled)
        kept, self._kept_back = self._kept_back, []
        self._entangled = frozenset()
        for task in kept:
            if self.states[task] is State.CHECKED:
                self._unsure.add(task)
            if self.states[task] in (State.WAITING, State.RESTING, State.CHECKED):
                self.slots.add(task)
        if self._sick:
            self._attend()

    def _stop_recovering(self, reason: FreshnessReason) -> None:
        """Nothing starts any more: nobody need be mended."""
        while len(self._sick) > self._is_sent:
            self._conclude(self._sick.pop().task, State.CANCELLED, reason)
        if self._sick and not self.is_ending:
            self._commands.append(Kill(self._sick[0].task, now=False))
        self._kept_back, self._entangled = [], frozenset()


def _outcome(probed: Probed) -> RecoveryOutcome:
    if probed.status == 0:
        return "tried"
    return "escalated" if probed.status == ESCALATED else "no_help"
