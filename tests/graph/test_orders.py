"""Cycles, levels, order, critical path and reachability against trying everything."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exarp.graph import reachability
from exarp.graph.critical_path import critical_path
from exarp.graph.cycles import MAX_CYCLES, find_cycles
from exarp.graph.levels import levels, ordered, ranks
from exarp.graph.reachability import closure, ordered_pairs, path_between, unordered
from exarp.graph.task_graph import TaskGraph
from tests.effort import tries

from .plain_graphs import acyclic, any_edges, depths, graphs, paths_to

SOME = settings(max_examples=tries(300), deadline=None, derandomize=True)


def without(before, cycles):
    """The edges that are left when each cycle has lost one."""
    lost = {(cycle[-1], cycle[0]) for cycle in cycles}
    return [[edge for edge in edges if (edge, node) not in lost] for node, edges in enumerate(before)]


def has_cycle(before):
    left = set(range(len(before)))
    while free := {node for node in left if not left.intersection(before[node])}:
        left -= free
    return bool(left)


@SOME
@given(any_edges())
def test_every_cycle_that_is_found_is_one_and_all_are_found(before):
    cycles = find_cycles(before)

    for cycle in cycles:
        assert len(set(cycle)) == len(cycle)
        assert cycle[0] == min(cycle)
        assert all(cycle[at - 1] in before[node] for at, node in enumerate(cycle))
    assert len(set(cycles)) == len(cycles)
    assert bool(cycles) == has_cycle(before)
    assert len(cycles) == MAX_CYCLES or not has_cycle(without(before, cycles))


def test_a_task_that_needs_itself_is_a_cycle_of_one():
    assert find_cycles([(), (1,)]) == [(1,)]


def test_no_more_cycles_are_told_than_somebody_can_mend():
    assert len(find_cycles([(node,) for node in range(50)])) == MAX_CYCLES


@SOME
@given(acyclic())
def test_levels_count_the_longest_way_from_the_start(before):
    found = levels(dict(enumerate(before)))

    expected = depths(before)
    assert [sorted(nodes) for nodes in found] == [
        [node for node, depth in enumerate(expected) if depth == rank] for rank in range(max(expected) + 1)
    ]


@SOME
@given(any_edges())
def test_the_rank_of_a_node_is_its_level_where_there_is_no_cycle(before):
    assert ranks(before) == (None if has_cycle(before) else depths(before))


@SOME
@given(acyclic())
def test_ranks_are_the_same_however_nodes_are_listed(before):
    assert ranks(before) == depths(before)


@SOME
@given(acyclic(), st.data())
def test_the_order_always_takes_the_smallest_key_that_is_ready(before, data):
    keys = dict(enumerate(data.draw(st.permutations(range(len(before))))))
    chosen = set(data.draw(st.lists(st.sampled_from(range(len(before))), unique=True)))
    found = ordered({node: before[node] for node in chosen}, {node: (key,) for node, key in keys.items()})

    left = set(chosen)
    for node in found:
        ready = [other for other in left if not left.intersection(before[other])]
        assert node == min(ready, key=keys.__getitem__)
        left.remove(node)
    assert not left


@SOME
@given(acyclic(), st.data())
def test_the_critical_path_is_a_heaviest_path(before, data):
    weights = dict(enumerate(data.draw(st.lists(st.integers(0, 9), min_size=len(before), max_size=len(before)))))
    order = [node for nodes in levels(dict(enumerate(before))) for node in nodes]
    path = critical_path(order, lambda node: before[node], weights)

    every = [path for node in range(len(before)) for path in paths_to(before, node)]
    assert path in every
    assert sum(map(weights.__getitem__, path)) == max(sum(map(weights.__getitem__, other)) for other in every)


def test_the_critical_path_begins_at_a_beginning_even_if_that_takes_no_time():
    assert critical_path([0, 1, 2], [(), (0,), (1,)].__getitem__, {0: 0.0, 1: 0.0, 2: 5.0}) == (0, 1, 2)
    assert critical_path([], [].__getitem__, {}) == ()


def test_of_equal_critical_paths_the_one_listed_first_is_told():
    assert critical_path([0, 1, 2], [(), (), (0, 1)].__getitem__, {0: 1.0, 1: 1.0, 2: 1.0}) == (0, 2)
    assert critical_path([0, 1], [(), ()].__getitem__, {0: 1.0, 1: 1.0}) == (0,)


def before_of(graph):
    return [graph.before(node) for node in range(len(graph))]


@SOME
@given(graphs())
def test_needs_are_the_same_both_ways(graph):
    pairs = {(edge, node) for node in range(len(graph)) for edge in graph.needs[node]}
    assert pairs == {(node, later) for node in range(len(graph)) for later in graph.dependents[node]}
    assert all(graph.before(node) == graph.needs[node] + graph.after[node] for node in range(len(graph)))


@SOME
@given(graphs(), st.data())
def test_needs_pull_in_and_after_does_not(graph, data):
    start = data.draw(st.lists(st.integers(0, len(graph) - 1), unique=True))

    expected = {node for end in start for path in paths_to(graph.needs, end) for node in path}
    assert closure(graph, start) == expected


@SOME
@given(graphs(), st.data())
def test_pairs_are_ordered_where_some_path_leads_from_one_to_the_other(graph, data):
    order = [node for nodes in levels(dict(enumerate(before_of(graph)))) for node in nodes]
    chosen = [node for node in order if data.draw(st.booleans())]
    place = {node: at for at, node in enumerate(chosen)}
    pairs = [(one, other) for one in chosen for other in chosen if place[one] < place[other]]
    asked = data.draw(st.lists(st.sampled_from(pairs), unique=True)) if pairs else []
    inside = [[edge for edge in edges if edge in place] for edges in before_of(graph)]

    expected = {(one, other) for one, other in asked if any(path[0] == one for path in paths_to(inside, other))}
    assert ordered_pairs(graph, asked, chosen) == expected


@SOME
@given(graphs(), st.data(), st.sampled_from([1, 2, 2048]))
def test_blocks_keep_only_tasks_of_which_some_pair_is_not_ordered(graph, data, sweep):
    order = [node for nodes in levels(dict(enumerate(before_of(graph)))) for node in nodes]
    blocks = []
    for _ in range(data.draw(st.integers(0, 3))):
        cut = data.draw(st.integers(0, len(order)))
        blocks.append(([n for n in order[:cut] if data.draw(st.booleans())], [n for n in order[cut:] if n % 3]))
    free = [
        [(a, b) for a in one for b in other if not any(path[0] == a for path in paths_to(before_of(graph), b))]
        for one, other in blocks
    ]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reachability, "_SWEEP", sweep)
        found = unordered(graph, blocks, order)

    assert [(set(one), set(other)) for one, other in found] == [
        ({a for a, _ in pairs}, {b for _, b in pairs}) for pairs in free
    ]
    assert all(list(side) == sorted(side, key=order.index) for block in found for side in block)


def test_more_pairs_than_fit_into_one_sweep_are_answered_too():
    count = 5000
    graph = TaskGraph([str(n) for n in range(count)], [[n - 2] if n >= 2 else [] for n in range(count)], [[]] * count)
    even = [(n, n + 2) for n in range(count - 2)]
    odd = [(n, n + 1) for n in range(count - 1)]

    assert ordered_pairs(graph, [*odd, *even, (0, count - 2), (0, count - 1)], range(count)) == {*even, (0, count - 2)}


@SOME
@given(graphs(), st.data())
def test_a_path_between_two_tasks_is_a_shortest_one_through_selected_tasks(graph, data):
    order = [node for nodes in levels(dict(enumerate(before_of(graph)))) for node in nodes]
    chosen = [node for node in order if data.draw(st.booleans())] or order[:1]
    position = [chosen.index(node) if node in chosen else -1 for node in range(len(graph))]
    one, other = data.draw(st.sampled_from(chosen)), data.draw(st.sampled_from(chosen))
    path = path_between(graph, {one}, [other], position)

    inside = [[edge for edge in edges if edge in chosen] for edges in before_of(graph)]
    every = [found for found in paths_to(inside, other) if found[0] == one]
    assert (path in every) if every else path == ()
    assert len(path) == min(map(len, every), default=0)


@pytest.mark.parametrize("count", [20_000])
def test_long_chains_need_no_recursion(count):
    before = [(node - 1,) if node else () for node in range(count)]
    graph = TaskGraph([str(node) for node in range(count)], before, [()] * count)

    assert len(levels(dict(enumerate(before)))) == count
    assert len(closure(graph, [count - 1])) == count
    assert len(path_between(graph, {0}, [count - 1], range(count))) == count
    assert find_cycles([*before[1:], (0,)]) != []
