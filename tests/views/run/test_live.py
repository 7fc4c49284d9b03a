from __future__ import annotations

import io
import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exarp.model.event import RunFinished, TaskOutput, TaskStarted, VerifyStarted, WaveFinished
from exarp.views import terminal as views
from exarp.views.run.live import INTERVAL, PATIENCE, Live
from exarp.views.run.manner import Manner
from tests.effort import tries
from tests.views.runs import TERMINAL, failed_run, finished, planned, read_log
from tests.views.screen import Screen
from tests.views.simulator import LOG, Simulator


class Terminal(views.Terminal):
    """A terminal that both streams lead to, and how often it was written to."""

    present = True
    size = os.terminal_size((80, 24))
    in_front = True

    def __init__(self, columns: int = 80, lines: int = 24) -> None:
        self.size = os.terminal_size((columns, lines))
        self.sent: list[str] = []
        self.stderr = io.StringIO()
        self.stderr.write = self._write  # type: ignore[method-assign]
        self.stdout = io.BytesIO()
        self.stdout.write = lambda data: self._write(bytes(data).decode())  # type: ignore[method-assign]

    def _write(self, text: str) -> int:
        self.sent.append(text)
        return len(text)

    @property
    def screen(self) -> str:
        screen = Screen(self.size.columns)
        screen.feed("".join(self.sent))
        return screen.text

    def live(self, manner: Manner = TERMINAL, logs=read_log) -> Live:
        live = Live(self.stdout, self.stderr, manner, logs, self)
        live._outlet._shared = True
        return live


@pytest.fixture
def terminal():
    return Terminal()


def begin(live, *events):
    """The events at time 0, and the first frame after the display lost its patience."""
    live.tick(0.0)
    for event in events:
        live.on_event(event)
    live.tick(PATIENCE + INTERVAL)


def test_a_footer_stands_below_the_words_of_the_run(terminal):
    live = terminal.live()
    begin(live, *planned("a", "b", expected_ms={"a": 4000, "b": 4000}), TaskStarted(task="a", attempt=1))
    assert terminal.screen == (
        "Starting wave 1 (2 tasks)\n"
        "  wave 1                                0/2   0s, about 4s left\n"
        "    a   0.4s  (usually 4.0s)"
    )


def test_a_verification_between_waves_is_seen_to_go_on(terminal):
    live = terminal.live()
    begin(live, *planned("a"), finished("a", "passed"), WaveFinished(wave=1, name="wave 1", tasks=1, passed=1))
    live.on_event(VerifyStarted(task="verify wave 1", wave=1, name="wave 1", attempt=1))
    live.tick(4.0)

    assert terminal.screen.splitlines()[-1].split() == ["verify", "wave", "1", "3.6s"]


def test_the_footer_moves_with_the_run(terminal):
    live = terminal.live()
    begin(live, *planned("a", "b"), TaskStarted(task="a", attempt=1))
    live.on_event(finished("a", "passed", duration_ms=500))
    live.on_event(TaskStarted(task="b", attempt=1))
    live.tick(1.0)
    assert terminal.screen.split("\n")[1:] == [
        "  wave 1 ━━━━━━━━━━━━━━━                1/2   1s",
        "    b   0.6s",
    ]


def test_a_failure_and_its_output_scroll_by_above_the_footer(terminal):
    live = terminal.live()
    begin(live, *failed_run()[:6])
    for event in failed_run()[6:8]:
        live.on_event(event)
    live.on_event(TaskStarted(task="cc@src/main.c", attempt=1))
    live.tick(1.0)
    assert terminal.screen.split("\n")[:4] == [
        "Starting wave 1 (3 tasks)",
        "FAIL  cc@src/parser.c (1.2s)  exit 1",
        "      src/parser.c:88:14: error: 'tok' undeclared (first use in this function)",
        "  wave 1 ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━ 3/3, 1 failed   1s",
    ]


def test_an_interrupt_is_told_above_the_footer(terminal):
    live = terminal.live()
    begin(live, *planned("a", "b"), TaskStarted(task="a", attempt=1), TaskStarted(task="b", attempt=1))
    live.interrupted(2, 2)
    live.tick(1.0)
    lines = terminal.screen.split("\n")
    assert lines[1] == "interrupted: ending 2 tasks (Ctrl-C again kills them at once)"
    assert lines[2].startswith("  wave 1")


def test_a_finished_run_leaves_only_its_words(terminal):
    with terminal.live() as live:
        begin(live, *failed_run()[:6])
        for event in failed_run()[6:]:
            live.on_event(event)
    assert terminal.screen.split("\n") == [
        "Starting wave 1 (3 tasks)",
        "FAIL  cc@src/parser.c (1.2s)  exit 1",
        "      src/parser.c:88:14: error: 'tok' undeclared (first use in this function)",
        "Wave 1 complete: 2/3 tasks passed",
        "1 failed, 1 blocked, 2 passed (1 ran, 1 up to date) in 14.2s",
        "",
        "first failure: cc@src/parser.c, exit 1, 1.2s",
        "  src/parser.c:88:14: error: 'tok' undeclared (first use in this function)",
        "blocked by it: link",
        "log: exarp log cc@src/parser.c      again: exarp run cc@src/parser.c",
    ]


def test_an_exception_leaves_no_footer_and_loses_no_words(terminal):
    with pytest.raises(KeyboardInterrupt), terminal.live() as live:
        begin(live, *planned("a"), TaskStarted(task="a", attempt=1))
        live.on_event(finished("a", "failed", exit_status=1))
        raise KeyboardInterrupt
    assert terminal.screen == "Starting wave 1 (1 task)\nFAIL  a (0.0s)  exit 1"


def test_the_cursor_is_never_hidden_and_no_mode_of_the_terminal_is_changed(terminal):
    with terminal.live() as live:
        begin(live, *failed_run())
    assert "\x1b[?" not in "".join(terminal.sent)


def test_a_short_run_never_shows_a_footer(terminal):
    with terminal.live() as live:
        live.tick(0.0)
        for event in failed_run()[:6]:
            live.on_event(event)
        live.tick(INTERVAL * 1.1)
        live.tick(PATIENCE * 0.9)
        for event in failed_run()[6:]:
            live.on_event(event)
    assert "━" not in "".join(terminal.sent) and "\x1b[J" not in "".join(terminal.sent)


def test_a_row_that_got_shorter_leaves_nothing_of_the_longer_one(terminal):
    live = terminal.live()
    begin(live, *planned("a", expected_ms={"a": 12_000}), TaskStarted(task="a", attempt=1))
    live.tick(1.0)
    assert terminal.screen.split("\n")[1].endswith("about 11s left")
    live.tick(3.2)
    assert terminal.screen.split("\n")[1].endswith("3s, about 9s left")


def test_words_are_drawn_ten_times_a_second_however_many_tasks_end(terminal):
    names = [f"t{number}" for number in range(1000)]
    live = terminal.live(Manner(terminal=True, verbosity=1))
    begin(live, *planned(*names))
    before = len(terminal.sent)
    for number, name in enumerate(names):  # all within one second
        live.on_event(TaskStarted(task=name, attempt=1))
        live.on_event(finished(name, "passed"))
        live.tick(1.0 + number / 1000)
    assert len(terminal.sent) - before <= 11 * 3
    live.close()
    assert terminal.screen.count("ok    t") == 1000


def test_an_unchanged_footer_is_not_drawn_again(terminal):
    live = terminal.live()
    begin(live, *planned("a"), TaskStarted(task="a", attempt=1))
    live.tick(1000.0)
    before = len(terminal.sent)
    live.tick(1000.2)
    assert len(terminal.sent) == before


def test_an_interactive_task_has_the_terminal_to_itself(terminal):
    live = terminal.live()
    begin(live, *planned("a", "b"), TaskStarted(task="a", attempt=1))
    live.suspend()
    assert terminal.screen == "Starting wave 1 (2 tasks)"
    sent = len(terminal.sent)
    live.on_event(finished("a", "failed", exit_status=1))
    live.tick(5.0)
    assert len(terminal.sent) == sent
    live.on_event(TaskStarted(task="b", attempt=1))
    live.resume()
    live.tick(6.0)
    assert terminal.screen.split("\n")[1:] == [
        "FAIL  a (0.0s)  exit 1",
        "  wave 1 ━━━━━━━━━━━━━━━                1/2, 1 failed   6s",
        "    b   1.0s",
    ]


def test_a_run_that_ends_while_suspended_is_told_when_it_closes(terminal):
    with terminal.live() as live:
        live.suspend()
        for event in [*planned("a"), TaskStarted(task="a", attempt=1), finished("a", "passed")]:
            live.on_event(event)
        live.on_event(RunFinished(outcome="passed", exit_code=0, duration_ms=100, counts={}))
    assert terminal.screen == "Starting wave 1 (1 task)\n1 passed in 0.1s"


def test_output_without_an_end_does_not_run_into_the_footer(terminal):
    live = terminal.live()
    begin(live, *planned("a", "b"), TaskStarted(task="b", attempt=1))
    live.on_event(finished("a", "passed", log="bare.log"))
    live.tick(1.0)
    assert terminal.screen.split("\n")[1:4] == [
        "ok    a (0.0s)",
        "      no end",
        "  wave 1 ━━━━━━━━━━━━━━━                1/2   1s",
    ]


def test_streamed_output_is_shown_by_the_line_above_the_footer(terminal):
    live = terminal.live(Manner(mode="stream", terminal=True))
    begin(live, *planned("a"), TaskStarted(task="a", attempt=1))
    live.on_event(TaskOutput(task="a", attempt=1, text="one\ntw"))
    live.tick(1.0)
    assert terminal.screen.split("\n")[1] == "one"
    assert "tw" not in terminal.screen
    live.on_event(finished("a", "passed"))
    live.close()
    assert terminal.screen == "Starting wave 1 (1 task)\none\ntw"


def test_raw_output_has_no_footer_below_it(terminal):
    live = terminal.live(Manner(mode="raw", terminal=True))
    begin(live, *planned("a"), TaskStarted(task="a", attempt=1))
    assert terminal.screen == "Starting wave 1 (1 task)"


def test_a_terminal_that_got_narrower_gets_a_narrower_footer(terminal):
    live = terminal.live()
    begin(live, *planned("a"), TaskStarted(task="a", attempt=1))
    terminal.sent.clear()
    terminal.size = os.terminal_size((20, 24))
    live.tick(1.0)
    assert terminal.screen.split("\n") == ["  wave 1 0/1   1s", "    a   1.0s"]


def test_passed_tasks_without_output_say_nothing_unless_asked(terminal):
    with terminal.live() as live:
        begin(live, *planned("a"), TaskStarted(task="a", attempt=1), finished("a", "passed"))
    assert "ok" not in terminal.screen


def test_a_background_job_draws_no_footer_until_it_is_in_front_again(terminal):
    live = terminal.live()
    begin(live, *planned("a", "b"), TaskStarted(task="a", attempt=1))
    assert "0/2" in terminal.screen
    terminal.in_front = False
    terminal.sent.clear()
    live.tick(1.0)
    live.on_event(finished("a", "passed", log="bare.log"))
    live.tick(2.0)
    assert terminal.sent == ["ok    a (0.0s)\n", "      no end"]
    terminal.in_front = True
    live.tick(3.0)
    assert "1/2" in terminal.screen


@pytest.mark.parametrize("left", ["name? ^C", "done\n", "", "x" * 80])
def test_what_follows_a_task_that_had_the_terminal_begins_a_line(terminal, left):
    live = terminal.live()
    live.suspend()
    terminal.stderr.write(left)
    live.on_event(finished("a", "passed", log="bare.log"))
    live.resume()
    live.close()
    above = f"{left.rstrip()}\n" if left else ""
    assert terminal.screen == f"{above}ok    a (0.0s)\n      no end"


def test_no_terminal_is_of_the_usual_size_and_nobody_else_s(tmp_path):
    with (tmp_path / "file").open("w") as file:
        for stream in (io.StringIO(), file):
            nowhere = views.Terminal(stream)
            assert (nowhere.present, nowhere.size, nowhere.in_front) == (False, os.terminal_size((80, 24)), True)


@given(st.integers(0, 10_000), st.sampled_from(["grouped", "prefixed", "stream"]), st.integers(20, 100))
@settings(max_examples=tries(30), deadline=None)
def test_what_remains_of_any_run_is_what_the_console_would_have_said(seed, mode, columns):
    terminal, plain = Terminal(10_000), Terminal(10_000)
    events = Simulator(seed).run()
    manner = Manner(mode=mode, terminal=True, verbosity=1, by_line=True)
    with terminal.live(manner, lambda path: LOG) as live:
        for number, event in enumerate(events):
            terminal.size = os.terminal_size((columns if number % 2 else 10_000, 24))
            live.tick(number * 0.15)
            live.on_event(event)
        terminal.size = os.terminal_size((10_000, 24))
    with plain.live(manner, lambda path: LOG) as patient:  # never ticks, so it never draws
        for event in events:
            patient.on_event(event)
    assert terminal.screen == plain.screen
