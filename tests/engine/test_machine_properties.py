"""The machine among all that can happen: whatever ends next, and however, no rule of the contract is broken."""

from __future__ import annotations

from collections import Counter

from hypothesis import given, settings
from msgspec.structs import replace

from exarp.engine.command import Tell
from exarp.engine.progress import Limits
from exarp.engine.stimulus import Begun
from exarp.model.event import (
    AttemptFailed,
    PlannedRun,
    PlannedWave,
    QuestionAnswered,
    QuestionAsked,
    RecoveryStarted,
    RunFinished,
    RunStarted,
    TaskFinished,
    TaskRetried,
    TaskStarted,
    VerifyFinished,
    VerifyStarted,
    WaveFinished,
    WaveStarted,
)
from exarp.planning.dependents import dependents
from exarp.views.run.fold import RunState, as_task
from exarp.views.tally import is_failure, is_unwanted
from tests.effort import tries

from ..planning.dice import Dice, dice
from ..planning.overlaps import conflicts
from ..planning.random_manifests import Case, cases
from .simulator import Run, expected_exit, last, needing

RUNS = settings(max_examples=tries(400), deadline=None, derandomize=True)


def run_of(case: Case, choices: Dice) -> Run:
    """The run of a case, every command of which the simulator has checked."""
    told = case.manifest.settings
    case = with_guards(case, choices)
    limits = Limits(
        told.jobs,
        told.max_parallel_waves,
        case.manifest.resources,
        yes=choices.of(False, False, True),
        keep_going=choices.of(False, False, False, True),
        fail_fast=choices.of(False, False, False, True),
        ahead=choices.of(0, 0, 1, 3, 50),
        seed=choices.of("", "run 1"),
        asking=choices.of(True, True, True, False),
        deciding=choices.of(True, True, False),
        by_load=choices.of(False, False, True),
        past_checkpoints=choices.of(False, False, False, True),
        rounds=choices.of(0, 0, 0, 1, 3),
        recovery_timeout=7.0,
        by_tokens=choices.of(False, True),
    )
    return Run(case, choices, limits).go()


def with_guards(case: Case, choices: Dice) -> Case:
    """The case, often with verifications and checkpoints."""
    if choices.of(True, True, False):
        return case
    manifest = case.manifest
    scripts = choices.of((), (), ("check",))
    waves = tuple(
        [
            replace(wave, verify=choices.of((), ("check wave",)), checkpoint=choices.of(False, False, True))
            for wave in manifest.waves
        ]
    )
    on_failure = choices.of("ask", "fail", "skip", "abort")
    settings = replace(manifest.settings, verify=scripts, on_failure_of_verify=on_failure)
    return case._replace(manifest=replace(manifest, waves=waves, settings=settings))


@settings(RUNS, max_examples=tries(1000))
@given(cases(), dice(250))
def test_every_run_ends_with_the_right_exit_code(case, choices):
    run = run_of(case, choices)

    assert run.machine.exit_code == expected_exit(run) == last(run).exit_code


@RUNS
@given(cases(), dice(250))
def test_every_selected_task_has_one_end_and_every_attempt_too(case, choices):
    run = run_of(case, choices)

    assert sorted(run.over) == sorted(run.tasks)
    attempts: dict[tuple[str, int], list[str]] = {}
    for event in run.events:
        if isinstance(event, VerifyStarted):
            event = TaskStarted(task=event.task, attempt=event.attempt)
        elif isinstance(event, VerifyFinished):
            event = as_task(event)
        if (
            isinstance(event, TaskStarted | TaskRetried | RecoveryStarted | AttemptFailed | TaskFinished)
            and event.attempt
        ):
            attempts.setdefault((event.task, event.attempt), []).append(type(event).__name__)
    assert all(len(story) == 2 and story[0] == "TaskStarted" for story in retold(attempts))
    assert sum(isinstance(event, RunFinished) for event in run.events) == 1


def retold(attempts: dict[tuple[str, int], list[str]]) -> list[list[str]]:
    """A task that was cancelled while it rested, or that somebody decided about, has its end told with the number of the attempt
    before."""
    return [
        story[:2] if story[2:] and {*story[1:-1]} <= {"TaskRetried", "RecoveryStarted", "AttemptFailed"} else story
        for story in attempts.values()
    ]


@RUNS
@given(cases(), dice(250))
def test_tasks_that_touch_the_same_files_never_overlap(case, choices):
    run = run_of(case, choices)

    cache_dirs = case.manifest.settings.cache_dirs
    under_way: set[int] = set()
    for event in run.events:
        if isinstance(event, TaskStarted):
            task = run.ids[event.task]
            assert not any(conflicts(run.spec(task), run.spec(other), cache_dirs) for other in under_way)
            under_way.add(task)
        elif isinstance(event, TaskFinished | TaskRetried | RecoveryStarted | AttemptFailed):
            under_way.discard(run.ids[event.task])


@RUNS
@given(cases(), dice(250))
def test_failure_blocks_what_needs_it_and_nothing_else(case, choices):
    run = run_of(case, choices)

    failed = {task for task, end in run.ends.items() if is_failure(end)}
    # What needs a service may be under way, or over, when that fails.
    served = [needing(run.plan.needs, task, run.tasks) for task in failed if run.is_service(task)]
    late = set().union(*served) - {task for task, end in run.ends.items() if end.outcome == "blocked"}
    doomed = set().union(*(needing(run.plan.needs, task, run.tasks) for task in failed))
    behind = set().union(*(dependents(run.plan, guard) for guard in run.closed))
    blocked = {task for task, end in run.ends.items() if end.outcome == "blocked"}
    cancelled = {task for task, end in run.ends.items() if end.outcome == "cancelled"}
    assert blocked <= doomed | behind
    assert not any(run.attempts.get(task) for task in behind)
    assert doomed <= blocked | cancelled | late
    assert not any(run.attempts.get(task) for task in blocked)
    assert run.stopped or not cancelled


@RUNS
@given(cases(), dice(250))
def test_waves_that_are_announced_are_completed_with_what_passed_in_them(case, choices):
    run = run_of(case, choices)

    started: dict[int, WaveStarted] = {}
    for event in run.events:
        if isinstance(event, WaveStarted):
            assert event.wave not in started
            started[event.wave] = event
        elif isinstance(event, TaskStarted):
            assert run.wave_of[run.ids[event.task]].number in started
        elif isinstance(event, WaveFinished):
            wave = run.plan.waves[event.wave - 1]
            assert (
                (event.name, event.tasks)
                == (started[event.wave].name, started[event.wave].tasks)
                == (wave.name, len(wave.tasks))
            )
            good = ("passed", "up_to_date", "restored")
            passed = [t for t in wave.tasks if run.is_service(t) or run.over[t].outcome in good]
            assert len(passed) - 1 <= event.passed <= len(passed) or not any(map(run.is_service, wave.tasks))
            assert event.passed == len(passed) or any(map(run.is_service, wave.tasks))
    assert run.open_waves == set()


@RUNS
@given(cases(), dice(250))
def test_the_same_stimuli_give_the_same_commands(case, choices):
    run = run_of(case, choices)

    again = run.new_machine()
    assert [again.handle(stimulus) for stimulus in run.stimuli] == run.commands
    assert [again.states.story(task) for task in run.tasks] == [run.machine.states.story(task) for task in run.tasks]


@RUNS
@given(cases(), dice(250))
def test_every_question_is_answered_once_by_one_of_its_options_or_taken_back(case, choices):
    run = run_of(case, choices)

    asked = {event.id: event for event in run.events if isinstance(event, QuestionAsked)}
    answers = [event for event in run.events if isinstance(event, QuestionAnswered)]
    assert sorted(asked) == sorted(event.id for event in answers)
    for event in answers:
        assert event.answer in asked[event.id].options or (event.answer is None and run.stopped)


@RUNS
@given(cases(), dice(250))
def test_nothing_starts_behind_a_guard_that_let_nothing_pass(case, choices):
    run = run_of(case, choices)

    for guard in run.closed:
        assert not any(run.attempts.get(task) for task in dependents(run.plan, guard))


@RUNS
@given(cases(), dice(250))
def test_views_that_fold_the_events_count_as_the_machine_does(case, choices):
    run = run_of(case, choices)

    names = run.plan.names
    waves = tuple(PlannedWave(w.number, w.name, tuple(names[t] for t in w.tasks)) for w in run.plan.real_waves)
    state = RunState()
    state.apply(RunStarted(plan=PlannedRun(run.plan.task_count, waves)))
    for event in run.events:
        state.apply(event)
    counts = Counter(end.outcome for end in run.ends.values())
    allowed = Counter("allowed" for end in run.ends.values() if end.allowed and end.outcome == "failed")
    groups = Counter("groups" for end in run.ends.values() if end.outcome == "passed" and not end.attempt)
    unwanted = Counter("unwanted" for end in run.ends.values() if is_unwanted(end))
    assert last(run).counts == dict(sorted((counts + allowed + groups + unwanted).items()))
    tally = state.tally
    assert tally.allowed == allowed["allowed"]
    assert tally.done == run.plan.task_count
    assert (tally.ran + tally.groups, tally.up_to_date) == (counts["passed"], counts["up_to_date"])
    assert tally.groups == groups["groups"]
    assert tally.restored == counts["restored"]
    assert (tally.failed + tally.allowed, tally.skipped + tally.unwanted) == (counts["failed"], counts["skipped"])
    assert (tally.blocked, tally.cancelled) == (counts["blocked"], counts["cancelled"])
    assert state.finished == last(run)
    assert not state.running
    assert all(wave.tally.done == wave.total for wave in state.waves.values())


@RUNS
@given(cases(), dice(250))
def test_the_first_failure_is_the_first_that_counts(case, choices):
    run = run_of(case, choices)

    ends = [as_task(e) if isinstance(e, VerifyFinished) else e for e in run.events]
    failures = [
        e.task
        for e in ends
        if isinstance(e, TaskFinished) and is_failure(e) and (e.reason is None or e.reason.code != "wave-failed")
    ]
    assert last(run).first_failure == (failures[0] if failures else None)


@RUNS
@given(cases(), dice(250))
def test_no_slot_stays_empty_while_a_task_could_run(case, choices):
    free = tuple(replace(task, resources={}, mutex=(), interactive=False) for task in case.manifest.tasks)
    case = case._replace(manifest=replace(case.manifest, tasks=free))
    limits = Limits(jobs=1 + choices.below(3), max_parallel_waves=99, ahead=choices.of(0, 2, 50))
    run = Run(case, choices, limits)
    run.happen(Begun())
    while not run.machine.finished:
        run.happen(run.next_stimulus())
        busy = run.holders - run.released
        checked = run.ahead - set(run.checking)
        assert run.stopped or len(busy) == run.limits.jobs or not checked
        touched = {*run.over, *run.attempts, *run.probing, *run.holders}
        touched |= {task for task in run.tasks if run.is_service(task)}
        untouched = [task for task in run.tasks if task not in touched]
        ready = [
            task
            for task in untouched
            if all(other in run.over for other in run.tasks if task in run.order.later.get(other, ()))
        ]
        assert run.stopped or len(busy) == run.limits.jobs or not ready


@RUNS
@given(cases(), dice(250))
def test_stimuli_that_come_too_late_change_nothing(case, choices):
    run = run_of(case, choices)

    late = [
        stimulus
        for stimulus in run.stimuli
        if type(stimulus).__name__ in ("TimedOut", "Rested", "Interrupted", "Begun")
    ]
    told = [command for stimulus in late for command in run.machine.handle(stimulus) if isinstance(command, Tell)]
    assert told == []
