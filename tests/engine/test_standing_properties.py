"""Runs that follow each other, among all that can happen: what stands, and what is kept, is what the rules say."""

from __future__ import annotations

from hypothesis import given, settings

from exarp.engine.command import Adopt, Command, Kill, Retire
from exarp.engine.machine import Machine
from exarp.engine.progress import Limits
from exarp.engine.stimulus import Checked, Ended, Stimulus
from exarp.model.event import FreshnessReason, ServiceStopped, TaskFinished
from tests.effort import tries

from ..planning.dice import Dice, dice
from ..planning.random_manifests import Case, cases
from .simulator import STALE, Run, expected_exit

CHANGED = FreshnessReason("input-changed", "x")


class LastingRun(Run):
    """As any run, but some services are up when it begins. ``up``: those that are, and are none of this run's attempts;
    ``leaving``: those of them that were told to end."""

    def __init__(self, case: Case, dice: Dice, limits: Limits, standing: set[int] | None = None) -> None:
        super().__init__(case, dice, limits)
        services = [task for task in self.tasks if self.is_service(task)]
        chosen = {task for task in services if dice.of(True, False)} if standing is None else standing
        self.began_with = chosen - {task for task in chosen if self.spec(task).cleanup}
        self.up = set(self.began_with)
        self.leaving: set[int] = set()
        self.kept: set[int] = set()
        self.changed: set[int] = set()
        standing_now = dict.fromkeys(self.began_with, "1")
        self.machine = Machine(self.plan, case.manifest.tasks, limits, self.bound, self.asked, standing_now)

    def next_stimulus(self) -> Stimulus:
        idle = not (self.running or self.probing or self.checking or self.asking or self.settling or self.resting)
        calm = all(self.is_service(task) and task not in self.killed for task in self.running) and not (
            self.probing or self.checking or self.asking or self.settling or self.resting
        )
        if self.leaving and (idle or calm or self.dice.below(3) == 1):
            return Ended(self.dice.of(*sorted(self.leaving)), None, signal=2, early=True)
        if self.up and self.dice.below(40) == 1:
            return Ended(self.dice.of(*sorted(self.up)), 1)
        return super().next_stimulus()

    def _checked(self, task: int) -> Stimulus:
        answer = super()._checked(task)
        if task in self.up and isinstance(answer, Checked) and answer.stale == STALE:
            stale = self.dice.of(None, None, CHANGED)
            self.changed |= {task} if stale is not None else set()
            return Checked(task, stale=stale)
        if task in self.up:
            self.changed.add(task)
        return answer

    def _forget(self, stimulus: Stimulus) -> None:
        if isinstance(stimulus, Ended) and stimulus.task in self.up:
            assert stimulus.task not in self.running
            self.up.discard(stimulus.task)
            self.leaving.discard(stimulus.task)
            self.kept.discard(stimulus.task)
            return
        super()._forget(stimulus)

    def _carry_out(self, command: Command) -> None:
        match command:
            case Adopt(task):
                assert not self.stopped
                assert task in self.up - self.leaving - self.changed
                assert self.uses[task] <= self.serving | self.over.keys()
                assert any(user not in self.over for user in self.users(task)) or self.stays(task)
                self.up.discard(task)
                self.running[task] = 0
            case Retire(task):
                assert task in self.up
                assert not any(task in self.uses[other] for other in self.up) or self.interrupts > 1
                assert not self.users_at_work(task) or task not in self.serving
                self.leaving.add(task)
            case Kill(task):
                # One that serves is ended by signals alone.
                assert task not in self.serving or self.interrupts or self.spec(task).cleanup
                super()._carry_out(command)
            case _:
                super()._carry_out(command)

    def _start(self, start) -> None:
        assert start.task not in self.up
        super()._start(start)

    def _told(self, event: object) -> None:
        if isinstance(event, TaskFinished) and self.ids[event.task] in self.running:
            task = self.ids[event.task]
            assert event.reason is not None
            assert event.reason.code == "kept"
            assert task in self.serving
            assert not self.interrupts
            assert not self.spec(task).cleanup
            assert (event.outcome, event.reason.subject) == (
                ("passed", "") if self.running[task] else ("up_to_date", "1")
            )
            del self.running[task]
            self.serving.discard(task)
            self.up.add(task)
            self.kept.add(task)
        if isinstance(event, ServiceStopped):
            assert self.ids[event.task] not in self.up
            self._is_reason(event)
        super()._told(event)

    def _is_reason(self, event: ServiceStopped) -> None:
        task = self.ids[event.task]
        match event.reason.code:
            case "not-needed":
                wanted = self.users(task) or self.stays(task)
                assert not wanted or (self.spec(task).when and task not in self.wanted)
            case "need-changed":
                assert self.ids[event.reason.subject] in self.uses[task]
            case "interrupted":
                assert self.interrupts
            case "service-ended":
                pass
            case _:
                assert task in self.changed


def lasting(case: Case, choices: Dice, standing: set[int] | None = None) -> LastingRun:
    told = case.manifest.settings
    limits = Limits(
        told.jobs,
        told.max_parallel_waves,
        case.manifest.resources,
        yes=True,
        keep_going=choices.of(False, True),
        fail_fast=choices.of(False, False, False, True),
    )
    run = LastingRun(case, choices, limits, standing)
    run.go()
    return run


@settings(max_examples=tries(1000), deadline=None, derandomize=True)
@given(cases(), dice(250))
def test_what_is_up_in_the_end_is_what_the_machine_says_and_nothing_after_a_signal(case, choices):
    run = lasting(case, choices)

    assert run.machine.standing.keys() == run.up
    assert not run.leaving
    assert not run.running
    assert not (run.interrupts and run.up)
    for service in run.up:
        assert not run.spec(service).cleanup
        assert (run.machine.standing[service] == "1") == (service in run.began_with and not run.attempts.get(service))
    assert sorted(run.over) == sorted(run.tasks)
    assert run.machine.exit_code == expected_exit(run)


@settings(max_examples=tries(400), deadline=None, derandomize=True)
@given(cases(), dice(250))
def test_a_second_run_begins_with_what_the_first_has_left(case, choices):
    first = lasting(case, choices, set())
    second = lasting(case, choices, first.up)

    used = {task for task in second.began_with if task in second.serving or task in second.up}
    assert all(second.machine.standing[task] in ("", "1") for task in used)
    assert not (second.interrupts and second.up)


@settings(max_examples=tries(200), deadline=None, derandomize=True)
@given(cases(), dice(250))
def test_the_same_stimuli_give_the_same_commands(case, choices):
    run = lasting(case, choices)

    standing = dict.fromkeys(run.began_with, "1")
    again = Machine(run.plan, case.manifest.tasks, run.limits, run.bound, run.asked, standing)
    assert [again.handle(stimulus) for stimulus in run.stimuli] == run.commands
