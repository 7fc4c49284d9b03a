"""Edges that follow from declared files, by example and against every pair of patterns."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from exarp.graph.build import EdgeOrigin, build_graph, edge_origin
from exarp.graph.file_edges import DuplicateOutput, SelfInput
from tests.effort import tries

from ..planning.overlaps import covers, is_glob, root
from ..planning.plain_plans import task
from ..planning.random_manifests import cases


def needs_of(*tasks):
    graph, faults = build_graph(tasks)
    assert not faults
    return {graph.names[node]: {graph.names[edge] for edge in graph.needs[node]} for node in range(len(graph))}


def reader_needs(outputs, inputs, excluded=()):
    return needs_of(task("maker", outputs=outputs), task("reader", inputs=inputs, excluded=excluded))["reader"] == {
        "maker"
    }


@pytest.mark.parametrize(
    ("output", "pattern", "edge"),
    [
        ("x", "x", True),
        ("x", "y", False),
        ("out/", "out/x", True),
        ("out/", "out", True),
        ("out", "out/", True),
        ("out/", "out/sub/", True),
        ("out/x", "out/", True),
        ("out/x", "out/*", True),
        ("out/x", "./", True),
        ("out/.x", "out/*", False),
        ("out/x", "**", True),
        ("out/", "out/**/*.c", True),
        ("out/", "out/sub/*.c", True),
        ("out/", "o*", True),
        ("out/", "*/x", False),
        ("output/", "out/x", False),
        ("out", "out/x", True),
        ("out", "out/*.c", True),
        ("out", "output/x", False),
        ("out/x", "out", True),
        ("out-x", "out", False),
        ("out/*.c", "out/x.c", False),
        ("out/*.c", "out/*.c", False),
        ("./", "anything", True),
        ("./", "../outside", False),
    ],
)
def test_an_input_that_somebody_makes_is_a_need(output, pattern, edge):
    assert reader_needs((output,), (pattern,)) is edge


def test_what_a_reader_takes_away_is_no_need():
    assert not reader_needs(("out/x",), ("out/*",), ("out/x",))
    assert not reader_needs(("out/x",), ("out/",), ("out/",))
    assert reader_needs(("out/x", "out/y"), ("out/*",), ("out/x",))
    assert not reader_needs(("x",), ("x", "y"), ("x",))
    assert not reader_needs(("src/gen/",), ("src/**",), ("src/gen/**",))
    assert not reader_needs(("src/gen/",), ("src/**",), ("src/gen/",))
    assert reader_needs(("src/gen",), ("src/**",), ("src/gen/**",))
    assert reader_needs(("src/gen/",), ("src/",), ("src/gen/**",))
    assert reader_needs(("out/x",), ("out/",), ("out/*.c",))


def test_a_need_is_one_edge_however_often_it_is_said():
    assert needs_of(
        task("a", outputs=("x", "y")), task("b", "a", "a", inputs=("x", "y"), sources=("a",), after=("a",))
    ) == {
        "a": set(),
        "b": {"a"},
    }


def test_from_is_a_need_and_after_is_none():
    graph, _ = build_graph([task("a"), task("b", sources=("a",)), task("c", after=("a", "b")), task("d", "nobody")])

    assert graph.needs == ((), (0,), (), ())
    assert graph.after == ((), (), (0, 1), ())


def test_one_output_of_two_tasks_is_a_fault_however_it_is_spelled():
    _, faults = build_graph(
        [task("a", outputs=("x", "out/")), task("b", outputs=("out", "x")), task("c", outputs=("x",))]
    )

    assert faults.duplicates == (DuplicateOutput("out", 0, 1), DuplicateOutput("x", 0, 1), DuplicateOutput("x", 0, 2))


def test_a_task_may_name_its_own_output_twice():
    assert not build_graph([task("a", outputs=("x", "x"))])[1]


@pytest.mark.parametrize(
    ("output", "pattern", "fault"),
    [
        ("x", "x", True),
        ("out/", "out/x", True),
        ("out/", "out/", True),
        ("out/x", "out/*", False),
        ("out/x", "out/", False),
    ],
)
def test_a_task_that_reads_what_it_makes_is_a_fault_but_for_globs_and_folders(output, pattern, fault):
    _, faults = build_graph([task("a", outputs=(output,), inputs=(pattern,))])

    assert faults.self_inputs == ((SelfInput(0, pattern),) if fault else ())


def test_cycles_are_found_through_files_and_after():
    _, faults = build_graph([task("a", outputs=("x",), inputs=("y",)), task("b", outputs=("y",), after=("a",))])

    assert faults.cycles == ((0, 1),)
    assert faults


def test_a_graph_without_faults_says_so():
    assert not build_graph([task("a"), task("b", "a")])[1]


# -- why there is an edge --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "origin"),
    [
        ({"needs": ("x", "a")}, EdgeOrigin("needs", 1, "a")),
        ({"parent": "a", "after": ("a",)}, EdgeOrigin("parent", 0, "a")),
        ({"sources": ("a",)}, EdgeOrigin("inputs", 0, "a")),
        ({"inputs": ("y", "out/*")}, EdgeOrigin("inputs", 1, "out/*")),
        ({"inputs": ("out/x", "out/*"), "excluded": ("out/x",), "after": ("a",)}, EdgeOrigin("after", 0, "a")),
        ({"inputs": ("out/*", "o*/x"), "excluded": ("out/x",), "after": ("a",)}, EdgeOrigin("after", 0, "a")),
        ({"inputs": ("gen/*.c",), "after": ("x", "a")}, EdgeOrigin("after", 1, "a")),
    ],
)
def test_the_origin_of_an_edge_is_what_the_manifest_says(fields, origin):
    assert edge_origin([task("a", outputs=("out/x", "gen/*.c")), task("b", **fields)], 0, 1) == origin


def test_an_edge_that_is_not_there_has_no_origin():
    with pytest.raises(LookupError, match="no edge from a to b"):
        edge_origin([task("a"), task("b")], 0, 1)


def plainly_makes(maker, reader):
    """The contract's sentence under "Files", pair by pair."""
    for output in maker.outputs or ():
        if is_glob(output):
            continue
        made = f"{output.rstrip('/')}/"
        reads = [(pattern, reader.excluded) for pattern in reader.inputs or ()]
        for pattern, excluded in [*reads, *((tool, ()) for tool in reader.tools)]:
            if not is_glob(pattern) and any(_takes(out, pattern) for out in excluded):
                continue
            inside = root(pattern) if is_glob(pattern) else f"{pattern.rstrip('/')}/"
            if inside.startswith(made):
                return True
            spared = any(out == made[:-1] or _covers(out, made[:-1]) for out in excluded)
            if is_glob(pattern) and output.endswith("/") and ".x" not in pattern:
                spared = spared or f"{output}**" in excluded
            holds = covers(pattern, made[:-1]) if is_glob(pattern) else made.startswith(inside)
            if holds and not spared:
                return True
    return False


def _takes(out, path):
    """Whether ``!out`` takes away a file, or a folder as a whole."""
    if path.endswith("/"):
        return not is_glob(out) and (out == path or (out.endswith("/") and covers(out, path[:-1])))
    return out == path or _covers(out, path)


def _covers(out, path):
    return (is_glob(out) or out.endswith("/")) and covers(out, path)


@settings(max_examples=tries(600), deadline=None, derandomize=True)
@given(cases(waves=False))
def test_edges_are_just_those_that_the_contract_names(case):
    tasks, graph = case.manifest.tasks, case.graph

    for reader in range(len(tasks)):
        parent = (tasks[reader].parent,) if tasks[reader].parent else ()
        named = {graph.ids[name] for name in (*tasks[reader].needs, *parent)}
        made = {maker for maker in range(len(tasks)) if maker != reader and plainly_makes(tasks[maker], tasks[reader])}
        assert set(graph.needs[reader]) == named | made
        for maker in (*graph.needs[reader], *graph.after[reader]):
            origin = edge_origin(tasks, maker, reader)
            said = {"needs": tasks[reader].needs, "inputs": tasks[reader].inputs, "after": tasks[reader].after}
            said |= {"parent": parent, "tools": tasks[reader].tools}
            assert said[origin.field][origin.index] == origin.text


def test_tasks_with_equal_inputs_share_their_needs():
    makers = [task(f"m{n}", outputs=(f"b/{n}.o",)) for n in range(3)]
    readers = [task(f"r{n}", inputs=("b/**/*.o",)) for n in range(2)]
    within = task("m3", inputs=("b/**/*.o",), outputs=("b/all.o",))

    graph, _ = build_graph([*makers, *readers, within])

    assert graph.needs[3:] == ((0, 1, 2, 5), (0, 1, 2, 5), (0, 1, 2))
    assert graph.needs[3] is graph.needs[4]
