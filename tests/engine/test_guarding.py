"""Verifications and checkpoints, driven by hand: when they are due, and what does not run where they let nothing pass."""

from __future__ import annotations

import pytest

from exarp.engine.stimulus import Begun
from exarp.model.event import FreshnessReason, RunFinished, TaskFinished, VerifyFinished
from exarp.model.manifest import WaveSpec
from exarp.model.task import Task

from .hand import Hand


def task(name: str, *needs: str, **fields: object) -> Task:
    return Task(name, needs=needs, commands=("true",), inputs=(), outputs=(name,), **fields)  # type: ignore[arg-type]


def waves(**fields: object) -> tuple[WaveSpec, ...]:
    """Wave ``one`` with ``a`` and ``b``, and ``two`` with ``c``; the fields are those of the first."""
    return (WaveSpec("one", ("a", "b"), **fields), WaveSpec("two", ("c",)))  # type: ignore[arg-type]


def begun(*specs: WaveSpec, **more: object) -> Hand:
    hand = Hand((task("a"), task("b"), task("c")), specs, **more)  # type: ignore[arg-type]
    assert hand.begin() == ["wave 1", "start a 1", "start b 1"]
    return hand


def test_a_verification_begins_when_all_of_its_wave_has_ended_and_what_is_behind_waits_for_it():
    hand = begun(*waves(verify=("check",)))
    assert hand.passes("a") == ["a passed"]
    assert hand.passes("b") == ["b passed", "wave 1 2/2", "verify one begins 1", "start verify one 1"]

    assert hand.passes("verify one") == ["verify one passed", "wave 2", "start c 1"]
    hand.passes("c")
    assert hand.last().counts == {"passed": 3}
    assert hand.last().exit_code == 0


def test_what_is_behind_a_failed_verification_is_blocked_and_the_run_has_failed():
    hand = begun(*waves(verify=("check",)), settings={"on_failure_of_verify": "fail"})
    hand.passes("a")
    hand.passes("b")

    assert hand.ends("verify one", 3) == ["verify one failed", "c blocked", "run failed 1"]
    assert hand.ended("c").reason == FreshnessReason("blocked-by", "verify one")
    assert hand.last().first_failure == "verify one"
    # It is no task.
    assert hand.last().counts == {"blocked": 1, "passed": 2}


def test_after_a_failure_in_its_wave_nothing_is_verified_and_that_is_told():
    hand = begun(*waves(verify=("check",)))
    hand.passes("a")

    assert hand.ends("b", 1) == ["b failed", "wave 1 1/2", "verify one skipped", "wave 2", "start c 1"]
    [skipped] = [event for event in hand.told if isinstance(event, VerifyFinished)]
    assert skipped.reason == FreshnessReason("wave-failed", "one")


def test_a_failure_that_is_allowed_hinders_no_verification():
    hand = Hand((task("a", allow_failure=True), task("c")), (WaveSpec("one", ("a",), verify=("check",)),))
    hand.begin()
    # The other wave comes first, for nobody has declared it.
    lines = hand.passes("c")
    assert lines[-1] == "start a 1"

    assert hand.ends("a", 1) == ["a failed", "wave 2 0/1", "verify one begins 1", "start verify one 1"]


def test_verifications_of_the_settings_come_after_every_wave_in_flow_once_at_the_end():
    tasks = (task("a"), task("b", "a"))
    hand = Hand(tasks, settings={"verify": ("check",), "schedule": "waves"})
    hand.begin()
    assert hand.passes("a")[-1] == "start verify wave 1 1"
    assert hand.passes("verify wave 1")[-1] == "start b 1"
    assert hand.passes("b")[-1] == "start verify wave 2 1"
    assert hand.passes("verify wave 2") == ["verify wave 2 passed", "run passed 0"]

    hand = Hand(tasks, settings={"verify": ("check",)})
    hand.begin()
    assert hand.passes("a")[-1] == "start b 1"
    assert hand.passes("b")[-1] == "start verify the run 1"
    assert hand.ends("verify the run", 1)[-1] == "run failed 1"


def test_in_flow_what_needs_something_of_a_verified_wave_waits_for_its_verification():
    tasks = (task("a"), task("b"), task("c", "a"))
    hand = Hand(tasks, (WaveSpec("one", ("a", "b"), verify=("check",)),), {"schedule": "flow"})
    hand.begin()
    assert hand.passes("a") == ["a passed"]

    assert hand.passes("b")[-1] == "start verify one 1"
    assert hand.passes("verify one") == ["verify one passed", "wave 2", "start c 1"]


def test_a_failed_verification_is_asked_about_and_skip_is_offered_where_nothing_is_behind_it():
    hand = begun(*waves(verify=("check",)), deciding=True)
    hand.passes("a")
    hand.passes("b")
    assert hand.ends("verify one", 1) == ["verify one failed", "debug abort?", "ask verify one"]
    assert hand.answered("verify one", "debug") == ["debug verify one"]
    assert hand.debugged("verify one") == ["debug retry abort?", "ask verify one"]
    assert hand.answered("verify one", "retry") == ["verify one begins 2", "start verify one 2"]
    assert hand.passes("verify one") == ["verify one passed", "wave 2", "start c 1"]
    hand.passes("c")
    assert hand.last().exit_code == 0

    hand = Hand((task("a"),), (WaveSpec("one", ("a",), verify=("check",)),), deciding=True)
    hand.begin()
    hand.passes("a")
    assert hand.ends("verify one", 1)[-2] == "debug skip abort?"
    assert hand.answered("verify one", "skip") == ["verify one skipped", "run failed 1"]


def test_a_checkpoint_asks_a_person_before_what_is_behind_it():
    hand = begun(*waves(checkpoint=True))
    hand.passes("a")
    assert hand.passes("b") == [
        "b passed",
        "wave 1 2/2",
        "checkpoint one waits",
        "continue stop?",
        "ask checkpoint one",
    ]

    assert hand.answered("checkpoint one", "continue") == ["wave 2", "start c 1"]
    hand.passes("c")
    assert hand.last().exit_code == 0


@pytest.mark.parametrize("person", [True, False])
def test_where_nobody_lets_it_pass_the_run_waits_with_exit_code_4(person):
    hand = begun(*waves(checkpoint=True), asking=person)
    hand.passes("a")
    lines = hand.passes("b")
    lines = hand.answered("checkpoint one", "stop") if person else lines[3:]

    assert lines == ["c blocked", "run waiting 4"]
    assert hand.ended("c").reason == FreshnessReason("checkpoint", "one")


def test_a_checkpoint_is_reached_after_a_failure_too_and_the_failure_decides_the_exit_code():
    hand = begun(*waves(checkpoint=True), asking=False)
    hand.passes("a")

    assert hand.ends("b", 1) == ["b failed", "wave 1 1/2", "checkpoint one waits", "c blocked", "run failed 1"]


def test_who_goes_past_checkpoints_is_asked_nothing():
    hand = begun(*waves(checkpoint=True), past_checkpoints=True)
    hand.passes("a")

    assert hand.passes("b") == ["b passed", "wave 1 2/2", "checkpoint one is passed", "wave 2", "start c 1"]


def test_a_checkpoint_comes_after_the_verification_and_not_at_all_where_that_failed():
    hand = begun(*waves(verify=("check",), checkpoint=True), settings={"on_failure_of_verify": "fail"})
    hand.passes("a")
    hand.passes("b")
    assert hand.ends("verify one", 1) == ["verify one failed", "c blocked", "run failed 1"]

    hand = begun(*waves(verify=("check",), checkpoint=True))
    hand.passes("a")
    hand.passes("b")
    assert hand.passes("verify one")[1:] == ["checkpoint one waits", "continue stop?", "ask checkpoint one"]


def test_a_signal_takes_the_question_of_a_checkpoint_back_and_ends_a_verification():
    hand = begun(*waves(checkpoint=True))
    hand.passes("a")
    hand.passes("b")
    assert hand.interrupt() == ["c cancelled", "kill checkpoint one"]
    assert hand.answered("checkpoint one", None) == ["run interrupted 130"]

    hand = begun(*waves(verify=("check",)))
    hand.passes("a")
    hand.passes("b")
    assert hand.interrupt() == ["c cancelled", "kill verify one"]
    assert hand.ends("verify one", None, signal=2) == ["verify one cancelled", "run interrupted 130"]


def test_the_last_part_of_a_wave_is_verified_with_all_that_is_in_the_wave():
    hand = Hand(
        (task("a"), task("b"), task("c")),
        waves(verify=("check",), checkpoint=True),
        {"max_tasks_per_wave": 1, "schedule": "waves"},
    )
    [verify, checkpoint] = hand.plan.guards
    assert (verify.number, verify.members) == (checkpoint.number, checkpoint.members) == (2, (0, 1))
    assert hand.begin() == ["wave 1", "start a 1"]
    assert hand.ends("a", 1) == ["a failed", "wave 1 0/1", "wave 2", "start b 1"]

    # Something failed in a part before.
    assert hand.passes("b")[2:4] == ["verify one skipped", "checkpoint one waits"]


def test_a_run_in_which_only_a_verification_ran_is_not_up_to_date():
    hand = Hand((task("a"),), (WaveSpec("one", ("a",), verify=("check",)),))
    hand.happen(Begun())
    hand.check("a")
    hand.check("verify one", stale=FreshnessReason("never-ran"))
    hand.passes("verify one")
    assert hand.last().outcome == "passed"

    hand = Hand((task("a"),), (WaveSpec("one", ("a",), verify=("check",)),))
    hand.happen(Begun())
    hand.check("a")
    hand.check("verify one")
    assert hand.last().outcome == "up_to_date"
    assert [type(event) for event in hand.told if not isinstance(event, TaskFinished)][-1] is RunFinished
    assert not any(isinstance(event, VerifyFinished) for event in hand.told)
