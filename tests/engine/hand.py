"""A machine driven by hand: names instead of ids, and commands as lines that read like the story of a run."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from exarp.engine.command import (
    Adopt,
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
    Retire,
    Settle,
    Start,
    Tell,
    Weigh,
)
from exarp.engine.machine import Machine
from exarp.engine.progress import Limits
from exarp.engine.stimulus import (
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
from exarp.graph.build import build_graph
from exarp.model.event import (
    AttemptFailed,
    CheckpointReached,
    FreshnessReason,
    QuestionAsked,
    RecoveryFinished,
    RecoveryStarted,
    RunFinished,
    ServiceReady,
    ServiceStopped,
    TaskFinished,
    TaskRetried,
    VerifyFinished,
    VerifyStarted,
    WaveFinished,
    WaveStarted,
)
from exarp.model.manifest import Manifest, Settings, WaveSpec
from exarp.model.task import Task
from exarp.planning.entanglement import entangled
from exarp.planning.guards import guarded
from exarp.planning.planner import make_plan

STALE = FreshnessReason("never-ran")


class Hand:
    """Each method makes something happen and gives back what follows, as lines."""

    def __init__(
        self,
        tasks: Sequence[Task],
        waves: Sequence[WaveSpec] = (),
        settings: dict[str, Any] | None = None,
        **limits: Any,
    ) -> None:
        chosen = Settings(**{"schedule": "waves" if waves else "flow", **(settings or {})})
        graph, faults = build_graph(tasks)
        assert not faults
        pools = limits.setdefault("pools", {"gpu": 2, "memory": 10})
        manifest = Manifest("exarp.toml", tuple(tasks), tuple(waves), chosen, pools)
        self.plan, members = guarded(make_plan(manifest, graph, graph.names), manifest)
        self.ids = {**graph.ids, **{name: task for task, name in enumerate(self.plan.names)}}
        others = {self.ids[name]: FreshnessReason("other-platform") for name in limits.pop("unwanted", ())}
        asked = [self.ids[name] for name in limits.pop("asked", ())]
        standing = limits.pop("standing", None)
        standing = {self.ids[name]: run for name, run in standing.items()} if standing is not None else None
        borrowed = {self.ids[name]: run for name, run in limits.pop("borrowed", {}).items()}
        limits = {"jobs": 4, "asking": True, "recovery_timeout": 60.0, **limits}
        near = partial(entangled, self.plan, members)
        self.machine = Machine(self.plan, members, Limits(**limits), others, asked, standing, borrowed, near)
        self.told: list[object] = []

    def happen(self, stimulus: Stimulus) -> list[str]:
        commands = self.machine.handle(stimulus)
        self.told += [command.event for command in commands if isinstance(command, Tell)]
        return [line for line in map(self._line, commands) if line]

    def begin(self) -> list[str]:
        """The run begins; whatever is looked at is stale."""
        return self.stale(self.happen(Begun()))

    def stale(self, lines: list[str]) -> list[str]:
        """Answers every check among ``lines`` with "it must run", and those that follow from it."""
        done = []
        while lines:
            done += [line for line in lines if not line.startswith("check ")]
            checks = [self.ids[line.removeprefix("check ")] for line in lines if line.startswith("check ")]
            lines = [line for task in checks for line in self.happen(Checked(task, stale=STALE))]
        return done

    def check(self, name: str, **found: Any) -> list[str]:
        return self.happen(Checked(self.ids[name], **found))

    def probed(self, name: str, status: int | None = 0, **found: Any) -> list[str]:
        return self.stale(self.happen(Probed(self.ids[name], status, **found)))

    def answered(self, name: str, word: str | None) -> list[str]:
        return self.stale(self.happen(Answered(self.ids[name], word)))

    def eased(self) -> list[str]:
        return self.stale(self.happen(Eased()))

    def drawn(self) -> list[str]:
        return self.stale(self.happen(Drawn()))

    def idle(self) -> list[str]:
        return self.happen(Idle())

    def debugged(self, name: str) -> list[str]:
        return self.stale(self.happen(Debugged(self.ids[name])))

    def passes(self, name: str) -> list[str]:
        """An attempt ends well, and its files are settled."""
        assert self.ends(name, 0) == [f"settle {name}"]
        return self.settles(name)

    def settles(self, name: str, fault: FreshnessReason | None = None) -> list[str]:
        return self.stale(self.happen(Settled(self.ids[name], fault=fault)))

    def ends(self, name: str, status: int | None, **fields: Any) -> list[str]:
        return self.stale(self.happen(Ended(self.ids[name], status, **fields)))

    def rested(self, name: str) -> list[str]:
        return self.stale(self.happen(Rested(self.ids[name])))

    def late(self, name: str, attempt: int = 1) -> list[str]:
        return self.happen(TimedOut(self.ids[name], attempt))

    def interrupt(self, signum: int = 2) -> list[str]:
        return self.happen(Interrupted(signum))

    def outdated(self, path: str) -> list[str]:
        return self.happen(Outdated(path))

    def last(self) -> RunFinished:
        assert self.machine.finished
        event = self.told[-1]
        assert isinstance(event, RunFinished)
        return event

    def ended(self, name: str) -> TaskFinished:
        [event] = [e for e in self.told if isinstance(e, TaskFinished) and e.task == name]
        return event

    def standing(self) -> dict[str, str]:
        """The services that are up in the end, with the runs that started them."""
        assert self.machine.finished
        return {self.plan.names[task]: run for task, run in self.machine.standing.items()}

    def _line(self, command: Command) -> str:
        names = self.plan.names
        match command:
            case Check(task):
                return f"check {names[task]}"
            case Probe(task, what, index):
                return f"probe {names[task]} {what} {index}"
            case Ask(task):
                return f"ask {names[task]}"
            case Debug(task):
                return f"debug {names[task]}"
            case Start(task, attempt):
                return f"start {names[task]} {attempt}"
            case Settle(task):
                return f"settle {names[task]}"
            case Rest(task, seconds):
                return f"rest {names[task]} {seconds:g}s"
            case Kill(task, now):
                return f"kill {names[task]}{' now' if now else ''}"
            case Adopt(task):
                return f"adopt {names[task]}"
            case Weigh():
                return "weigh"
            case Draw():
                return "draw"
            case GiveBack(count):
                return f"give back {count}"
            case Recount():
                return "recount"
            case Retire(task, now):
                return f"retire {names[task]}{' now' if now else ''}"
            case Tell(event):
                return told_line(event)


def told_line(event: object) -> str:
    match event:
        case WaveStarted(wave=number):
            return f"wave {number}"
        case WaveFinished(wave=number, passed=passed, tasks=tasks):
            return f"wave {number} {passed}/{tasks}"
        case TaskFinished(task=name, outcome=outcome):
            return f"{name} {outcome}"
        case ServiceReady(task=name):
            return f"{name} ready"
        case ServiceStopped(task=name, reason=reason):
            return f"{name} stopped {reason.code}"
        case AttemptFailed(task=name):
            return f"{name} failed"
        case QuestionAsked(text="", options=options):
            return f"{' '.join(options)}?"
        case VerifyStarted(task=name, attempt=attempt):
            return f"{name} begins {attempt}"
        case VerifyFinished(task=name, outcome=outcome):
            return f"{name} {outcome}"
        case CheckpointReached(task=name, waits=waits):
            return f"{name} {'waits' if waits else 'is passed'}"
        case RecoveryStarted(task=name, round=round_):
            return f"{name} is ill {round_}"
        case RecoveryFinished(task=name, outcome=outcome):
            return f"{name}: {outcome}"
        case TaskRetried(task=name, attempt=attempt):
            return f"{name} failed {attempt}x"
        case RunFinished(outcome=outcome, exit_code=code):
            return f"run {outcome} {code}"
    return ""
