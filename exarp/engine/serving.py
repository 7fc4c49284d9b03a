"""Services in a run: started when needed, ready when they say so, ended after their last user.

Knows when those who use a service may start, and what its end means for them. Does not know attempts of other tasks, nor what
comes before a start (``machine``).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from exarp.engine.command import Kill, Probe, ProbeKind, Rest
from exarp.engine.failure import Cause, GiveUp
from exarp.engine.progress import Limits, Progress
from exarp.engine.state import State
from exarp.engine.stimulus import Ended, Probed
from exarp.model.event import FreshnessReason, ServiceReady
from exarp.model.plan import Plan
from exarp.model.quantity import format_duration
from exarp.model.task import Task

_USABLE = frozenset({State.SERVING, State.PASSED, State.UP_TO_DATE, State.SKIPPED, State.FAILED})


class Serving(Progress):
    """The part of a machine that is about services."""

    def __init__(
        self,
        plan: Plan,
        tasks: Sequence[Task],
        limits: Limits,
        unwanted: Mapping[int, FreshnessReason] | None = None,
        asked: Collection[int] = (),
    ) -> None:
        super().__init__(plan, tasks, limits, unwanted, asked)
        self._probes: dict[int, Probe] = {}
        self._probe_count = 0
        # The failed service for each that failed and was not allowed to, or that waited for one in vain.
        self._broken: dict[int, int] = {}
        # Services that ended while it was looked whether they are ready.
        self._ended_early: dict[int, Ended] = {}

    def _start(self, task: int) -> None:
        """Begin an attempt."""
        raise NotImplementedError

    def _fail(self, task: int, cause: Cause, reason: FreshnessReason | None, status: int | None = None) -> None:
        """An attempt failed, or there could be none."""
        raise NotImplementedError

    def _conclude(
        self,
        task: int,
        state: State,
        reason: FreshnessReason | None = None,
        warnings: tuple[str, ...] = (),
        decision: GiveUp | None = None,
    ) -> None:
        """What a task has come to is known."""
        raise NotImplementedError

    def _end(
        self,
        task: int,
        state: State,
        reason: FreshnessReason | None = None,
        warnings: tuple[str, ...] = (),
        decision: GiveUp | None = None,
    ) -> None:
        """A task's end."""
        raise NotImplementedError

    def _probe(self, task: int, what: ProbeKind, index: int, timeout: float, outcome: str = "") -> None:
        self._probe_count += 1
        probe = self._probes[task] = Probe(task, what, index, self._probe_count, timeout, outcome)
        self._commands.append(probe)

    def _await(self, task: int) -> None:
        """Start a task as soon as all services that it uses are ready."""
        used = self.services.used.get(task, ())
        if used and not self._is_idle(task):
            failed = next((service for service in used if service in self._broken), None)
            if failed is not None:
                culprit = self._broken[failed]
                if self.tasks[task].service is not None:
                    self._broken[task] = culprit
                self._end(task, State.BLOCKED, FreshnessReason("blocked-by", self.plan.names[culprit]))
                self._block(culprit, task)
                return
            lacking = [service for service in used if self.states[service] not in _USABLE]
            for service in lacking:
                self.services.wait(task, service)
                if self.states[service] is State.STANDBY:
                    self._begin(service)
            if lacking:
                if self.states[task] is not State.AWAITING:
                    self.states.change(task, State.AWAITING)
                return
        self._start(task)

    def _resolve(self, service: int) -> None:
        """A service is ready, or will never be: those who wait for it."""
        for task in self.services.waiting(service):
            if self.states[task] is State.AWAITING:
                self._await(task)

    def _is_idle(self, task: int) -> bool:
        """Whether a task is a service that nobody needs any more."""
        return self.tasks[task].service is not None and not self.services.is_wanted(task)

    def _dismiss(self, service: int) -> None:
        if self.states[service] is State.STANDBY:
            self._finish(service, State.UP_TO_DATE, FreshnessReason("not-needed"))
        elif self.states[service] in (State.RUNNING, State.SERVING) and service not in self.services.dismissed:
            self.services.dismissed.add(service)
            self._commands.append(Kill(service, now=self.is_hurried))

    def _is_leaving(self, service: int) -> bool:
        """Whether a service has ended, or was told to."""
        attempt = self._attempts.get(service)
        over = self.states[service] is not State.RUNNING or attempt is None or attempt.timed_out
        return over or service in self.services.dismissed or self.is_ending

    def _look_whether_ready(self, service: int) -> None:
        spec = self.tasks[service].service
        assert spec is not None
        if not spec.ready and not spec.port:
            self._serve(service)
        elif service not in self._probes and not self._is_leaving(service):
            self._probe(service, "ready", 0, 0.0)

    def _looked_whether_ready(self, probed: Probed) -> None:
        service = probed.task
        spec = self.tasks[service].service
        assert spec is not None
        if (ended := self._ended_early.pop(service, None)) is not None:
            self._service_ended(ended)
        elif self._is_leaving(service):
            return
        elif probed.status == 0:
            self._serve(service)
        else:
            self._attempts[service].said = probed.said or probed.error
            self._commands.append(Rest(service, spec.interval))

    def _serve(self, service: int) -> None:
        self.states.change(service, State.SERVING)
        self._tell(ServiceReady(task=self.plan.names[service], attempt=self._attempts[service].number))
        self._resolve(service)

    def _service_ended(self, ended: Ended) -> None:
        task = ended.task
        if task in self._probes:
            # Nothing of it is to outlive it.
            self._ended_early[task] = ended
            self._commands.append(Kill(task, now=True))
            return
        attempt = self._attempts[task]
        attempt.ended = ended
        del self._active[task]
        if task in self.services.dismissed and not self.is_ending:
            self._conclude(task, State.PASSED)
        elif self.is_ending:
            self._conclude(task, State.CANCELLED, self._stopping)
        elif attempt.timed_out:
            spec = self.tasks[task].service
            assert spec is not None
            limit = format_duration(spec.timeout)
            self._fail(task, "timed-out", FreshnessReason("not-ready", limit, attempt.said))
        elif ended.error:
            self._fail(task, "not-started", FreshnessReason("start-failed", ended.error))
        elif ended.succeeded and task in self.services.staying:
            self._conclude(task, State.PASSED)
        else:
            for user in self._attempts:
                if task in self.services.used.get(user, ()):
                    self._attempts[user].lost = self.plan.names[task]
            how = f"exit {ended.status}" if ended.status is not None else f"signal {ended.signal}"
            self._fail(task, "exited", FreshnessReason("service-ended", how), ended.status)

    def _has_lost(self, task: int) -> bool:
        """Whether a service that a task uses has failed: no other attempt can mend that."""
        return any(service in self._broken for service in self.services.used.get(task, ()))

    def _is_used(self, service: int) -> bool:
        """Whether something is under way that uses a service: it ends before the service does."""
        return any(service in self.services.used.get(user, ()) for user in self._attempts)
