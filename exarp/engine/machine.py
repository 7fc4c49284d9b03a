"""The run as a state machine: a stimulus in, commands out.

Knows the plan, the slots, and what each outcome means for the rest of the run. Never spawns, sleeps, or reads a clock:
the same stimuli always give the same commands, which is what makes the failure policy testable without one process.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

from exarp.engine.command import Check, Command, Kill, Probe, Rest, Settle, Start, Tell
from exarp.engine.failure import Cause, Failure, GiveUp, Retry, after_failure
from exarp.engine.gates import Gates
from exarp.engine.slots import Slots
from exarp.engine.state import FINAL, State, States
from exarp.engine.stimulus import (
    BROKEN_OFF,
    Begun,
    Checked,
    Ended,
    Interrupted,
    Probed,
    Rested,
    Settled,
    Stimulus,
    TimedOut,
)
from exarp.model.event import (
    FreshnessReason,
    Outcome,
    RunFinished,
    RunOutcome,
    TaskFinished,
    TaskRetried,
    TaskStarted,
    WaveFinished,
    WaveStarted,
)
from exarp.model.plan import Plan
from exarp.model.quantity import format_duration
from exarp.model.task import Task

_OUTCOMES: dict[State, Outcome] = {
    State.PASSED: "passed",
    State.UP_TO_DATE: "up_to_date",
    State.FAILED: "failed",
    State.SKIPPED: "skipped",
    State.BLOCKED: "blocked",
    State.CANCELLED: "cancelled",
}
_SIGINT = 2
_GOOD = frozenset({State.PASSED, State.UP_TO_DATE})


class Limits(msgspec.Struct, frozen=True):
    """How much may happen at once, and how a failure spreads."""

    jobs: int = 1
    max_parallel_waves: int = 8
    pools: Mapping[str, int] = {}
    keep_going: bool = False
    fail_fast: bool = False


class _Attempt(msgspec.Struct):
    """What is known of a task's latest attempt."""

    number: int = 0
    reason: FreshnessReason = FreshnessReason("forced")
    timed_out: bool = False
    ended: Ended | None = None


class Machine:
    """One run. ``handle`` is the only way in; ``finished`` says whether the run is over, ``is_hurried`` whether it was
    interrupted more than once. ``unwanted``: tasks that are known not to be wanted here, and why."""

    def __init__(
        self, plan: Plan, tasks: Sequence[Task], limits: Limits, unwanted: Mapping[int, FreshnessReason] | None = None
    ) -> None:
        self.plan = plan
        self.tasks = tasks
        self.limits = limits
        self.states = States(plan.names)
        self.gates = Gates(plan, limits.max_parallel_waves)
        self.slots = Slots(tasks, limits.jobs, limits.pools, plan.position)
        self.finished = False
        self.exit_code = 0
        self._dependents: list[list[int]] | None = None
        self._unwanted = unwanted or {}
        self._attempts: dict[int, _Attempt] = {}
        self._probes: dict[int, Probe] = {}
        self._probe_count = 0
        self._late_probes: set[int] = set()
        self._active: dict[int, None] = {}
        # Tasks that are over and whose turn has come.
        self._over: deque[int] = deque()
        self._left = plan.task_count
        self._counts: dict[str, int] = {}
        self._good: dict[int, int] = {}
        self._announced: set[int] = set()
        self._first_failure: str | None = None
        self._failed = False
        self._allowed: set[int] = set()
        self._signal: int | None = None
        self.is_hurried = False
        self._stopping: FreshnessReason | None = None
        self._commands: list[Command] = []

    # -- stimuli -----------------------------------------------------------------------------------------------

    def handle(self, stimulus: Stimulus) -> list[Command]:
        """Take one stimulus; the commands to carry out, in order."""
        match stimulus:
            case Checked():
                self._checked(stimulus)
            case Probed():
                self._probed(stimulus)
            case Ended():
                self._ended(stimulus)
            case Settled():
                self._settled(stimulus)
            case Begun():
                self.gates.first()
            case Rested():
                self._rested(stimulus.task)
            case TimedOut():
                self._timed_out(stimulus)
            case Interrupted():
                self._interrupted(stimulus.signum)
        self._proceed()
        commands, self._commands = self._commands, []
        return commands

    def _checked(self, checked: Checked) -> None:
        task = checked.task
        if checked.impossible is not None:
            self._fail(task, "impossible", checked.impossible)
        elif checked.stale is None:
            self.slots.release(task)
            self._finish(task, State.UP_TO_DATE)
        elif self._stopping is not None:
            self.slots.release(task)
            self._finish(task, State.CANCELLED, reason=self._stopping)
        else:
            self._attempts[task] = _Attempt(reason=checked.stale)
            self._require(task, 0)

    # -- conditions --------------------------------------------------------------------------------------------

    def _require(self, task: int, index: int) -> None:
        """Look at what a task requires from number ``index`` on; where nothing is left, it starts."""
        requires = self.tasks[task].requires
        while index < len(requires) and not requires[index].run:
            index += 1
        if index < len(requires):
            self._probe(task, "requires", index)
        else:
            self._start(task)

    def _probe(self, task: int, what: Literal["when", "requires"], index: int) -> None:
        self.states.change(task, State.PROBING)
        self._active[task] = None
        self._probe_count += 1
        probe = Probe(task, what, index, self._probe_count, self.tasks[task].timeout)
        self._probes[task] = probe
        self._commands.append(probe)

    def _probed(self, probed: Probed) -> None:
        task = probed.task
        probe = self._probes.pop(task)
        del self._active[task]
        spec = self.tasks[task]
        late = probe.number in self._late_probes
        error = f"timed out after {format_duration(probe.timeout)}" if late else probed.error
        if self._stopping is not None:
            self.slots.release(task)
            self._finish(task, State.CANCELLED, reason=self._stopping)
        elif probe.what == "requires":
            if probed.status == 0:
                self._require(task, probe.index + 1)
            else:
                required = spec.requires[probe.index]
                detail = required.message or error or probed.said
                self._fail(task, "impossible", FreshnessReason("requirement-failed", required.run.strip(), detail))
        elif probed.status is None:
            self._fail(task, "impossible", FreshnessReason("condition-broken", spec.when.strip(), error))
        elif probed.status:
            self.slots.release(task)
            self._skip(task, FreshnessReason("condition-false", spec.when.strip(), probed.said))
        else:
            self._check(task)

    def _skip(self, task: int, reason: FreshnessReason) -> None:
        """A task is not wanted: those that need it run all the same."""
        self._counts["unwanted"] = self._counts.get("unwanted", 0) + 1
        self._finish(task, State.SKIPPED, reason=reason)

    def _check(self, task: int) -> None:
        self.states.change(task, State.CHECKING)
        self._commands.append(Check(task))

    # -- attempts ----------------------------------------------------------------------------------------------

    def _start(self, task: int) -> None:
        attempt = self._attempts[task]
        attempt.number += 1
        attempt.timed_out = False
        self.states.change(task, State.RUNNING)
        self._active[task] = None
        name = self.plan.names[task]
        self._tell(TaskStarted(task=name, attempt=attempt.number, reason=attempt.reason))
        self._commands.append(Start(task, attempt.number, attempt.reason, self.tasks[task].timeout))

    def _ended(self, ended: Ended) -> None:
        task = ended.task
        attempt = self._attempts[task]
        if ended.error and ended.log is None and attempt.ended is not None:
            # It did not come to print anything: what the attempt before printed is the last that there is.
            ended = msgspec.structs.replace(ended, log=attempt.ended.log)
        attempt.ended = ended
        del self._active[task]
        if ended.signal == _SIGINT and self.tasks[task].interactive and not attempt.timed_out and not self.is_ending:
            # Ctrl-C went to the task alone, which had the terminal; it was meant for the run, unless the task took it.
            self._interrupted(_SIGINT)
        if ended.succeeded:
            # Also where the run is being ended, or its time was up: it was quicker.
            self.states.change(task, State.SETTLING)
            self._commands.append(Settle(task))
        elif self.is_ending:
            self.slots.release(task)
            self._finish(task, State.CANCELLED, reason=self._stopping)
        elif attempt.timed_out:
            limit = format_duration(self.tasks[task].timeout)
            self._fail(task, "timed-out", FreshnessReason("timed-out", limit))
        elif ended.error:
            self._fail(task, "not-started", FreshnessReason("start-failed", ended.error))
        else:
            self._fail(task, "exited", None, ended.status)

    def _settled(self, settled: Settled) -> None:
        if settled.fault == BROKEN_OFF:
            self.slots.release(settled.task)
            self._finish(settled.task, State.CANCELLED, reason=self._stopping)
            return
        if settled.fault is not None:
            self._fail(settled.task, "not-made", settled.fault)
            return
        self.slots.release(settled.task)
        self._finish(settled.task, State.PASSED, warnings=settled.warnings)

    def _timed_out(self, stimulus: TimedOut) -> None:
        task = stimulus.task
        if task in self._probes:
            if self._probes[task].number == -stimulus.attempt:
                self._late_probes.add(-stimulus.attempt)
                self._commands.append(Kill(task, now=False))
        elif task in self._active and self._attempts[task].number == stimulus.attempt:
            self._attempts[task].timed_out = True
            self._commands.append(Kill(task, now=False))

    def _rested(self, task: int) -> None:
        if self.states[task] is State.RESTING:
            self.slots.add(task)

    def _interrupted(self, signum: int) -> None:
        again = self.is_hurried = self._signal is not None
        if not again:
            self._signal = signum
            self._stop(FreshnessReason("interrupted"))
        self._commands += [Kill(task, now=again) for task in self._active]

    # -- failure -----------------------------------------------------------------------------------------------

    def _fail(self, task: int, cause: Cause, reason: FreshnessReason | None, status: int | None = None) -> None:
        attempt = self._attempts.get(task)
        failure = Failure(cause, attempt.number if attempt is not None else 0, status)
        decision = after_failure(self.tasks[task], failure, self.limits.keep_going, self._stopping is not None)
        self.slots.release(task)
        if isinstance(decision, Retry):
            self._retry(task, decision.seconds, reason)
            return
        if decision.allowed:
            self._allowed.add(task)
        self._finish(task, State.SKIPPED if decision.outcome == "skipped" else State.FAILED, reason=reason)
        if not decision.allowed:
            self._note_failure(task, decision)

    def _note_failure(self, task: int, decision: GiveUp) -> None:
        self._failed = True
        if self._first_failure is None:
            self._first_failure = self.plan.names[task]
        # Before anything is stopped: what could not have run in any case is told as blocked, not as cancelled.
        self._block(task)
        if decision.abort and not self.is_ending:
            self._stop(FreshnessReason("aborted", self.plan.names[task]))
            self._commands += [Kill(other, now=False) for other in self._active]
        elif self.limits.fail_fast and not self.limits.keep_going:
            self._stop(FreshnessReason("fail-fast", self.plan.names[task]))

    def _retry(self, task: int, seconds: float, reason: FreshnessReason | None) -> None:
        attempt, spec = self._attempts[task], self.tasks[task]
        ended = attempt.ended
        assert ended is not None
        self.states.change(task, State.RESTING)
        self._tell(
            TaskRetried(
                task=self.plan.names[task],
                attempt=attempt.number,
                retries=spec.retries,
                delay_ms=round(seconds * 1000),
                exit_status=ended.status,
                signal=ended.signal,
                duration_ms=ended.duration_ms,
                log=ended.log,
                reason=reason,
            )
        )
        attempt.reason = FreshnessReason("retried")
        self._commands.append(Rest(task, seconds))

    @property
    def is_ending(self) -> bool:
        """Whether even what runs was told to end (after a failure under ``fail_fast`` it goes on)."""
        return self._stopping is not None and self._stopping.code != "fail-fast"

    def _stop(self, reason: FreshnessReason) -> None:
        """Nothing starts any more. What only waits is cancelled; what is being checked or runs ends by itself."""
        if self.is_ending:
            return
        self._stopping = reason
        self.slots.clear()
        for wave in self.plan.waves:
            for task in wave.tasks:
                if self.states[task] in (State.WAITING, State.RESTING):
                    self._finish(task, State.CANCELLED, reason=reason)

    # -- progress ----------------------------------------------------------------------------------------------

    def _finish(
        self, task: int, state: State, reason: FreshnessReason | None = None, warnings: tuple[str, ...] = ()
    ) -> None:
        """A task's last state; what follows from it is worked off in ``_proceed``."""
        self.states.change(task, state)
        outcome = _OUTCOMES[state]
        self._counts[outcome] = self._counts.get(outcome, 0) + 1
        if outcome == "failed" and task in self._allowed:
            self._counts["allowed"] = self._counts.get("allowed", 0) + 1
        elif outcome == "passed" and self.tasks[task].is_group:
            self._counts["groups"] = self._counts.get("groups", 0) + 1
        attempt = self._attempts.pop(task, None)
        ended = attempt.ended if attempt is not None else None
        self._tell(
            TaskFinished(
                task=self.plan.names[task],
                attempt=attempt.number if attempt is not None else 0,
                outcome=outcome,
                exit_status=ended.status if ended is not None else None,
                signal=ended.signal if ended is not None else None,
                duration_ms=ended.duration_ms if ended is not None else 0,
                log=ended.log if ended is not None else None,
                reason=reason,
                warnings=(ended.warnings if ended is not None else ()) + warnings,
                allowed=task in self._allowed,
            )
        )
        if self.gates.has_come(task):
            self._over.append(task)

    def _proceed(self) -> None:
        """Work off what is over, open waves, fill slots; tell the end when nothing is left."""
        while True:
            while self._over:
                self._pass(self._over.popleft())
            opened = self.gates.open_waves()
            for number in opened:
                for task in self.gates.ready(number):
                    self._ready(task)
            if not opened and not self._over:
                break
        if self._stopping is None:
            self._fill_slots()
        if self._left == 0 and not self.finished:
            self._finish_run()

    def _fill_slots(self) -> None:
        while (task := self.slots.take()) is not None:
            if self.states[task] is State.RESTING:
                self._start(task)
                continue
            self._announce(self.gates.wave_of[task])
            if self.tasks[task].when:
                self._probe(task, "when", 0)
            else:
                self._check(task)

    def _ready(self, task: int) -> None:
        """A task's turn has come."""
        if self.states[task] is not State.WAITING:
            # It was blocked or cancelled long before.
            self._over.append(task)
            return
        if task in self._unwanted:
            self._announce(self.gates.wave_of[task])
            self._skip(task, self._unwanted[task])
            return
        if not self.tasks[task].is_group:
            self.slots.add(task)
            return
        self._announce(self.gates.wave_of[task])
        ran = any(self.states[need] is State.PASSED for need in self.plan.needs[task])
        self._finish(task, State.PASSED if ran else State.UP_TO_DATE, reason=FreshnessReason("group"))

    def _pass(self, task: int) -> None:
        state = self.states[task]
        self._left -= 1
        number = self.gates.wave_of[task]
        if state in _GOOD:
            self._good[number] = self._good.get(number, 0) + 1
        freed, wave_over = self.gates.pass_task(task)
        if wave_over:
            self._close(number)
        for later in freed:
            self._ready(later)

    def _block(self, failed: int) -> None:
        """Everything that needs a failed task, directly or not, will not run."""
        reason = FreshnessReason("blocked-by", self.plan.names[failed])
        stack = [failed]
        while stack:
            for dependent in self._needed_by(stack.pop()):
                if self.states[dependent] is State.WAITING:
                    self._finish(dependent, State.BLOCKED, reason=reason)
                    stack.append(dependent)

    def _needed_by(self, task: int) -> list[int]:
        if self._dependents is None:
            self._dependents = [[] for _ in self.plan.names]
            for wave in self.plan.waves:
                for member in wave.tasks:
                    for need in self.plan.needs[member]:
                        self._dependents[need].append(member)
        return self._dependents[task]

    def _announce(self, number: int) -> None:
        """A wave starts with the first of its tasks that is looked at; one whose tasks are all blocked never starts."""
        if number in self._announced:
            return
        self._announced.add(number)
        wave = self.gates.wave(number)
        self._tell(WaveStarted(wave=number, name=wave.name, tasks=len(wave.tasks)))

    def _close(self, number: int) -> None:
        if number in self._announced:
            wave = self.gates.wave(number)
            passed = self._good.get(number, 0)
            self._tell(WaveFinished(wave=number, name=wave.name, tasks=len(wave.tasks), passed=passed))
        self.gates.close_wave(number)

    def _finish_run(self) -> None:
        self.finished = True
        outcome: RunOutcome = "passed"
        if self._signal is not None:
            outcome, self.exit_code = "interrupted", 128 + self._signal
        elif self._failed:
            outcome, self.exit_code = "failed", 1
        elif self._counts.get("up_to_date", 0) + self._counts.get("unwanted", 0) == self.plan.task_count:
            outcome = "up_to_date"
        self._tell(
            RunFinished(
                outcome=outcome,
                exit_code=self.exit_code,
                duration_ms=0,
                counts=dict(sorted(self._counts.items())),
                first_failure=self._first_failure,
                signal=self._signal,
            )
        )

    def _tell(self, event: TaskStarted | TaskFinished | TaskRetried | WaveStarted | WaveFinished | RunFinished) -> None:
        self._commands.append(Tell(event))

    def unfinished_stories(self) -> list[str]:
        """What has become of each selected task that has no end yet, for the report of a defect."""
        tasks = (task for wave in self.plan.waves for task in wave.tasks)
        return [self.states.told(task) for task in tasks if self.states[task] not in FINAL]
