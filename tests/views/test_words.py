from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exarp.model.event import FreshnessReason, TaskRetried
from exarp.views import words
from exarp.views.tally import Tally

from .runs import finished

CODES = """never-ran variable-changed arguments-changed recipe-changed input-changed input-added input-removed output-missing
output-changed
undeclared forced need-changed unchanged blocked-by outputs-not-made input-missing timed-out interrupted start-failed aborted
fail-fast group failed-since unsettled made-later output-is-folder""".split()


def test_the_words_of_the_contract():
    assert words.starting(2, 4) == "Starting wave 2 (4 tasks)"
    assert words.starting(4, 1) == "Starting wave 4 (1 task)"
    assert words.complete(2, 4, 4) == "Wave 2 complete: 4/4 tasks passed"
    assert words.up_to_date(12) == "up to date (12 tasks)"
    assert words.up_to_date(1) == "up to date (1 task)"


def test_what_a_signal_ends_is_said_with_how_to_be_quicker():
    assert words.ending(2, 1) == "interrupted: ending 1 task (Ctrl-C again kills it at once)"
    assert words.ending(15, 3) == "SIGTERM: ending 3 tasks (a second signal kills them at once)"


@pytest.mark.parametrize(
    ("fields", "cause"),
    [
        ({"exit_status": 1}, "exit 1"),
        ({"signal": 11}, "killed by SIGSEGV"),
        ({"signal": 99}, "killed by signal 99"),
        ({"signal": 15, "reason": FreshnessReason("timed-out", "10s")}, "timed out after 10s"),
        ({"signal": 15, "reason": FreshnessReason("timed-out"), "duration_ms": 10_000}, "timed out after 10.0s"),
        ({"exit_status": 0, "reason": FreshnessReason("outputs-not-made", "out/x")}, "did not make out/x"),
        ({"exit_status": 127, "reason": FreshnessReason("start-failed", "no cc")}, "could not be started: no cc"),
        ({"reason": FreshnessReason("input-missing", "src/a.c")}, "input src/a.c is missing"),
        ({"exit_status": 1, "reason": FreshnessReason("never-ran")}, "exit 1"),
        ({}, "failed"),
    ],
)
def test_a_cause_is_what_best_says_how_an_attempt_ended(fields, cause):
    assert words.cause(finished("a", "failed", **fields)) == cause


def test_a_retried_attempt_has_a_cause_too():
    assert words.cause(TaskRetried(task="a", attempt=1, retries=3, delay_ms=0, exit_status=2)) == "exit 2"


@pytest.mark.parametrize("code", CODES)
def test_every_known_reason_is_worded_with_and_without_its_subject(code):
    assert words.why(FreshnessReason(code, "src/a.h")) != f"{code} src/a.h"
    assert "{}" not in words.why(FreshnessReason(code)) + words.why(FreshnessReason(code, "x"))


@given(st.text(max_size=20))
def test_an_unknown_reason_prints_itself_safely(subject):
    shown = words.why(FreshnessReason("moon-phase", subject))
    assert shown.startswith("moon-phase")
    assert "\x1b" not in shown and "\n" not in shown


def test_a_subject_with_braces_is_no_format():
    assert words.why(FreshnessReason("input-changed", "{0}{x}")) == "input {0}{x} changed"


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("grep -q x $out", "grep -q x $out"),
        ("\nset -x\n  grep x $out\n", "set -x …"),
        ("x" * 80, "x" * 80),
        ("x" * 81, "x" * 79 + "…"),
        ("tab\there", "tab\\there"),
    ],
)
def test_a_script_is_told_by_its_beginning_on_one_line(script, said):
    assert words.why(FreshnessReason("verify-failed", script, "exit 1")) == f"verify failed ({said}): exit 1"
    assert words.why(FreshnessReason("condition-false", script)) == f"its condition does not hold ({said})"


def test_the_closing_line_counts_worst_first():
    tally = Tally(failed=1, blocked=1, ran=12, up_to_date=27)
    assert words.closing(tally, 14_200) == "1 failed, 1 blocked, 39 passed (12 ran, 27 up to date) in 14.2s"


def test_the_closing_line_says_how_only_where_not_all_simply_ran():
    assert words.closing(Tally(ran=3), 500) == "3 passed in 0.5s"
    every = Tally(ran=1, restored=2, up_to_date=3, groups=1, allowed=4, skipped=5, cancelled=6)
    assert words.closing(every, 61_000) == (
        "4 failed but allowed to, 5 skipped, 6 cancelled, 7 passed (1 ran, 2 restored, 3 up to date, 1 group) in 1m01s"
    )
    assert words.closing(Tally(), 0) == "nothing done in 0.0s"


@pytest.mark.parametrize(
    ("ms", "text"), [(0, "0.0s"), (940, "0.9s"), (14_240, "14.2s"), (59_960, "1m00s"), (185_000, "3m05s")]
)
def test_durations_after_the_fact_have_a_decimal_below_a_minute(ms, text):
    assert words.took(ms) == text


@pytest.mark.parametrize(("seconds", "text"), [(0.4, "0s"), (8.7, "9s"), (59.7, "1m00s"), (185, "3m05s")])
def test_durations_still_going_on_are_rough(seconds, text):
    assert words.roughly(seconds) == text


@pytest.mark.parametrize(
    ("code", "subject", "step"),
    [
        ("input-missing", "src/a.c", "make it, "),
        ("input-missing", "~/a.c", "~ is taken literally"),
        ("no-match", "src/*.{c,h}", "{ and } are taken literally"),
        ("no-match", "src/*.c", "correct the pattern"),
        ("outputs-not-made", "out/x", "correct outputs"),
        ("output-is-folder", "out", "in outputs, write it with a slash"),
        ("input-unreadable", "a", "let yourself read it"),
        ("timed-out", "10s", ""),
    ],
)
def test_what_to_do_next(code: str, subject: str, step: str) -> None:
    assert words.step(FreshnessReason(code, subject)).startswith(step)
    assert bool(words.step(FreshnessReason(code, subject))) == bool(step)
