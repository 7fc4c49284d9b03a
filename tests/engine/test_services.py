"""Services, questions and what is done finally, by example."""

from __future__ import annotations

from exarp.engine.stimulus import Begun
from exarp.model.task import Service

from ..planning.plain_plans import task
from .hand import STALE, Hand

PORT = Service(port=80, timeout=9.0, interval=2.0)


def served(*users, **limits):
    return Hand([task("db", service=PORT), *users], **limits)


def test_a_service_starts_for_the_first_task_that_runs_and_ends_after_the_last():
    hand = served(task("a", "db"), task("b", "db"), jobs=1)

    assert hand.happen(Begun()) == ["wave 1", "wave 1 1/1", "wave 2", "check a"]
    assert hand.check("a", stale=STALE) == ["check db"]
    assert hand.check("db", stale=STALE) == ["start db 1", "probe db ready 0"]
    assert hand.probed("db", 1) == ["rest db 2s"]
    assert hand.rested("db") == ["probe db ready 0"]
    assert hand.probed("db") == ["db ready", "start a 1"]
    assert hand.passes("a") == ["a passed", "start b 1"]
    assert hand.passes("b") == ["b passed", "kill db", "wave 2 2/2"]
    assert hand.ends("db", None, signal=2, early=True) == ["db passed", "run passed 0"]


def test_a_service_that_nothing_needs_to_run_with_is_not_started():
    hand = served(task("a", "db"))

    hand.happen(Begun())
    assert hand.check("a") == ["a up_to_date", "db up_to_date", "wave 2 1/1", "run up_to_date 0"]
    assert hand.ended("db").reason.code == "not-needed"


def test_services_need_services_and_groups_gather_them():
    hand = Hand(
        [
            task("db", service=Service()),
            task("api", "db", service=Service()),
            task("all", "api", commands=()),
            task("t", "all"),
        ]
    )

    assert hand.begin()[-5:] == ["start db 1", "db ready", "start api 1", "api ready", "start t 1"]
    assert "kill api" in hand.passes("t")
    assert hand.ends("api", None, signal=2, early=True) == ["api passed", "kill db"]
    assert hand.ends("db", None, signal=2, early=True) == ["db passed", "run passed 0"]


def test_a_service_that_does_not_get_ready_blocks_what_needs_it():
    hand = served(task("a", "db"), task("c", "a"))

    hand.begin()
    hand.probed("db", 1, said="refused")
    assert hand.late("db") == ["kill db"]
    assert hand.ends("db", None, signal=2, early=True)[:3] == ["db failed", "a blocked", "c blocked"]
    reason = hand.ended("db").reason
    assert (reason.code, reason.detail) == ("not-ready", "refused")


def test_a_service_that_dies_is_told_and_starts_no_new_user():
    hand = served(task("a", "db"), task("b", "db"), jobs=1)

    hand.begin()
    hand.probed("db")
    assert hand.ends("db", 3) == ["db failed", "b blocked"]
    assert hand.ends("a", 1)[0] == "a failed"
    assert hand.ended("a").warnings == ("db, which it needs, ended while it ran",)


def test_an_interrupt_ends_a_service_after_what_uses_it():
    hand = served(task("a", "db"))

    hand.begin()
    hand.probed("db")
    assert hand.interrupt() == ["kill a"]
    assert hand.ends("a", None, signal=2, early=True)[:2] == ["a cancelled", "kill db"]
    assert hand.ends("db", None, signal=2, early=True) == ["db cancelled", "run interrupted 130"]


def test_a_service_that_is_asked_for_stays_until_it_is_ended():
    hand = served(asked=["db"])

    assert hand.begin() == ["wave 1", "wave 1 1/1", "start db 1", "probe db ready 0"]
    assert hand.probed("db") == ["db ready"]
    assert hand.interrupt() == ["kill db"]
    assert hand.ends("db", None, signal=2, early=True) == ["db cancelled", "run interrupted 130"]


def test_a_person_is_asked_once_and_only_about_what_must_run():
    hand = Hand([task("a", confirm="sure?", retries=1), task("b", confirm="sure?")])

    hand.happen(Begun())
    assert hand.check("b") == ["b up_to_date"]
    assert hand.check("a", stale=STALE) == ["ask a"]
    assert hand.answered("a", "yes") == ["start a 1"]
    hand.ends("a", 1)
    assert hand.rested("a") == ["start a 2"]


def test_a_no_skips_the_task_and_blocks_what_needs_it():
    hand = Hand([task("a", confirm="sure?"), task("b", "a")])

    hand.begin()
    assert hand.answered("a", "no")[:2] == ["a skipped", "b blocked"]
    assert hand.last().exit_code == 1


def test_where_nobody_can_be_asked_the_task_fails_unless_all_is_confirmed():
    assert Hand([task("a", confirm="sure?")], asking=False).begin()[1] == "a failed"
    assert Hand([task("a", confirm="sure?")], yes=True).begin()[-1] == "start a 1"


def test_what_is_done_finally_comes_after_the_last_attempt_and_fails_nobody():
    hand = Hand([task("a", retries=1, cleanup=("one", "two")), task("b", "a")])

    hand.begin()
    assert hand.ends("a", 1) == ["a failed 1x", "rest a 0s"]
    hand.rested("a")
    hand.ends("a", 0)
    assert hand.settles("a") == ["probe a finally 0"]
    assert hand.probed("a", 3, said="oh", log="a.0.log") == ["probe a finally 1"]
    assert "a passed" in hand.probed("a")
    assert hand.ended("a").warnings == ("its finally failed: exit 3: oh",)
    assert hand.ended("a").finally_log == "a.0.log"


def test_what_is_done_finally_outlives_one_interrupt_and_not_two():
    hand = Hand([task("a", cleanup=("one", "two"))])

    hand.begin()
    assert hand.interrupt() == ["kill a"]
    assert hand.ends("a", None, signal=2, early=True) == ["probe a finally 0"]
    assert hand.interrupt() == ["kill a now"]
    assert hand.probed("a", None, error="killed")[0] == "a cancelled"


def test_who_waits_for_another_attempt_has_none_once_its_service_has_failed():
    hand = served(task("a", "db", retries=1), task("z", after=("a",)), jobs=1)

    hand.begin()
    hand.probed("db")
    hand.ends("a", 1)
    hand.ends("db", 1)
    assert hand.rested("a") == ["a failed", "wave 2 0/1", "wave 3", "start z 1"]
    hand.passes("z")
    assert hand.machine.finished


def test_nor_while_its_service_has_failed_and_cleans_up():
    hand = Hand([task("db", service=PORT, cleanup=("c",)), task("a", "db", retries=1)], jobs=1)

    hand.begin()
    hand.probed("db")
    hand.ends("a", 1)
    assert hand.ends("db", 1) == ["probe db finally 0"]
    assert hand.rested("a")[0] == "a failed"
    assert hand.probed("db")[0].startswith("db failed")
    assert hand.machine.finished
    assert hand.machine.exit_code == 1
