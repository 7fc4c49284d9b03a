from __future__ import annotations

from datetime import datetime, timedelta, timezone

import msgspec
import pytest

from exarp.model.event import FreshnessReason, TaskStarted
from exarp.store.runs import AttemptRow, RunRow
from exarp.views import words
from exarp.views.cells import width
from exarp.views.history.status import attempts, history, log_header, status
from exarp.views.run.fold import RunState
from exarp.views.tally import Tally
from tests.views.runs import finished, planned

NOW = datetime(2025, 11, 22, 15, 0, 10, tzinfo=timezone(timedelta(hours=1)))
FAILED = RunRow(
    id="41",
    started="2025-11-22T13:02:00Z",
    finished="2025-11-22T13:02:14.200000Z",
    outcome="failed",
    exit_code=1,
    duration_ms=14_200,
    command=("exarp", "run", "the test"),
    pid=7,
    counts={"failed": 1, "blocked": 1, "passed": 12, "up_to_date": 27},
    first_failure="cc@src/parser.c",
)
RUNNING = msgspec.structs.replace(
    FAILED, id="42", started="2025-11-22T14:00:00Z", finished=None, outcome="running", exit_code=None, counts={},
    first_failure=None, command=("exarp", "run"),
)  # fmt: skip
DIED = msgspec.structs.replace(RUNNING, id="40", started="2025-11-21T09:10:00Z", outcome="died")
PASSED = msgspec.structs.replace(
    FAILED, id="39", started="2025-10-01T09:10:00Z", finished="2025-10-01T09:13:05Z", outcome="up_to_date", exit_code=0,
    duration_ms=185_000, counts={"up_to_date": 3}, first_failure=None, command=("exarp", "run"),
)  # fmt: skip
ATTEMPT = AttemptRow("cc@src/parser.c", "41", 2, "failed", "2025-11-22T13:02:14Z", "l", 1200, 1)


def test_the_status_of_the_last_run_names_its_first_failure():
    assert status([FAILED], NOW).split("\n") == [
        "run 41, today 14:02: failed (exit 1): 1 failed, 1 blocked, 39 passed (12 ran, 27 up to date) in 14.2s",
        "  exarp run 'the test'",
        "  first failure: cc@src/parser.c      log: exarp log cc@src/parser.c",
    ]


def test_the_status_of_a_running_run_says_what_runs_and_how_the_last_one_ended():
    state = RunState()
    for event in [*planned("a", "b", "c"), finished("a", "passed"), TaskStarted(task="bb", attempt=1)]:
        state.apply(event, NOW.timestamp() - 4.1)
    lines = status([RUNNING, FAILED], NOW, {RUNNING.id: state}).split("\n")
    assert lines[:3] == ["run 42 has been running for 10s: exarp run", "  1/3 tasks done", "    bb   4.1s"]
    assert lines[3].startswith("run 41, today 14:02: failed")
    assert status([RUNNING], NOW) == "run 42 has been running for 10s: exarp run"


def test_a_failure_that_was_allowed_is_worded_as_at_the_end_of_its_run():
    run = msgspec.structs.replace(PASSED, outcome="passed", counts={"failed": 2, "allowed": 1, "passed": 1})
    told = words.closing(Tally(failed=1, allowed=1, ran=1), 185_000)
    assert status([run], NOW).split("\n")[0].endswith(f": {told}")


def test_a_run_whose_process_is_gone_died():
    assert status([DIED], NOW).split("\n")[0] == "run 40, yesterday 10:10: died"


def test_a_run_that_was_stopped_meanwhile_took_as_long_as_it_said_itself():
    stopped = msgspec.structs.replace(PASSED, duration_ms=1000)
    assert history([stopped], NOW).split()[3] == "1.0s"


def test_no_run_is_said():
    assert status([], NOW) == history([], NOW) == "no run yet"
    assert attempts([], NOW) == "it never ran"


HISTORY = """\
42  today 15:00              running                                                             exarp run
41  today 14:02       14.2s  failed      1 failed, 1 blocked, 39 passed (12 ran, 27 up to date)  exarp run 'the test'
39  2025-10-01 10:10  3m05s  up to date  3 passed (3 up to date)                                 exarp run"""


def test_the_history_is_a_line_a_run():
    assert history([RUNNING, FAILED, PASSED], NOW) == HISTORY


def test_the_history_fits_into_the_terminal():
    long = msgspec.structs.replace(PASSED, command=("exarp", "run", "x" * 200))
    assert all(width(line) <= 90 for line in history([long], NOW, columns=90).split("\n"))


def test_a_narrow_terminal_has_the_counts_on_a_line_of_their_own():
    lines = history([RUNNING, FAILED], NOW, columns=60).split("\n")
    assert lines == [
        "42  today 15:00         running  exarp run",
        "41  today 14:02  14.2s  failed   exarp run 'the test'",
        "    1 failed, 1 blocked, 39 passed (12 ran, 27 up to date)",
    ]
    assert all(width(line) <= 50 for line in history([RUNNING, FAILED], NOW, columns=50).split("\n"))


def test_colours_follow_the_outcome():
    assert "\x1b[31mfailed" in history([FAILED], NOW, color=True)
    assert "\x1b[2mup to date" in history([PASSED], NOW, color=True)
    assert "\x1b" not in history([FAILED], NOW)


def test_attempts_say_how_they_ended():
    killed = msgspec.structs.replace(ATTEMPT, run="7", attempt=1, exit_status=None, signal=11, duration_ms=61_000)
    passed = msgspec.structs.replace(ATTEMPT, outcome="passed", exit_status=0)
    assert attempts([ATTEMPT, killed, passed], NOW).split("\n") == [
        "run 41  attempt 2  today 14:02    1.2s  exit 1",
        "run 7   attempt 1  today 14:02   1m01s  killed by SIGSEGV",
        "run 41  attempt 2  today 14:02    1.2s  passed",
    ]


@pytest.mark.parametrize(
    ("reason", "fields", "told"),
    [
        (FreshnessReason("timed-out", "0.5s"), {"signal": 2, "exit_status": None}, "timed out after 0.5s"),
        (FreshnessReason("outputs-not-made", "out"), {"exit_status": 0}, "did not make out"),
        (FreshnessReason("start-failed", "no sh"), {"exit_status": 127}, "could not be started: no sh"),
        (None, {"exit_status": 0}, "failed"),
        (None, {"then": "cancelled"}, "exit 1, then cancelled"),
    ],
)
def test_attempts_end_as_the_run_said(reason, fields, told):
    row = msgspec.structs.replace(ATTEMPT, end_reason=reason, **fields)
    assert log_header(row, NOW) == f"cc@src/parser.c: {told}, run 41, attempt 2, today 14:02, 1.2s"


def test_groups_are_counted_as_at_the_end_of_their_run():
    run = msgspec.structs.replace(PASSED, counts={"passed": 3, "groups": 1, "up_to_date": 2})
    assert "5 passed (2 ran, 2 up to date, 1 group) in" in status([run], NOW)


def test_a_log_says_whose_it_is():
    assert log_header(ATTEMPT, NOW) == "cc@src/parser.c: exit 1, run 41, attempt 2, today 14:02, 1.2s"


@pytest.mark.parametrize(
    ("time", "shown"),
    [
        ("2025-11-22T13:02:00Z", "today 14:02"),
        ("2025-11-21T22:59:59.123456Z", "yesterday 23:59"),
        ("2025-11-21T23:00:00Z", "today 00:00"),
        ("2024-01-02T03:04:05Z", "2024-01-02 04:04"),
        ("not\x1b a time", r"not\x1b a time"),
    ],
)
def test_times_are_those_of_the_readers_zone(time, shown):
    assert words.when(time, NOW) == shown


def test_hostile_commands_and_names_are_made_safe():
    hostile = msgspec.structs.replace(FAILED, id="\x1b", command=("\x1b[31m",), first_failure="\x1b\n")
    assert "\x1b" not in status([hostile], NOW) + history([hostile], NOW)
