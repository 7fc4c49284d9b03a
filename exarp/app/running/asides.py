"""What happens beside the attempts of tasks: scripts of their conditions and of ``finally``, ports, questions to a person.

Knows how each is carried out, and how it becomes an answer to the machine. Holds no policy.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence

import msgspec

from exarp.app.ports import Host, Person
from exarp.app.running.command_lines import LaunchFault
from exarp.app.running.launcher import Launcher
from exarp.app.running.stream import Stream
from exarp.engine.command import Ask, Probe
from exarp.engine.stimulus import Answered, Probed, Stimulus
from exarp.model.launch import Exited
from exarp.model.task import Task

# Bytes of what a script prints that may hold its last line.
_KEPT = 4096


class _Aside(msgspec.Struct):
    probe: Probe
    log: str
    said: bytes = b""


class Asides:
    """Of one run. ``person``: None where nobody is there to ask. ``is_open``: whether a port of this machine takes
    connections. ``log_path``: as of the driver."""

    def __init__(
        self,
        tasks: Sequence[Task],
        host: Host,
        launcher: Launcher,
        stream: Stream,
        person: Person | None,
        is_open: Callable[[int], bool],
        log_path: Callable[[str, int], tuple[str, str]],
    ) -> None:
        self._tasks = tasks
        self._host = host
        self._launcher = launcher
        self._stream = stream
        self._person = person
        self.is_open = is_open
        self._log_path = log_path
        self._running: dict[int, _Aside] = {}
        self._key_of: dict[int, int] = {}
        # The first is the one that is being asked.
        self._questions: deque[int] = deque()
        self._answers: list[Stimulus] = []
        # Whether a script may have changed files since this was last set to False.
        self.has_run = False

    def __len__(self) -> int:
        return len(self._running)

    def __contains__(self, key: int) -> bool:
        return key in self._running

    @property
    def is_asking(self) -> bool:
        """Whether a question is open: the terminal is the person's."""
        return bool(self._questions)

    def probe(self, probe: Probe, key: int) -> None:
        """Begin a probe as ``key``; its answer comes by ``exited`` or ``answers``."""
        spec = self._tasks[probe.task]
        service = spec.service
        if probe.what == "ready" and service is not None:
            if service.port and not self.is_open(service.port):
                self._answers.append(Probed(probe.task, 1, f"nothing takes connections on port {service.port}"))
                return
            if not service.ready:
                self._answers.append(Probed(probe.task, 0))
                return
        variables = {"EXARP_OUTCOME": probe.outcome} if probe.outcome else {}
        # All scripts of a task's ``finally`` share one, beside those of its attempts.
        log, shown = self._log_path(spec.name, 0) if probe.what == "finally" else ("", "")
        try:
            launch = self._launcher.probe(key, spec, _script(spec, probe), variables, log)
        except LaunchFault as fault:
            self._answers.append(Probed(probe.task, None, error=str(fault)))
            return
        self._running[key] = _Aside(probe, shown)
        self._key_of[probe.task] = key
        self._host.start(launch)

    def output(self, key: int, data: bytes) -> None:
        """Keep the end of what a script prints; of ``finally`` it is shown, too."""
        aside = self._running[key]
        aside.said = (aside.said + data)[-_KEPT:]
        if aside.probe.what == "finally":
            self._stream.output(self._tasks[aside.probe.task].name, 0, data)

    def exited(self, exited: Exited) -> Stimulus:
        """A script has ended: the answer."""
        aside = self._running.pop(exited.key)
        task = aside.probe.task
        del self._key_of[task]
        self.has_run = True
        self._stream.end_output(self._tasks[task].name, 0)
        if exited.error:
            error = f"could not be started: {exited.error}"
        else:
            error = f"killed by signal {exited.signal}" if exited.signal is not None else ""
        status = exited.status if not error and not exited.early else None
        log = aside.log if exited.logged else None
        return Probed(task, status, last_line(aside.said), error or ("ended" if exited.early else ""), log)

    def ask(self, ask: Ask) -> None:
        """Ask a person, once all questions before are answered."""
        if self._person is None:
            self._answers.append(Answered(ask.task, None))
            return
        self._questions.append(ask.task)
        if len(self._questions) == 1:
            self._stream.suspend()
            self._person.ask(self._tasks[ask.task].question)

    def kill(self, task: int, now: bool) -> bool:
        """End the script of a task, or take its question back; whether there was any."""
        if task in self._questions:
            self._answered(task, None)
            return True
        if task not in self._key_of:
            return False
        self._host.end(self._key_of[task], now)
        return True

    def answers(self) -> list[Stimulus]:
        """What was answered since the last time."""
        if self._questions and self._person is not None and (yes := self._person.answer()) is not None:
            self._answered(self._questions[0], yes)
        found, self._answers = self._answers, []
        return found

    def _answered(self, task: int, yes: bool | None) -> None:
        assert self._person is not None, "it was asked"
        is_open = task == self._questions[0]
        self._questions.remove(task)
        self._answers.append(Answered(task, yes))
        if not is_open:
            return
        if yes is None:
            self._person.take_back()
        if self._questions:
            self._person.ask(self._tasks[self._questions[0]].question)
        else:
            self._stream.resume()


def _script(spec: Task, probe: Probe) -> str:
    match probe.what:
        case "when":
            return spec.when
        case "requires":
            return spec.requires[probe.index].run
        case "finally":
            return spec.cleanup[probe.index]
        case "ready":
            assert spec.service is not None
            return spec.service.ready


def last_line(data: bytes) -> str:
    """The last line of some output that is not blank."""
    lines = data.decode("utf-8", "replace").split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), "")
