from __future__ import annotations

import pytest

from exarp.engine.failure import GiveUp, Retry, after_failure

from ..planning.plain_plans import task


def test_the_delay_doubles_but_stays_a_number():
    spec = task("a", retries=5000, retry_delay=1.0)

    assert [after_failure(spec, n, 1, False) for n in (1, 2, 4)] == [Retry(1.0), Retry(2.0), Retry(8.0)]
    assert after_failure(spec, 5000, 1, False) == Retry(2.0**30)


@pytest.mark.parametrize("status", [126, 127])
def test_what_is_not_there_is_given_up_at_once(status):
    assert after_failure(task("a", retries=3), 1, status, False) == GiveUp("failed", False, False)


@pytest.mark.parametrize(
    ("fields", "keep_going", "expected"),
    [
        ({}, False, GiveUp("failed", False, False)),
        ({"on_failure": "ask"}, False, GiveUp("failed", False, False)),
        ({"on_failure": "skip"}, False, GiveUp("skipped", False, False)),
        ({"on_failure": "abort"}, False, GiveUp("failed", False, True)),
        ({"on_failure": "abort"}, True, GiveUp("failed", False, False)),
        ({"on_failure": "abort", "allow_failure": True}, False, GiveUp("failed", True, False)),
    ],
)
def test_what_is_given_up_follows_the_policy(fields, keep_going, expected):
    assert after_failure(task("a", **fields), 1, 1, keep_going) == expected
