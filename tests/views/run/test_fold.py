from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exarp.model.event import (
    FreshnessReason,
    RunFinished,
    TaskFinished,
    TaskRetried,
    TaskStarted,
    WaveFinished,
)
from exarp.views.run.fold import RunState
from tests.effort import tries
from tests.views.runs import failed_run, finished, planned
from tests.views.simulator import Simulator

SEEDS = st.integers(0, 100_000)


def folded(*events, at=0.0):
    state = RunState()
    for event in events:
        state.apply(event, at)
    return state


@given(SEEDS)
@settings(max_examples=tries(60))
def test_any_prefix_can_be_folded_and_adds_up(seed):
    state = RunState()
    for event in Simulator(seed).run():
        state.apply(event)
        assert state.tally.done <= state.total
        for wave in state.waves.values():
            assert 0 <= wave.tally.done <= wave.total
            assert wave.expected_ms >= 0 and wave.unknown >= 0
    assert state.tally.done == state.total


@given(SEEDS, st.integers(0, 30))
@settings(max_examples=tries(60))
def test_a_view_may_have_missed_the_beginning(seed, missed):
    events = Simulator(seed).run()
    state = folded(*events[missed:])
    assert state.finished == (events[-1] if missed < len(events) else None)


@given(SEEDS)
@settings(max_examples=tries(60))
def test_the_tally_agrees_with_the_run(seed):
    simulator = Simulator(seed)
    state = folded(*simulator.run())
    counts = simulator.counts
    assert state.tally.ran == counts["passed"]
    assert state.tally.passed == counts["passed"] + counts["restored"] + counts["up_to_date"]
    assert (state.tally.failed, state.tally.blocked) == (counts["failed"], counts["blocked"])
    assert [failure.task for failure in state.failures[:1]] == [simulator.first_failure] * bool(state.failures)
    assert sum(wave.tally.done for wave in state.waves.values()) == state.total


def test_waves_and_tasks_are_active_between_their_events():
    state = folded(*planned("a", "b"), TaskStarted(task="a", attempt=1), at=5.0)
    assert list(state.active) == [1] and state.active[1].since == 5.0
    assert state.running["a"].since == 5.0 and state.running["a"].wave == 1
    state.apply(finished("a", "passed"))
    assert not state.running
    state.apply(WaveFinished(wave=1, name="wave 1", tasks=2, passed=1))
    assert not state.active and state.waves[1].finished


def test_a_retried_task_goes_on_running_for_the_same_reason():
    why = FreshnessReason("never-ran")
    state = folded(
        *planned("a"),
        TaskStarted(task="a", attempt=1, reason=why),
        TaskRetried(task="a", attempt=1, retries=2, delay_ms=0),
    )
    assert state.running["a"].attempt == 2
    state.apply(TaskStarted(task="a", attempt=2), 3.0)
    assert (state.running["a"].since, state.running["a"].reason) == (3.0, why)


def test_expected_durations_leave_the_wave_with_their_tasks():
    state = folded(*planned("a", "b", "c", expected_ms={"a": 100, "b": 20}))
    assert (state.waves[1].expected_ms, state.waves[1].unknown) == (120, 1)
    state.apply(finished("a", "passed"))
    state.apply(finished("c", "passed"))
    assert (state.waves[1].expected_ms, state.waves[1].unknown) == (20, 0)


def test_the_first_failure_is_the_one_the_run_names():
    state = folded(*planned("a", "b"), finished("a", "failed"), finished("b", "failed"))
    assert state.first_failure.task == "a"
    state.apply(RunFinished(outcome="failed", exit_code=1, duration_ms=1, counts={}, first_failure="b"))
    assert state.first_failure.task == "b"


def test_a_failure_that_is_allowed_is_none_and_one_that_is_skipped_is():
    state = folded(
        *planned("a", "b", "c"), finished("a", "failed", allowed=True), finished("b", "skipped"),
        finished("c", "skipped", attempt=0),
    )  # fmt: skip
    assert [failure.task for failure in state.failures] == ["b", "c"]
    assert (state.tally.allowed, state.tally.failed, state.tally.skipped) == (1, 0, 2)


def test_what_a_failure_blocks_is_found_through_others_and_only_once():
    def blocked(task, by):
        return finished(task, "blocked", 0, reason=FreshnessReason("blocked-by", by))

    state = folded(blocked("b", "a"), blocked("c", "b"), blocked("d", "a"), blocked("e", "x"), blocked("a", "c"))
    assert state.blocked_by("a") == ["b", "d", "c"]
    assert state.blocked_by("nothing") == []


def test_warnings_are_kept_with_their_task():
    state = folded(finished("a", "passed", warnings=("left sleep running",)))
    assert state.warnings == [("a", "left sleep running")]


def test_events_of_a_later_version_change_nothing():
    class Unheard:
        pass

    state = folded(*failed_run()[:4], Unheard())
    assert state.tally.done == 1


@pytest.mark.parametrize(
    ("event", "count"),
    [
        (finished("a", "passed"), "ran"),
        (finished("a", "passed", 0), "groups"),
        (finished("a", "restored", 0), "restored"),
        (finished("a", "up_to_date", 0), "up_to_date"),
        (finished("a", "cancelled"), "cancelled"),
    ],
)
def test_every_end_is_counted_as_what_it_was(event: TaskFinished, count: str):
    tally = folded(event).tally
    assert getattr(tally, count) == tally.done == 1
    assert tally.happened == (count not in ("groups", "up_to_date"))
