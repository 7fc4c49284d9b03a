"""What happens beside the attempts of tasks: scripts of their conditions and of ``finally``, ports, questions to a person, the
shell that one may want for an answer.

Knows how each is carried out, and how it becomes an answer to the machine. Holds no policy.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from exarp.app.ports import AnswerBox, Host, Person
from exarp.app.running.command_lines import LaunchFault
from exarp.app.running.launcher import Launcher
from exarp.app.running.log_end import meaningful
from exarp.app.running.questions import Questions
from exarp.app.running.recoveries import Recoveries
from exarp.app.running.stream import Stream
from exarp.engine.command import Probe
from exarp.engine.stimulus import Debugged, Probed, Stimulus
from exarp.model.launch import Exited, Launch
from exarp.model.task import Task

# Bytes of what a script prints that may hold its last line.
_KEPT = 4096


class _Aside(msgspec.Struct):
    probe: Probe
    log: str
    said: bytes = b""


class Asides:
    """Of one run. ``person``: None where nobody is there to ask; ``box``: where others may answer. ``is_open``: whether a port of
    this machine takes connections. ``log_path``: as of the driver."""

    def __init__(
        self,
        tasks: Sequence[Task],
        host: Host,
        launcher: Launcher,
        stream: Stream,
        person: Person | None,
        is_open: Callable[[int], bool],
        log_path: Callable[[str, int], tuple[str, str]],
        recoveries: Recoveries,
        box: AnswerBox | None = None,
    ) -> None:
        self._tasks = tasks
        self._host = host
        self._launcher = launcher
        self._stream = stream
        self._person = person
        self.is_open = is_open
        self._log_path = log_path
        self.recoveries = recoveries
        self._running: dict[int, _Aside] = {}
        self._key_of: dict[int, int] = {}
        self.questions = Questions(stream, person, box)
        # Tasks by the keys of the shells that a person has for them.
        self._shells: dict[int, int] = {}
        self._answers: list[Stimulus] = []
        # Whether a script may have changed files since this was last set to False.
        self.has_run = False

    def __len__(self) -> int:
        return len(self._running) + len(self._shells)

    def __contains__(self, key: int) -> bool:
        return key in self._running or key in self._shells

    @property
    def is_asking(self) -> bool:
        """Whether a question is open, or a shell: the terminal is the person's."""
        return bool(self.questions)

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
        try:
            launch, shown = self._launch(probe, key)
        except LaunchFault as fault:
            self._answers.append(Probed(probe.task, None, error=str(fault)))
            return
        self._running[key] = _Aside(probe, shown)
        self._key_of[probe.task] = key
        self._host.start(launch)

    def _launch(self, probe: Probe, key: int) -> tuple[Launch, str]:
        """The launch of a probe, and its log's path as it is shown, empty where none is kept. Raises LaunchFault."""
        if probe.what == "recover":
            return self.recoveries.launch(key, probe.task, probe.index)
        spec = self._tasks[probe.task]
        variables = {"EXARP_OUTCOME": probe.outcome} if probe.outcome else {}
        # All scripts of a task's ``finally`` share one, beside those of its attempts.
        log, shown = self._log_path(spec.name, 0) if probe.what == "finally" else ("", "")
        return self._launcher.probe(key, spec, _script(spec, probe), variables, log), shown

    def output(self, key: int, data: bytes) -> None:
        """Keep the end of what a script prints; of ``finally`` it is shown, too."""
        aside = self._running[key]
        aside.said = (aside.said + data)[-_KEPT:]
        if aside.probe.what == "finally":
            self._stream.output(self._tasks[aside.probe.task].name, 0, data)

    def exited(self, exited: Exited) -> Stimulus:
        """A script, or a shell, has ended: the answer."""
        if (debugged := self._shells.pop(exited.key, None)) is not None:
            del self._key_of[debugged]
            self._launcher.done(exited.key)
            self.has_run = True
            self.questions.debugged()
            return Debugged(debugged)
        aside = self._running.pop(exited.key)
        task = aside.probe.task
        del self._key_of[task]
        self.has_run = True
        self._launcher.done(exited.key)
        self._stream.end_output(self._tasks[task].name, 0)
        if exited.error:
            error = f"could not be started: {exited.error}"
        else:
            error = f"killed by signal {exited.signal}" if exited.signal is not None else ""
        status = exited.status if not error and not exited.early else None
        log = aside.log if exited.logged else None
        is_agent = aside.probe.what == "recover"
        said = meaningful(aside.said.decode("utf-8", "replace")) if is_agent else last_line(aside.said)
        return Probed(task, status, said, error or ("ended" if exited.early else ""), log)

    def ask(self, task: int) -> None:
        """Ask a person what was told last, once all questions before are answered."""
        # Whoever answers may have changed files.
        self.has_run = True
        self.questions.ask(task)

    def debug(self, task: int, key: int, named: Sequence[str]) -> None:
        """Give a person a shell for a task that failed, as ``key``. ``named``: see ``Launcher.shell``."""
        assert self._person is not None, "somebody wants it"
        spec = self._tasks[task]
        log = self.questions.logs.get(spec.name, "")
        try:
            launch = self._launcher.shell(key, spec, named, log)
        except LaunchFault:
            # What the task cannot be given, a person need not be.
            bare = msgspec.structs.replace(spec, commands=("",), argv=(), prompt="", env={}, variables={})
            launch = self._launcher.shell(key, bare, (), log)
        self._person.debug(spec.name, launch.cwd, log)
        self._shells[key] = task
        self._key_of[task] = key
        self._host.start(launch)

    def kill(self, task: int, now: bool) -> bool:
        """End the script or the shell of a task, or take its question back; whether there was any."""
        if self.questions.take_back(task):
            return True
        if task not in self._key_of:
            return False
        self._host.end(self._key_of[task], now)
        return True

    def answers(self) -> list[Stimulus]:
        """What was answered since the last time."""
        answered = self.questions.answers()
        if not self._answers and not answered:
            return []
        found, self._answers = [*self._answers, *answered], []
        return found

    def close(self) -> None:
        """The run is over."""
        self.questions.close()


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
        case "recover":
            raise AssertionError("the agent is nothing of the task's")


def last_line(data: bytes) -> str:
    """The last line of some output that is not blank."""
    lines = data.decode("utf-8", "replace").split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), "")
