"""How far a run has come: states, waves, slots, counts, and what is told of them.

Knows what a task's end means for what waits for it. Does not know what brings an end about (``machine``).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Mapping, Sequence

import msgspec

from exarp.engine.command import Command, Draw, Recount, Tell, Weigh
from exarp.engine.gates import Gates
from exarp.engine.services import Services
from exarp.engine.slots import Slots
from exarp.engine.state import FINAL, State, States
from exarp.engine.stimulus import Ended
from exarp.model.event import (
    Event,
    FreshnessReason,
    Outcome,
    RunFinished,
    RunOutcome,
    ServiceStopped,
    TaskFinished,
    WaveFinished,
    WaveStarted,
)
from exarp.model.plan import Plan
from exarp.model.task import Task

OUTCOMES: dict[State, Outcome] = {
    State.PASSED: "passed",
    State.UP_TO_DATE: "up_to_date",
    State.RESTORED: "restored",
    State.FAILED: "failed",
    State.SKIPPED: "skipped",
    State.BLOCKED: "blocked",
    State.CANCELLED: "cancelled",
}
_GOOD = frozenset({State.PASSED, State.UP_TO_DATE, State.RESTORED})
# Of a task that changed something.
_ACTIVE = frozenset({State.PASSED, State.RESTORED})
# The exit code of a run in which nothing failed, and something waits for a person.
_WAITING = 4


class Limits(msgspec.Struct, frozen=True):
    """How much may happen at once, and how a failure spreads."""

    jobs: int = 1
    max_parallel_waves: int = 8
    pools: Mapping[str, int] = {}
    keep_going: bool = False
    fail_fast: bool = False
    # Every ``confirm`` is answered with yes.
    yes: bool = False
    # There is somebody to ask whether a task is to run; and what becomes of one that failed.
    asking: bool = False
    deciding: bool = False
    # How many tasks may be checked before there is a slot for them. If any, a slot is free again as soon as the process in it has
    # ended, and not only when its task is settled.
    ahead: int = 0
    # How many prompts may be carried out at once; they take no job.
    agents: int = 8
    # One task may always run; another one starts beside it only where the load of the machine allows that.
    by_load: bool = False
    # One task may always run; for each other one beside it a token is drawn, which others have as long as it is not in hand.
    by_tokens: bool = False
    # Nobody need be asked at checkpoints.
    past_checkpoints: bool = False
    # How often an agent may mend what failed, before it is tried again, and how long it may take each time, in seconds.
    rounds: int = 0
    recovery_timeout: float = 0.0
    # What tells the run apart, so that delays before retries differ from those of others; empty: they are exact.
    seed: str = ""


class Attempt(msgspec.Struct):
    """What is known of a task's latest attempt."""

    number: int = 0
    reason: FreshnessReason = FreshnessReason("forced")
    timed_out: bool = False
    ended: Ended | None = None
    # A service that it uses and that ended meanwhile; what a service's readiness was last said of.
    lost: str = ""
    said: str = ""
    # Of a service that an earlier run started: which.
    started_in: str = ""
    # Where it is kept what its ``finally`` printed.
    finally_log: str | None = None


class Progress:
    """The part of a machine that keeps the books. ``asked``: tasks that were asked for by name, as far as they are services
    or gather some. ``standing``: services that are up, with the runs that started them; those that are ready in the end are then
    kept for a later run. None: services end with the run. ``borrowed``: services that others keep up, with the same."""

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
        self.plan = plan
        self.tasks = tasks
        self.limits = limits
        self.states = States(plan.names)
        self.gates = Gates(plan, limits.max_parallel_waves)
        self.services = Services(plan, tasks, asked)
        self.slots = Slots(tasks, limits.jobs, limits.pools, plan.position, limits.agents, limits.by_tokens)
        self.finished = False
        self.exit_code = 0
        self._dependents: list[list[int]] | None = None
        self._unwanted = unwanted or {}
        self._attempts: dict[int, Attempt] = {}
        self._active: dict[int, None] = {}
        self._holding: set[int] = set()
        # Tasks that are checked, or were, before there is a slot for them.
        self._ahead: set[int] = set()
        # Of those that are checked the ones whose files may have changed since.
        self._unsure: set[int] = set()
        # Whether the load was found to allow one more task, and whether that is being found out.
        self._is_eased = self._is_weighing = False
        # Whether a token is being drawn, and whether any was in the hands of what has run since they were counted.
        self._is_drawing = self._is_uncounted = False
        # Tasks that are over and whose turn has come.
        self._over: deque[int] = deque()
        self._left = sum(len(wave.tasks) for wave in plan.waves)
        settled = sum([wave.settled for wave in plan.waves])
        self._counts: dict[str, int] = {"up_to_date": settled} if settled else {}
        self._good: dict[int, int] = {}
        self._announced: set[int] = set()
        self._first_failure: str | None = None
        self._failed = False
        # Tasks that failed and were not allowed to.
        self._failures: set[int] = set()
        # Tasks from this one on are guards.
        self._first_guard = plan.first_guard
        # Whether anything was verified, and the checkpoints that nobody has let anything pass.
        self._has_verified, self._halted = False, list[str]()
        self._allowed: set[int] = set()
        self._signal: int | None = None
        self._is_outdated = False
        self.is_hurried = False
        self._stopping: FreshnessReason | None = None
        self._commands: list[Command] = []
        self._is_keeping = standing is not None
        self._standing: dict[int, str] = dict(standing or {})
        self._borrowed: dict[int, str] = dict(borrowed or {})
        # Of those the ones that are being ended, and why.
        self._retiring: dict[int, FreshnessReason] = {}
        # What became of them after the end of the run, which is for the next one to tell.
        self.belated: list[ServiceStopped] = []

    @property
    def interrupted_by(self) -> int | None:
        """The number of the signal that came first, also if that was after the end."""
        return self._signal

    @property
    def standing(self) -> Mapping[int, str]:
        """The services that are up beside what the run does: what is there in the end goes on. By the run that started
        them; empty for this one."""
        return self._standing

    @property
    def is_ending(self) -> bool:
        """Whether even what runs was told to end (after a failure under ``fail_fast`` it goes on)."""
        return self._stopping is not None and self._stopping.code != "fail-fast"

    @property
    def has_free_slot(self) -> bool:
        """Whether one more task could run, if there is one."""
        return self.slots.free_jobs > 0

    @property
    def has_surplus(self) -> bool:
        """Whether tokens are in hand for which there is nothing to start."""
        return self.limits.by_tokens and self.slots.surplus > 0

    # -- progress ----------------------------------------------------------------------------------------------

    def _finish(
        self, task: int, state: State, reason: FreshnessReason | None = None, warnings: tuple[str, ...] = ()
    ) -> None:
        """A task's last state; what follows from it is worked off in ``_proceed``."""
        if task >= self._first_guard:
            self._finish_guard(task, state, reason, warnings)
            return
        self.states.change(task, state)
        outcome = OUTCOMES[state]
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
                finally_log=attempt.finally_log if attempt is not None else None,
            )
        )
        if task in self.services.open:
            # It passed its gate long ago.
            self.services.open.discard(task)
        elif self.gates.has_come(task):
            self._over.append(task)
        for service in self.services.user_is_over(task):
            self._dismiss(service)

    def _proceed(self) -> None:
        """Work off what is over, open waves, fill slots; tell the end when nothing is left."""
        self._work_off()
        while self._stopping is None:
            self._fill_slots()
            if not self._over:
                break
            # One whose turn had come was over before it began.
            self._work_off()
        self._work_off()
        if self._left == 0 and not self.services.open and not self._retiring and not self.finished:
            self._finish_run()

    def _work_off(self) -> None:
        while self._over or self.gates.may_open:
            while self._over:
                self._pass(self._over.popleft())
            opened = self.gates.open_waves()
            for number in opened:
                if not self.gates.wave(number).tasks:
                    # All of it is settled.
                    self._close(number)
                for task in self.gates.ready(number):
                    self._ready(task)
            if not opened and not self._over:
                break

    def _fill_slots(self) -> None:
        by_load, by_tokens = self.limits.by_load, self.limits.by_tokens
        if by_tokens and self._is_uncounted and self.slots.is_idle:
            self._count_tokens()
        while (not by_load or self._may_fill()) and (task := self.slots.take()) is not None:
            self._holding.add(task)
            if self.states[task] not in (State.WAITING, State.RESTING, State.CHECKED):
                # A service that it needs failed while it stood in line.
                self._release(task)
                continue
            if self._keeps_back(task):
                self._keep_back(task)
                continue
            self._announce(self.gates.wave_of[task])
            self._begin(task)
        if by_tokens and not self._is_drawing and not self._is_weighing and self.slots.wants_token:
            self._is_drawing = True
            self._commands.append(Draw())
        while len(self._ahead) < self.limits.ahead and (task := self.slots.next_plain()) is not None:
            if not self._is_foreseeable(task) or self._keeps_back(task):
                break
            self.slots.step_out()
            self._ahead.add(task)
            self._announce(self.gates.wave_of[task])
            self._begin(task)

    def _count_tokens(self) -> None:
        """Nobody has a slot: have the tokens counted, if nothing runs without one either. Services never have any."""
        if all(self.tasks[task].service is not None for task in self._active):
            self._is_uncounted = False
            self._commands.append(Recount())

    def _may_fill(self) -> bool:
        """Whether the load of the machine allows that one more task starts; else it is asked for."""
        if not self._holding:
            return True
        if self._is_eased:
            self._is_eased = False
            return True
        if not self._is_weighing and self.slots.has_line:
            self._is_weighing = True
            self._commands.append(Weigh())
        return False

    def _is_foreseeable(self, task: int) -> bool:
        """Whether nothing comes before a task's start but that it is checked."""
        spec = self.tasks[task]
        plain = not (spec.when or spec.requires or spec.confirm) and task < self._first_guard
        return plain and self.states[task] is State.WAITING and task not in self.services.used

    def _keeps_back(self, task: int) -> bool:
        """Whether a task that could start must not yet."""
        raise NotImplementedError

    def _keep_back(self, task: int) -> None:
        """A task that could start waits."""
        raise NotImplementedError

    def _release(self, task: int) -> None:
        """A task no longer needs what it holds, if it holds anything."""
        self._ahead.discard(task)
        if task in self._holding:
            self._holding.discard(task)
            self.slots.release(task)

    def _begin(self, task: int) -> None:
        """A task has all that it waited for."""
        raise NotImplementedError

    def _finish_guard(
        self, guard: int, state: State, reason: FreshnessReason | None, warnings: tuple[str, ...]
    ) -> None:
        """A guard's last state."""
        raise NotImplementedError

    def _ready_guard(self, guard: int) -> None:
        """What a guard stands behind has ended."""
        raise NotImplementedError

    def _dismiss(self, service: int) -> None:
        """Nobody needs a service any more."""
        raise NotImplementedError

    def _skip(self, task: int, reason: FreshnessReason) -> None:
        """A task is not wanted: those that need it run all the same."""
        self._counts["unwanted"] = self._counts.get("unwanted", 0) + 1
        self._finish(task, State.SKIPPED, reason=reason)

    def _ready(self, task: int) -> None:
        """A task's turn has come."""
        if self.states[task] is not State.WAITING:
            # It was blocked or cancelled long before.
            self._over.append(task)
            return
        if task >= self._first_guard:
            self._ready_guard(task)
            return
        if task in self._unwanted:
            self._announce(self.gates.wave_of[task])
            self._skip(task, self._unwanted[task])
            return
        if self.tasks[task].service is not None:
            self._stand_by(task)
            return
        if not self.tasks[task].is_group:
            self.slots.add(task)
            return
        self._announce(self.gates.wave_of[task])
        ran = any(self.states[need] in _ACTIVE for need in self.plan.needs[task])
        self._finish(task, State.PASSED if ran else State.UP_TO_DATE, reason=FreshnessReason("group"))

    def _stand_by(self, service: int) -> None:
        """A service's turn has come: what needs it may go on; it is started for the first that runs."""
        self._announce(self.gates.wave_of[service])
        self.states.change(service, State.STANDBY)
        self.services.open.add(service)
        self._over.append(service)
        if not self.services.is_wanted(service):
            self._dismiss(service)
        elif service in self.services.staying:
            self._begin(service)

    def _pass(self, task: int) -> None:
        state = self.states[task]
        self._left -= 1
        number = self.gates.wave_of[task]
        if state in _GOOD or self.tasks[task].service is not None:
            self._good[number] = self._good.get(number, 0) + 1
        freed, wave_over = self.gates.pass_task(task)
        if wave_over:
            self._close(number)
        for later in freed:
            self._ready(later)

    def _block(self, failed: int, through: int | None = None) -> None:
        """Everything that needs a failed task, directly or not, will not run. ``through``: only what needs this one."""
        reason = FreshnessReason("blocked-by", self.plan.names[failed])
        stack = [failed if through is None else through]
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
        wave = self.gates.wave(number)
        if wave.guard is not None:
            return
        self._announced.add(number)
        self._tell(WaveStarted(wave=number, name=wave.name, tasks=len(wave.tasks) + wave.settled))

    def _close(self, number: int) -> None:
        if number in self._announced:
            wave = self.gates.wave(number)
            passed = self._good.get(number, 0) + wave.settled
            count = len(wave.tasks) + wave.settled
            self._tell(WaveFinished(wave=number, name=wave.name, tasks=count, passed=passed))
        self.gates.close_wave(number)

    def _finish_run(self) -> None:
        self.finished = True
        outcome: RunOutcome = "passed"
        if self._signal is not None:
            outcome, self.exit_code = "interrupted", 128 + self._signal
        elif self._is_outdated:
            outcome, self.exit_code = "cancelled", 1
        elif self._failed:
            outcome, self.exit_code = "failed", 1
        elif self._halted:
            outcome, self.exit_code = "waiting", _WAITING
        elif self._counts.get("up_to_date", 0) + self._counts.get("unwanted", 0) == self.plan.task_count:
            outcome = "passed" if self._has_verified else "up_to_date"
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

    def _tell(self, event: Event) -> None:
        self._commands.append(Tell(event))

    def unfinished_stories(self) -> list[str]:
        """What has become of each selected task that has no end yet, for the report of a defect."""
        tasks = (task for wave in self.plan.waves for task in wave.tasks)
        return [self.states.told(task) for task in tasks if self.states[task] not in FINAL]
