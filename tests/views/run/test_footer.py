from __future__ import annotations

from exarp.model.event import PlannedRun, PlannedWave, RunStarted, TaskStarted, WaveStarted
from exarp.views.cells import width
from exarp.views.run.fold import RunState
from exarp.views.run.footer import Footer, TaskRow, WaveRow, footer, seconds_left
from exarp.views.run.footer_paint import FooterPainter
from tests.views.runs import finished

PICTURE = """\
  wave 2 ━━━━━━━━━━━━━━━━╸              23/41   12s, about 9s left
    cc@src/parser.c   4.1s  (usually 3.8s)
    cc@src/lexer.c    0.6s"""


def state_with(tasks, running, expected, jobs=2, order="parallel"):
    """A run of one wave that started at 0; ``running``: when each running task started."""
    state = RunState()
    plan = PlannedRun(len(tasks), (PlannedWave(1, "wave 1", tuple(tasks), order=order),), jobs=jobs)
    state.apply(RunStarted(plan=plan, expected_ms=expected))
    state.apply(WaveStarted(wave=1, name="wave 1", tasks=len(tasks)), 0.0)
    for task, since in running.items():
        state.apply(TaskStarted(task=task, attempt=1), since)
    return state


def left(state, now):
    return seconds_left(state, state.waves[1], now)


def lines(rows, columns, color=False):
    return FooterPainter("utf-8", color).lines(rows, columns)


def test_rows_say_what_runs_and_how_long_it_usually_takes():
    state = state_with(["a", "b", "c"], {"a": 1.0, "b": 4.5}, {"a": 3800})
    assert footer(state, 5.1, 24) == Footer(
        (WaveRow("wave 1", 0, 3, "", "5s", ""),), (TaskRow("a", "4.1s", "(usually 3.8s)"), TaskRow("b", "0.6s", ""))
    )


def test_rows_fit_into_a_third_of_the_terminal_and_the_rest_is_counted():
    names = [f"t{number}" for number in range(20)]
    state = state_with(names, dict.fromkeys(names, 0.0), {})
    rows = footer(state, 1.0, 24)
    assert [row.name for row in rows.tasks] == ["t0", "t1", "t2", "t3", "t4", "t5"]
    assert rows.more == "and 14 more"
    assert len(footer(state, 1.0, 100).tasks) == 10
    small = footer(state, 1.0, 10)
    assert (len(small.waves), len(small.tasks), small.more) == (1, 2, "and 18 more")
    assert footer(state, 1.0, 2) == Footer(small.waves)


def test_only_waves_with_running_tasks_are_shown_and_hidden_ones_counted():
    state = RunState()
    plan = PlannedRun(6, tuple(PlannedWave(number, "", (f"t{number}",)) for number in range(1, 7)))
    state.apply(RunStarted(plan=plan))
    for number in range(1, 7):
        state.apply(WaveStarted(wave=number, name="", tasks=1), 0.0)
    assert [row.label for row in footer(state, 1.0, 24).waves] == ["wave 1"]
    for number in range(2, 7):
        state.apply(TaskStarted(task=f"t{number}", attempt=1), 0.0)
    rows = footer(state, 1.0, 24)
    assert [row.label for row in rows.waves] == ["wave 2", "wave 3"]
    assert rows.more.endswith("3 more waves")


def test_the_estimate_shares_the_work_between_jobs():
    state = state_with(["a", "b", "c", "d"], {"a": 0.0, "b": 0.0}, dict.fromkeys("abcd", 4000))
    assert left(state, 1.0) == (16 - 2) / 2
    state.apply(finished("a", "passed"))
    assert left(state, 1.0) == (12 - 1) / 2


def test_the_estimate_is_at_least_what_the_longest_running_task_still_needs():
    state = state_with(["a", "b"], {"a": 0.0, "b": 0.0}, {"a": 10_000, "b": 1000})
    assert left(state, 1.0) == 9.0


def test_a_sequential_wave_is_not_shared():
    state = state_with(["a", "b"], {"a": 0.0}, {"a": 2000, "b": 2000}, order="sequential")
    assert left(state, 1.0) == 3.0


def test_there_is_no_estimate_where_a_duration_is_unknown_or_passed():
    assert left(state_with(["a", "b"], {"a": 0.0}, {"a": 2000}), 1.0) is None
    assert left(state_with(["a"], {"a": 0.0}, {"a": 2000}), 60.0) is None


def test_failures_are_counted_in_the_waves_row():
    state = state_with(["a", "b"], {"b": 0.0}, {})
    state.apply(finished("a", "failed"))
    assert footer(state, 1.0, 24).waves[0].failed == "1 failed"


def test_the_painted_rows_look_like_the_picture():
    rows = Footer(
        (WaveRow("wave 2", 23, 41, "", "12s", "about 9s left"),),
        (TaskRow("cc@src/parser.c", "4.1s", "(usually 3.8s)"), TaskRow("cc@src/lexer.c", "0.6s", "")),
    )
    assert "\n".join(lines(rows, 80)) == PICTURE


def test_no_row_reaches_the_right_edge_whatever_the_width():
    rows = Footer(
        (WaveRow("wave 2", 23, 41, "1 failed", "12s", "about 9s left"),),
        (TaskRow("日本" * 30, "4.1s", "(usually 3.8s)"), TaskRow("x", "0.6s", "")),
        "and 3 more",
    )
    for columns in range(1, 130):
        assert all(width(line) < max(columns, 2) for line in lines(rows, columns)), columns


def test_a_narrow_terminal_shows_the_name_rather_than_what_is_usual():
    rows = Footer((), (TaskRow("a" * 30, "4.1s", "(usually 3.8s)"),))
    assert lines(rows, 48) == [f"    {'a' * 30}   4.1s"]
    assert lines(rows, 80) == [f"    {'a' * 30}   4.1s  (usually 3.8s)"]


def test_the_bar_gives_way_to_words_that_matter():
    rows = Footer((WaveRow("wave 2", 23, 41, "", "12s", "about 9s left"),))
    assert lines(rows, 50)[0].endswith(" 23/41   12s, about 9s left")
    assert "left" not in lines(rows, 40)[0] and "━" in lines(rows, 40)[0]
    assert lines(rows, 24) == ["  wave 2 23/41   12s"]


def test_times_stay_where_they_are_when_a_long_name_goes():
    painter = FooterPainter("utf-8", False)
    both = painter.lines(Footer((), (TaskRow("a" * 20, "1.0s", ""), TaskRow("b", "1.0s", ""))), 80)
    assert painter.lines(Footer((), (TaskRow("b", "1.0s", ""),)), 80) == both[1:]


def test_colour_is_green_for_done_red_for_failed_and_absent_without_colour():
    rows = Footer((WaveRow("wave 2", 23, 41, "1 failed", "12s", ""),))
    colored = lines(rows, 80, color=True)[0]
    assert "\x1b[32m━" in colored and "\x1b[31m, 1 failed" in colored
    assert "\x1b" not in lines(rows, 80)[0]


def test_names_are_safe_and_never_markup():
    rows = footer(state_with(["[red]a\x1b[31m"], {"[red]a\x1b[31m": 0.0}, {}), 1.0, 24)
    assert lines(rows, 80, color=True)[1].startswith(r"    [red]a\x1b[31m")


def test_a_terminal_without_unicode_gets_a_bar_of_ascii():
    rows = Footer((WaveRow("wave 2", 23, 41, "", "12s", ""),))
    assert FooterPainter("ascii", False).lines(rows, 80)[0].isascii()
