"""The agent that may mend what failed: what it is told, how it is started, and what it changed.

Knows the context that it gets (docs/recovery.md has the fields), and what is remembered of earlier rounds. Does not know when
it is sent, nor what follows from its word (``engine.recovering``).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import TYPE_CHECKING

import msgspec

from exarp.app.freshness.checker import Checker
from exarp.app.running.launcher import Launcher
from exarp.app.running.log_end import end_of_log
from exarp.model.event import Event, FreshnessReason, RecoveryFinished, RecoveryStarted, TaskRetried
from exarp.model.launch import Launch
from exarp.model.manifest import Recovery
from exarp.model.overlap import is_wide
from exarp.model.path import matches
from exarp.model.plan import Plan
from exarp.model.task import Task
from exarp.workspace.changes import Stamp, changed, stamps

if TYPE_CHECKING:
    from exarp.app.running.recovery_context import AgentOfContext, AttemptOfContext, ReasonOfContext, WaveOfContext

_LINES = 50
# More names than these are counted.
_NAMES = 100
# Fields of the context that hold words of exarp's own.
_WORDS = frozenset({"kind", "outcome", "code"})


class _Attempt(msgspec.Struct):
    """A failed attempt, and what the agent made of it."""

    attempt: int
    exit_status: int | None
    signal: int | None
    duration_ms: int
    log: str | None
    reason: FreshnessReason | None
    agent: RecoveryFinished | None = None


class _Round(msgspec.Struct):
    """The agent at work. ``began``: seconds on the monotonic clock. ``ran``, ``running``: tasks that had run, and that ran."""

    began: float
    before: dict[str, Stamp]
    ran: frozenset[int]
    running: frozenset[int]
    shown: str


class Recoveries:
    """Of one run. ``behind``: the names of all tasks that wait for one, directly or not. ``running``: tasks that run now.

    ``monotonic``: the clock. ``log_path``: as of the driver.
    """

    def __init__(
        self,
        root: str,
        recovery: Recovery | None,
        plan: Plan,
        tasks: Sequence[Task],
        checker: Checker,
        launcher: Launcher,
        log_path: Callable[[str, int], tuple[str, str]],
        behind: Callable[[int], Sequence[str]],
        monotonic: Callable[[], float],
    ) -> None:
        self._root = root
        self._recovery = recovery
        self._plan = plan
        self._tasks = tasks
        self._checker = checker
        self._launcher = launcher
        self._log_path = log_path
        self._behind = behind
        self._monotonic = monotonic
        self.running: Callable[[], Iterable[int]] = lambda: ()
        self._attempts: dict[str, list[_Attempt]] = {}
        self._started: RecoveryStarted | None = None
        self._round: _Round | None = None

    def told(self, event: Event) -> Event:
        """Remember what is worth telling the agent; the event, with all that the machine cannot know."""
        if self._recovery is None:
            return event
        if isinstance(event, (TaskRetried, RecoveryStarted)):
            attempt = _Attempt(
                event.attempt, event.exit_status, event.signal, event.duration_ms, event.log, event.reason
            )
            self._attempts.setdefault(event.task, []).append(attempt)
            if isinstance(event, RecoveryStarted):
                self._started = event
        elif isinstance(event, RecoveryFinished):
            return self._finished(event)
        return event

    # -- the agent is sent -------------------------------------------------------------------------------------

    def launch(self, key: int, task: int, round_: int) -> tuple[Launch, str]:
        """The launch of the agent for what the last ``RecoveryStarted`` told of, and its log's path as events show it.

        Raises LaunchFault.
        """
        recovery = self._recovery
        assert recovery is not None, "nobody is sent otherwise"
        name = self._plan.names[task]
        log, shown = self._log_path(f"recover {name}", round_)
        path = self._launcher.write_beside(key, "context", self.context(task, round_))
        launch = self._launcher.agent(key, name, recovery.commands, {"EXARP_CONTEXT": path}, log)
        running = frozenset(self.running())
        ran = frozenset(self._checker.ran)
        self._round = _Round(self._monotonic(), stamps(self._root), ran, running, shown)
        return launch, shown

    def context(self, task: int, round_: int) -> str:
        """What the agent is told, as JSON: see docs/recovery.md."""
        recovery, started = self._recovery, self._started
        assert recovery is not None and started is not None, "the failure was told"
        spec = self._tasks[task]
        guard = self._plan.guards[task - self._plan.first_guard] if task >= self._plan.first_guard else None
        log = self._absolute(started.log)
        from exarp.app.running.recovery_context import VERSION, Context

        found = Context(
            version=VERSION,
            kind="task" if guard is None else "verification",
            task=spec.name if guard is None else None,
            wave=self._wave_of(task),
            run=started.run or self._launcher.own["EXARP_RUN"],
            workspace=self._root,
            round=round_,
            rounds=recovery.attempts,
            commands=[*([list(spec.argv)] if spec.argv else ()), *spec.attempted],
            shell=list(spec.shell),
            cwd=spec.cwd,
            prompt=spec.prompt or None,
            exit_status=started.exit_status,
            signal=started.signal,
            reason=_reason(started.reason),
            log=log,
            last_lines=end_of_log(log, _LINES) if log is not None else [],
            inputs=self._inputs(task, guard.members if guard is not None else ()),
            outputs=list(spec.outputs or ()),
            modifies=list(spec.modifies),
            attempts=[self._told_of(attempt) for attempt in self._attempts[spec.name]],
            dependents=list(self._behind(task)),
        )
        secrets = self._launcher.secrets
        told = _encodable(msgspec.to_builtins(found), secrets.mask.text if secrets else str)
        return msgspec.json.format(msgspec.json.encode(told), indent=2).decode() + "\n"

    def _wave_of(self, task: int) -> WaveOfContext | None:
        from exarp.app.running.recovery_context import WaveOfContext

        if task >= self._plan.first_guard:
            guard = self._plan.guards[task - self._plan.first_guard]
            return WaveOfContext(guard.number, guard.wave) if guard.number else None
        for wave in self._plan.real_waves:
            if task in wave.tasks:
                return WaveOfContext(wave.number, wave.name)
        return None

    def _inputs(self, task: int, members: Sequence[int]) -> list[str]:
        """The files that a task reads, as far as they are known; of a verification what the tasks before it made."""
        if members:
            return sorted({path for member in members for path in self._tasks[member].outputs or ()})
        snapshot = self._checker.snapshots.get(task)
        found = {*snapshot.now.inputs, *snapshot.now.found} if snapshot is not None else self._tasks[task].inputs
        return sorted(found or ())

    def _told_of(self, attempt: _Attempt) -> AttemptOfContext:
        from exarp.app.running.recovery_context import AttemptOfContext

        return AttemptOfContext(
            attempt=attempt.attempt,
            exit_status=attempt.exit_status,
            signal=attempt.signal,
            duration_ms=attempt.duration_ms,
            reason=_reason(attempt.reason),
            log=self._absolute(attempt.log),
            agent=self._made_of(attempt.agent) if attempt.agent is not None else None,
        )

    def _made_of(self, event: RecoveryFinished) -> AgentOfContext:
        from exarp.app.running.recovery_context import AgentOfContext

        return AgentOfContext(
            round=event.round,
            outcome=event.outcome,
            exit_status=event.exit_status,
            said=event.said or event.error,
            changed=list(event.changed),
            log=self._absolute(event.log),
        )

    def _absolute(self, log: str | None) -> str | None:
        return os.path.join(self._root, log) if log is not None else None

    # -- the agent is gone -------------------------------------------------------------------------------------

    def _finished(self, event: RecoveryFinished) -> RecoveryFinished:
        round_, self._round = self._round, None
        if round_ is not None:
            found = self._changed(round_)
            event = msgspec.structs.replace(
                event,
                duration_ms=round((self._monotonic() - round_.began) * 1000),
                changed=tuple(found[:_NAMES]),
                changed_more=max(0, len(found) - _NAMES),
                outdated=tuple(self._outdated(found)),
            )
        self._attempts[event.task][-1].agent = event
        return event

    def _changed(self, round_: _Round) -> list[str]:
        found = changed(round_.before, stamps(self._root))
        meanwhile = round_.running | frozenset(self.running()) | (self._checker.ran - round_.ran)
        written = [
            pattern
            for task in meanwhile
            if task < self._plan.first_guard
            for spec in (self._tasks[task],)
            for pattern in (*(spec.outputs or ()), *spec.modifies, *filter(None, (spec.depfile,)))
        ]
        return [path for path in found if not any(matches(pattern, path) for pattern in written)] if written else found

    def _outdated(self, found: Collection[str]) -> list[str]:
        """Tasks that were done, and read one of these files, or would by now, or made it."""
        names = []
        for task in sorted(self._checker.sound) if found else ():
            record = self._checker.success(task)
            globs = [pattern for pattern in self._tasks[task].inputs or () if is_wide(pattern)]
            if record is not None and any(
                path in record.inputs or path in record.found or path in record.outputs or _in_one(globs, path)
                for path in found
            ):
                names.append(self._plan.names[task])
        return names[:_NAMES]


def _in_one(patterns: Sequence[str], path: str) -> bool:
    return any(matches(pattern, path) for pattern in patterns)


def _reason(reason: FreshnessReason | None) -> ReasonOfContext | None:
    from exarp.app.running.recovery_context import ReasonOfContext

    return ReasonOfContext(reason.code, reason.subject, reason.detail) if reason is not None else None


def _encodable(value: object, masked: Callable[[str], str]) -> object:
    """The value with what no JSON can say (bytes that are no UTF-8) as JSON can, and each text in it ``masked``: in the whole
    document a secret would be sought among quotes and escapes, and found in the names of fields."""
    if isinstance(value, str):
        return masked(value.encode("utf-8", "surrogateescape").decode("utf-8", "replace"))
    if isinstance(value, (list, tuple)):
        return [_encodable(item, masked) for item in value]
    if isinstance(value, dict):
        return {key: _encodable(item, str if key in _WORDS else masked) for key, item in value.items()}
    return value
