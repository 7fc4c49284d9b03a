"""Questions about failures, driven by hand: when they come, what can be answered, and what follows."""

from __future__ import annotations

import pytest

from exarp.engine.stimulus import Begun
from exarp.model.event import FreshnessReason, QuestionAnswered, QuestionAsked
from exarp.model.manifest import WaveSpec
from exarp.model.task import Service, Task

from .hand import Hand


def task(
    name: str, *needs: str, on_failure: str = "ask", commands: tuple[str, ...] = ("true",), **fields: object
) -> Task:
    return Task(name, needs=needs, on_failure=on_failure, commands=commands, **fields)  # type: ignore[arg-type]


def asking(*tasks: Task, **more: object) -> Hand:
    return Hand(tasks, deciding=True, **more)  # type: ignore[arg-type]


def test_siblings_end_before_anything_is_asked_and_one_thing_is_asked_at_a_time():
    hand = asking(task("a"), task("b"), task("c"), task("later", "c"))
    hand.begin()

    assert hand.ends("a", 1) == ["a failed"]
    assert hand.ends("b", 1) == ["b failed"]
    # What waits for neither goes on meanwhile, in waves of its own.
    assert hand.passes("c") == ["c passed", "wave 2", "debug skip abort?", "ask a", "start later 1"]
    assert hand.answered("a", "skip") == ["a skipped", "debug skip abort?", "ask b"]
    assert hand.answered("b", "skip") == ["b skipped", "wave 1 1/3"]
    hand.passes("later")
    assert hand.last().counts == {"passed": 2, "skipped": 2}
    assert hand.last().exit_code == 1


def test_skip_is_not_offered_where_something_that_is_still_to_run_needs_it():
    hand = asking(task("a"), task("b", "a"))
    hand.begin()
    assert hand.ends("a", 1) == ["a failed", "debug abort?", "ask a"]

    # A group runs nothing itself; what another failure has blocked will not run.
    hand = asking(task("a"), task("all", "a", commands=()))
    hand.begin()
    assert hand.ends("a", 1) == ["a failed", "debug skip abort?", "ask a"]
    hand = asking(task("a"), task("x", on_failure="fail"), task("b", "a", "x"))
    hand.begin()
    assert hand.ends("x", 1) == ["x failed", "b blocked"]
    assert hand.ends("a", 1) == ["a failed", "debug skip abort?", "ask a"]


def test_after_a_shell_another_attempt_is_offered_and_counts_as_a_retry():
    hand = asking(task("a", retries=1), task("b", "a"))
    hand.begin()
    hand.ends("a", 1)
    assert hand.rested("a") == ["start a 2"]
    assert hand.ends("a", 1)[-1] == "ask a"
    assert hand.answered("a", "debug") == ["debug a"]
    assert hand.debugged("a") == ["debug retry abort?", "ask a"]
    assert hand.answered("a", "retry") == ["start a 3"]
    assert hand.ends("a", 2) == ["a failed", "debug abort?", "ask a"]
    assert [event.retries for event in hand.told if isinstance(event, QuestionAsked)] == [1, 1, 2]
    hand.answered("a", "debug")
    hand.debugged("a")
    hand.answered("a", "retry")
    assert hand.passes("a")[0] == "a passed"


def test_what_could_not_be_run_is_looked_at_again():
    hand = asking(task("a"))
    hand.happen(Begun())
    assert hand.check("a", impossible=FreshnessReason("input-missing", "x"))[-1] == "ask a"
    hand.answered("a", "debug")
    hand.debugged("a")
    assert hand.answered("a", "retry") == ["start a 1"]


def test_abort_ends_what_runs_and_starts_nothing_more():
    hand = asking(task("a"), task("b"), task("c", "b"), task("d", "c"))
    hand.begin()
    hand.ends("a", 1)
    hand.passes("b")

    assert hand.answered("a", "abort")[:2] == ["a failed", "d cancelled"]
    assert hand.ended("a").outcome == "failed"
    assert hand.ends("c", None, signal=2)[0] == "c cancelled"
    assert hand.last().exit_code == 1


@pytest.mark.parametrize("during", ["question", "shell"])
def test_a_signal_takes_the_question_back(during):
    hand = asking(task("a", cleanup=("rm x",)), task("b"))
    hand.begin()
    hand.ends("b", 1)
    hand.ends("a", 1)
    if during == "shell":
        hand.answered("b", "debug")

    assert hand.interrupt() == ["probe a finally 0", "kill b"]
    lines = hand.debugged("b") if during == "shell" else hand.answered("b", None)
    assert lines[0] == "b failed"
    hand.probed("a", 0)
    answers = [event.answer for event in hand.told if isinstance(event, QuestionAnswered)]
    assert answers == (["debug"] if during == "shell" else [None])
    assert (hand.ended("a").outcome, hand.last().exit_code) == ("failed", 130)


def test_who_cannot_be_asked_is_not_waited_for():
    for limits in ({"deciding": False}, {"deciding": True, "fail_fast": True}):
        hand = Hand([task("a"), task("b", "a")], **limits)
        hand.begin()
        assert hand.ends("a", 1)[:2] == ["a failed", "b blocked"]

    hand = asking(task("a", allow_failure=True))
    hand.begin()
    hand.ends("a", 1)
    assert hand.last().exit_code == 0


def test_the_next_wave_waits_for_the_answer():
    waves = [WaveSpec("one", ("a",)), WaveSpec("two", ("b",))]
    hand = asking(task("a"), task("b"), waves=waves)
    hand.begin()

    assert hand.ends("a", 1) == ["a failed", "debug skip abort?", "ask a"]
    assert hand.answered("a", "skip") == ["a skipped", "wave 1 0/1", "wave 2", "start b 1"]


def test_only_what_needs_the_terminal_waits_for_an_answer():
    hand = asking(
        task("a"), task("x"), task("n", "x"), task("i", "n", interactive=True), task("m", "n"), task("o", "m")
    )
    hand.begin()
    hand.ends("a", 1)

    assert hand.passes("x") == ["x passed", "wave 2", "debug skip abort?", "ask a", "start n 1"]
    assert hand.passes("n") == ["n passed", "wave 2 1/1", "wave 3", "start m 1"]
    assert hand.answered("a", "skip") == ["a skipped", "wave 1 1/2"]
    # It is alone, and goes next.
    assert hand.passes("m") == ["m passed", "start i 1"]
    assert hand.passes("i") == ["i passed", "wave 3 2/2", "wave 4", "start o 1"]


def test_a_question_waits_for_who_has_the_terminal():
    hand = asking(task("a"), task("i", interactive=True, on_failure="fail"), jobs=1)
    hand.begin()

    assert hand.ends("a", 1) == ["a failed", "start i 1"]
    assert hand.passes("i")[:3] == ["i passed", "debug skip abort?", "ask a"]


def test_another_attempt_is_not_offered_where_the_service_that_it_uses_has_failed():
    hand = asking(task("s", service=Service(), on_failure="fail"), task("a", "s"))
    hand.begin()
    assert hand.ends("a", 1)[:3] == ["a failed", "debug skip abort?", "ask a"]
    hand.answered("a", "debug")
    hand.ends("s", 1)

    assert "debug skip abort?" in hand.debugged("a")
