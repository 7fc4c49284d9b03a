"""Questions to a person: a task's ``confirm``, and what becomes of one that failed under ``on_failure = "ask"``.

Knows when a question is put, what can be answered, and what follows. Does not know who answers, or how a question looks.

All that can run of a wave comes to its end before it is asked about one of its tasks, and one such question is open at a time.
What needs the task waits meanwhile; everything else goes on.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import msgspec

from exarp.engine.command import Ask, Debug
from exarp.engine.failure import GiveUp
from exarp.engine.progress import Attempt, Limits
from exarp.engine.serving import Serving
from exarp.engine.state import FINAL, State
from exarp.engine.stimulus import Answered
from exarp.model.event import AttemptFailed, FreshnessReason, QuestionAnswered, QuestionAsked
from exarp.model.plan import Plan
from exarp.model.task import Task

CONFIRMING = ("yes", "no")


class _Undecided(msgspec.Struct):
    """How a task failed, and what it comes to if nobody says anything else. ``debugged``: a person had a shell for it."""

    reason: FreshnessReason | None
    decision: GiveUp
    debugged: bool = False


class Asking(Serving):
    """The part of a machine that is about questions."""

    def __init__(
        self,
        plan: Plan,
        tasks: Sequence[Task],
        limits: Limits,
        unwanted: Mapping[int, FreshnessReason] | None = None,
        asked: Collection[int] = (),
        standing: Mapping[int, str] | None = None,
        borrowed: Mapping[int, str] | None = None,
    ) -> None:
        super().__init__(plan, tasks, limits, unwanted, asked, standing, borrowed)
        # The numbers of the questions that are open, by task.
        self._questions: dict[int, str] = {}
        self._question_count = 0
        # By wave, in the order in which they failed.
        self._undecided: dict[int, dict[int, _Undecided]] = {}
        # The one whose question, or shell, is open.
        self._inquired: int | None = None
        # All that waits for a task that is undecided, directly or not, and how many of it are in a wave. None: not known.
        self._behind: set[int] | None = set()
        self._behind_in: dict[int, int] = {}

    # -- what is asked -----------------------------------------------------------------------------------------

    def _confirm(self, task: int) -> None:
        """Ask whether a task is to run at all."""
        if not self.limits.asking:
            self._fail(task, "impossible", FreshnessReason("not-confirmed"))
            return
        self.states.change(task, State.ASKING)
        name = self.plan.names[task]
        self._put(task, QuestionAsked(id="", task=name, options=CONFIRMING, text=self.tasks[task].question))

    def _leave_open(self, task: int, reason: FreshnessReason | None, decision: GiveUp) -> None:
        """A task failed; a person is to say what becomes of it, once its wave is quiet."""
        self.states.change(task, State.UNDECIDED)
        self._release(task)
        self._undecided.setdefault(self.gates.wave_of[task], {})[task] = _Undecided(reason, decision)
        if self._behind is not None:
            self._hold_back(task, self._behind)
        attempt = self._attempts.get(task, _NONE)
        ended = attempt.ended
        self._tell(
            AttemptFailed(
                task=self.plan.names[task],
                attempt=attempt.number,
                exit_status=ended.status if ended is not None else None,
                signal=ended.signal if ended is not None else None,
                duration_ms=ended.duration_ms if ended is not None else 0,
                log=ended.log if ended is not None else None,
                reason=reason,
            )
        )

    def _proceed(self) -> None:
        super()._proceed()
        if self._undecided and self._inquired is None and self._stopping is None and not self.slots.is_terminal_taken:
            self._inquire_next()

    def _inquire_next(self) -> None:
        """Put the next question about a failure, if it is time for one."""
        # What keeps a wave from being quiet may wait for the end of an earlier one, never the other way round: one of them is
        # quiet, or something runs.
        for number in sorted(self._undecided):
            if self._is_quiet(number):
                self.slots.take_terminal()
                self._inquire(next(iter(self._undecided[number])))
                break

    def _is_quiet(self, number: int) -> bool:
        """Whether nothing of a wave can run any more before the questions about it are answered."""
        if self._behind is None:
            self._behind, self._behind_in = set(), {}
            for tasks in self._undecided.values():
                for task in tasks:
                    self._hold_back(task, self._behind)
        return self.gates.tasks_left(number) == len(self._undecided[number]) + self._behind_in.get(number, 0)

    def _hold_back(self, task: int, behind: set[int]) -> None:
        """Count in what waits for a task that is undecided."""
        stack = [task]
        while stack:
            for later in self.gates.following(stack.pop()):
                if later not in behind:
                    behind.add(later)
                    number = self.gates.wave_of[later]
                    self._behind_in[number] = self._behind_in.get(number, 0) + 1
                    stack.append(later)

    def _inquire(self, task: int) -> None:
        self._inquired = task
        undecided = self._undecided[self.gates.wave_of[task]][task]
        attempt = self._attempts.get(task, _NONE)
        ended = attempt.ended
        # It would come to no attempt without the service that it uses.
        retry = ("retry",) if undecided.debugged and not self._has_lost(task) else ()
        skip = ("skip",) if self._may_be_skipped(task) else ()
        question = QuestionAsked(
            id="",
            task=self.plan.names[task],
            options=("debug", *retry, *skip, "abort"),
            retries=max(0, attempt.number - 1),
            exit_status=ended.status if ended is not None else None,
            signal=ended.signal if ended is not None else None,
            duration_ms=ended.duration_ms if ended is not None else 0,
            reason=undecided.reason,
        )
        self._put(task, question)

    def _may_be_skipped(self, task: int) -> bool:
        """Whether nothing that is still to run needs a task, directly or not. A group runs nothing itself."""
        # A guard behind it is no task that would miss it.
        behind = [user for user in self._behind_guard(task) if user < self._first_guard]
        seen, stack = {task}, [task, *behind]
        if not all(self.states[user] in FINAL or self.tasks[user].is_group for user in behind):
            return False
        while stack:
            for user in self._needed_by(stack.pop()):
                if user in seen:
                    continue
                if self.states[user] not in FINAL and not self.tasks[user].is_group:
                    return False
                seen.add(user)
                stack.append(user)
        return True

    def _behind_guard(self, task: int) -> list[int]:
        """What does not run where a task is a guard that lets nothing pass."""
        raise NotImplementedError

    def _pass_checkpoint(self, task: int, word: str | None) -> None:
        """What a person said at a checkpoint."""
        raise NotImplementedError

    def _put(self, task: int, question: QuestionAsked) -> None:
        self._question_count += 1
        self._questions[task] = str(self._question_count)
        self._active[task] = None
        self._tell(msgspec.structs.replace(question, id=self._questions[task]))
        self._commands.append(Ask(task))

    # -- what is answered --------------------------------------------------------------------------------------

    def _answered(self, answered: Answered) -> None:
        task = answered.task
        del self._active[task]
        number = self._questions.pop(task)
        self._tell(QuestionAnswered(id=number, task=self.plan.names[task], answer=answered.word))
        if self.states[task] is State.UNDECIDED:
            self._decided(task, answered.word)
        elif self._stopping is not None:
            self._end(task, State.CANCELLED, self._stopping)
        elif task >= self._first_guard:
            self._pass_checkpoint(task, answered.word)
        elif answered.word == "yes":
            self._await(task)
        else:
            self._fail(task, "declined", FreshnessReason("declined"))

    def _decided(self, task: int, word: str | None) -> None:
        if word == "debug" and self._stopping is None:
            self._active[task] = None
            self._commands.append(Debug(task))
            return
        self._settle_question()
        if self._stopping is not None or word is None:
            self._give_up(task)
        elif word == "retry":
            self._try_again(task)
        else:
            undecided = self._take(task)
            state = State.SKIPPED if word == "skip" else State.FAILED
            outcome = GiveUp("skipped" if word == "skip" else "failed", allowed=False, abort=word == "abort")
            self._conclude(task, state, undecided.reason, decision=outcome)

    def _debugged(self, task: int) -> None:
        del self._active[task]
        self._undecided[self.gates.wave_of[task]][task].debugged = True
        if self._stopping is None:
            self._inquire(task)
        else:
            self._settle_question()
            self._give_up(task)

    def _settle_question(self) -> None:
        self._inquired = None
        self.slots.give_terminal_back()

    def _give_up(self, task: int) -> None:
        """Nobody will say what becomes of a task that failed: it has failed."""
        undecided = self._take(task)
        self._conclude(task, State.FAILED, undecided.reason, decision=undecided.decision)

    def _try_again(self, task: int) -> None:
        self._take(task)
        attempt = self._attempts.get(task)
        if attempt is not None and attempt.number:
            self.states.change(task, State.RESTING)
            attempt.reason = FreshnessReason("retried")
        else:
            self.states.change(task, State.WAITING)
            self._attempts.pop(task, None)
        self.slots.add(task)

    def _take(self, task: int) -> _Undecided:
        """What was to be decided of a task is."""
        number = self.gates.wave_of[task]
        undecided = self._undecided[number].pop(task)
        if not self._undecided[number]:
            del self._undecided[number]
        self._behind = None
        return undecided


_NONE = Attempt()
