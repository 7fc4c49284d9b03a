"""Conditions by example: what is asked before a task runs, and what follows from each answer."""

from __future__ import annotations

import pytest

from exarp.engine.stimulus import Begun
from exarp.model.task import Requirement

from ..planning.plain_plans import task
from .hand import STALE, Hand


def test_a_condition_is_asked_before_anything_is_looked_at():
    hand = Hand([task("a", when="ask")])

    assert hand.happen(Begun()) == ["wave 1", "probe a when 0"]
    assert hand.probed("a") == ["start a 1"]


def test_a_task_that_is_not_wanted_fails_nobody():
    hand = Hand([task("a", when="ask"), task("b", "a")])

    hand.happen(Begun())
    assert hand.probed("a", 1, said="no") == ["a skipped", "wave 1 0/1", "wave 2", "start b 1"]
    assert hand.ended("a").reason.code == "condition-false"
    assert hand.passes("b")[-1] == "run passed 0"
    assert hand.last().counts == {"passed": 1, "skipped": 1, "unwanted": 1}


def test_a_condition_that_cannot_be_asked_fails_its_task():
    hand = Hand([task("a", when="ask"), task("b", "a")])

    hand.happen(Begun())
    assert hand.probed("a", None, error="killed")[:2] == ["a failed", "b blocked"]
    assert hand.last().exit_code == 1


def test_what_is_not_for_this_platform_takes_no_slot():
    hand = Hand([task("a", interactive=True), task("b", "a"), task("c")], jobs=1, unwanted=["a"])

    assert hand.begin() == ["wave 1", "a skipped", "start c 1"]


def test_commands_that_are_required_are_run_once_and_only_for_what_must_run():
    wants = (Requirement("cc"), Requirement(run="one"), Requirement(run="two"))
    hand = Hand([task("a", requires=wants, retries=1), task("b", requires=wants)])

    hand.happen(Begun())
    assert hand.check("b") == ["b up_to_date"]
    assert hand.check("a", stale=STALE) == ["probe a requires 1"]
    assert hand.probed("a") == ["probe a requires 2"]
    assert hand.probed("a") == ["start a 1"]
    hand.ends("a", 1)
    assert hand.rested("a") == ["start a 2"]


def test_what_is_missing_fails_the_task_with_the_message_and_is_not_tried_again():
    hand = Hand([task("a", requires=(Requirement(run="docker info", message="start docker"),), retries=3)])

    hand.begin()
    assert hand.probed("a", 1, said="cannot connect")[0] == "a failed"
    reason = hand.ended("a").reason
    assert (reason.code, reason.subject, reason.detail) == ("requirement-failed", "docker info", "start docker")


@pytest.mark.parametrize("number", [1, 2])
def test_a_probe_has_the_timeout_of_its_task(number):
    hand = Hand([task("a", when="ask", timeout=9.0)])

    hand.happen(Begun())
    assert hand.late("a", -number) == (["kill a"] if number == 1 else [])
    assert hand.probed("a", None)[0] == "a failed"
    assert ("timed out after 9.0s" in hand.ended("a").reason.detail) == (number == 1)


def test_an_interrupt_ends_a_probe_and_cancels_its_task():
    hand = Hand([task("a", when="ask")])

    hand.happen(Begun())
    assert hand.interrupt() == ["kill a"]
    assert hand.probed("a", 0)[0] == "a cancelled"
