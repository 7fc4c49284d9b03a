"""The agent that mends what failed, driven by hand: when it is sent, what waits meanwhile, and what its word means."""

from __future__ import annotations

import pytest

from exarp.engine.stimulus import Begun, Ended, Probed
from exarp.model.event import FreshnessReason, RecoveryFinished, RecoveryStarted, TaskFinished
from exarp.model.manifest import WaveSpec
from exarp.model.task import Service, Task

from .hand import STALE, Hand


def task(name: str, *inputs: str, **fields: object) -> Task:
    """A task that reads ``inputs``, and makes a file of its name."""
    return Task(name, inputs=inputs, outputs=(name,), commands=("true",), **fields)  # type: ignore[arg-type]


def mending(*tasks: Task, **more: object) -> Hand:
    return Hand(tasks, **{"rounds": 3, **more})  # type: ignore[arg-type]


def test_each_retry_is_preceded_by_the_agent_and_there_are_as_many_as_its_rounds():
    hand = mending(task("a", "a.c"), rounds=2)
    hand.begin()
    for round_ in (1, 2):
        assert hand.ends("a", 1) == [f"a is ill {round_}", f"probe a recover {round_}"]
        assert hand.probed("a", said="mended it") == ["a: tried", f"start a {round_ + 1}"]
    assert hand.ends("a", 1) == ["a failed", "wave 1 0/1", "run failed 1"]
    told = [event for event in hand.told if isinstance(event, RecoveryFinished)]
    assert [(event.round, event.said) for event in told] == [(1, "mended it"), (2, "mended it")]


def test_what_passes_after_the_agent_has_passed():
    hand = mending(task("a", "a.c"), task("b", "a"))
    hand.begin()
    hand.ends("a", 1)
    hand.probed("a")

    assert hand.passes("a") == ["a passed", "wave 1 1/1", "wave 2", "start b 1"]
    hand.passes("b")
    assert hand.last().exit_code == 0


def test_an_agent_that_gives_no_help_leaves_the_failure_as_it_was():
    hand = mending(task("a", "a.c"))
    hand.begin()
    hand.ends("a", 1)

    assert hand.probed("a", 7) == ["a: no_help", "a failed", "wave 1 0/1", "run failed 1"]
    assert hand.ended("a").exit_status == 1
    assert hand.ended("a").reason is None


def test_one_that_hangs_is_ended_and_has_given_no_help():
    hand = mending(task("a", "a.c"))
    hand.begin()
    hand.ends("a", 1)
    assert hand.late("a", -1) == ["kill a"]

    assert hand.probed("a", None)[:2] == ["a: no_help", "a failed"]
    [finished] = [event for event in hand.told if isinstance(event, RecoveryFinished)]
    assert finished.error == "timed out after 1m00s"


def test_what_is_escalated_goes_to_a_person_at_once_with_the_last_line_as_the_reason():
    hand = mending(task("a", "a.c", on_failure="ask"), deciding=True)
    hand.begin()
    hand.ends("a", 1)

    lines = hand.probed("a", 10, said="it needs credentials")
    assert lines == ["a: escalated", "a failed", "debug skip abort?", "ask a"]
    hand.answered("a", "abort")
    assert hand.ended("a").reason == FreshnessReason("escalated", "it needs credentials")


@pytest.mark.parametrize("status", [126, 127, 2])
def test_what_no_retry_would_mend_is_nothing_for_the_agent(status):
    hand = mending(task("a", "a.c", no_retry_on=(2,)))
    hand.begin()

    assert hand.ends("a", status)[0] == "a failed"


@pytest.mark.parametrize("fields", [{"allow_failure": True}, {"interactive": True}])
def test_nor_is_what_may_fail_or_what_a_person_operates(fields):
    hand = mending(task("a", "a.c", **fields))
    hand.begin()

    assert hand.ends("a", 1)[0] == "a failed"


def test_a_service_is_not_mended():
    hand = mending(Task("db", commands=("db",), service=Service()), Task("a", commands=("true",), needs=("db",)))
    hand.begin()

    assert "db is ill" not in " ".join(hand.ends("db", 1))


def test_plain_retries_do_not_come_on_top():
    hand = mending(task("a", "a.c", retries=5), rounds=1)
    hand.begin()
    hand.ends("a", 1)
    hand.probed("a")

    assert hand.ends("a", 1)[0] == "a failed"


def test_the_agent_waits_for_what_is_entangled_and_runs_and_nothing_of_that_starts():
    tasks = (task("a", "x.h"), task("b", "x.h"), task("c", "x.h"), task("d", "y.h"), task("e", "y.h"))
    hand = mending(*tasks, jobs=2)
    assert hand.begin() == ["wave 1", "start a 1", "start b 1"]

    # c would be next: it reads what the agent may change.
    assert hand.ends("a", 1) == ["start d 1"]
    assert hand.passes("d") == ["d passed", "start e 1"]
    assert hand.passes("b") == ["b passed", "a is ill 1", "probe a recover 1"]
    assert hand.passes("e") == ["e passed"]
    assert hand.probed("a") == ["a: tried", "start a 2", "start c 1"]


def test_what_does_not_say_what_it_touches_waits_and_is_waited_for():
    tasks = (task("a", "x"), Task("b", commands=("true",)), Task("c", commands=("true",)), task("d", "y"))
    hand = mending(*tasks, jobs=2)
    hand.begin()
    assert hand.ends("a", 1) == ["start d 1"]
    assert hand.passes("b") == ["b passed", "a is ill 1", "probe a recover 1"]
    hand.passes("d")
    assert hand.probed("a") == ["a: tried", "start a 2", "start c 1"]


def test_what_was_found_out_about_files_before_is_found_out_again():
    tasks = (task("a", "x.h"), task("b", "x.h"), task("c", "y"))
    hand = mending(*tasks, jobs=1, ahead=4)
    assert hand.happen(Begun()) == ["wave 1", "check a", "check b", "check c"]
    hand.check("b", stale=STALE)
    hand.check("c", stale=STALE)
    assert hand.check("a", stale=STALE) == ["start a 1"]
    assert hand.ends("a", 1) == ["start c 1", "a is ill 1", "probe a recover 1"]
    hand.ends("c", 0)
    assert hand.settles("c") == ["c passed"]

    lines = hand.happen(Probed(hand.ids["a"], 0))
    assert lines == ["a: tried", "start a 2"]
    assert hand.happen(Ended(hand.ids["a"], 0)) == ["settle a", "check b"]
    assert hand.settles("a") == ["a passed"]
    # The agent has made it just as it was when b last succeeded.
    assert hand.check("b") == ["b up_to_date", "wave 1 3/3", "run passed 0"]


def test_one_agent_at_a_time():
    hand = mending(task("a", "x"), task("b", "y"))
    hand.begin()
    assert hand.ends("a", 1) == ["a is ill 1", "probe a recover 1"]
    assert hand.ends("b", 1) == []
    assert hand.probed("a") == ["a: tried", "start a 2", "b is ill 1", "probe b recover 1"]


def test_a_verification_is_mended_as_a_task_is():
    waves = (WaveSpec("one", ("a",), verify=("check",)), WaveSpec("two", ("b",)))
    hand = Hand((task("a", "x"), task("b", "y")), waves, rounds=3)
    hand.begin()
    hand.passes("a")
    assert hand.ends("verify one", 1) == ["verify one is ill 1", "probe verify one recover 1"]
    assert hand.probed("verify one") == ["verify one: tried", "verify one begins 2", "start verify one 2"]
    assert hand.passes("verify one") == ["verify one passed", "wave 2", "start b 1"]
    [started] = [event for event in hand.told if isinstance(event, RecoveryStarted)]
    assert (started.task, started.attempt, started.rounds, started.exit_status) == ("verify one", 1, 3, 1)


def test_a_signal_ends_the_agent_and_who_waits_for_it_is_cancelled():
    hand = mending(task("a", "x"), task("b", "y"), task("c", "a"))
    hand.begin()
    hand.ends("a", 1)
    hand.ends("b", 1)

    lines = hand.interrupt()
    assert "b cancelled" in lines
    assert lines[-1] == "kill a"
    assert hand.probed("a", None) == ["a: cancelled", "a cancelled", "wave 1 0/2", "run interrupted 130"]
    assert {event.outcome for event in hand.told if isinstance(event, TaskFinished)} == {"cancelled"}


def test_under_fail_fast_the_agent_is_sent_first_and_ended_when_something_else_has_failed():
    hand = mending(task("a", "x"), task("b", "y", no_retry_on=(3,)), task("c", "z"), fail_fast=True, jobs=2)
    hand.begin()
    hand.ends("a", 1)

    assert hand.ends("b", 3) == ["b failed", "kill a"]
    assert "a cancelled" in hand.probed("a", None)
