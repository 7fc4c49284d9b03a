"""Services that stand from one run to the next, by example."""

from __future__ import annotations

from exarp.engine.stimulus import Begun
from exarp.model.event import FreshnessReason, ServiceReady
from exarp.model.task import Service

from ..planning.plain_plans import task
from .hand import STALE, Hand

PORT = Service(port=80)
CHANGED = FreshnessReason("input-changed", "db.conf")


def kept(*users, standing=None, **limits):
    return Hand([task("db", service=PORT), *users], standing={} if standing is None else standing, **limits)


def test_what_is_ready_after_its_last_user_is_kept():
    hand = kept(task("a", "db"), task("b", "db"), jobs=1)

    hand.begin()
    assert hand.probed("db") == ["db ready", "start a 1"]
    assert hand.passes("a") == ["a passed", "start b 1"]
    assert hand.passes("b") == ["b passed", "db passed", "wave 2 2/2", "run passed 0"]
    assert hand.ended("db").reason == FreshnessReason("kept")
    assert hand.standing() == {"db": ""}


def test_an_end_that_comes_after_that_of_the_run_is_for_the_next_run_to_tell():
    hand = kept(task("a", "db"))
    hand.begin()
    hand.probed("db")
    hand.passes("a")
    assert hand.ends("db", 3) == []
    [stopped] = hand.machine.belated
    assert (stopped.task, stopped.reason) == ("db", FreshnessReason("service-ended", "exit 3"))
    assert hand.standing() == {}


def test_one_that_is_as_it_would_be_started_now_is_used_as_it_is():
    hand = kept(task("a", "db"), standing={"db": "1"})

    hand.happen(Begun())
    assert hand.check("a", stale=STALE) == ["check db"]
    assert hand.check("db") == ["adopt db", "db ready", "start a 1"]
    [ready] = [event for event in hand.told if isinstance(event, ServiceReady)]
    assert (ready.attempt, ready.started_in) == (0, "1")
    assert hand.passes("a") == ["a passed", "db up_to_date", "wave 2 1/1", "run passed 0"]
    assert hand.ended("db").reason == FreshnessReason("kept", "1")
    assert hand.standing() == {"db": "1"}


def test_one_that_is_not_is_ended_before_another_is_started():
    hand = kept(task("a", "db"), standing={"db": "1"})

    hand.happen(Begun())
    hand.check("a", stale=STALE)
    assert hand.check("db", stale=CHANGED) == ["retire db"]
    assert hand.ends("db", None, signal=2, early=True) == ["db stopped input-changed", "start db 1", "probe db ready 0"]
    assert hand.probed("db") == ["db ready", "start a 1"]
    hand.passes("a")
    assert hand.standing() == {"db": ""}


def test_who_uses_one_that_is_ended_is_ended_before_it():
    hand = Hand(
        [task("db", service=Service()), task("api", "db", service=Service()), task("t", "api"), task("u", "db")],
        standing={"db": "1", "api": "1"},
    )

    hand.happen(Begun())
    hand.check("u", stale=STALE)
    assert hand.check("t")[:2] == ["t up_to_date", "api up_to_date"]
    assert hand.check("db", stale=CHANGED) == ["retire api"]
    assert hand.ends("api", None, signal=2, early=True) == ["api stopped need-changed", "retire db"]
    assert hand.ends("db", None, signal=2, early=True)[:3] == ["db stopped input-changed", "start db 1", "db ready"]
    hand.passes("u")
    assert hand.standing() == {"db": ""}


def test_one_that_nobody_had_to_run_with_goes_on_unlooked_at():
    hand = kept(task("a", "db"), standing={"db": "1"})

    hand.happen(Begun())
    assert hand.check("a") == ["a up_to_date", "db up_to_date", "wave 2 1/1", "run up_to_date 0"]
    assert hand.standing() == {"db": "1"}


def test_one_that_nobody_will_ever_use_is_ended():
    hand = kept(task("a"), standing={"db": "1"})

    assert "retire db" in hand.happen(Begun())
    hand.check("a")
    assert hand.ends("db", 0) == ["db stopped not-needed", "db up_to_date", "run up_to_date 0"]
    assert hand.standing() == {}


def test_one_that_died_is_started_anew():
    hand = kept(task("a", "db"), standing={"db": "1"})

    hand.happen(Begun())
    assert hand.ends("db", 3) == ["db stopped service-ended"]
    hand.check("a", stale=STALE)
    assert hand.check("db", stale=STALE) == ["start db 1", "probe db ready 0"]


def test_one_that_dies_while_it_is_used_has_failed():
    hand = kept(task("a", "db"), standing={"db": "1"})

    hand.happen(Begun())
    hand.check("a", stale=STALE)
    hand.check("db")
    assert hand.ends("db", 3) == ["db failed"]
    hand.passes("a")
    assert (hand.standing(), hand.last().exit_code) == ({}, 1)
    assert hand.ended("a").warnings == ("db, which it needs, ended while it ran",)


def test_a_run_that_is_outdated_or_aborted_keeps_what_is_ready():
    hand = kept(task("a", "db"), task("b", "a"), standing={})
    hand.begin()
    hand.probed("db")
    assert hand.outdated("a.c") == ["b cancelled", "kill a"]
    assert hand.ends("a", None, signal=2, early=True)[:2] == ["a cancelled", "db passed"]
    assert hand.standing() == {"db": ""}

    hand = kept(task("a", "db", on_failure="abort"), standing={})
    hand.begin()
    hand.probed("db")
    assert "db passed" in hand.ends("a", 1)
    assert hand.standing() == {"db": ""}


def test_a_service_that_was_asked_for_goes_on_when_the_run_is_outdated():
    hand = kept(standing={"db": "1"}, asked=["db"])

    assert "check db" in hand.happen(Begun())
    assert hand.check("db") == ["adopt db", "db ready"]
    assert hand.outdated("x") == ["db up_to_date", "run cancelled 1"]
    assert hand.standing() == {"db": "1"}


def test_one_that_is_not_ready_yet_does_not_outlive_its_run():
    hand = kept(task("a", "db"), standing={})

    hand.begin()
    hand.probed("db", 1)
    assert hand.outdated("x")[:2] == ["a cancelled", "kill db"]
    hand.ends("db", None, signal=2, early=True)
    assert hand.standing() == {}


def test_an_interrupt_ends_what_stands_and_what_is_used():
    hand = Hand(
        [task("db", service=Service()), task("mail", service=Service()), task("a", "db"), task("b", "mail")],
        standing={"db": "1", "mail": "1"},
    )

    hand.happen(Begun())
    hand.check("a", stale=STALE)
    hand.check("db")
    assert hand.interrupt() == ["mail cancelled", "kill a", "retire mail"]
    assert hand.ends("a", None, signal=2, early=True)[:2] == ["a cancelled", "kill db"]
    assert hand.ends("db", None, signal=2, early=True)[0] == "db cancelled"
    hand.check("b", stale=STALE)
    assert hand.interrupt() == ["retire mail now"]
    assert hand.ends("mail", None, signal=9, early=True)[-2:] == ["mail stopped interrupted", "run interrupted 130"]
    assert hand.standing() == {}


def test_what_cleans_up_behind_a_service_keeps_it_from_being_kept():
    hand = Hand([task("db", service=Service(), cleanup=("rm",)), task("a", "db")], standing={})

    hand.begin()
    assert "kill db" in hand.passes("a")
    assert hand.ends("db", None, signal=2, early=True) == ["probe db finally 0"]
    hand.probed("db")
    assert hand.standing() == {}


def test_one_whose_condition_does_not_hold_any_more_is_ended():
    hand = Hand([task("db", service=Service(), when="x"), task("a", "db")], standing={"db": "1"})

    hand.happen(Begun())
    assert hand.check("a", stale=STALE) == ["probe db when 0"]
    assert hand.probed("db", 1) == ["retire db", "db skipped", "start a 1"]
    hand.passes("a")
    assert not hand.machine.finished
    assert hand.ends("db", 0)[0] == "db stopped not-needed"
    assert hand.standing() == {}


def lent(*users, **limits):
    return Hand([task("db", service=PORT), *users], borrowed={"db": "7"}, **limits)


def test_a_service_that_somebody_else_keeps_up_is_used_and_left_to_them():
    hand = lent(task("a", "db"))

    hand.happen(Begun())
    assert hand.check("a", stale=STALE) == ["check db"]
    assert hand.check("db") == ["db ready", "start a 1"]
    assert hand.passes("a") == ["a passed", "db up_to_date", "wave 2 1/1", "run passed 0"]
    assert hand.ended("db").reason == FreshnessReason("kept", "7")

    hand = lent(task("a", "db"))
    hand.happen(Begun())
    hand.check("a", stale=STALE)
    hand.check("db")
    assert hand.interrupt() == ["kill a"]
    assert hand.ends("a", None, signal=2, early=True)[:2] == ["a cancelled", "db up_to_date"]

    hand = lent(asked=["db"])
    hand.happen(Begun())
    assert hand.check("db") == ["db up_to_date", "run up_to_date 0"]


def test_where_it_is_another_one_than_is_wanted_the_run_starts_its_own():
    hand = lent(task("a", "db"))

    hand.happen(Begun())
    hand.check("a", stale=STALE)
    assert hand.check("db", stale=CHANGED) == ["start db 1", "probe db ready 0"]
    hand.probed("db")
    assert "kill db" in hand.passes("a")
