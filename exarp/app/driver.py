"""The loop between the machine and the world.

Knows how each command is carried out and how what happens becomes a stimulus. Holds no policy: what to do next is always
the machine's answer.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from heapq import heappop, heappush
from itertools import count
from signal import SIGINT

import msgspec

from exarp.app.checker import Checker
from exarp.app.launcher import Launcher, LaunchFault
from exarp.app.ports import FORGOTTEN, Clock, Host
from exarp.app.stream import Stream
from exarp.engine.command import Check, Command, Kill, Rest, Settle, Start, Tell
from exarp.engine.machine import Machine
from exarp.engine.stimulus import Begun, Ended, Interrupted, Rested, Stimulus, TimedOut
from exarp.model.event import RunFinished
from exarp.model.launch import Exited, HostEvent, Output

# How often a live view may show that time passes, in seconds.
TICK = 0.1


class _Running(msgspec.Struct):
    task: int
    attempt: int
    started: float
    log: str
    interactive: bool


class Driver:
    """Runs a machine to its end.

    ``log_path(task, attempt)`` gives absolute and shown path of a log. ``ticking``: some view shows time passing.
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
    ) -> None:
        self.machine = machine
        self.host = host
        self.clock = clock
        self.stream = stream
        self.checker = checker
        self.launcher = launcher
        self.log_path = log_path
        self.ticking = ticking
        self._begun = clock.monotonic()
        self._running: dict[int, _Running] = {}
        self._key_of: dict[int, int] = {}
        self._next_key = 0
        self._deadlines: list[tuple[float, int, Stimulus]] = []
        self._ticket = count()
        self._stimuli: deque[Stimulus] = deque()
        self._durations: dict[int, int] = {}

    def run(self) -> int:
        """Until the machine has finished; its exit code."""
        # Views take events to have come at the last tick: the first must come before the first event.
        self.stream.tick()
        self._stimuli.append(Begun())
        self._work()
        while not self.machine.finished:
            # Before every wait, so that nothing said is held back while nothing happens.
            self.stream.tick()
            for event in self.host.wait(self._patience()):
                self._react(event)
            self._ring()
            self._work()
        return self.machine.exit_code

    def _work(self) -> None:
        while self._stimuli:
            for command in self.machine.handle(self._stimuli.popleft()):
                self._carry_out(command)
        self.stream.flush()

    def _carry_out(self, command: Command) -> None:
        match command:
            case Tell(event):
                if isinstance(event, RunFinished):
                    elapsed = round((self.clock.monotonic() - self._begun) * 1000)
                    event = msgspec.structs.replace(event, duration_ms=elapsed)
                self.stream.tell(event)
            case Check(task):
                self._stimuli.append(self.checker.check(task))
            case Start():
                self._start(command)
            case Settle(task):
                self._settle(task)
            case Rest(task, seconds):
                self._arm(seconds, Rested(task))
            case Kill(task, now):
                if task in self._key_of:
                    self.stream.flush()
                    self.host.end(self._key_of[task], now)

    # -- attempts ----------------------------------------------------------------------------------------------

    def _start(self, start: Start) -> None:
        spec = self.machine.tasks[start.task]
        key = self._next_key = self._next_key + 1
        log, shown = self.log_path(spec.name, start.attempt)
        if start.attempt > 1 and (fault := self.checker.look_again(start.task)) is not None:
            self._stimuli.append(Ended(start.task, status=127, error=f"{fault.subject} is gone ({fault.code})"))
            return
        try:
            launch = self.launcher.launch(key, spec, self.checker.snapshots[start.task].named, log)
        except LaunchFault as fault:
            # Output folders may have been emptied.
            self.checker.ended(start.task)
            self._stimuli.append(Ended(start.task, status=127, error=str(fault)))
            return
        # The start is in the ledger before the process exists, so that a crash can be told from a finish.
        self.stream.flush()
        if spec.interactive:
            self.stream.suspend()
        self._running[key] = _Running(start.task, start.attempt, self.clock.monotonic(), shown, spec.interactive)
        self._key_of[start.task] = key
        self.host.start(launch)
        if start.timeout:
            self._arm(start.timeout, TimedOut(start.task, start.attempt))

    def _react(self, event: HostEvent) -> None:
        if isinstance(event, Output):
            running = self._running[event.key]
            self.stream.output(self.machine.tasks[running.task].name, running.attempt, event.data)
        elif isinstance(event, Exited):
            self._exited(event)
        else:
            self._stimuli.append(Interrupted(event.signum))

    def _exited(self, exited: Exited) -> None:
        running = self._running.pop(exited.key)
        del self._key_of[running.task]
        name = self.machine.tasks[running.task].name
        self.stream.end_output(name, running.attempt)
        if running.interactive:
            self.stream.resume()
            if exited.signal == SIGINT:
                # Ctrl-C went to the task alone, which had the terminal; it was meant for the run, unless the task took it.
                self._stimuli.append(Interrupted(SIGINT))
        self.launcher.done(exited.key)
        self.checker.ended(running.task)
        duration_ms = self._durations[running.task] = round(exited.seconds * 1000)
        self._stimuli.append(
            Ended(
                running.task,
                status=exited.status,
                signal=exited.signal,
                duration_ms=duration_ms,
                log=running.log if exited.logged else None,
                error=exited.error,
                warnings=_warnings(exited),
            )
        )

    def _settle(self, task: int) -> None:
        settled, record = self.checker.settle(task)
        if record is not None:
            name = self.machine.tasks[task].name
            self.stream.record(name, msgspec.msgpack.encode(record), self._durations.get(task, 0))
        elif settled.fault is None:
            # What is told as "will run again" must not be found up to date by an older success.
            self.stream.record(self.machine.tasks[task].name, FORGOTTEN, 0)
        self._stimuli.append(settled)

    # -- time --------------------------------------------------------------------------------------------------

    def _arm(self, seconds: float, stimulus: Stimulus) -> None:
        heappush(self._deadlines, (self.clock.monotonic() + seconds, next(self._ticket), stimulus))

    def _ring(self) -> None:
        if not self._deadlines:
            return
        now = self.clock.monotonic()
        while self._deadlines and self._deadlines[0][0] <= now:
            self._stimuli.append(heappop(self._deadlines)[2])

    def _patience(self) -> float | None:
        until = max(0.0, self._deadlines[0][0] - self.clock.monotonic()) if self._deadlines else None
        if not self.ticking:
            return until
        return TICK if until is None else min(TICK, until)


def _warnings(exited: Exited) -> tuple[str, ...]:
    found = []
    if exited.ended:
        found.append(f"left {', '.join(exited.ended)} running; ended with the task (daemon = true keeps it)")
    if exited.cut:
        found.append(f"its log is cut: {exited.cut} bytes are left out (log_limit)")
    return tuple(found)
