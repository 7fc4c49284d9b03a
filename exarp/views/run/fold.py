"""The state of a run, as far as its events have told it: what every view of a run folds.

Knows waves, running tasks, counts, failures and what they block. Does not print, does not word, reads no clock: the
caller says when an event arrived, on whatever clock it likes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from exarp.model.event import (
    AttemptFailed,
    CheckpointReached,
    Event,
    FreshnessReason,
    PlannedRun,
    QuestionAnswered,
    QuestionAsked,
    RecoveryFinished,
    RecoveryStarted,
    RunFinished,
    RunStarted,
    ServiceReady,
    TaskFinished,
    TaskRetried,
    TaskStarted,
    VerifyFinished,
    VerifyStarted,
    WaveFinished,
    WaveStarted,
)
from exarp.views.tally import Tally, is_failure


class WaveState(msgspec.Struct):
    """One wave. ``since`` is when it started; ``unknown`` counts unfinished tasks whose duration nobody knows,
    ``expected_ms`` sums up the others."""

    number: int
    name: str = ""
    total: int = 0
    sequential: bool = False
    since: float | None = None
    finished: bool = False
    expected_ms: int = 0
    unknown: int = 0
    tally: Tally = msgspec.field(default_factory=Tally)


class Running(msgspec.Struct):
    """An attempt that is going on."""

    task: str
    wave: int
    attempt: int
    since: float
    reason: FreshnessReason | None
    # A service that is ready: it goes on for as long as others need it.
    is_serving: bool = False


class RunState:
    """A run, folded from its events. Everything is public to read; only ``apply`` changes it.

    ``waves`` by number; ``active`` those that have started and not finished, by start; ``running`` by task, by start;
    ``failures`` and ``cancelled`` in order; ``blocked`` tasks by the task they waited for; ``warnings`` as (task, text);
    ``questions`` that are open, by their ids; ``verified``: what verifications came to, a failed one being a failure, too;
    ``checkpoints`` that nobody has let the run pass, by their names, and ``held`` the tasks that wait for each wave's.
    """

    def __init__(self) -> None:
        self.run = ""
        # Whether it is a round of `exarp watch`.
        self.is_watched = False
        self.plan: PlannedRun | None = None
        self.expected_ms: dict[str, int] = {}
        self.waves: dict[int, WaveState] = {}
        self.active: dict[int, WaveState] = {}
        self.running: dict[str, Running] = {}
        self.tally = Tally()
        self.failures: list[TaskFinished] = []
        self.blocked: dict[str, list[str]] = {}
        self.cancelled: list[str] = []
        self.questions: dict[str, QuestionAsked] = {}
        self.verified: list[VerifyFinished] = []
        self.checkpoints: dict[str, CheckpointReached] = {}
        self.held: dict[str, list[str]] = {}
        self.warnings: list[tuple[str, str]] = []
        self.finished: RunFinished | None = None
        self._wave_of: dict[str, int] = {}
        self._apply: dict[type, Callable[[Any, float], None]] = {
            RunStarted: self._run_started,
            WaveStarted: self._wave_started,
            TaskStarted: self._task_started,
            ServiceReady: self._service_ready,
            TaskRetried: self._task_retried,
            AttemptFailed: self._attempt_failed,
            QuestionAsked: self._question_asked,
            QuestionAnswered: self._question_answered,
            TaskFinished: self._task_finished,
            WaveFinished: self._wave_finished,
            RecoveryStarted: self._recovery_started,
            RecoveryFinished: self._recovery_finished,
            VerifyStarted: self._verify_started,
            VerifyFinished: self._verify_finished,
            CheckpointReached: self._checkpoint_reached,
            RunFinished: self._run_finished,
        }

    def apply(self, event: Event, at: float = 0.0) -> None:
        """Folds one event that arrived at ``at`` (seconds, on the caller's clock). Never raises: a view may have
        missed the beginning, and events of other kinds change nothing."""
        change = self._apply.get(type(event))
        if change is not None:
            change(event, at)

    @property
    def total(self) -> int:
        """How many tasks the run set out to bring up to date."""
        return self.plan.task_count if self.plan else 0

    @property
    def jobs(self) -> int:
        """How many commands may run at once."""
        return max(1, self.plan.jobs) if self.plan else 1

    @property
    def first_failure(self) -> TaskFinished | None:
        """The failure that the run names as its first, else the one that came first."""
        named = self.finished.first_failure if self.finished else None
        for failure in self.failures:
            if named in (None, failure.task):
                return failure
        return self.failures[0] if self.failures else None

    def wave_of(self, task: str) -> int:
        """The number of a task's wave; 0 where the plan does not say."""
        return self._wave_of.get(task, 0)

    def blocked_by(self, task: str) -> list[str]:
        """Every task that was blocked because of ``task``, directly or through others, nearest first."""
        found = list(self.blocked.get(task, ()))
        seen = {task, *found}
        for waiting in found:  # grows while it is walked
            further = [name for name in self.blocked.get(waiting, ()) if name not in seen]
            seen.update(further)
            found += further
        return found

    def _wave(self, number: int) -> WaveState:
        wave = self.waves.get(number)
        if wave is None:
            wave = self.waves[number] = WaveState(number)
        return wave

    def _run_started(self, event: RunStarted, at: float) -> None:
        self.run, self.plan, self.expected_ms = event.run, event.plan, event.expected_ms
        self.is_watched = "watch" in event.command[1:]
        for planned in event.plan.waves:
            known = [event.expected_ms[task] for task in planned.tasks if task in event.expected_ms]
            self.waves[planned.number] = WaveState(
                planned.number,
                planned.name,
                len(planned.tasks) + planned.settled,
                planned.order == "sequential",
                expected_ms=sum(known),
                unknown=len(planned.tasks) - len(known),
                tally=Tally(up_to_date=planned.settled),
            )
            self.tally.up_to_date += planned.settled
            self._wave_of.update(dict.fromkeys(planned.tasks, planned.number))

    def _wave_started(self, event: WaveStarted, at: float) -> None:
        wave = self._wave(event.wave)
        wave.name, wave.total, wave.since = event.name, event.tasks, at
        self.active[event.wave] = wave

    def _wave_finished(self, event: WaveFinished, at: float) -> None:
        wave = self._wave(event.wave)
        wave.name, wave.total, wave.finished = event.name, event.tasks, True
        self.active.pop(event.wave, None)

    def _task_started(self, event: TaskStarted, at: float) -> None:
        before = self.running.pop(event.task, None)
        reason = event.reason or (before.reason if before else None)
        self.running[event.task] = Running(event.task, self.wave_of(event.task), event.attempt, at, reason)

    def _service_ready(self, event: ServiceReady, at: float) -> None:
        running = self.running.get(event.task)
        if running is None:
            # An earlier run has started it.
            running = Running(event.task, self.wave_of(event.task), event.attempt, at, None)
            self.running[event.task] = running
        running.is_serving = True

    def _task_retried(self, event: TaskRetried, at: float) -> None:
        running = self.running.get(event.task)
        if running is not None:
            running.attempt, running.since = event.attempt + 1, at

    def _attempt_failed(self, event: AttemptFailed, at: float) -> None:
        self.running.pop(event.task, None)

    def _question_asked(self, event: QuestionAsked, at: float) -> None:
        self.questions[event.id] = event

    def _question_answered(self, event: QuestionAnswered, at: float) -> None:
        if event.answer is not None:
            # One that was not answered is what the run ended with.
            self.questions.pop(event.id, None)
        if event.answer == "continue":
            self.checkpoints.pop(event.task, None)

    def _task_finished(self, event: TaskFinished, at: float) -> None:
        self.running.pop(event.task, None)
        wave = self.waves.get(self.wave_of(event.task))
        if wave is not None:
            wave.tally.count(event)
            expected = self.expected_ms.get(event.task)
            wave.unknown -= expected is None
            wave.expected_ms -= expected or 0
        self.tally.count(event)
        if is_failure(event):
            self.failures.append(event)
        if event.outcome == "blocked" and event.reason is not None and event.reason.code == "blocked-by":
            self.blocked.setdefault(event.reason.subject, []).append(event.task)
        elif event.outcome == "blocked" and event.reason is not None and event.reason.code == "checkpoint":
            self.held.setdefault(event.reason.subject, []).append(event.task)
        if event.outcome == "cancelled":
            self.cancelled.append(event.task)
        self.warnings += [(event.task, text) for text in event.warnings]

    def _recovery_started(self, event: RecoveryStarted, at: float) -> None:
        self.running.pop(event.task, None)
        name = f"recover {event.task}"
        self.running[name] = Running(name, self.wave_of(event.task), event.round, at, event.reason)

    def _recovery_finished(self, event: RecoveryFinished, at: float) -> None:
        self.running.pop(f"recover {event.task}", None)

    def _verify_started(self, event: VerifyStarted, at: float) -> None:
        self.running[event.task] = Running(event.task, event.wave, event.attempt, at, event.reason)

    def _verify_finished(self, event: VerifyFinished, at: float) -> None:
        self.running.pop(event.task, None)
        self.verified.append(event)
        if event.outcome == "failed" or (event.outcome == "skipped" and event.attempt):
            self.failures.append(as_task(event))
        self.warnings += [(event.task, text) for text in event.warnings]

    def _checkpoint_reached(self, event: CheckpointReached, at: float) -> None:
        if event.waits:
            self.checkpoints[event.task] = event

    def _run_finished(self, event: RunFinished, at: float) -> None:
        self.finished = event
        self.active.clear()
        self.running.clear()


def as_task(event: VerifyFinished) -> TaskFinished:
    """The end of a verification, told as that of a task."""
    return TaskFinished(
        seq=event.seq,
        time=event.time,
        run=event.run,
        task=event.task,
        attempt=event.attempt,
        outcome=event.outcome,
        exit_status=event.exit_status,
        signal=event.signal,
        duration_ms=event.duration_ms,
        log=event.log,
        reason=event.reason,
        warnings=event.warnings,
    )


def folded(events: Iterable[Event]) -> RunState:
    """The state after stored events, on the clock of their time stamps (seconds since the epoch)."""
    from datetime import datetime

    state = RunState()
    for event in events:
        state.apply(event, datetime.fromisoformat(event.time).timestamp())
    return state
