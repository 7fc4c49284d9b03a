"""The machine by example: who starts when, and what follows from each end."""

from __future__ import annotations

import pytest

from exarp.engine.stimulus import Begun
from exarp.model.event import FreshnessReason, TaskFinished, TaskRetried, TaskStarted
from exarp.model.manifest import WaveSpec

from ..planning.plain_plans import task
from .hand import STALE, Hand


def wave(name, tasks, **fields):
    return WaveSpec(name, tuple(tasks.split()), **fields)


# -- success ---------------------------------------------------------------------------------------------------


def test_a_run_of_nothing_is_up_to_date():
    assert Hand([]).begin() == ["run up_to_date 0"]


def test_a_task_is_checked_started_settled_and_told():
    hand = Hand([task("a", timeout=9.0)])

    assert hand.happen(Begun()) == ["wave 1", "check a"]
    assert hand.check("a", stale=STALE) == ["start a 1"]
    assert hand.told[-1] == TaskStarted(task="a", attempt=1, reason=STALE)
    assert hand.ends("a", 0, duration_ms=7, log="log", warnings=("one",)) == ["settle a"]
    assert hand.settles("a") == ["a passed", "wave 1 1/1", "run passed 0"]
    end = hand.ended("a")
    assert (end.attempt, end.exit_status, end.duration_ms, end.log, end.warnings) == (1, 0, 7, "log", ("one",))


def test_what_is_up_to_date_is_not_started_and_what_needs_it_goes_on():
    hand = Hand([task("a"), task("b", "a")])

    hand.happen(Begun())
    assert hand.check("a") == ["a up_to_date", "wave 1 1/1", "wave 2", "check b"]
    assert hand.check("b") == ["b up_to_date", "wave 2 1/1", "run up_to_date 0"]
    assert hand.ended("a").attempt == 0


def test_what_is_restored_is_not_started_and_is_more_than_up_to_date():
    hand = Hand([task("a"), task("b", "a"), task("all", "a", commands=())])

    hand.happen(Begun())
    assert hand.check("a", stale=STALE, restored=True, log="log")[0] == "a restored"
    assert hand.check("b")[0] == "b up_to_date"
    end = hand.ended("a")
    assert (end.attempt, end.exit_status, end.log, end.reason) == (0, None, "log", STALE)
    assert hand.ended("all").outcome == "passed"
    assert hand.told[-1].outcome == "passed"


def test_a_group_passes_by_itself_once_all_it_needs_has():
    hand = Hand([task("a"), task("all", "a", "inner", commands=()), task("inner", commands=())])

    assert hand.begin() == ["wave 1", "inner up_to_date", "start a 1"]
    assert hand.passes("a") == ["a passed", "wave 1 2/2", "wave 2", "all passed", "wave 2 1/1", "run passed 0"]
    assert hand.ended("all").reason == FreshnessReason("group")


def test_as_many_tasks_run_as_there_are_jobs_and_the_highest_priority_first():
    hand = Hand([task("a"), task("b", priority=-1), task("c", priority=5), task("d")], jobs=2)

    assert hand.begin() == ["wave 1", "start c 1", "start a 1"]
    assert hand.passes("a") == ["a passed", "start d 1"]
    assert hand.passes("d") == ["d passed", "start b 1"]


def test_in_flow_a_task_starts_as_soon_as_its_own_needs_are_done():
    hand = Hand([task("a"), task("b"), task("c", "b")])

    assert hand.begin() == ["wave 1", "start a 1", "start b 1"]
    assert hand.passes("b") == ["b passed", "wave 2", "start c 1"]


def test_with_barriers_a_task_waits_for_the_whole_wave_before():
    hand = Hand([task("a"), task("b"), task("c", "b")], settings={"schedule": "waves"})

    assert hand.begin() == ["wave 1", "start a 1", "start b 1"]
    assert hand.passes("b") == ["b passed"]
    assert hand.passes("a") == ["a passed", "wave 1 2/2", "wave 2", "start c 1"]


def test_waves_run_side_by_side_up_to_their_limit():
    waves = [wave(name, name.lower(), parallel=True) for name in "ABC"]
    hand = Hand([task("a"), task("b"), task("c")], waves, max_parallel_waves=2)

    assert hand.begin() == ["wave 1", "wave 2", "start a 1", "start b 1"]
    assert hand.passes("b") == ["b passed", "wave 2 1/1", "wave 3", "start c 1"]


# -- failure ---------------------------------------------------------------------------------------------------


def test_a_failure_blocks_what_needs_it_and_the_rest_runs():
    hand = Hand([task("bad"), task("good"), task("b", "bad"), task("c", "b"), task("d", "good")])

    hand.begin()
    assert hand.ends("bad", 3) == ["bad failed", "b blocked", "c blocked"]
    assert hand.ended("c").reason == FreshnessReason("blocked-by", "bad")
    assert hand.passes("good") == ["good passed", "wave 1 1/2", "wave 2", "start d 1"]
    assert hand.passes("d") == ["d passed", "wave 2 1/2", "run failed 1"]
    assert (hand.last().first_failure, hand.last().counts) == ("bad", {"blocked": 2, "failed": 1, "passed": 2})


def test_what_only_comes_after_a_failure_runs():
    hand = Hand([task("bad"), task("late", after=("bad",))])

    hand.begin()
    assert hand.ends("bad", 1) == ["bad failed", "wave 1 0/1", "wave 2", "start late 1"]


@pytest.mark.parametrize("policy", ["fail", "ask", "skip"])
def test_a_failed_task_fails_the_run_whatever_is_done_about_it(policy):
    hand = Hand([task("bad", on_failure=policy), task("b", "bad")])

    hand.begin()
    outcome = "skipped" if policy == "skip" else "failed"
    assert hand.ends("bad", 1) == [f"bad {outcome}", "b blocked", "wave 1 0/1", "run failed 1"]


def test_an_allowed_failure_blocks_nothing_and_leaves_the_exit_alone():
    hand = Hand([task("bad", allow_failure=True), task("b", "bad")])

    hand.begin()
    assert hand.ends("bad", 1) == ["bad failed", "wave 1 0/1", "wave 2", "start b 1"]
    assert hand.passes("b") == ["b passed", "wave 2 1/1", "run passed 0"]
    assert hand.ended("bad").allowed


def test_abort_ends_what_runs_and_starts_nothing_more():
    hand = Hand([task("bad", on_failure="abort"), task("other"), task("late", "other"), task("free")], jobs=2)

    hand.begin()
    assert hand.ends("bad", 1) == ["bad failed", "free cancelled", "late cancelled", "kill other"]
    assert hand.ended("late").reason == FreshnessReason("aborted", "bad")
    assert hand.ends("other", 0, early=True) == ["other cancelled", "wave 1 0/3", "run failed 1"]


def test_keep_going_takes_the_edge_off_abort_and_fail_fast():
    hand = Hand([task("bad", on_failure="abort"), task("other")], keep_going=True, fail_fast=True)

    hand.begin()
    assert hand.ends("bad", 1) == ["bad failed"]
    assert hand.passes("other") == ["other passed", "wave 1 1/2", "run failed 1"]


def test_fail_fast_lets_what_runs_end_and_starts_nothing_more():
    hand = Hand([task("bad"), task("other"), task("free")], jobs=2, fail_fast=True)

    hand.begin()
    assert hand.ends("bad", 1) == ["bad failed", "free cancelled"]
    assert hand.passes("other") == ["other passed", "wave 1 1/3", "run failed 1"]


@pytest.mark.parametrize("limits", [{"fail_fast": True}, {}])
def test_what_needs_a_task_that_stops_the_run_is_blocked_and_the_rest_is_cancelled(limits):
    policy = "fail" if limits else "abort"
    hand = Hand(
        [task("bad", on_failure=policy), task("child", "bad"), task("far", "child"), task("free")], jobs=1, **limits
    )

    hand.begin()
    assert hand.ends("bad", 1)[:4] == ["bad failed", "child blocked", "far blocked", "free cancelled"]


def test_in_flow_a_wave_takes_room_only_when_it_starts():
    waves = (WaveSpec("one", ("p",), parallel=True), WaveSpec("two", ("q",), parallel=True))
    tasks = [task("slow"), task("p", "slow"), task("q")]
    hand = Hand(tasks, waves, {"schedule": "flow"}, max_parallel_waves=1)

    assert hand.begin() == ["wave 1", "wave 3", "start slow 1", "start q 1"]
    assert hand.passes("slow") == ["slow passed", "wave 1 1/1"]
    assert hand.passes("q") == ["q passed", "wave 3 1/1", "wave 2", "start p 1"]


def test_in_flow_no_wave_takes_the_room_that_one_needs_which_it_waits_for():
    waves = (WaveSpec("one", ("a",), parallel=True), WaveSpec("two", ("b0", "b"), parallel=True))
    # In doubt a goes before f, and f before b: no need, and nothing that relates the two waves.
    tasks = [
        task("slow"),
        task("first"),
        task("second", "first"),
        task("a", "slow", modifies=("x",)),
        task("f", "second", modifies=("x", "y")),
        task("b0", "second"),
        task("b", modifies=("y",)),
    ]
    hand = Hand(tasks, waves, {"schedule": "flow"}, max_parallel_waves=1)

    hand.begin()
    for name in ("first", "second", "slow", "a", "f", "b0", "b"):
        hand.passes(name)
    assert hand.last().outcome == "passed"


def test_under_fail_fast_nothing_is_tried_again_and_the_policy_holds():
    hand = Hand([task("bad"), task("retry", retries=3, on_failure="skip")], fail_fast=True)

    hand.begin()
    hand.ends("bad", 1)
    assert hand.ends("retry", 1) == ["retry skipped", "wave 1 0/2", "run failed 1"]


def test_an_abort_under_fail_fast_ends_what_still_runs():
    hand = Hand([task("bad"), task("worse", on_failure="abort"), task("other")], fail_fast=True)

    hand.begin()
    hand.ends("bad", 1)
    assert hand.ends("worse", 1) == ["worse failed", "kill other"]
    assert hand.ends("other", 0, early=True) == ["other cancelled", "wave 1 0/3", "run failed 1"]


def test_a_task_that_cannot_be_run_fails_without_an_attempt_and_without_retries():
    hand = Hand([task("bad", retries=3), task("b", "bad")])

    hand.happen(Begun())
    missing = FreshnessReason("input-missing", "x")
    assert hand.check("bad", impossible=missing) == ["bad failed", "b blocked", "wave 1 0/1", "run failed 1"]
    assert (hand.ended("bad").attempt, hand.ended("bad").reason) == (0, missing)


def test_a_success_whose_outputs_are_missing_is_a_failure():
    hand = Hand([task("a", retries=1)])

    hand.begin()
    fault = FreshnessReason("outputs-not-made", "x")
    assert hand.ends("a", 0) == ["settle a"]
    assert hand.settles("a", fault) == ["a failed 1x", "rest a 0s"]
    hand.rested("a")
    hand.ends("a", 0)
    assert hand.settles("a", fault) == ["a failed", "wave 1 0/1", "run failed 1"]
    assert (hand.ended("a").reason, hand.ended("a").exit_status) == (fault, 0)


# -- retries and time ------------------------------------------------------------------------------------------


def test_retries_wait_twice_as_long_each_time_and_end():
    hand = Hand([task("a", retries=3, retry_delay=0.5)])

    hand.begin()
    assert hand.ends("a", 1) == ["a failed 1x", "rest a 0.5s"]
    assert hand.rested("a") == ["start a 2"]
    assert hand.ends("a", None, signal=9) == ["a failed 2x", "rest a 1s"]
    assert hand.rested("a") == ["start a 3"]
    assert hand.ends("a", 1) == ["a failed 3x", "rest a 2s"]
    assert hand.rested("a") == ["start a 4"]
    assert hand.ends("a", 1) == ["a failed", "wave 1 0/1", "run failed 1"]
    retried = [
        (e.attempt, e.retries, e.delay_ms, e.exit_status, e.signal) for e in hand.told if isinstance(e, TaskRetried)
    ]
    assert retried == [(1, 3, 500, 1, None), (2, 3, 1000, None, 9), (3, 3, 2000, 1, None)]
    assert [e.reason.code for e in hand.told if isinstance(e, TaskStarted)] == ["never-ran", *["retried"] * 3]


@pytest.mark.parametrize("status", [126, 127])
def test_what_cannot_be_found_or_run_is_not_tried_again(status):
    hand = Hand([task("a", retries=3)])

    hand.begin()
    assert hand.ends("a", status, error="no such file") == ["a failed", "wave 1 0/1", "run failed 1"]
    assert hand.ended("a").reason == FreshnessReason("start-failed", "no such file")


def test_a_task_whose_verify_fails_is_tried_again_and_names_the_script():
    hand = Hand([task("a", retries=1, verify=("check a\n",)), task("b", "a")])

    hand.begin()
    assert hand.ends("a", 1, verifying="check a\n") == ["a failed 1x", "rest a 0s"]
    hand.rested("a")
    assert hand.ends("a", None, signal=9, verifying="check a\n") == [
        "a failed",
        "b blocked",
        "wave 1 0/1",
        "run failed 1",
    ]
    reasons = [
        event.reason for event in hand.told if isinstance(event, TaskRetried | TaskFinished) and event.task == "a"
    ]
    assert reasons == [
        FreshnessReason("verify-failed", "check a", "exit 1"),
        FreshnessReason("verify-failed", "check a", "signal 9"),
    ]


def test_a_resting_task_gives_its_slot_away():
    hand = Hand([task("a", retries=1, mutex=("db",)), task("b", mutex=("db",))], jobs=1)

    hand.begin()
    assert hand.ends("a", 1) == ["a failed 1x", "rest a 0s", "start b 1"]
    assert hand.rested("a") == []
    assert hand.passes("b") == ["b passed", "start a 2"]


def test_an_attempt_that_takes_too_long_is_ended_and_has_failed_however_it_ends():
    hand = Hand([task("a", timeout=60.0)])

    hand.begin()
    assert hand.late("a") == ["kill a"]
    assert hand.ends("a", 0, early=True) == ["a failed", "wave 1 0/1", "run failed 1"]
    assert hand.ended("a").reason == FreshnessReason("timed-out", "1m00s")


def test_an_attempt_that_ended_well_right_before_its_time_was_told_to_be_up_has_passed():
    hand = Hand([task("a", timeout=60.0)])

    hand.begin()
    assert hand.late("a") == ["kill a"]
    assert hand.passes("a") == ["a passed", "wave 1 1/1", "run passed 0"]


def test_the_deadline_of_an_earlier_attempt_means_nothing():
    hand = Hand([task("a", retries=2, timeout=5.0)])

    hand.begin()
    hand.ends("a", 1)
    assert hand.late("a") == []
    hand.rested("a")
    assert hand.late("a", 1) == []
    assert hand.late("a", 2) == ["kill a"]


# -- interruptions ---------------------------------------------------------------------------------------------


def test_the_first_signal_ends_what_runs_and_the_second_ends_it_now():
    hand = Hand([task("a", retries=3), task("b"), task("c", "a")], jobs=1)

    hand.begin()
    assert hand.interrupt(15) == ["b cancelled", "c cancelled", "kill a"]
    assert hand.interrupt(2) == ["kill a now"]
    assert hand.ends("a", None, signal=9) == ["a cancelled", "wave 1 0/2", "run interrupted 143"]
    assert hand.ended("a").reason == FreshnessReason("interrupted")
    assert (hand.last().signal, hand.last().first_failure) == (15, None)


def test_what_is_outdated_is_ended_and_a_signal_outweighs_that():
    hand = Hand([task("a", retries=3), task("b"), task("c", "a")], jobs=1)

    hand.begin()
    assert hand.outdated("src/x") == ["b cancelled", "c cancelled", "kill a"]
    assert hand.outdated("src/y") == []
    assert hand.ends("a", None, signal=2) == ["a cancelled", "wave 1 0/2", "run cancelled 1"]
    assert hand.ended("b").reason == hand.ended("a").reason == FreshnessReason("outdated", "src/x")

    hand = Hand([task("a")])
    hand.begin()
    hand.outdated("src/x")
    assert hand.interrupt(2) == ["kill a"]
    assert hand.ends("a", None, signal=2)[-1] == "run interrupted 130"


def test_a_signal_outweighs_a_failure():
    hand = Hand([task("bad"), task("other")])

    hand.begin()
    hand.ends("bad", 1)
    hand.interrupt(2)
    assert hand.ends("other", 0, early=True) == ["other cancelled", "wave 1 0/2", "run interrupted 130"]
    assert hand.last().first_failure == "bad"


def test_what_ended_well_before_it_could_be_told_to_end_has_passed():
    hand = Hand([task("a"), task("b")])

    hand.begin()
    assert hand.interrupt() == ["kill a", "kill b"]
    assert hand.passes("a") == ["a passed"]
    assert hand.ends("b", 0, early=True) == ["b cancelled", "wave 1 1/2", "run interrupted 130"]


def test_a_resting_task_is_cancelled_by_a_signal():
    hand = Hand([task("a", retries=1)])

    hand.begin()
    hand.ends("a", 1)
    assert hand.interrupt(1) == ["a cancelled", "wave 1 0/1", "run interrupted 129"]
    assert hand.rested("a") == []


def test_what_is_checked_when_a_signal_comes_does_not_start():
    hand = Hand([task("a"), task("b")])

    hand.happen(Begun())
    assert hand.interrupt() == []
    assert hand.check("a", stale=STALE) == ["a cancelled"]
    assert hand.check("b") == ["b up_to_date", "wave 1 1/2", "run interrupted 130"]


def test_what_settles_when_a_signal_comes_has_passed():
    hand = Hand([task("a")])

    hand.begin()
    hand.ends("a", 0)
    assert hand.interrupt() == []
    assert hand.settles("a") == ["a passed", "wave 1 1/1", "run interrupted 130"]


def test_a_signal_before_the_beginning_ends_the_run():
    hand = Hand([task("a"), task("b", "a")])

    assert hand.interrupt() == ["a cancelled", "b cancelled"]
    assert hand.happen(Begun()) == ["run interrupted 130"]


# -- blocked tasks keep their place ----------------------------------------------------------------------------


def test_a_blocked_task_in_a_chain_of_writers_keeps_the_others_apart():
    shared = {"modifies": ("x",)}
    hand = Hand([task("bad"), task("one", **shared), task("two", "bad", **shared), task("three", **shared)])

    assert hand.begin() == ["wave 1", "start bad 1", "start one 1"]
    assert [verdict.among for verdict in hand.plan.verdicts] == [("one", "three", "two")]


def test_a_task_after_a_blocked_one_waits_for_what_that_one_waited_for():
    tasks = [task("bad"), task("slow"), task("mid", "bad", after=("slow",)), task("late", after=("mid",))]
    hand = Hand(tasks)

    hand.begin()
    assert hand.ends("bad", 1) == ["bad failed", "mid blocked"]
    assert hand.passes("slow") == ["slow passed", "wave 1 1/2", "wave 3", "start late 1"]


def test_a_sequential_wave_goes_one_by_one_past_a_blocked_task():
    tasks = [task("bad"), task("one"), task("two", "bad"), task("three")]
    hand = Hand(tasks, [wave("W", "one two three", order="sequential")], {"schedule": "flow"})

    assert hand.begin() == ["wave 1", "wave 2", "start bad 1", "start one 1"]
    assert hand.ends("bad", 1) == ["bad failed", "two blocked", "wave 1 0/1"]
    assert hand.passes("one") == ["one passed", "start three 1"]


def test_a_wave_whose_tasks_are_all_blocked_is_still_a_barrier():
    tasks = [task("bad"), task("slow"), task("b", "bad"), task("c")]
    hand = Hand(tasks, [wave("A", "bad slow"), wave("B", "b"), wave("C", "c")])

    hand.begin()
    assert hand.ends("bad", 1) == ["bad failed", "b blocked"]
    assert hand.passes("slow") == ["slow passed", "wave 1 1/2", "wave 3", "start c 1"]


def test_a_blocked_wave_takes_no_room_from_those_after_it():
    tasks = [task("bad"), task("b", "bad"), task("c")]
    waves = [wave("A", "bad", parallel=True), wave("B", "b", parallel=True), wave("C", "c", parallel=True)]
    hand = Hand(tasks, waves, max_parallel_waves=1)

    hand.begin()
    assert hand.ends("bad", 1) == ["bad failed", "b blocked", "wave 1 0/1", "wave 3", "start c 1"]
    assert hand.passes("c") == ["c passed", "wave 3 1/1", "run failed 1"]


def test_a_chain_of_blocked_tasks_ends_however_long_it_is():
    chain = [task("t0"), *(task(f"t{n}", f"t{n - 1}") for n in range(1, 5000))]
    hand = Hand(chain)

    hand.begin()
    assert hand.ends("t0", 1)[-1] == "run failed 1"
    assert hand.last().counts == {"blocked": 4999, "failed": 1}


def test_by_load_one_task_may_always_run_and_each_other_one_is_weighed():
    hand = Hand([task(name) for name in "abc"], by_load=True, jobs=3)

    assert hand.begin() == ["wave 1", "weigh", "start a 1"]
    assert hand.eased() == ["weigh", "start b 1"]
    # Nothing is started while nobody says that there is room, unless nothing runs any more.
    assert hand.passes("a") == ["a passed"]
    assert hand.passes("b") == ["b passed", "start c 1"]
    assert hand.eased() == []
    assert hand.passes("c")[-1] == "run passed 0"


def test_by_tokens_one_task_may_always_run_and_each_other_one_waits_for_a_token():
    hand = Hand([task(name) for name in "abcd"], by_tokens=True, jobs=3)

    assert hand.begin() == ["wave 1", "draw", "start a 1"]
    assert hand.drawn() == ["draw", "start b 1"]
    # As many as there are jobs, and none in vain.
    assert hand.drawn() == ["start c 1"]


def test_a_token_in_hand_is_passed_on_and_given_back_only_where_nothing_is_left_to_do():
    hand = Hand([task(name) for name in "abc"], by_tokens=True, jobs=2)
    hand.begin()
    hand.drawn()

    assert hand.passes("a") == ["a passed", "start c 1"]
    assert hand.idle() == []
    assert hand.passes("b") == ["b passed"]
    assert hand.machine.has_surplus
    assert hand.idle() == ["give back 1"]
    assert hand.idle() == []
    assert hand.passes("c")[-1] == "run passed 0"


def test_tokens_are_counted_when_nothing_runs_that_could_have_one():
    hand = Hand([task("a"), task("b", mutex=("db",)), task("c", mutex=("db",))], by_tokens=True, jobs=2)

    hand.begin()
    hand.drawn()
    assert hand.passes("a") == ["a passed"]
    # Nothing else runs: what was lost is made up for before the next one starts.
    assert hand.passes("b") == ["b passed", "recount", "start c 1"]


def test_a_token_that_comes_too_late_is_given_back():
    hand = Hand([task(name) for name in "ab"], by_tokens=True, jobs=2)
    assert hand.begin()[-2:] == ["draw", "start a 1"]
    hand.interrupt()

    assert hand.drawn() == []
    assert hand.idle() == ["give back 1"]


def test_no_token_is_drawn_for_what_is_to_be_alone_or_waits_for_something_else():
    alone = Hand([task("a"), task("b", interactive=True)], by_tokens=True, jobs=2)
    shared = Hand([task("a", mutex=("db",)), task("b", mutex=("db",))], by_tokens=True, jobs=2)

    assert alone.begin() == ["wave 1", "start a 1"]
    assert shared.begin() == ["wave 1", "start a 1"]
