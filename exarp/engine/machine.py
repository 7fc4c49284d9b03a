"""The run as a state machine: a stimulus in, commands out.

Knows the plan, the slots, and what each outcome means for the rest of the run. Never spawns, sleeps, or reads a clock:
the same stimuli always give the same commands, which is what makes the failure policy testable without one process.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import msgspec

from exarp.engine.command import Check, Command, GiveBack, Kill, ProbeKind, Rest, Settle, Start
from exarp.engine.failure import Cause, Failure, GiveUp, LeaveOpen, Recover, Retry, after_failure, given_up
from exarp.engine.progress import OUTCOMES, Attempt, Limits
from exarp.engine.recovering import Entangled, Recovering, Sick, nothing_else
from exarp.engine.state import State
from exarp.engine.stimulus import (
    BROKEN_OFF,
    Answered,
    Begun,
    Checked,
    Debugged,
    Drawn,
    Eased,
    Ended,
    Idle,
    Interrupted,
    Outdated,
    Probed,
    Rested,
    Settled,
    Stimulus,
    TimedOut,
)
from exarp.model.event import FreshnessReason, TaskRetried, TaskStarted
from exarp.model.plan import Plan
from exarp.model.quantity import format_duration
from exarp.model.task import Task

_SIGINT = 2


class _Closing(msgspec.Struct):
    """What a task has come to that is still cleaning up."""

    state: State
    reason: FreshnessReason | None
    warnings: tuple[str, ...]
    decision: GiveUp | None


class Machine(Recovering):
    """One run. ``handle`` is the only way in; ``finished`` says whether the run is over, ``is_hurried`` whether it was
    interrupted more than once. ``unwanted``: tasks that are known not to be wanted here, and why. ``entangled``: see
    ``recovering``."""

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
        super().__init__(plan, tasks, limits, unwanted, asked, standing, borrowed, entangled)
        self._late_probes: set[int] = set()
        self._closing: dict[int, _Closing] = {}

    # -- stimuli -----------------------------------------------------------------------------------------------

    def handle(self, stimulus: Stimulus) -> list[Command]:
        """Take one stimulus; the commands to carry out, in order."""
        # In the order of how often they come.
        match stimulus:
            case Checked():
                self._checked(stimulus)
            case Ended():
                self._ended(stimulus)
            case Settled():
                self._settled(stimulus)
            case Probed():
                self._probed(stimulus)
            case Answered():
                self._answered(stimulus)
            case Debugged():
                self._debugged(stimulus.task)
            case Begun():
                self.gates.first()
            case Rested():
                self._rested(stimulus.task)
            case TimedOut():
                self._timed_out(stimulus)
            case Eased():
                self._is_eased, self._is_weighing = True, False
            case Drawn():
                self._is_drawing = False
                self.slots.grant()
            case Idle():
                self._give_back()
            case Outdated(path):
                self._outdated(path)
            case Interrupted():
                self._interrupted(stimulus.signum)
        self._proceed()
        commands, self._commands = self._commands, []
        return commands

    def _give_back(self) -> None:
        """Let others have the tokens that are in hand for nothing. Not before there is nothing else to do: when one task has
        ended, another one starts, and no token needs to go away and come again for that."""
        if self.has_surplus:
            count = self.slots.surplus
            self.slots.withdraw(count)
            self._commands.append(GiveBack(count))

    def _checked(self, checked: Checked) -> None:
        task = checked.task
        if task in self._standing and self._stands(task, checked.impossible or checked.stale):
            return
        if task in self._borrowed and self._is_borrowed(task, checked.impossible or checked.stale):
            return
        if checked.impossible is not None:
            self._fail(task, "impossible", checked.impossible)
        elif checked.stale is None:
            self._end(task, State.UP_TO_DATE)
        elif checked.restored:
            self._attempts[task] = Attempt(reason=checked.stale, ended=Ended(task, None, log=checked.log))
            self._end(task, State.RESTORED, checked.stale)
        elif self._stopping is not None:
            self._end(task, State.CANCELLED, self._stopping)
        elif task in self._ahead:
            self._attempts[task] = Attempt(reason=checked.stale)
            self.states.change(task, State.CHECKED)
            self.slots.prepare(task)
        else:
            self._attempts[task] = Attempt(reason=checked.stale)
            self._require(task, 0)

    # -- before it starts --------------------------------------------------------------------------------------

    def _begin(self, task: int) -> None:
        if self.states[task] is State.RESTING and (self._has_lost(task) or self._is_losing(task)):
            ended = self._attempts[task].ended
            self._fail(task, "exited", None, ended.status if ended is not None else None)
        elif task in self._unsure and self.states[task] is State.CHECKED:
            self._unsure.discard(task)
            self._ahead.discard(task)
            self._check(task)
        elif self.states[task] in (State.RESTING, State.CHECKED):
            self._ahead.discard(task)
            self._start(task)
        elif self.tasks[task].when:
            self._probe_before(task, "when", 0)
        else:
            self._check(task)

    def _is_losing(self, task: int) -> bool:
        """Whether a service that a task uses has failed, and only cleans up."""
        closing = [self._closing[service] for service in self.services.used.get(task, ()) if service in self._closing]
        return any(each.decision is not None and not each.decision.allowed for each in closing)

    def _check(self, task: int) -> None:
        self.states.change(task, State.CHECKING)
        self._commands.append(Check(task, task in self._ahead))

    def _require(self, task: int, index: int) -> None:
        """Look at what a task requires from number ``index`` on; where nothing is left, a person is asked."""
        if task >= self._first_guard and self._is_checkpoint(task):
            self._reach(task)
            return
        requires = self.tasks[task].requires
        while index < len(requires) and not requires[index].run:
            index += 1
        if index < len(requires):
            self._probe_before(task, "requires", index)
        elif self.tasks[task].confirm and not self.limits.yes:
            self._confirm(task)
        else:
            self._await(task)

    def _probe_before(self, task: int, what: ProbeKind, index: int) -> None:
        self.states.change(task, State.PROBING)
        self._active[task] = None
        self._probe(task, what, index, self.tasks[task].timeout)

    def _probed(self, probed: Probed) -> None:
        task = probed.task
        probe = self._probes.pop(task)
        if probe.number in self._late_probes:
            late = f"timed out after {format_duration(probe.timeout)}"
            probed = msgspec.structs.replace(probed, status=None, error=late)
        if probe.what == "ready":
            self._looked_whether_ready(probed)
            return
        if probe.what == "finally":
            self._cleaned(probed, probe.index)
            return
        if probe.what == "recover":
            self._helped(probed)
            return
        del self._active[task]
        if self._stopping is not None:
            self._end(task, State.CANCELLED, self._stopping)
        elif probe.what == "when":
            self._heard_condition(probed)
        elif probed.status == 0:
            self._require(task, probe.index + 1)
        else:
            required = self.tasks[task].requires[probe.index]
            detail = required.message or probed.error or probed.said
            self._fail(task, "impossible", FreshnessReason("requirement-failed", required.run.strip(), detail))

    def _heard_condition(self, probed: Probed) -> None:
        task, condition = probed.task, self.tasks[probed.task].when.strip()
        if probed.status is None:
            self._fail(task, "impossible", FreshnessReason("condition-broken", condition, probed.error))
        elif probed.status:
            self._release(task)
            if task in self._standing:
                self._retire(task, FreshnessReason("not-needed"))
            self._skip(task, FreshnessReason("condition-false", condition, probed.said))
            self._resolve(task)
        else:
            self._check(task)

    # -- attempts ----------------------------------------------------------------------------------------------

    def _start(self, task: int) -> None:
        if self._is_idle(task):
            self._end(task, State.UP_TO_DATE, FreshnessReason("not-needed"))
            return
        attempt = self._attempts[task]
        attempt.number += 1
        attempt.timed_out = False
        self.states.change(task, State.RUNNING)
        self._active[task] = None
        self._is_uncounted = True
        if task < self._first_guard:
            self._tell(TaskStarted(task=self.plan.names[task], attempt=attempt.number, reason=attempt.reason))
        else:
            self._tell_verification(task, attempt)
        service = self.tasks[task].service
        timeout = self.tasks[task].timeout if service is None else service.timeout
        self._commands.append(Start(task, attempt.number, attempt.reason, timeout))
        if service is not None:
            self._look_whether_ready(task)

    def _ended(self, ended: Ended) -> None:
        task = ended.task
        if self.tasks[task].service is not None:
            self._service_ended(ended)
            return
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
            if self.limits.ahead and not (self.tasks[task].interactive or self.tasks[task].cleanup):
                self.slots.release_job(task)
            self._commands.append(Settle(task))
        elif self.is_ending:
            self._conclude(task, State.CANCELLED, self._stopping)
        elif attempt.timed_out:
            limit = format_duration(self.tasks[task].timeout)
            self._fail(task, "timed-out", FreshnessReason("timed-out", limit))
        elif ended.error:
            self._fail(task, "not-started", FreshnessReason("start-failed", ended.error))
        elif ended.verifying:
            reason = FreshnessReason("verify-failed", ended.verifying.strip(), ended.how)
            self._fail(task, "not-verified", reason, ended.status)
        else:
            self._fail(task, "exited", None, ended.status)

    def _settled(self, settled: Settled) -> None:
        if settled.fault == BROKEN_OFF:
            self._conclude(settled.task, State.CANCELLED, self._stopping)
        elif settled.fault is not None:
            self._fail(settled.task, "not-made", settled.fault)
        else:
            self._conclude(settled.task, State.PASSED, warnings=settled.warnings)

    def _timed_out(self, stimulus: TimedOut) -> None:
        task = stimulus.task
        if stimulus.attempt < 0:
            if task in self._probes and self._probes[task].number == -stimulus.attempt:
                self._late_probes.add(-stimulus.attempt)
                self._commands.append(Kill(task, now=False))
        elif self.states[task] is State.RUNNING and self._attempts[task].number == stimulus.attempt:
            self._attempts[task].timed_out = True
            self._commands.append(Kill(task, now=False))

    def _rested(self, task: int) -> None:
        if self.tasks[task].service is not None:
            if self.states[task] is State.RUNNING:
                self._look_whether_ready(task)
        elif self.states[task] is State.RESTING:
            self.slots.add(task)

    def _interrupted(self, signum: int) -> None:
        again = self.is_hurried = self._signal is not None
        if not again:
            self._signal = signum
            self._stop(FreshnessReason("interrupted"))
        self._kill_all(now=again)
        self._retire_all(FreshnessReason("interrupted"))

    def _outdated(self, path: str) -> None:
        """End the run, so that another can begin with what has changed."""
        if not self.is_ending:
            self._is_outdated = True
            self._stop(FreshnessReason("outdated", path))
            self._kill_all(now=False)

    def _kill_all(self, now: bool) -> None:
        """End what runs; services end after what uses them, and what cleans up may do so, unless it must be ``now``."""
        spared = self._closing if not now else {}
        doomed = [task for task in self._active if task not in spared and (now or not self._is_used(task))]
        self._commands += [Kill(task, now) for task in doomed if not self._is_to_be_kept(task)]

    def _stop(self, reason: FreshnessReason) -> None:
        """Nothing starts any more. What only waits is cancelled; what is being checked or runs ends by itself."""
        if self.is_ending:
            return
        self._stopping = reason
        self.slots.clear()
        self._stop_recovering(reason)
        for wave in self.plan.waves:
            for task in wave.tasks:
                if self.states[task] is State.RESTING:
                    self._conclude(task, State.CANCELLED, reason)
                elif self.states[task] is State.UNDECIDED and task not in self._active:
                    self._give_up(task)
                elif self.states[task] in (State.WAITING, State.CHECKED, State.AWAITING, State.STANDBY):
                    self._end(task, State.CANCELLED, reason)
        if not self.is_ending:
            self._commands += [Kill(task, now=False) for task in self._active if self.states[task] is State.ASKING]
        for service in sorted(self.services.staying):
            if self._is_to_be_kept(service) or not self.is_ending:
                self.services.staying.discard(service)
                self._dismiss(service)

    # -- the end of a task -------------------------------------------------------------------------------------

    def _conclude(
        self,
        task: int,
        state: State,
        reason: FreshnessReason | None = None,
        warnings: tuple[str, ...] = (),
        decision: GiveUp | None = None,
    ) -> None:
        """What a task has come to is known; what it does ``finally`` comes before its end."""
        attempt = self._attempts.get(task)
        if attempt is not None and attempt.lost:
            warnings += (f"{attempt.lost}, which it needs, ended while it ran",)
        if attempt is None or not attempt.number or not self.tasks[task].cleanup:
            self._end(task, state, reason, warnings, decision)
        elif self.is_hurried:
            warnings += ("its finally was not run: a second signal ended the run at once",)
            self._end(task, state, reason, warnings, decision)
        else:
            self.states.change(task, State.CLEANING)
            self._active[task] = None
            self._closing[task] = _Closing(state, reason, warnings, decision)
            self._clean(task, 0)

    def _clean(self, task: int, index: int) -> None:
        closing = self._closing[task]
        if index < len(self.tasks[task].cleanup):
            self._probe(task, "finally", index, self.tasks[task].timeout, OUTCOMES[closing.state])
            return
        del self._closing[task]
        del self._active[task]
        self._end(task, closing.state, closing.reason, closing.warnings, closing.decision)

    def _cleaned(self, probed: Probed, index: int) -> None:
        closing = self._closing[probed.task]
        if probed.log is not None:
            self._attempts[probed.task].finally_log = probed.log
        if probed.status != 0:
            how = probed.error or f"exit {probed.status}"
            closing.warnings += (f"its finally failed: {how}" + (f": {probed.said}" if probed.said else ""),)
        self._clean(probed.task, len(self.tasks[probed.task].cleanup) if self.is_hurried else index + 1)

    def _end(
        self,
        task: int,
        state: State,
        reason: FreshnessReason | None = None,
        warnings: tuple[str, ...] = (),
        decision: GiveUp | None = None,
    ) -> None:
        """A task's end, and what follows from it."""
        self._release(task)
        is_service = self.tasks[task].service is not None
        if decision is not None and decision.allowed:
            self._allowed.add(task)
        elif is_service and decision is not None:
            self._broken[task] = task
        self._finish(task, state, reason, warnings)
        if decision is not None and not decision.allowed:
            self._note_failure(task, decision)
        if is_service:
            self._resolve(task)

    # -- failure -----------------------------------------------------------------------------------------------

    def _fail(self, task: int, cause: Cause, reason: FreshnessReason | None, status: int | None = None) -> None:
        attempt = self._attempts.get(task)
        failure = Failure(cause, attempt.number if attempt is not None else 0, status)
        stopping = self._stopping is not None or self._has_lost(task) or self._is_losing(task)
        limits = self.limits
        asking = limits.deciding and (limits.keep_going or not limits.fail_fast)
        spec = self.tasks[task]
        decision = after_failure(spec, failure, limits.keep_going, stopping, limits.seed, asking, limits.rounds)
        if isinstance(decision, Recover):
            self._seek_help(Sick(task, decision.round, reason, failure))
            return
        if isinstance(decision, Retry):
            self._release(task)
            self._retry(task, decision.seconds, reason)
            return
        if isinstance(decision, LeaveOpen):
            self._leave_open(task, reason, decision.unsaid)
            return
        self._conclude(task, _state_of(decision), reason, decision=decision)

    def _give_up_after(self, task: int, failure: Failure, reason: FreshnessReason | None) -> None:
        limits = self.limits
        asking = limits.deciding and (limits.keep_going or not limits.fail_fast)
        decision = given_up(self.tasks[task], failure, limits.keep_going, asking)
        if isinstance(decision, LeaveOpen):
            self._leave_open(task, reason, decision.unsaid)
        else:
            self._conclude(task, _state_of(decision), reason, decision=decision)

    def _note_failure(self, task: int, decision: GiveUp) -> None:
        self._failed = True
        if self._first_failure is None:
            self._first_failure = self.plan.names[task]
        self._failures.add(task)
        # Before anything is stopped: what could not have run in any case is told as blocked, not as cancelled.
        if task < self._first_guard:
            self._block(task)
        else:
            self._block_behind(task, FreshnessReason("blocked-by", self.plan.names[task]))
        if decision.abort and not self.is_ending:
            self._stop(FreshnessReason("aborted", self.plan.names[task]))
            self._kill_all(now=False)
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


def _state_of(decision: GiveUp) -> State:
    return State.SKIPPED if decision.outcome == "skipped" else State.FAILED
