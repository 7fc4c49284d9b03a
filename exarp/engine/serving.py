"""Services in a run: started when needed, ready when they say so, ended after their last user.

Knows when those who use a service may start, and what its end means for them. Does not know attempts of other tasks, nor what
comes before a start (``machine``).

Where runs follow each other, services *stand* from one to the next: one that is as it would be started now is used as it is,
another one is ended first, and what is ready after its last user is kept. A signal ends them all.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from exarp.engine.command import Adopt, Kill, Probe, ProbeKind, Rest, Retire
from exarp.engine.failure import Cause, GiveUp
from exarp.engine.progress import Attempt, Limits, Progress
from exarp.engine.state import State
from exarp.engine.stimulus import Ended, Probed
from exarp.model.event import FreshnessReason, ServiceReady, ServiceStopped
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
        standing: Mapping[int, str] | None = None,
        borrowed: Mapping[int, str] | None = None,
    ) -> None:
        super().__init__(plan, tasks, limits, unwanted, asked, standing, borrowed)
        self._probes: dict[int, Probe] = {}
        self._probe_count = 0
        # The failed service for each that failed and was not allowed to, or that waited for one in vain.
        self._broken: dict[int, int] = {}
        # Services that ended while it was looked whether they are ready.
        self._ended_early: dict[int, Ended] = {}

    def _require(self, task: int, index: int) -> None:
        """Look at what a task requires from number ``index`` on; where nothing is left, a person is asked."""
        raise NotImplementedError

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
        self._is_uncounted = True
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
        if self._standing and task in self._standing:
            self._take_over(task)
        else:
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
            self._let_stand(service)
        elif self.states[service] is State.SERVING and service in self._borrowed:
            self._end(service, State.UP_TO_DATE, FreshnessReason("kept", self._borrowed[service]))
        elif self._is_to_be_kept(service):
            self._keep(service)
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
        if task in self._standing:
            self._stopped(ended)
            return
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
            self._fail(task, "exited", ended_by_itself(ended), ended.status)

    def _has_lost(self, task: int) -> bool:
        """Whether a service that a task uses has failed: no other attempt can mend that."""
        return any(service in self._broken for service in self.services.used.get(task, ()))

    def _is_used(self, service: int) -> bool:
        """Whether something is under way that uses a service: it ends before the service does."""
        return any(service in self.services.used.get(user, ()) for user in self._attempts)

    # -- from run to run ---------------------------------------------------------------------------------------

    def _stands(self, service: int, stale: FreshnessReason | None) -> bool:
        """A standing service was checked: whether it can be used as it is. ``stale``: why not; then it is ended."""
        if self._stopping is not None:
            return False
        if stale is not None:
            self._retire(service, stale)
            return False
        self._attempts[service] = Attempt(started_in=self._standing[service])
        self._await(service)
        return True

    def _is_borrowed(self, service: int, stale: FreshnessReason | None) -> bool:
        """A service that somebody else keeps up was checked: whether it is used, and left to them. ``stale``: why not."""
        if stale is not None or self._stopping is not None:
            del self._borrowed[service]
            return False
        if self._is_idle(service) or service in self.services.staying:
            self._end(service, State.UP_TO_DATE, FreshnessReason("kept", self._borrowed[service]))
        else:
            self.states.change(service, State.SERVING)
            self._tell(ServiceReady(task=self.plan.names[service], attempt=0, started_in=self._borrowed[service]))
            self._resolve(service)
        return True

    def _take_over(self, service: int) -> None:
        """All is there that a standing service uses: it serves in this run, or makes room first for the one to be started."""
        if service in self._retiring:
            if self.states[service] is not State.AWAITING:
                self.states.change(service, State.AWAITING)
        elif self._is_idle(service):
            self._end(service, State.UP_TO_DATE, FreshnessReason("kept", self._standing[service]))
        else:
            started_in = self._standing.pop(service)
            self._active[service] = None
            self._commands.append(Adopt(service))
            self.states.change(service, State.SERVING)
            self._tell(ServiceReady(task=self.plan.names[service], attempt=0, started_in=started_in))
            self._resolve(service)

    def _is_to_be_kept(self, task: int) -> bool:
        """Whether a task is a service that goes on after its last user. One with something to do ``finally`` ends with the run
        that does it."""
        is_serving = self.states[task] is State.SERVING and not self.tasks[task].cleanup
        return is_serving and self._is_keeping and self._signal is None

    def _keep(self, service: int) -> None:
        attempt = self._attempts[service]
        del self._active[service]
        self._standing[service] = attempt.started_in
        state = State.PASSED if attempt.number else State.UP_TO_DATE
        self._conclude(service, state, FreshnessReason("kept", attempt.started_in))

    def _let_stand(self, service: int) -> None:
        """Nobody needed a service to run: one that stands goes on, unless nobody ever will."""
        if service not in self._standing:
            self._finish(service, State.UP_TO_DATE, FreshnessReason("not-needed"))
        elif service in self.services.needed:
            self._finish(service, State.UP_TO_DATE, FreshnessReason("kept", self._standing[service]))
        else:
            self._retire(service, FreshnessReason("not-needed"))

    def _retire(self, service: int, reason: FreshnessReason) -> None:
        """End a service that stands, those that use it first."""
        stack = [(service, reason)]
        while stack:
            leaving, why = stack.pop()
            if leaving in self._retiring:
                continue
            self._retiring[leaving] = why
            users = self._standing_users(leaving)
            stack += [(user, FreshnessReason("need-changed", self.plan.names[leaving])) for user in users]
            if not users:
                self._commands.append(Retire(leaving, now=False))

    def _retire_all(self, reason: FreshnessReason) -> None:
        """The run was interrupted: no service is left."""
        for service in tuple(self._standing):
            self._retire(service, reason)
        if self.is_hurried:
            self._commands += [Retire(service, now=True) for service in self._standing]

    def _standing_users(self, service: int) -> list[int]:
        return [other for other in self._standing if service in self.services.used.get(other, ())]

    def _stopped(self, ended: Ended) -> None:
        """A service that stood is no more."""
        service = ended.task
        started_in = self._standing.pop(service)
        reason = self._retiring.pop(service, None) or ended_by_itself(ended)
        stopped = ServiceStopped(
            task=self.plan.names[service],
            reason=reason,
            started_in=started_in or None,
            exit_status=ended.status,
            signal=ended.signal,
            duration_ms=ended.duration_ms,
            log=ended.log,
        )
        if self.finished:
            self.belated.append(stopped)
            return
        self._tell(stopped)
        for used in self.services.used.get(service, ()):
            if used in self._retiring and not self._standing_users(used):
                self._commands.append(Retire(used, now=self.is_hurried))
        if self.states[service] is State.AWAITING and self._attempts[service].started_in:
            # It was to go on; now it is started, as if it had been found to be ended when it was checked.
            self._attempts[service] = Attempt(reason=reason)
            self._require(service, 0)
        elif self.states[service] is State.AWAITING:
            self._await(service)
        elif self.states[service] is State.STANDBY and not self.services.is_wanted(service):
            self._let_stand(service)


def ended_by_itself(ended: Ended) -> FreshnessReason:
    """How a service came to its end that nobody had asked to."""
    return FreshnessReason("service-ended", ended.how)
