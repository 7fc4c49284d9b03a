from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exarp.engine.failure import Failure, GiveUp, Retry, after_failure

from ..planning.plain_plans import task

GIVEN_UP = GiveUp("failed", False, False)


def after(spec, cause="exited", attempt=1, status=1, keep_going=False, stopping=False, seed=""):
    return after_failure(spec, Failure(cause, attempt, status), keep_going, stopping, seed)


def test_the_delay_doubles_but_stays_a_number():
    spec = task("a", retries=5000, retry_delay=1.0)

    assert [after(spec, attempt=n) for n in (1, 2, 4)] == [Retry(1.0), Retry(2.0), Retry(8.0)]
    assert after(spec, attempt=5000) == Retry(2.0**30)


@pytest.mark.parametrize(
    ("status", "expected"), [(1, Retry(0.0)), (2, Retry(0.0)), (None, Retry(0.0)), (127, GIVEN_UP)]
)
def test_what_verifies_a_task_may_come_to_another_end_unless_it_is_not_there(status, expected):
    assert after(task("a", retries=1, no_retry_on=(2,)), "not-verified", status=status) == expected


@given(st.integers(1, 40), st.text(min_size=1), st.floats(0.001, 1e6))
def test_a_delay_is_spread_by_the_run_and_at_most_a_quarter_longer(attempt, seed, delay):
    spec = task("a", retries=50, retry_delay=delay)
    exact, spread = after(spec, attempt=attempt), after(spec, attempt=attempt, seed=seed)

    assert exact.seconds <= spread.seconds <= 1.25 * exact.seconds
    assert after(spec, attempt=attempt, seed=seed) == spread


def test_delays_of_runs_tasks_and_attempts_lie_all_over_the_quarter():
    def parts(things):
        return {
            round((after(spec, attempt=n, seed=seed).seconds / 2 ** (n - 1) - 1) / 0.025) for seed, spec, n in things
        }

    named = [task(f"t{number}", retries=99, retry_delay=1.0) for number in range(200)]
    assert parts(("run", spec, 1) for spec in named) == set(range(11))
    assert parts((f"run {number}", named[0], 1) for number in range(200)) == set(range(11))
    assert len(parts(("run", named[0], number) for number in range(1, 30))) > 5


def test_without_a_delay_nothing_is_spread():
    assert after(task("a", retries=1), seed="run") == Retry(0.0)


def test_a_task_names_statuses_that_no_retry_mends():
    spec = task("a", retries=3, no_retry_on=(2, 64))

    assert [after(spec, status=status) for status in (2, 64)] == [GIVEN_UP] * 2
    assert after(spec, status=1) == after(spec, status=None) == Retry(0.0)
    assert after(spec, "timed-out", status=2) == after(spec, "not-made", status=2) == Retry(0.0)


@pytest.mark.parametrize("status", [126, 127])
def test_what_is_not_there_is_given_up_at_once(status):
    assert after(task("a", retries=3), status=status) == GIVEN_UP


@pytest.mark.parametrize(
    ("cause", "status"), [("timed-out", None), ("not-made", None), ("exited", 1), ("exited", None)]
)
def test_what_may_come_to_another_end_is_tried_again_as_often_as_is_said(cause, status):
    spec = task("a", retries=2, retry_delay=1.0)

    assert [after(spec, cause, n, status) for n in (1, 2, 3)] == [Retry(1.0), Retry(2.0), GIVEN_UP]


@pytest.mark.parametrize(("cause", "attempt"), [("impossible", 0), ("not-started", 1)])
def test_what_could_not_be_started_is_not_tried_again(cause, attempt):
    assert after(task("a", retries=3), cause, attempt, None) == GIVEN_UP


def test_nothing_is_tried_again_once_the_run_stops():
    assert after(task("a", retries=3), stopping=True) == GIVEN_UP


@pytest.mark.parametrize(
    ("fields", "keep_going", "expected"),
    [
        ({}, False, GIVEN_UP),
        ({"on_failure": "ask"}, False, GIVEN_UP),
        ({"on_failure": "skip"}, False, GiveUp("skipped", False, False)),
        ({"on_failure": "abort"}, False, GiveUp("failed", False, True)),
        ({"on_failure": "abort"}, True, GIVEN_UP),
        ({"on_failure": "abort", "allow_failure": True}, False, GiveUp("failed", True, False)),
    ],
)
def test_what_is_given_up_follows_the_policy(fields, keep_going, expected):
    assert after(task("a", **fields), keep_going=keep_going) == expected
