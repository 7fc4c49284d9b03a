from __future__ import annotations

import itertools

import pytest

from exarp.engine.state import CHANGES, FINAL, IllegalChange, State, States


def path_to(state):
    """A legal story from WAITING to ``state``."""
    stories = [[State.WAITING]]
    for story in stories:
        if story[-1] is state:
            return story
        stories += [[*story, later] for later in sorted(CHANGES[story[-1]]) if later not in story]
    raise AssertionError(f"{state.name} cannot be reached")


def states_in(state):
    states = States(["it"])
    for step in path_to(state)[1:]:
        states.change(0, step)
    return states


@pytest.mark.parametrize(("now", "later"), list(itertools.product(State, State)))
def test_only_changes_of_the_table_are_legal_and_others_tell_the_story(now, later):
    states = states_in(now)

    if later in CHANGES[now]:
        states.change(0, later)
        assert states[0] is later
        assert states.story(0) == [*path_to(now), later]
    else:
        story = " → ".join(step.name for step in [*path_to(now), later])
        with pytest.raises(IllegalChange, match=f"^task it: {story} is not a legal change$"):
            states.change(0, later)
        assert states[0] is now


def test_every_task_begins_by_waiting_and_last_states_are_left_by_none():
    states = States(["a", "b", "c"])

    assert [states[task] for task in range(3)] == [State.WAITING] * 3
    assert all(CHANGES[state] == frozenset() for state in FINAL)
    assert set(CHANGES) == set(State)


def test_a_long_story_is_kept_whole():
    states = states_in(State.RUNNING)
    for _ in range(100):
        states.change(0, State.RESTING)
        states.change(0, State.RUNNING)

    assert states.story(0) == [*path_to(State.RUNNING), *[State.RESTING, State.RUNNING] * 100]
