"""The loop between the machine and the world.

Knows how each command is carried out and how what happens becomes a stimulus. Holds no policy: what to do next is always
the machine's answer.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from contextlib import suppress
from signal import SIGTSTP

import msgspec

from exarp.app.freshness.checker import Checker
from exarp.app.freshness.resolution import FileFault
from exarp.app.ports import Clock, Host, Onlooker
from exarp.app.running.artifacts import Artifacts
from exarp.app.running.asides import Asides
from exarp.app.running.attempts import Prepared, Running, ended
from exarp.app.running.command_lines import LaunchFault
from exarp.app.running.deadlines import Deadlines
from exarp.app.running.easing import OUTWARD, Easing
from exarp.app.running.guards import Guards
from exarp.app.running.jobs import Job, Jobs, Keep, broken_off
from exarp.app.running.launcher import Launcher
from exarp.app.running.remembering import Remembering
from exarp.app.running.stream import Stream
from exarp.app.running.stuck import stuck
from exarp.engine.command import Ask, Check, Command, Debug, Kill, Probe, Rest, Settle, Start, Tell
from exarp.engine.machine import Machine
from exarp.engine.state import State
from exarp.engine.stimulus import (
    Begun,
    Checked,
    Ended,
    Idle,
    Interrupted,
    Outdated,
    Rested,
    Settled,
    Stimulus,
    TimedOut,
)
from exarp.model.event import (
    Event,
    QuestionAnswered,
    QuestionAsked,
    RecoveryFinished,
    RecoveryStarted,
    RunFinished,
    TaskRetried,
)
from exarp.model.launch import Exited, HostEvent, Output, Paused, Readable
from exarp.workspace.fingerprints import on_and_on

# How often a live view may show that time passes, in seconds.
TICK = 0.1
# How long files are looked at before it is seen what happened meanwhile, in seconds.
SLICE = 0.05


class _BrokenOff(Exception):
    """The run was told to end while a job was under way, so that nobody waits for its answer."""


class Driver:
    """Runs a machine to its end.

    ``log_path(task, attempt)`` gives absolute and shown path of a log. ``ticking``: some view shows time passing.
    ``artifacts``: None where none are used. ``onlooker``: who has the run ended once what it works on has changed. ``easing``:
    what the outside says of one more task, asked where ``Limits.by_load`` or ``by_tokens``.
    """

    def __init__(
        self,
        machine: Machine,
        host: Host,
        clock: Clock,
        stream: Stream,
        checker: Checker,
        launcher: Launcher,
        log_path: Callable[[str, int], tuple[str, str]],
        ticking: bool,
        asides: Asides,
        guards: Guards,
        artifacts: Artifacts | None = None,
        onlooker: Onlooker | None = None,
        easing: Easing | None = None,
    ) -> None:
        self.machine = machine
        self.host = host
        self.clock = clock
        self.stream = stream
        self.checker = checker
        self.launcher = launcher
        self.log_path = log_path
        self.ticking = ticking
        self.asides = asides
        self.guards = guards
        self.artifacts = artifacts
        self.onlooker = onlooker
        self._easing = easing if easing is not None else Easing(clock)
        self._begun = self._looked_up = clock.monotonic()
        self._running: dict[int, Running] = {}
        self._key_of: dict[int, int] = {}
        self._next_key = 0
        self._deadlines = Deadlines(clock)
        self._stimuli: deque[Stimulus] = deque()
        # What looks at files, and may take long. Everything else that the machine wants is done at once.
        self._jobs = Jobs()
        # Launches of tasks that have no slot yet.
        self._prepared: dict[int, Prepared] = {}
        self._remembering = Remembering(stream, checker, artifacts, guards)
        # Ended by the machine before their start had its turn among the jobs.
        self._unwanted: set[int] = set()
        self._ended, self._interrupted = list[int](), False
        # Log (None: nothing was printed), duration, and whether a secret was printed, of tasks until they are settled.
        self._succeeded: dict[int, tuple[str | None, int, bool]] = {}
        asides.recoveries.running = lambda: [running.task for running in self._running.values()]
        checker.fingerprints.breathe = self._breathe
        launcher.folders.breathe = self._breathe
        if artifacts is not None:
            artifacts.store.breathe = self._breathe

    def run(self) -> int:
        """Until the machine has finished; its exit code."""
        # Views take events to have come at the last tick: the first must come before the first event.
        self.stream.tick()
        self._stimuli.append(Begun())
        self._work()
        while not self.machine.finished:
            self._refuse_to_wait_for_ever()
            if self.machine.has_surplus:
                self._stimuli.append(Idle())
                self._answer()
            self._listen(self._patience())
            self._work()
        self.asides.close()
        # Who looks at files afterwards lets nobody in: the host may be closed by then.
        self.checker.fingerprints.breathe = self.launcher.folders.breathe = on_and_on
        return self.machine.exit_code

    def _listen(self, patience: float | None) -> None:
        """Take what happened, and what is due by the clock, as stimuli."""
        if patience != 0.0 or not self._is_quick():
            # Before every wait, so that nothing said is held back while nothing happens.
            self.stream.tick()
        for event in self.host.wait(patience):
            self._react(event)
        self._stimuli += self.asides.answers()
        self._ask_onlooker()
        self._stimuli += self._deadlines.due()
        self._stimuli += self._easing.due()
        self._looked_up = self.clock.monotonic()

    def _ask_onlooker(self) -> None:
        if self.onlooker is not None and not self.machine.is_ending:
            changed = self.onlooker.outdated(lambda task: self.machine.states[task] is not State.WAITING)
            self._stimuli.extendleft([Outdated(changed)] if changed is not None else [])  # before what starts anything

    def _work(self) -> None:
        self._answer()
        if self._may_put_off():
            return
        while self._jobs:
            self._do(self._jobs.take())
            # A slot may be free for something that is prepared.
            self._look_up(at_once=bool(self._prepared) and self.host.has_news())
            self._answer()
            # What came meanwhile may wait for its like as well: else there would always be just one of them.
            if self._jobs.is_between_batches and self._may_put_off():
                self.stream.flush()
                return
        self._jobs.resume()
        self.stream.flush()

    def _may_put_off(self) -> bool:
        """Whether jobs, and what is to be stored, may wait for more of them: every slot is taken, and soon one is free again."""
        full = self._running and not self.machine.has_free_slot and not self.machine.is_ending
        return bool(full) and self._jobs.may_wait(self.clock.monotonic())

    def _is_quick(self) -> bool:
        return self._jobs.is_quick(self.clock.monotonic())

    def _answer(self) -> None:
        """Give the machine what happened, and do what it wants but for the jobs."""
        while self._stimuli or self._stimuli_aside():
            for command in self.machine.handle(self._stimuli.popleft()):
                self._carry_out(command)

    def _look_up(self, at_once: bool = False) -> bool:
        """Once in a while, in the midst of work: see to signals, output, exits and times; whether it was time to.

        A job that this interrupts is, to the machine, merely under way. No other is begun before it is done.
        """
        if not at_once and self.clock.monotonic() - self._looked_up < SLICE:
            return False
        if not self._is_quick():
            self.stream.flush()
        self._listen(0.0)
        self._answer()
        if not self._is_quick():
            self.stream.flush()
        return True

    def _breathe(self) -> None:
        """Called while files are read or removed. Raises _BrokenOff where nobody waits for what is found any more.

        A command that has succeeded is settled even if the run is being ended, or it would run again next time. Only
        a second signal, by which what runs is killed at once, breaks that off.
        """
        settling = isinstance(self._jobs.current, Settle)
        if self._look_up() and (self.machine.is_hurried if settling else self.machine.is_ending):
            raise _BrokenOff

    def _stimuli_aside(self) -> bool:
        """Take what was answered at once."""
        self._stimuli += self.asides.answers()
        return bool(self._stimuli)

    def _carry_out(self, command: Command) -> None:
        # In the order of how often they come; and tuples, here and below, for a union of types is made anew each time.
        if isinstance(command, Tell):
            self._tell(command.event)
        elif isinstance(command, (Check, Settle)):
            self._jobs.put(command)
        elif isinstance(command, Start):
            if command.attempt > 1:
                # Its inputs are looked at again.
                self._jobs.put(command)
            elif self.launcher.takes_long(self.machine.tasks[command.task]):
                # Before other tasks are looked at: it only waits to be started.
                self._jobs.put_first(command)
            else:
                self._start(command)
        elif isinstance(command, Probe):
            self._probe(command)
        elif isinstance(command, Ask):
            self.stream.flush()
            self.asides.ask(command.task)
        elif isinstance(command, OUTWARD):
            self._stimuli += self._easing.carry_out(command)
        elif isinstance(command, Debug):
            self._debug(command.task)
        elif isinstance(command, Rest):
            self._deadlines.arm(command.seconds, Rested(command.task))
        elif isinstance(command, Kill):
            self._kill(command.task, command.now)

    def _debug(self, task: int) -> None:
        key = self._next_key = self._next_key + 1
        snapshot = self.checker.snapshots.get(task)
        self.asides.debug(task, key, snapshot.named if snapshot is not None else ())

    def _tell(self, event: Event) -> None:
        if isinstance(event, RunFinished):
            elapsed = round((self.clock.monotonic() - self._begun) * 1000)
            event = msgspec.structs.replace(event, duration_ms=elapsed)
        elif isinstance(event, (QuestionAsked, QuestionAnswered)):
            event = self.asides.questions.told(event)
        elif isinstance(event, (TaskRetried, RecoveryStarted, RecoveryFinished)):
            event = self.asides.recoveries.told(event)
        self._remembering.told(event)
        self.stream.tell(event)

    def _kill(self, task: int, now: bool) -> None:
        beside = self.asides.kill(task, now)
        if task in self._key_of:
            self.stream.flush()
            self.host.end(self._key_of[task], now)
        elif not beside:
            self._unwanted.add(task)

    # -- what takes long --------------------------------------------------------------------------------------

    def _do(self, job: Job) -> None:
        # Not at once: what is read while an attempt ends may be of before or after, and is not to be kept.
        for task in self._ended:
            if task < self.guards.first:
                self.checker.ended(task)
            else:
                self.checker.forget()
        self._ended.clear()
        if self.asides.has_run:
            self.asides.has_run = False
            self.checker.forget()
        self._jobs.current = job
        try:
            if isinstance(job, Check):
                checked = self._check(job.task)
                self._stimuli.append(checked)
                if job.ahead and checked.stale is not None and checked.impossible is None and not checked.restored:
                    self._prepare(job.task)
            elif isinstance(job, Settle):
                self._settle(job.task)
            elif isinstance(job, Start):
                self._start_at_last(job)
            else:
                assert self.artifacts is not None, "there would be nothing to keep"
                self.artifacts.keep(job.task, job.record, job.log, job.duration_ms, job.contents, job.masked)
        except _BrokenOff:
            if isinstance(job, Start):
                # Output folders may have been emptied.
                self._ended.append(job.task)
            if not isinstance(job, Keep):
                self._stimuli.append(broken_off(job))
        self._jobs.current = None

    def _check(self, task: int) -> Checked:
        if task >= self.guards.first:
            return self.guards.check(task, self.machine.states.__getitem__, self.stream.record)
        if (outdated := self._prepared.pop(task, None)) is not None:
            # It is looked at again: what it was made ready for may not be so any more.
            self.launcher.done(outdated.launch.key)
        checked = self.checker.check(task)
        restored = self.artifacts.restored(checked) if self.artifacts is not None else None
        if restored is None:
            return checked
        name = self.machine.plan.names[task]
        self._remembering.keep(name, restored.record, restored.duration_ms)
        if restored.log is not None:
            self.stream.replay(name, restored.log[0])
        shown = restored.log[1] if restored.log is not None else None
        return Checked(task, checked.stale, restored=True, log=shown)

    def _settle(self, task: int) -> None:
        if task >= self.guards.first:
            del self._succeeded[task]
            self._stimuli.append(Settled(task))
            return
        fingerprints = self.checker.fingerprints
        if self.artifacts is not None:
            fingerprints.contents = {}
        self.launcher.forget()
        settled, record = self.checker.settle(task)
        contents, fingerprints.contents = fingerprints.contents or {}, None
        log, duration_ms, masked = self._succeeded.pop(task)
        if record is not None:
            self._remembering.keep(self.machine.plan.names[task], record)
            if self.artifacts is not None:
                self._jobs.put(Keep(task, record, log, duration_ms, contents, masked))
        self._stimuli.append(settled)

    def _start_at_last(self, start: Start) -> None:
        again = start.attempt > 1 and start.task < self.guards.first
        if again and (fault := self.checker.look_again(start.task)) is not None:
            self._stimuli.append(Ended(start.task, status=None, error=str(FileFault(fault))))
        elif start.task in self._unwanted:
            self._stimuli.append(broken_off(start))
        else:
            self._start(start)

    # -- attempts ----------------------------------------------------------------------------------------------

    def _start(self, start: Start) -> None:
        spec = self.machine.tasks[start.task]
        port = spec.service.port if spec.service is not None else 0
        if port and self.asides.is_open(port):
            error = f"something else takes connections on port {port} already"
            self._stimuli.append(Ended(start.task, status=None, error=error))
            return
        try:
            ready = self._prepared.pop(start.task, None) or self._launch(start.task, start.attempt)
        except LaunchFault as fault:
            # Output folders may have been emptied.
            self._ended.append(start.task)
            self._stimuli.append(Ended(start.task, status=127, error=str(fault)))
            return
        if self._remembering.is_pressing or not self._is_quick():
            # The start is in the ledger before the process exists, so that a crash can be told from a finish. Where the task
            # has no earlier success that could be taken for one, and there are many of them, it may be a moment later.
            self._remembering.is_pressing = False
            self.stream.flush()
        key = ready.launch.key
        if self._is_too_late(start.task):
            self.launcher.done(key)
            self._ended.append(start.task)
            self._stimuli.append(broken_off(start))
            return
        if spec.interactive:
            self.stream.suspend()
        self._running[key] = Running(start.task, start.attempt, ready.launch.log, ready.shown, spec.interactive)
        self._key_of[start.task] = key
        self.host.start(ready.launch)
        if start.timeout:
            self._deadlines.arm(start.timeout, TimedOut(start.task, start.attempt))

    def _launch(self, task: int, attempt: int) -> Prepared:
        """A task's launch, with all that must be made before it. Raises LaunchFault."""
        spec = self.machine.tasks[task]
        key = self._next_key = self._next_key + 1
        log, shown = self.log_path(spec.name, attempt)
        named = self.checker.snapshots[task].named if task < self.guards.first else ()
        return Prepared(self.launcher.launch(key, spec, named, log), shown)

    def _prepare(self, task: int) -> None:
        """Get a first attempt ready to start, as far as it would leave nothing behind if it never did."""
        if self.launcher.leaves_no_trace(self.machine.tasks[task]):
            with suppress(LaunchFault):  # it is told when its turn has come, if it is still true then
                self._prepared[task] = self._launch(task, 1)

    def _is_too_late(self, task: int) -> bool:
        """Whether a task is not to be started any more; looked up, because what comes before a start may take long."""
        if self.clock.monotonic() - self._looked_up >= SLICE:
            self._listen(0.0)
        return task in self._unwanted or any(
            isinstance(stimulus, (Interrupted, Outdated)) for stimulus in self._stimuli
        )

    def _react(self, event: HostEvent) -> None:
        if isinstance(event, (Exited, Output)) and event.key in self.asides:
            self._react_aside(event)
        elif isinstance(event, Exited):
            self._exited(event)
        elif isinstance(event, Output):
            running = self._running[event.key]
            self.stream.output(self.machine.tasks[running.task].name, running.attempt, event.data)
        elif isinstance(event, Paused):
            self._delay(event.seconds)
        elif isinstance(event, Readable):
            self._stimuli += self._easing.look()
        elif event.signum == SIGTSTP:
            self._pause()
        else:
            self._interrupt(event.signum)

    def _react_aside(self, event: Output | Exited) -> None:
        if isinstance(event, Output):
            self.asides.output(event.key, event.data)
        else:
            self.launcher.forget()
            self._stimuli.append(self.asides.exited(event))

    def _probe(self, probe: Probe) -> None:
        key = self._next_key = self._next_key + 1
        self.asides.probe(probe, key)
        if probe.timeout:
            self._deadlines.arm(probe.timeout, TimedOut(probe.task, -probe.number))

    def _interrupt(self, signum: int) -> None:
        self._stimuli.append(Interrupted(signum))
        # Nothing is started for what was found out before.
        self._stimuli = deque(sorted(self._stimuli, key=lambda stimulus: isinstance(stimulus, Checked)))
        settling = self._jobs.settling + sum(
            isinstance(stimulus, Ended) and stimulus.succeeded for stimulus in self._stimuli
        )
        waited_for = len(self._running) + len(self.asides) + settling
        if not self._interrupted and waited_for:
            self.stream.interrupted(signum, waited_for)
        self._interrupted = True

    def _pause(self) -> None:
        # Where an interactive task has the terminal, the views have left it already.
        shown = not self.asides.is_asking and not any(running.interactive for running in self._running.values())
        if shown:
            self.stream.suspend()
        self._delay(self.host.suspend())
        if shown:
            self.stream.resume()
        self.asides.questions.repeat()

    def _exited(self, exited: Exited) -> None:
        running = self._running.pop(exited.key)
        del self._key_of[running.task]
        name = self.machine.tasks[running.task].name
        self.stream.end_output(name, running.attempt)
        if running.interactive:
            self.stream.resume()
        self.launcher.done(exited.key)
        if exited.status != 0:
            # Else it is settled, before what waits for it has its turn.
            self.launcher.forget()
        self._ended.append(running.task)
        self._jobs.ended(self.clock.monotonic())
        self._easing.hurry()
        duration_ms = round(exited.seconds * 1000)
        self._succeeded[running.task] = (running.path if exited.logged else None, duration_ms, exited.masked)
        if self.machine.limits.deciding and self.machine.tasks[running.task].on_failure == "ask":
            self.asides.questions.logs[name] = running.path if exited.logged else ""
        self._stimuli.append(ended(running, exited, self.machine.tasks[running.task], duration_ms))

    # -- time --------------------------------------------------------------------------------------------------

    def _delay(self, seconds: float) -> None:
        """Everything was stopped for so long: no attempt is to be ended for it, and it counts in no duration."""
        self._begun += seconds
        self.stream.delay(seconds)
        self._deadlines.delay(seconds)

    def _patience(self) -> float | None:
        ticks = self.ticking or self.asides.is_asking or self.onlooker is not None
        jobs = self._jobs.patience(self.clock.monotonic())
        times = (self._deadlines.patience(), jobs, TICK if ticks else None, self._easing.patience())
        return min((seconds for seconds in times if seconds is not None), default=None)

    def _refuse_to_wait_for_ever(self) -> None:
        if not (self._running or self._deadlines or self._easing or self.asides or self.asides.is_asking):
            raise stuck(self.machine)
