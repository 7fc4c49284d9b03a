"""Which tasks are taken: the order of defaults, patterns, tags and groups, and what is left out."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exarp.graph.build import build_graph
from exarp.graph.reachability import closure
from exarp.graph.task_graph import TaskGraph
from exarp.model.manifest import Manifest, Settings, WaveSpec
from exarp.model.name_pattern import names_matching
from exarp.model.task import Task
from exarp.planning.selection import Catalogue, all_targets, default_targets, in_groups, picked, without

TASKS = (Task("a"), Task("b", manual=True), Task("c"))
WAVES = (WaveSpec("W", ("c", "b"), group=1), WaveSpec("V", ("a",), group=2))


def test_the_setting_comes_before_the_task_default_and_that_before_the_waves():
    tasks = (*TASKS, Task("default"))
    everything = Manifest("exarp.toml", tasks, WAVES, Settings(default=("b",)))

    assert default_targets(everything) == ("b",)
    assert default_targets(Manifest("exarp.toml", tasks, WAVES)) == ("default",)
    assert default_targets(Manifest("exarp.toml", TASKS, WAVES)) == ("c", "a")
    assert default_targets(Manifest("exarp.toml", TASKS)) is None


def test_all_leaves_out_what_is_manual():
    assert all_targets(Manifest("exarp.toml", TASKS)) == ("a", "c")


def test_words_stand_for_tasks_as_listed():
    manifest = Manifest("exarp.toml", TASKS, WAVES)
    catalogue = Catalogue(manifest, build_graph(TASKS)[0])
    assert catalogue.named("b") == ("b",)
    assert catalogue.named("x") is None
    assert catalogue.matching("[bc]") == ["b", "c"]
    assert catalogue.offered(catalogue.matching("*")) == ["a", "c"]
    assert in_groups(manifest, (2, 3)) == {"a"}


def test_a_matrix_stands_for_its_tasks():
    tasks = (Task("cc@a"), Task("link"), Task("cc@b"))
    manifest = Manifest("exarp.toml", tasks, instances={"cc": ("cc@a", "cc@b"), "none": ()})
    catalogue = Catalogue(manifest, build_graph(tasks)[0])
    assert [catalogue.named(word) for word in ("cc", "cc@a", "none", "x")] == [("cc@a", "cc@b"), ("cc@a",), (), None]
    assert manifest.named(["link", "cc", "cc@a"]) == ("link", "cc@a", "cc@b")


def test_the_default_may_be_a_matrix():
    manifest = Manifest("exarp.toml", (Task("default@a"), Task("b")), instances={"default": ("default@a",)})
    assert default_targets(manifest) == ("default@a",)


def test_an_alias_stands_for_its_task_or_all_of_its_matrix():
    tasks = (Task("cc@a", aliases=("c",)), Task("cc@b", aliases=("c",)), Task("t", aliases=("x", "y")))
    catalogue = Catalogue(Manifest("exarp.toml", tasks), build_graph(tasks)[0])
    assert [catalogue.named(word) for word in ("c", "y", "z")] == [("cc@a", "cc@b"), ("t",), None]


def test_what_is_internal_is_neither_offered_nor_taken_with_all():
    tasks = (Task("a", internal=True), Task("b", manual=True), Task("c"))
    manifest = Manifest("exarp.toml", tasks)
    catalogue = Catalogue(manifest, build_graph(tasks)[0])
    assert all_targets(manifest) == ("c",)
    assert catalogue.offered(["a", "b", "c"]) == ["c"]
    assert catalogue.listed(["a", "b", "c"]) == ["b", "c"]


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("test:*", ["test:unit", "test:io"]),
        ("**:test:*", ["ui:test:unit"]),
        ("*:test:*", ["ui:test:unit"]),
        ("test**", ["test", "test:unit", "test:io", "test:a:b"]),
        ("cc@*", ["cc@src/a.c", "cc@src/x/b.c"]),
        ("cc@**/b.c", ["cc@src/x/b.c"]),
        ("?est", ["test"]),
        ("test[:]io", []),
        ("[!c]*", ["test"]),
        ("*", ["test", "cc@src/a.c", "cc@src/x/b.c"]),
        ("te[st", []),
    ],
)
def test_a_star_stops_at_a_colon_and_two_do_not(pattern: str, found: list[str]):
    names = ["test", "test:unit", "test:io", "test:a:b", "ui:test:unit", "cc@src/a.c", "cc@src/x/b.c"]
    assert names_matching(pattern, names) == found


def plainly_matches(pattern: str, name: str) -> bool:
    """One character after the other."""
    if not pattern:
        return not name
    if pattern.startswith("**"):
        return any(plainly_matches(pattern[2:].lstrip("*"), name[at:]) for at in range(len(name) + 1))
    if pattern[0] == "*":
        free = len(name) if ":" not in name else name.index(":")
        return any(plainly_matches(pattern[1:], name[at:]) for at in range(free + 1))
    if pattern[0] == "?":
        return bool(name) and name[0] != ":" and plainly_matches(pattern[1:], name[1:])
    return name[:1] == pattern[0] and plainly_matches(pattern[1:], name[1:])


@given(st.text("ab:*?.", max_size=6), st.lists(st.text("ab:/.", max_size=6), max_size=5))
def test_patterns_match_what_they_match_read_one_character_after_the_other(pattern: str, names: list[str]):
    assert names_matching(pattern, names) == [name for name in names if plainly_matches(pattern, name)]


@given(st.text("ab:[]!-^\\", max_size=8), st.text("ab:", max_size=3))
def test_no_pattern_is_too_odd(pattern: str, name: str):
    if not re.search(r"[*?\[]", pattern):
        assert names_matching(pattern, [pattern]) == [pattern]
    names_matching(pattern, [name])


@st.composite
def graphs(draw: st.DrawFn) -> tuple[Manifest, TaskGraph]:
    """Tasks that need earlier ones; about half of them are groups, some have a tag."""
    tasks = []
    for number in range(draw(st.integers(1, 9))):
        needs = draw(st.sets(st.integers(0, number - 1))) if number else set()
        after = draw(st.sets(st.integers(0, number - 1))) - needs if number else set()
        tasks.append(
            Task(
                f"t{number}",
                needs=tuple(f"t{need}" for need in needs),
                after=tuple(f"t{edge}" for edge in after),
                commands=draw(st.sampled_from([(), ("true",)])),
                tags=draw(st.sampled_from([(), ("x",)])),
            )
        )
    return Manifest("exarp.toml", tuple(tasks)), build_graph(tasks)[0]


def plainly_picked(manifest: Manifest, graph: TaskGraph, name: str) -> set[str]:
    task = manifest.tasks[graph.ids[name]]
    if task.tags:
        return {name}
    below = [graph.names[need] for need in graph.needs[graph.ids[name]]] if task.is_group else []
    return {found for need in below for found in plainly_picked(manifest, graph, need)}


@given(graphs(), st.data())
def test_a_task_that_gathers_others_stands_for_them(drawn: tuple[Manifest, TaskGraph], data: st.DataObject):
    manifest, graph = drawn
    targets = data.draw(st.lists(st.sampled_from(graph.names), unique=True))
    found = picked(manifest, graph, targets, lambda task: bool(task.tags))
    assert len(found) == len(set(found))
    assert set(found) == {each for name in targets for each in plainly_picked(manifest, graph, name)}


@given(graphs(), st.data())
def test_nothing_waits_for_what_is_left_out(drawn: tuple[Manifest, TaskGraph], data: st.DataObject):
    _, graph = drawn
    left_out = data.draw(st.sets(st.integers(0, len(graph) - 1)))
    targets = data.draw(st.sets(st.integers(0, len(graph) - 1))) - left_out
    found = without(graph, left_out)
    assert found.names == graph.names
    for task in range(len(graph)):
        assert set(found.needs[task]) == set(graph.needs[task]) - left_out
        assert set(found.after[task]) == set(graph.after[task]) - left_out
    assert not closure(found, targets) & left_out
    assert closure(found, targets) <= closure(graph, targets)
