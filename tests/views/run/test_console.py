from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exarp.model.event import (
    FreshnessReason,
    PlannedRun,
    PlannedWave,
    RunFinished,
    RunStarted,
    ServiceReady,
    ServiceStopped,
    TaskFinished,
    TaskOutput,
    TaskRetried,
    TaskStarted,
    WaveFinished,
    WaveStarted,
)
from exarp.views.run.console import Console
from exarp.views.run.manner import Manner
from tests.effort import tries
from tests.views.runs import LOGS, PARSER_LOG, Apart, Paper, failed_run, finished, planned, read_log
from tests.views.simulator import LOG, Simulator

IN_CI = """\
Starting wave 1 (3 tasks)
ok    cc@src/lexer.c (0.9s)  input-changed src/lexer.h
FAIL  cc@src/parser.c (1.2s)  exit 1
src/parser.c:88:14: error: 'tok' undeclared (first use in this function)
Wave 1 complete: 2/3 tasks passed
1 failed, 1 blocked, 2 passed (1 ran, 1 up to date) in 14.2s

first failure: cc@src/parser.c, exit 1, 1.2s
  src/parser.c:88:14: error: 'tok' undeclared (first use in this function)
blocked by it: link
log: exarp log cc@src/parser.c      again: exarp run cc@src/parser.c
"""


def told(events, manner=Manner(), logs=read_log):  # noqa: B008  a Manner is frozen
    streams = Apart()
    with Console(streams.stdout, streams.stderr, manner, logs) as console:
        for event in events:
            console.on_event(event)
    return streams


def ended(outcome="passed", exit_code=0, **fields):
    return RunFinished(run="7", outcome=outcome, exit_code=exit_code, duration_ms=1000, counts={}, **fields)


def ran(task, outcome="passed", **fields):
    return [TaskStarted(task=task, attempt=1), finished(task, outcome, duration_ms=100, **fields)]


def test_a_failed_run_in_ci_looks_like_the_picture(tmp_path):
    paper = Paper(tmp_path)
    with Console(paper.stdout, paper.stderr, Manner(), read_log) as console:
        for event in failed_run():
            console.on_event(event)
            console.tick(0.0)
    text = paper.read()
    paper.close()
    assert text == IN_CI


def test_words_go_to_stderr_and_output_to_stdout():
    streams = told(failed_run())
    assert streams.output == PARSER_LOG
    assert streams.words == IN_CI.replace(PARSER_LOG.decode(), "", 1)


def test_a_run_in_which_all_was_up_to_date_is_one_line():
    events = [*planned("a", "b"), *[finished(task, "up_to_date", 0) for task in "ab"]]
    events += [WaveFinished(wave=1, name="wave 1", tasks=2, passed=2), ended("up_to_date")]
    assert told(events).words == "up to date (2 tasks)\n"


def test_a_group_that_only_gathers_what_is_up_to_date_changes_nothing():
    group = finished("b", "passed", 0, reason=FreshnessReason("group"))
    events = [*planned("a", "b"), finished("a", "up_to_date", 0), group, ended("up_to_date")]
    assert told(events).words == "up to date (2 tasks)\n"


def test_a_wave_is_announced_when_its_first_task_starts():
    events = planned("a", "b")
    before = told([*events, finished("a", "up_to_date", 0)])
    assert before.words == ""
    started = told([*events, finished("a", "up_to_date", 0), TaskStarted(task="b", attempt=1)])
    assert started.words == "Starting wave 1 (2 tasks)\n"


def test_a_wave_in_which_something_was_restored_is_announced():
    events = [*planned("a"), finished("a", "restored", 0), WaveFinished(wave=1, name="wave 1", tasks=1, passed=1)]
    assert told(events).words == "Starting wave 1 (1 task)\nok    a  restored\nWave 1 complete: 1/1 task passed\n"


def test_waves_that_overlap_are_announced_as_they_start_and_end():
    plan = PlannedRun(2, (PlannedWave(1, "wave 1", ("a",)), PlannedWave(2, "wave 2", ("b",))))
    events = [RunStarted(plan=plan), *[WaveStarted(wave=number, name="", tasks=1) for number in (1, 2)]]
    events += [TaskStarted(task="b", attempt=1), TaskStarted(task="a", attempt=1), *ran("b")[1:], *ran("a")[1:]]
    events += [WaveFinished(wave=number, name="", tasks=1, passed=1) for number in (2, 1)]
    assert told(events, Manner(sparing=True)).words.split("\n") == [
        "Starting wave 2 (1 task)",
        "Starting wave 1 (1 task)",
        "Wave 2 complete: 1/1 task passed",
        "Wave 1 complete: 1/1 task passed",
        "",
    ]


def test_a_verbose_run_tells_what_did_not_run():
    blocked = finished("b", "blocked", 0, reason=FreshnessReason("blocked-by", "a"))
    events = [*planned("a", "b"), finished("a", "up_to_date", 0), blocked]
    assert told(events, Manner(verbosity=1)).words == (
        "Starting wave 1 (2 tasks)\nok    a  up to date\nwait  b  blocked-by a\n"
    )


def test_a_quiet_run_tells_only_failures():
    assert told([*planned("a"), *ran("a"), ended()], Manner(verbosity=-1)).words == ""
    lines = told(failed_run(), Manner(verbosity=-1)).words.split("\n")
    assert lines[:2] == [
        "FAIL  cc@src/parser.c (1.2s)  exit 1",
        "1 failed, 1 blocked, 2 passed (1 ran, 1 up to date) in 14.2s",
    ]


@pytest.mark.parametrize(
    ("fields", "detail"),
    [
        ({"signal": 11}, "killed by SIGSEGV"),
        ({"signal": 15, "reason": FreshnessReason("timed-out", "10s")}, "timed out after 10s"),
        ({"exit_status": 3, "allowed": True}, "exit 3, allowed"),
    ],
)
def test_a_failure_says_how_it_ended(fields, detail):
    assert told([*planned("a"), *ran("a", "failed", **fields)]).words.endswith(f"FAIL  a (0.1s)  {detail}\n")


def test_a_retry_is_told_with_what_comes_next():
    retry = TaskRetried(
        task="a", attempt=1, retries=3, delay_ms=2000, exit_status=1, duration_ms=1200, log="parser.log"
    )
    streams = told([*planned("a"), TaskStarted(task="a", attempt=1), retry])
    assert streams.words.endswith("retry a (1.2s)  exit 1, attempt 2 of 4 in 2.0s\n")
    assert streams.output == PARSER_LOG


def test_warnings_are_told_with_their_task():
    assert told([*planned("a"), *ran("a", warnings=("left sleep running",))]).words.endswith(
        "ok    a (0.1s)\nwarning: a: left sleep running\n"
    )


def test_hostile_names_are_made_safe():
    words = told([*planned("a\x1b[31m\n"), *ran("a\x1b[31m\n", "failed", log=None), ended("failed", 1)]).words
    assert "\x1b" not in words
    assert r"a\x1b[31m\n" in words


# -- output modes -----------------------------------------------------------------------------------------------


def test_grouped_output_passes_unaltered_unless_stdout_is_a_terminal():
    LOGS["odd.log"] = b"a\xff\x1b[2Jb\r\nc"
    events = [*planned("a"), *ran("a", log="odd.log")]
    assert told(events).output == b"a\xff\x1b[2Jb\r\nc"
    assert told(events, Manner(terminal=True)).output == "      a\ufffdb\n      c".encode()


def test_colours_reach_a_terminal_that_wants_them():
    events = [*planned("a"), *ran("a", log="lexer.log")]
    assert told(events, Manner(terminal=True, color_output=True)).output == b"      lexer.c: a \x1b[33mwarning\x1b[0m\n"
    assert told(events, Manner(terminal=True)).output == b"      lexer.c: a warning\n"


def test_outputs_of_two_tasks_do_not_share_a_line():
    assert told([*planned("a", "b"), *ran("a", log="bare.log"), *ran("b", log="bare.log")]).output == b"no end\nno end"


def test_the_output_of_a_single_task_is_exactly_its_own():
    assert told([*planned("a"), *ran("a", log="bare.log"), ended()]).output == b"no end"


def test_a_log_that_cannot_be_read_is_a_warning():
    def gone(path):
        raise FileNotFoundError(2, "No such file or directory", path)

    words = told([*planned("a"), *ran("a", "failed", exit_status=1, log="x.log"), ended("failed", 1)], logs=gone).words
    assert "warning: a: its output cannot be read" in words
    assert "  (its output cannot be read" in words


@pytest.mark.parametrize("mode", ["grouped", "prefixed", "stream", "quiet"])
def test_a_quiet_run_shows_the_output_of_failures_below_their_heading(mode):
    output = [TaskOutput(task=task, attempt=1, text="x\n") for task in "ab"]
    end = [*ran("a", log="lexer.log"), *ran("b", "failed", exit_status=1, log="bare.log")]
    manner = Manner(mode=mode, verbosity=-1)
    streams = told([*planned("a", "b"), *output, *end], manner)
    assert (streams.words, streams.output) == ("FAIL  b (0.1s)  exit 1\n", b"no end")


def test_quiet_shows_the_output_of_failures_alone():
    manner = Manner(mode="quiet")
    retry = TaskRetried(task="b", attempt=1, retries=1, delay_ms=0, exit_status=1, log="parser.log")
    events = [*planned("a", "b"), *ran("a", log="lexer.log"), retry, *ran("b", "failed", log="bare.log")]
    streams = told(events, manner)
    assert streams.output == b"no end"
    assert "ok    a" in streams.words


@pytest.mark.parametrize(("mode", "shown"), [("grouped", [PARSER_LOG, b""]), ("quiet", [b"", PARSER_LOG])])
def test_what_a_retry_was_told_with_is_not_shown_again_when_the_task_waits_for_it_in_vain(mode, shown):
    retry = TaskRetried(task="b", attempt=1, retries=1, delay_ms=0, exit_status=1, log="parser.log")
    stopped = finished("b", "cancelled", log="parser.log", reason=FreshnessReason("interrupted"))
    before = [*planned("b"), TaskStarted(task="b", attempt=1), retry]
    assert told(before, Manner(mode=mode)).output == shown[0]
    whole = told([*before, stopped], Manner(mode=mode))
    assert whole.output == shown[0] + shown[1]
    assert whole.words.endswith("\nstop  b (0.0s)  interrupted\n")


def test_quiet_shows_what_was_printed_finally_where_that_may_have_failed():
    well = ran("a", finally_log="bare.log")
    failed = ran("a", warnings=("its finally failed: exit 1",), finally_log="bare.log")

    assert told([*planned("a"), *well], Manner(mode="quiet")).output == b""
    assert told([*planned("a"), *failed], Manner(mode="quiet")).output == b"no end"
    assert told([*planned("a"), *failed], Manner(verbosity=-1)).output == b""
    assert "ok    a" in told([*planned("a"), *well], Manner(sparing=True)).words


def test_of_a_service_only_a_finally_that_failed_is_shown():
    def served(**fields):
        begun = [TaskStarted(task="a", attempt=1), ServiceReady(task="a", attempt=1)]
        streams = told([*planned("a"), *begun, finished("a", "passed", finally_log="bare.log", **fields)])
        return "ok    a" in streams.words, streams.output

    assert served() == (False, b"")
    assert served(warnings=("its finally failed: exit 1",)) == (True, b"no end")


def test_a_service_that_stands_is_told_where_it_is_ended_for_a_change():
    def lines(code, **manner):
        stopped = ServiceStopped(task="a", reason=FreshnessReason(code, "x"), started_in="1", duration_ms=3000)
        return told([*planned("a"), stopped], Manner(**manner)).words

    assert lines("input-changed") == "stop  a (3.0s)  input-changed x\n"
    assert lines("input-changed", verbosity=-1) == ""
    assert (lines("interrupted"), lines("service-ended")) == ("", "")
    assert lines("service-ended", verbosity=1).endswith("service-ended x\n")


def test_a_service_that_an_earlier_run_started_is_ready_without_a_start():
    kept = finished("a", "up_to_date", attempt=0, reason=FreshnessReason("kept", "1"))
    ready = ServiceReady(task="a", attempt=0, started_in="1")

    assert told([*planned("a"), ready, kept]).words == ""
    assert told([*planned("a"), ready, kept], Manner(verbosity=1)).words.split("\n")[1:3] == [
        "ready a  since run 1",
        "ok    a  it has been up since run 1",
    ]


def test_prefixed_puts_the_task_before_each_line_and_ends_the_last():
    def text(task, text):
        return TaskOutput(task=task, attempt=1, text=text)

    events = [*planned("a", "b"), text("a", "one\ntw"), text("b", "x\r\n"), text("a", "o\nthree")]
    streams = told([*events, *ran("a"), *ran("b")], Manner(mode="prefixed"))
    assert streams.output == b"a | one\nb | x\r\na | two\na | three\n"


def test_prefixed_lines_are_safe_on_a_terminal():
    events = [*planned("a"), TaskOutput(task="a", attempt=1, text="\x1b[31mred\x1b[2J\n10%\r20%\n")]
    assert told(events, Manner(mode="prefixed", terminal=True)).output == b"a | red\na | 20%\n"
    colored = told(events, Manner(mode="prefixed", terminal=True, color_output=True)).output
    assert colored.startswith(b"\x1b[2ma | \x1b[0m\x1b[31mred\x1b[0m\n")


def test_a_line_without_end_is_passed_on_in_pieces():
    events = [*planned("a"), TaskOutput(task="a", attempt=1, text="x" * 200_000)]
    output = told([*events, *ran("a")], Manner(mode="prefixed")).output
    assert output.count(b"a | ") == 4 and output.count(b"x") == 200_000


def test_streamed_output_comes_as_it_comes():
    events = [
        *planned("a"),
        TaskOutput(task="a", attempt=1, text="on"),
        TaskOutput(task="a", attempt=1, text="e\udcff"),
    ]
    assert told(events, Manner(mode="stream")).output == b"one\xff"


@pytest.mark.parametrize(("mode", "before"), [("stream", ""), ("prefixed", "a | ")])
def test_what_is_no_utf8_is_shown_on_a_terminal_as_in_a_log(mode, before):
    events = [*planned("a"), TaskOutput(task="a", attempt=1, text="caf\udce9\n"), *ran("a")]
    assert told(events, Manner(mode=mode, terminal=True)).output.decode() == f"{before}caf\N{REPLACEMENT CHARACTER}\n"


def test_streamed_output_is_safe_on_a_terminal_however_it_is_cut():
    pieces = ["a\x1b[", "2Jb\x1b[3", "1mc", "\r50%"]
    events = [*planned("a"), *[TaskOutput(task="a", attempt=1, text=piece) for piece in pieces]]
    manner = Manner(mode="stream", terminal=True, color_output=True)
    assert told(events, manner).output == b"ab\x1b[31mc\r50%"
    assert told([*events, *ran("a")], manner).output == b"ab\x1b[31mc\r50%\x1b[0m"


def test_raw_output_is_not_ours_to_show():
    events = [*planned("a"), TaskOutput(task="a", attempt=1, text="x"), *ran("a", "failed", log="parser.log")]
    assert told(events, Manner(mode="raw")).output == b""


def test_a_sparing_console_has_a_line_only_for_tasks_with_output():
    events = [*planned("a", "b"), *ran("a"), *ran("b", log="bare.log")]
    assert told(events, Manner(sparing=True)).words.split("\n")[1:-1] == ["ok    b (0.1s)"]
    assert "ok    a" in told(events, Manner(sparing=True, verbosity=1)).words


# -- the end ----------------------------------------------------------------------------------------------------


def test_the_end_repeats_at_most_twenty_sanitised_lines():
    LOGS["long.log"] = b"".join(b"line %d \x1b[31mred\x1b[0m\x07\n" % number for number in range(50)) + b"\n\n"
    events = [*planned("a"), *ran("a", "failed", exit_status=1, log="long.log"), ended("failed", 1)]
    tail = [line for line in told(events).words.split("\n") if line.startswith("  line")]
    assert tail == [rf"  line {number} red\x07" for number in range(30, 50)]


def test_the_end_does_not_repeat_blank_lines():
    LOGS["blank.log"] = b"\n\nerror\n   \n\n"
    events = [*planned("a"), *ran("a", "failed", exit_status=1, log="blank.log"), ended("failed", 1)]
    assert "first failure: a, exit 1, 0.1s\n  error\nlog: " in told(events).words


def test_the_end_lists_ten_blocked_tasks_and_counts_the_rest():
    names = [f"b{number}" for number in range(13)]
    blocked = [finished(name, "blocked", 0, reason=FreshnessReason("blocked-by", "a")) for name in names]
    events = [*planned("a", *names), *ran("a", "failed", exit_status=1), *blocked, ended("failed", 1)]
    words = told(events).words
    assert "blocked by it: b0, b1, b2, b3, b4, b5, b6, b7, b8, b9 and 3 more\n" in words
    assert words.endswith("\nagain: exarp run a\n")


def test_what_a_person_declined_is_no_failure_in_words():
    declined = finished("release", "skipped", 0, reason=FreshnessReason("declined"))
    words = told([*planned("release"), declined, ended("failed", 1, first_failure="release")]).words
    assert "skip  release  somebody said no\n" in words
    assert "not run: release, somebody said no\nagain: exarp run release\n" in words


def test_further_failures_are_listed_one_a_line():
    failures = [event for number in range(25) for event in ran(f"t{number}", "failed", exit_status=number + 1)]
    words = told([*planned(*[f"t{number}" for number in range(25)]), *failures, ended("failed", 1)]).words
    assert words.count("also failed: ") == 20
    assert "also failed: t1, exit 2, 0.1s\n" in words
    assert "and 4 more failed\n" in words


def test_a_name_that_a_shell_would_read_is_quoted_in_the_advice():
    words = told([*planned("a;b"), *ran("a;b", "failed", exit_status=1), ended("failed", 1)]).words
    assert words.endswith("again: exarp run 'a;b'\n")


def test_an_interrupted_run_says_so():
    events = [*planned("a", "b"), *ran("a"), *ran("b", "cancelled"), ended("interrupted", 130, signal=2)]
    assert told(events).words.endswith("interrupted (SIGINT): 1 cancelled, 1 passed in 1.0s\ncancelled: b\n")


def test_tasks_that_a_failure_cancelled_are_named():
    cancelled = [finished(name, "cancelled", 0, reason=FreshnessReason("fail-fast", "a")) for name in "bc"]
    events = [*planned("a", "b", "c"), *ran("a", "failed", exit_status=1), *cancelled, ended("failed", 1)]
    assert told(events).words.endswith("first failure: a, exit 1, 0.1s\ncancelled: b, c\nagain: exarp run a\n")


def test_colours_mean_something():
    words = told(failed_run(), Manner(color_words=True)).words
    assert "\x1b[32mok\x1b[0m    cc@src/lexer.c" in words
    assert "\x1b[31mFAIL\x1b[0m  cc@src/parser.c" in words
    assert "\x1b[31m1 failed\x1b[0m, \x1b[33m1 blocked\x1b[0m, \x1b[32m2 passed" in words


def test_nothing_is_written_while_a_task_has_the_terminal():
    streams = Apart()
    console = Console(streams.stdout, streams.stderr, Manner(), read_log)
    for event in planned("a"):
        console.on_event(event)
    console.suspend()
    for event in ran("a", log="bare.log"):
        console.on_event(event)
    console.tick(1.0)
    assert (streams.words, streams.output) == ("", b"")
    console.resume()
    assert streams.words == "Starting wave 1 (1 task)\nok    a (0.1s)\n"
    assert streams.output == b"no end"


@given(st.integers(0, 10_000), st.sampled_from(["grouped", "prefixed", "stream", "quiet", "raw"]), st.integers(-1, 1))
@settings(max_examples=tries(40))
def test_any_run_can_be_told_in_any_manner(seed, mode, verbosity):
    simulator = Simulator(seed)
    events = simulator.run()
    streams = told(events, Manner(mode=mode, verbosity=verbosity), lambda path: LOG)
    failures = {e.task for e in events if isinstance(e, TaskFinished) and e.outcome in ("failed", "skipped")}
    assert {line.split()[1] for line in streams.words.split("\n") if line.startswith("FAIL")} == failures
    assert streams.words.count("Starting wave") == streams.words.count(" complete: ")


def test_telling_a_run_plainly_loads_no_heavy_library():
    code = "import sys, exarp.views.run.console, exarp.views.run.live; print(sorted({'rich', 'sqlite3'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
