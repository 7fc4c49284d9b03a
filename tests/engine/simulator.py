"""A world for the machine, made of choices: which attempt ends next, and how. It checks every command as it comes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from exarp.engine.command import (
    Ask,
    Check,
    Command,
    Debug,
    Draw,
    GiveBack,
    Kill,
    Probe,
    Recount,
    Rest,
    Settle,
    Start,
    Tell,
    Weigh,
)
from exarp.engine.machine import Machine
from exarp.engine.progress import OUTCOMES, Limits
from exarp.engine.state import FINAL, State
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
    Probed,
    Rested,
    Settled,
    Stimulus,
    TimedOut,
)
from exarp.model.event import (
    AttemptFailed,
    CheckpointReached,
    FreshnessReason,
    QuestionAnswered,
    QuestionAsked,
    RecoveryFinished,
    RecoveryStarted,
    RunFinished,
    ServiceReady,
    TaskFinished,
    TaskRetried,
    TaskStarted,
    VerifyFinished,
    VerifyStarted,
    WaveFinished,
    WaveStarted,
)
from exarp.model.plan import Guard
from exarp.model.task import Task
from exarp.planning.dependents import dependents
from exarp.planning.entanglement import entangled
from exarp.planning.guards import guarded
from exarp.planning.planner import make_plan
from exarp.views.run.fold import as_task
from exarp.views.tally import is_failure, is_unwanted

from ..planning.dice import Dice
from ..planning.plain_order import Order, graph_edges, selected, turn_edges, wave_edges
from ..planning.random_manifests import Case

STALE = FreshnessReason("never-ran")
NOT_HERE = FreshnessReason("other-platform", "linux/amd64")
SIGNALS = (2, 15)
NEVER_RETRIED = (126, 127)


class Run:
    """One run from ``Begun`` to its end; ``events`` and ``stimuli`` are what was told and what happened."""

    def __init__(self, case: Case, dice: Dice, limits: Limits) -> None:
        self.case = case
        self.dice = dice
        self.limits = limits
        self.plan, self.members = guarded(make_plan(case.manifest, case.graph, case.targets), case.manifest)
        self.bound = {number: NOT_HERE for number, task in enumerate(case.manifest.tasks) if task.platforms}
        self.ids = case.graph.ids | {
            guard.name: self.plan.first_guard + at for at, guard in enumerate(self.plan.guards)
        }
        self.asked = [self.ids[name] for name in case.targets] if dice.of(True, False) else []
        self.machine = self.new_machine()
        self.tasks = selected(self.plan)
        self.wave_of = {task: wave for wave in self.plan.waves for task in wave.tasks}
        edges = graph_edges(self.plan, case.graph) | set(self.plan.order)
        self.order = Order(edges | wave_edges(self.plan) | turn_edges(self.plan))
        self.mood = dice.of(0, 1, 1, 3)
        self.events: list[object] = []
        self.stimuli: list[Stimulus] = []
        self.commands: list[list[Command]] = []
        self.checking: list[int] = []
        self.running: dict[int, int] = {}
        self.probing: dict[int, Probe] = {}
        self.required: dict[int, list[int]] = {}
        self.wanted: set[int] = set()
        self.asking: set[int] = set()
        # How what is asked about failed; who has a shell for it; what was answered; how often somebody wanted another attempt.
        self.undecided: dict[int, AttemptFailed] = {}
        self.question: QuestionAsked | None = None
        self.debugging: set[int] = set()
        self.debugged: set[int] = set()
        self.decided: dict[int, str] = {}
        self.again: dict[int, int] = {}
        self.insisted: dict[int, int] = {}
        self.confirmed: set[int] = set()
        self.serving: set[int] = set()
        self.cleaned: dict[int, list[int]] = {}
        self.uses = {task: self._uses(task) for task in self.tasks}
        # Who has a slot, or has left it to be settled and still holds all else; who is checked before there is one.
        self.holders: set[int] = set()
        self.released: set[int] = set()
        self.ahead: set[int] = set()
        self.killed: set[int] = set()
        self.settling: list[int] = []
        self.resting: list[int] = []
        self.attempts: dict[int, int] = {}
        self.over: dict[int, TaskFinished] = {}
        self.open_waves: set[int] = set()
        # Whether the load is to be looked at, and how many tasks it was found to allow beside what runs.
        self.weighing = False
        self.eased = 0
        # Whether a token is to be drawn, and how many are in hand.
        self.drawing = False
        self.tokens = 0
        self.interrupts = 0
        self.stopped = False
        # Guards that let nothing pass. The task that an agent works for, with what is entangled with it; who was given up, by how
        # often that was so; and tasks of which it is not known any more whether they must run.
        self.closed: set[int] = set()
        self.mending: int | None = None
        self.entangled: set[int] = set()
        self.hopeless: dict[int, str] = {}
        self.unsure: set[int] = set()

    def new_machine(self) -> Machine:
        near = partial(entangled, self.plan, self.members)
        return Machine(self.plan, self.members, self.limits, self.bound, self.asked, entangled=near)

    @property
    def ends(self) -> dict[int, TaskFinished]:
        """How the tasks of the manifest ended."""
        return {task: end for task, end in self.over.items() if not self.is_guard(task)}

    def is_guard(self, task: int) -> bool:
        return task >= self.plan.first_guard

    def guard(self, task: int) -> Guard:
        return self.plan.guards[task - self.plan.first_guard]

    def rounds(self, task: int) -> int:
        """How often an agent may mend a task."""
        spec = self.spec(task)
        may = not (spec.allow_failure or spec.interactive or spec.service is not None)
        return self.limits.rounds if may else 0

    def tries(self, task: int) -> int:
        """How many attempts follow the first, if all fail."""
        return self.rounds(task) or self.spec(task).retries

    # -- the world ---------------------------------------------------------------------------------------------

    def go(self) -> Run:
        """Until the machine says it is over."""
        self.happen(Begun())
        while not self.machine.finished:
            self.happen(self.next_stimulus())
        return self

    def happen(self, stimulus: Stimulus) -> None:
        under_way = {*self.running, *self.probing, *self.asking, *self.debugging}
        cleaning = {task for task, probe in self.probing.items() if probe.what == "finally"}
        self._forget(stimulus)
        commands = self.machine.handle(stimulus)
        self.stimuli.append(stimulus)
        self._note_guards()
        # Who waits for the agent has given up what it held, which is told when its turn has come.
        ill = {task for task in self.holders if self.machine.states[task] is State.RECOVERING}
        self.holders -= ill
        self.released -= ill
        self.commands.append(commands)
        for command in commands:
            self._carry_out(command)
        if any(isinstance(command, GiveBack) for command in commands):
            assert not any(isinstance(command, Draw) for command in commands)
        kills = {command for command in commands if isinstance(command, Kill)}
        if isinstance(stimulus, Interrupted):
            again = self.interrupts > 1
            # Who is still being looked at will not start any more, and needs no service.
            needed = {t for t in under_way if set(self.users_at_work(t)) - set(self.checking)}
            doomed = under_way if again else under_way - cleaning - needed
            assert kills == {Kill(task, now=again) for task in doomed}
        elif not isinstance(stimulus, TimedOut):
            services = {kill.task for kill in kills if self.is_service(kill.task)}
            assert not any(self.users_at_work(task) for task in services if task in self.running)
        if isinstance(stimulus, Ended) and not self.is_service(stimulus.task):
            assert (stimulus.task in self.settling) == stimulus.succeeded

    def is_service(self, task: int) -> bool:
        return self.spec(task).service is not None

    def _uses(self, task: int) -> set[int]:
        """The services that a task needs itself, or through groups."""
        found, stack = set(), list(self.plan.needs[task])
        while stack:
            need = stack.pop()
            if self.is_service(need):
                found.add(need)
            elif self.spec(need).is_group:
                stack += self.plan.needs[need]
        return set() if self.spec(task).is_group else found

    def users(self, service: int) -> list[int]:
        return [task for task in self.tasks if service in self.uses[task]]

    def users_at_work(self, service: int) -> list[int]:
        return [task for task in self.users(service) if task in self.attempts and task not in self.over]

    def stays(self, service: int) -> bool:
        """Whether a service was asked for by name, or by that of a group, and nothing uses it."""
        return not self.users(service) and any(
            service == task or (self.spec(task).is_group and service in self._gathered(task)) for task in self.asked
        )

    def _gathered(self, group: int) -> set[int]:
        found, stack = set(), [group]
        while stack:
            task = stack.pop()
            if self.is_service(task):
                found.add(task)
            elif self.spec(task).is_group:
                stack += self.plan.needs[task]
        return found

    def _forget(self, stimulus: Stimulus) -> None:
        """What a stimulus is about is over."""
        match stimulus:
            case Checked(task):
                self.checking.remove(task)
            case Ended(task):
                del self.running[task]
                self.serving.discard(task)
                if task not in self.probing:
                    self.killed.discard(task)
            case Probed(task, status):
                probe = self.probing.pop(task)
                if task not in self.running:
                    self.killed.discard(task)
                if status == 0 and probe.what == "when":
                    self.wanted.add(task)
                elif status == 0 and probe.what == "requires":
                    self.required.setdefault(task, []).append(probe.index)
            case Answered(task, word):
                self.asking.remove(task)
                self.killed.discard(task)
                if task in self.undecided:
                    self._decided(task, word)
                elif word == "yes":
                    self.confirmed.add(task)
            case Eased():
                self.weighing = False
                self.eased = 1
            case Drawn():
                self.drawing = False
                self.tokens += 1
            case Debugged(task):
                self.debugging.remove(task)
                self.killed.discard(task)
                self.debugged.add(task)
            case Settled(task):
                self.settling.remove(task)
            case Rested(task) if task in self.resting:
                self.resting.remove(task)
            case Interrupted():
                self.interrupts += 1
                self.stopped = True

    def _decided(self, task: int, word: str | None) -> None:
        if word is None or self.stopped:
            return
        self.decided[task] = word
        self.killed.discard(task)
        if word == "retry":
            del self.undecided[task]
            self.hopeless.pop(task, None)
            self.insisted[task] = self.insisted.get(task, 0) + 1
            if self.attempts.get(task):
                self.again[task] = self.again.get(task, 0) + 1
            else:
                # It is looked at from the beginning.
                self.attempts.pop(task, None)
                self.required.pop(task, None)
                self.wanted.discard(task)
                self.confirmed.discard(task)

    def next_stimulus(self) -> Stimulus:
        """Any of what could happen now."""
        if self.interrupts < 3 and self.mood and self.dice.below(60) == 1:
            return Interrupted(self.dice.of(*SIGNALS))
        calm = [task for task in self.running if self.is_service(task) and task not in self.killed]
        restless = [task for task in self.running if task not in calm]
        busy = [*self.checking, *self.asking, *self.debugging, *self.probing, *restless, *self.settling, *self.resting]
        if calm and (not busy or self.dice.below(12) == 11):
            return self._served(self.dice.of(*calm))
        assert busy, "nothing is under way, and the run is not over"
        if self.weighing and self.dice.of(True, False):
            return Eased()
        if self.drawing and self.dice.of(False, True):
            return Drawn()
        if self.machine.has_surplus and self.dice.of(False, True):
            return Idle()
        task = self.dice.of(*busy)
        if task in self.debugging:
            return Debugged(task)
        if task in self.asking:
            return Answered(task, self._word(task))
        if task in self.probing:
            return self._probed(task)
        if task in self.running and task not in self.resting:
            return self._ended(task)
        return Rested(task) if task in self.resting else self._looked_at(task)

    def _word(self, task: int) -> str | None:
        """What is answered; a question is taken back only where it is to be."""
        if task in self.killed:
            return None
        if self.is_guard(task) and task not in self.undecided:
            return self.dice.of("continue", "continue", "stop")
        if task not in self.undecided:
            return self.dice.of("yes", "yes", "no")
        assert self.question is not None
        # Nobody goes on for ever.
        left = (
            ("abort",)
            if self.insisted.get(task, 0) > 1
            else ("retry", "skip", "abort")
            if task in self.debugged
            else ()
        )
        options = [word for word in self.question.options if not left or word in left]
        return self.dice.of(*options)

    def _served(self, service: int) -> Stimulus:
        """A service ends by itself, or its time to get ready is up."""
        late = TimedOut(service, self.running[service])
        return self.dice.of(Ended(service, 0), Ended(service, 1), Ended(service, None, signal=9), late)

    def _looked_at(self, task: int) -> Stimulus:
        """The answer of who looks at files; nobody need wait for it where even what runs is being ended."""
        given_up = self.machine.is_ending and self.dice.of(True, False)
        if task in self.checking:
            return Checked(task, stale=BROKEN_OFF) if given_up else self._checked(task)
        fault = FreshnessReason("outputs-not-made", "x") if self.fails() and not self.is_guard(task) else None
        warnings = self.dice.of((), ("it left sleep running",))
        return Settled(task, fault=BROKEN_OFF) if given_up else Settled(task, fault=fault, warnings=warnings)

    def fails(self) -> bool:
        return self.dice.below(8) < self.mood

    def _checked(self, task: int) -> Stimulus:
        if self.is_guard(task):
            return Checked(task, stale=self.dice.of(STALE, STALE, None))
        if self.fails() and self.dice.of(True, False):
            return Checked(task, impossible=FreshnessReason("no-match", "x"))
        if not self.is_service(task) and self.dice.below(8) == 1:
            return Checked(task, stale=STALE, restored=True, log=self.dice.of("log", None))
        return Checked(task, stale=STALE if self.is_service(task) else self.dice.of(STALE, STALE, STALE, None))

    def _probed(self, task: int) -> Stimulus:
        if self.probing[task].what == "ready":
            return Probed(task, self.dice.of(0, 0, 1, None))
        if self.probing[task].what == "recover":
            status = self.dice.of(0, 0, 0, 10, 1, None)
            late = [TimedOut(task, -self.probing[task].number)]
            return self.dice.of(Probed(task, status, "said"), Probed(task, status, "said"), *late)
        if self.dice.below(8):
            return Probed(task, 0)
        late = [TimedOut(task, -self.probing[task].number)] if self.spec(task).timeout else []
        return self.dice.of(Probed(task, 1, "no"), Probed(task, None, error="killed"), TimedOut(task, -999), *late)

    def _ended(self, task: int) -> Stimulus:
        if not self.fails():
            early = task in self.killed and self.dice.of(True, False)
            return Ended(task, 0, duration_ms=3, log="log", early=early)
        late = [TimedOut(task, self.running[task])] if self.spec(task).timeout else []
        early = [TimedOut(task, self.running[task] - 1)]
        ends = [Ended(task, status) for status in (1, 1, 2, 126, 127)]
        ends += [Ended(task, status, verifying="verify it") for status in (1, 127)]
        return self.dice.of(*ends, Ended(task, None, signal=9), Ended(task, 127, error="not found"), *late, *early)

    # -- what the machine wants --------------------------------------------------------------------------------

    def _carry_out(self, command: Command) -> None:
        match command:
            case Ask(task) if task in self.undecided:
                self._inquired(task)
            case Weigh():
                assert self.limits.by_load
                assert not self.weighing
                self.weighing = True
            case Draw():
                assert self.limits.by_tokens
                assert not self.drawing
                assert not self.stopped
                assert 1 <= len(self.holders - self.released) == self.tokens + 1 < self.limits.jobs
                self.drawing = True
            case GiveBack(count):
                assert 1 <= count <= self.tokens
                self.tokens -= count
                assert len(self.holders - self.released) <= self.tokens + 1
            case Recount():
                assert self.limits.by_tokens
                assert not self.debugging
                assert all(self.is_service(other) for other in (*self.running, *self.probing))
            case Debug(task):
                assert self.decided.pop(task) == "debug"
                self.debugging.add(task)
            case Ask(task) if self.is_guard(task):
                assert not self.stopped
                assert self.limits.asking
                assert not self.limits.past_checkpoints
                assert self.guard(task).kind == "checkpoint"
                self.asking.add(task)
            case Ask(task):
                assert not self.stopped
                assert self.limits.asking
                assert self.spec(task).confirm
                assert self.attempts[task] == 0
                assert task not in self.confirmed
                self.asking.add(task)
            case Check(task) if self.is_guard(task) and self.guard(task).kind == "checkpoint":
                self.must_be_over(task)
                self.attempts[task] = 0
                self.checking.append(task)
            case Check(task, ahead) if task in self.unsure and not ahead:
                self.unsure.discard(task)
                self.ahead.discard(task)
                self._may_start(task)
                self.checking.append(task)
            case Check(task, ahead):
                if ahead:
                    self._may_be_foreseen(task)
                elif task not in self.wanted:
                    assert not self.spec(task).when
                    self._may_start(task)
                assert task not in self.attempts
                self.attempts[task] = 0
                self.checking.append(task)
            case Probe(task):
                self._probe(command)
            case Start(task):
                assert task not in self.unsure
                assert task not in self.entangled or self.mending is None
                if self.attempts[task] or task in self.ahead:
                    self.ahead.discard(task)
                    self._may_start(task)
                self._start(command)
            case Settle(task):
                self.settling.append(task)
                if self.limits.ahead and not (self.spec(task).interactive or self.spec(task).cleanup):
                    self.released.add(task)
            case Kill(task):
                self.killed.add(task)
            case Rest(task, seconds):
                exponent = self.attempts[task] - 1
                service = self.spec(task).service
                delay = self.spec(task).retry_delay * 2.0**exponent if service is None else service.interval
                assert (
                    seconds == delay
                    if service is not None or not self.limits.seed
                    else delay <= seconds <= 1.25 * delay
                )
                self.resting.append(task)
            case Tell(event):
                self._told(event)

    def _inquired(self, task: int) -> None:
        """It is time to ask about a task that failed, and what may be answered is right."""
        assert not self.stopped
        assert not self.debugging
        assert not [other for other in self.asking if other in self.undecided]
        assert self.question is not None
        assert self.question.task == self.spec(task).name
        assert not any(self.spec(other).interactive for other in self.holders)
        assert self.question.retries == max(0, self.attempts.get(task, 0) - 1)
        waiting = set().union(*(self.order.later.get(other, set()) for other in self.undecided))
        ended = {*self.over, *self.undecided, *waiting}
        assert all(other in ended or self.is_service(other) for other in self.wave_of[task].tasks)
        is_guard = self.is_guard(task)
        users = dependents(self.plan, task) if is_guard else needing(self.plan.needs, task, self.tasks)
        skip = all(user in self.over or self.spec(user).is_group for user in users)
        retry = task in self.debugged
        expected = ("debug", *(["retry"] if retry else []), *(["skip"] if skip else []), "abort")
        assert self.question.options == expected
        self.asking.add(task)

    def _start(self, start: Start) -> None:
        assert not self.stopped
        task = start.task
        self.attempts[task] += 1
        assert start.attempt == self.attempts[task] <= self.tries(task) + 1 + self.again.get(task, 0)
        service = self.spec(task).service
        assert start.timeout == (self.spec(task).timeout if service is None else service.timeout)
        assert not self.spec(task).confirm or self.limits.yes or task in self.confirmed
        for used in self.uses[task]:
            # One that may fail counts as over when it only cleans up.
            leaving = used in self.probing and self.probing[used].what == "finally" and self.spec(used).allow_failure
            assert used in self.serving or leaving or is_unwanted(self.over[used]) or self.over[used].allowed
        if service is not None:
            assert self.stays(task) or any(user not in self.over for user in self.users(task))
        if self.is_guard(task):
            self._verifies(start)
        else:
            started = TaskStarted(task=self.spec(task).name, attempt=start.attempt, reason=start.reason)
            assert self.events[-1] == started
        self.running[task] = start.attempt
        commands = [index for index, required in enumerate(self.spec(task).requires) if required.run]
        assert self.required.get(task, []) == commands
        assert not self.spec(task).platforms

    def _verifies(self, start: Start) -> None:
        """A verification begins: all that it is about has ended, and well."""
        guard = self.guard(start.task)
        assert guard.kind == "verify"
        assert self.events[-1] == VerifyStarted(
            task=guard.name, wave=guard.number, name=guard.wave, attempt=start.attempt, reason=start.reason
        )
        # A service counts as over before it is.
        assert not any(self.is_bad(member) for member in guard.members if not self.is_service(member))

    def is_bad(self, task: int) -> bool:
        """Whether a task that is over has failed, or was not to run because something else has."""
        end = self.over.get(task)
        return end is not None and (is_failure(end) or end.outcome in ("blocked", "cancelled"))

    def _note_guards(self) -> None:
        """Guards may end without a word."""
        for at, guard in enumerate(self.plan.guards):
            task = self.plan.first_guard + at
            state = self.machine.states[task]
            if state in FINAL and task not in self.over:
                self.over[task] = TaskFinished(task=guard.name, attempt=0, outcome=OUTCOMES[state])
                self.holders.discard(task)
                self.released.discard(task)

    def _recovers(self, probe: Probe) -> None:
        """The agent begins: alone, with all that it may change at rest, and not too often."""
        task = probe.task
        assert self.mending is None
        assert probe.index == self.attempts[task] <= self.rounds(task) + self.again.get(task, 0)
        assert probe.timeout == self.limits.recovery_timeout
        near = set(entangled(self.plan, self.members, task)) - {task}
        self.entangled = {other for other in near if not self.is_service(other)}
        assert not self.entangled & {*self.holders, *self.settling}
        started = self.events[-1]
        assert isinstance(started, RecoveryStarted)
        assert (started.task, started.round) == (self.spec(task).name, probe.index)
        self.mending = task

    def _mended(self, event: RecoveryFinished) -> None:
        task = self.ids[event.task]
        assert self.mending == task
        self.mending = None
        self.unsure |= self.ahead & self.entangled
        self.entangled = set()
        if event.outcome != "tried":
            self.hopeless[task] = event.outcome

    def _probe(self, probe: Probe) -> None:
        task = probe.task
        assert task not in self.probing
        assert probe.what == "finally" or not self.stopped
        self.probing[task] = probe
        if probe.what == "recover":
            self._recovers(probe)
            return
        if probe.what == "ready":
            assert task in self.running
            assert task not in self.serving
            return
        assert task not in self.running
        if probe.what == "finally":
            assert self.interrupts < 2
            assert self.attempts[task]
            self.cleaned.setdefault(task, []).append(probe.index)
        elif probe.what == "when":
            self._may_start(task)
            assert task not in self.attempts
        else:
            assert self.attempts[task] == 0
            assert self.spec(task).requires[probe.index].run
        assert probe.timeout == self.spec(task).timeout

    def _may_start(self, task: int) -> None:
        """Everything that must be over is over, and there is room for the task beside what is under way."""
        assert not self.stopped
        assert task not in self.entangled
        self.must_be_over(task)
        if self.is_service(task):
            assert self.stays(task) or any(user not in self.over for user in self.users(task))
            return
        specs = [self.spec(other) for other in (task, *self.holders)]
        assert task not in self.holders
        if self.limits.by_load and self.holders:
            self.eased -= 1
            assert self.eased >= 0
        self.holders.add(task)
        assert len(self.holders - self.released) <= self.limits.jobs
        assert not self.limits.by_tokens or len(self.holders - self.released) <= self.tokens + 1
        assert len(specs) == 1 or not any(spec.interactive for spec in specs)
        # A person has the terminal as long as a question, or a shell, is open.
        asked = [other for other in self.asking if other in self.undecided]
        assert not self.spec(task).interactive or not (asked or self.debugging)
        held = [name for spec in specs for name in spec.mutex]
        assert len(held) == len(set(held))
        for pool, size in self.limits.pools.items():
            assert sum(spec.resources.get(pool, 0) for spec in specs) <= size
        if not self.is_guard(task):
            assert self.wave_of[task].number in self.open_waves or self.attempts.get(task, 0) == 0

    def _may_be_foreseen(self, task: int) -> None:
        """Nothing keeps the task from starting but that there is no slot, and there is none that it could have."""
        spec = self.spec(task)
        assert not self.stopped
        assert not self.is_guard(task)
        assert not (spec.when or spec.requires or spec.confirm or spec.mutex or spec.resources or spec.interactive)
        assert not self.is_service(task)
        assert not self.uses[task]
        self.must_be_over(task)
        self.ahead.add(task)
        assert len(self.ahead) <= self.limits.ahead
        assert self.wave_of[task].number in self.open_waves

    def must_be_over(self, task: int) -> None:
        for other in self.tasks:
            if task in self.order.later.get(other, ()):
                assert other in self.over or self.is_service(other)
                assert other not in self.closed or task not in dependents(self.plan, other)
        for need in self.plan.needs[task]:
            if self.is_service(need) and need not in self.over:
                continue
            end = self.over[need]
            assert end.outcome in ("passed", "up_to_date", "restored") or end.allowed or is_unwanted(end)

    def _told(self, event: object) -> None:
        self.events.append(event)
        match event:
            case WaveStarted(wave=number):
                assert not self.stopped
                self.open_waves.add(number)
                gated = [n for n in self.open_waves if self.plan.schedule == "waves" or self.plan.waves[n - 1].declared]
                assert len(gated) <= self.limits.max_parallel_waves
            case WaveFinished(wave=number):
                self.open_waves.remove(number)
                wave = self.plan.waves[number - 1]
                assert all(task in self.over or self.is_service(task) for task in wave.tasks)
            case ServiceReady(task=name):
                self.serving.add(self.ids[name])
            case TaskFinished():
                self._finished(event)
            case VerifyFinished():
                self._verified(event)
            case CheckpointReached(task=name, waits=waits):
                assert waits is not self.limits.past_checkpoints
                if waits and not self.limits.asking:
                    self.closed.add(self.ids[name])
            case QuestionAnswered(task=name, answer=word) if word == "stop" or (
                word is None and self.is_guard(self.ids[name])
            ):
                self.closed.add(self.ids[name])
            case RecoveryStarted():
                self.holders.discard(self.ids[event.task])
                self.released.discard(self.ids[event.task])
                assert not self.stopped
                assert not is_hopeless(event, self.spec(self.ids[event.task]))
            case RecoveryFinished():
                self._mended(event)
            case TaskRetried():
                self._retried(event)
            case AttemptFailed():
                self._left_open(event)
            case QuestionAsked(text=""):
                self.question = event

    def _retried(self, event: TaskRetried) -> None:
        task = self.ids[event.task]
        assert not self.stopped
        self.holders.discard(task)
        self.released.discard(task)
        assert not self.rounds(task)
        assert event.attempt == self.attempts[task] <= self.spec(task).retries
        assert not is_hopeless(event, self.spec(task))

    def _left_open(self, event: AttemptFailed) -> None:
        task = self.ids[event.task]
        spec = self.spec(task)
        assert not self.stopped
        assert task not in self.undecided
        assert self.limits.deciding
        assert self.limits.keep_going or not self.limits.fail_fast
        assert spec.on_failure == "ask"
        assert not spec.allow_failure
        assert not self.is_service(task)
        assert event.attempt == self.attempts.get(task, 0)
        assert self.is_tried(event, task)
        self.holders.discard(task)
        self.released.discard(task)
        self.ahead.discard(task)
        self.decided.pop(task, None)
        self.debugged.discard(task)
        self.undecided[task] = event

    def is_tried(self, event: TaskFinished | AttemptFailed, task: int) -> bool:
        """Whether nothing more is to be tried of a task that failed."""
        is_left = event.attempt == 0 or event.attempt > self.tries(task)
        return is_left or is_hopeless(event, self.spec(task)) or self.hopeless.get(task) in ("no_help", "escalated")

    def _verified(self, event: VerifyFinished) -> None:
        task = self.ids[event.task]
        guard = self.guard(task)
        assert (guard.kind, guard.number, guard.wave) == ("verify", event.wave, event.name)
        if (
            event.outcome == "skipped"
            and not event.attempt
            and event.reason == FreshnessReason("wave-failed", guard.wave)
        ):
            assert any(self.is_bad(member) for member in guard.members)
        else:
            self.over.pop(task)
            self._finished(as_task(event))
        if event.outcome in ("failed", "skipped") and event.attempt:
            self.closed.add(task)

    def _finished(self, event: TaskFinished) -> None:
        task = self.ids[event.task]
        spec = self.spec(task)
        assert task not in self.over
        assert event.attempt == self.attempts.get(task, 0)
        self.over[task] = event
        self.holders.discard(task)
        self.released.discard(task)
        self.ahead.discard(task)
        assert task not in self.running
        assert task not in self.probing
        if task in self.resting:
            self.resting.remove(task)
        if event.attempt and self.interrupts < 2:
            assert self.cleaned.get(task, []) == list(range(len(spec.cleanup)))
        if self.is_service(task) and event.outcome == "passed":
            assert self.stays(task) or all(user in self.over for user in self.users(task))
        if is_unwanted(event):
            self.must_be_over(task)
            assert spec.platforms or (spec.when and task not in self.wanted)
        elif event.outcome in ("failed", "skipped"):
            declined = event.reason is not None and event.reason.code == "declined"
            word = self.decided.get(task) if task in self.undecided else None
            assert (event.outcome == "skipped") == (spec.on_failure == "skip" or declined or word == "skip")
            assert event.allowed == spec.allow_failure
            # Somebody is asked where somebody can be.
            asks = self.limits.deciding and (self.limits.keep_going or not self.limits.fail_fast)
            asks = asks and spec.on_failure == "ask" and not (spec.allow_failure or declined or self.is_service(task))
            gone = any(service in self.over or service in self.cleaned for service in self.uses[task])
            assert not asks or self.stopped or gone or word in ("skip", "abort")
            tried = self.is_tried(event, task)
            lost = any(service in self.over or service in self.cleaned for service in self.uses[task])
            assert self.stopped or tried or lost or self.is_service(task)
            aborts = spec.on_failure == "abort" or self.limits.fail_fast
            self.stopped = (
                self.stopped or (aborts and not event.allowed and not self.limits.keep_going) or word == "abort"
            )
            self.undecided.pop(task, None)
        if event.outcome == "blocked":
            self._is_blocked(task, event)
        if spec.is_group and event.outcome in ("passed", "up_to_date"):
            self.must_be_over(task)

    def _is_blocked(self, task: int, event: TaskFinished) -> None:
        assert event.reason is not None
        if event.reason.code == "checkpoint":
            halted = [guard for guard in self.closed if self.guard(guard).kind == "checkpoint"]
            assert any(task in dependents(self.plan, guard) for guard in halted)
            return
        if self.is_guard(culprit := self.ids[event.reason.subject]):
            assert task in dependents(self.plan, culprit)
            return
        end = self.over[culprit]
        assert end.outcome in ("failed", "skipped")
        assert not end.allowed
        assert task in needing(self.plan.needs, culprit, self.tasks)

    def spec(self, task: int) -> Task:
        return self.members[task]


def is_hopeless(event: TaskFinished | TaskRetried | RecoveryStarted | AttemptFailed, spec: Task) -> bool:
    """Whether an attempt failed in a way that no other attempt could mend."""
    code = event.reason.code if event.reason is not None else ""
    if code == "verify-failed":
        return event.exit_status in NEVER_RETRIED
    return code == "start-failed" or (not code and event.exit_status in (*NEVER_RETRIED, *spec.no_retry_on))


def needing(needs: Sequence[Sequence[int]], start: int, tasks: Sequence[int]) -> set[int]:
    """Those of ``tasks`` (in manifest order) that need ``start``, directly or not."""
    found = {start}
    for task in tasks:
        if found.intersection(needs[task]):
            found.add(task)
    return found - {start}


def expected_exit(run: Run) -> int:
    """The exit code that the contract gives a run."""
    signals = [stimulus.signum for stimulus in run.stimuli if isinstance(stimulus, Interrupted)]
    if signals:
        return 128 + signals[0]
    if any(is_failure(end) for end in run.ends.values()):
        return 1
    closed = {run.guard(guard).kind for guard in run.closed}
    return 1 if "verify" in closed else 4 if "checkpoint" in closed else 0


def last(run: Run) -> RunFinished:
    event = run.events[-1]
    assert isinstance(event, RunFinished)
    return event
