from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from exarp.planning.plan_diff import ChangedTask, PlanDiff, PlannedTask, plan_diff

NAMES = st.sampled_from("abcd")
TASKS = st.builds(
    PlannedTask,
    st.sampled_from(["wave 1", "wave 2"]),
    st.none() | st.lists(NAMES, unique=True, max_size=3).map(tuple),
    st.none() | st.booleans(),
    st.sampled_from([None, "never-ran", "input-changed"]),
)
PLANS = st.dictionaries(NAMES, TASKS)


@given(PLANS)
def test_a_plan_does_not_differ_from_itself(plan):
    assert plan_diff(plan, plan) == PlanDiff()


@given(PLANS, PLANS)
def test_every_task_is_told_once_and_only_for_what_both_know(then, now):
    found = plan_diff(then, now)

    assert (set(found.added), set(found.removed)) == (now.keys() - then.keys(), then.keys() - now.keys())
    told = {changed.task: changed for changed in found.changed}
    assert len(told) == len(found.changed)
    assert told.keys() <= then.keys() & now.keys()
    for name in then.keys() & now.keys():
        before, after, changed = then[name], now[name], told.get(name, ChangedTask(name))
        assert changed.wave == (None if before.wave == after.wave else (before.wave, after.wave))
        if before.needs is None or after.needs is None:
            assert (changed.needs_added, changed.needs_removed) == ((), ())
        else:
            kept = [need for need in before.needs if need not in changed.needs_removed]
            assert sorted([*kept, *changed.needs_added]) == sorted(after.needs)
        known = before.would_run is not None and after.would_run is not None
        assert (changed.would_run is not None) == (known and before.would_run != after.would_run)
        assert (changed.reason is not None) == (known and before.reason != after.reason)


@given(PLANS, PLANS)
def test_the_other_way_round_it_is_the_opposite(then, now):
    there, back = plan_diff(then, now), plan_diff(now, then)

    assert (set(there.added), set(there.removed)) == (set(back.removed), set(back.added))
    opposite = {changed.task: changed for changed in back.changed}
    for changed in there.changed:
        other = opposite.pop(changed.task)
        assert set(changed.needs_added) == set(other.needs_removed)
        assert changed.wave == (other.wave and other.wave[::-1])
    assert not opposite
