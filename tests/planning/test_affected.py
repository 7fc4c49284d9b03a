"""Which tasks changed files concern: compared with each task asked about each path."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from exarp.graph.build import build_graph
from exarp.model.path import matches
from exarp.model.task import Task
from exarp.planning.affected import affected

NAMES = st.sampled_from(["a", "b", ".h"])
PATHS = st.lists(NAMES, min_size=1, max_size=3).map("/".join)
PATTERNS = st.one_of(
    PATHS,
    PATHS.map(lambda path: f"{path}/"),
    st.sampled_from(["**", "**/a", "a/*", "a/**/b", "*", "b*/", "../x", "../*", ".h/**"]),
)


@st.composite
def tasks(draw: st.DrawFn) -> list[Task]:
    found: list[Task] = []
    for number in range(draw(st.integers(1, 5))):
        needs = draw(st.sets(st.integers(0, number - 1))) if number else set()
        patterns = st.lists(PATTERNS, max_size=2).map(tuple)
        found.append(
            Task(
                f"t{number}",
                commands=draw(st.sampled_from([("true",), ("true",), ()])),
                inputs=draw(st.none() | patterns),
                excluded=draw(patterns),
                modifies=draw(patterns),
                tools=draw(patterns),
                dotenv=draw(st.sampled_from([(), (), ("a/b",)])),
                outputs=draw(st.none() | st.tuples(st.sampled_from([f"o{number}", f"o{number}/", f"o{number}/*"]))),
                cwd=draw(st.sampled_from(["", "a"])),
                needs=tuple(f"t{need}" for need in needs),
            )
        )
    return found


def meets(pattern: str, path: str) -> bool:
    """Whether a pattern stands for a path, for a folder around it, or for something in it if that is a folder."""
    above = [path[:at] for at, char in enumerate(path) if char == "/"]
    return matches(pattern, path) or pattern in above or pattern.startswith(f"{path}/")


def plainly_concerned(task: Task, path: str) -> bool:
    if any(meets(pattern, path) for pattern in (*task.modifies, *task.tools, *task.dotenv)):
        return True
    if not task.commands or any(matches(out, path) for out in task.excluded):
        return False
    read = task.inputs if task.inputs is not None else (f"{task.cwd}/" if task.cwd else "./",)
    return any(meets(pattern, path) for pattern in read)


@given(tasks(), st.lists(PATHS | st.sampled_from(["../x", "o0", "o1/a", "o2/a/b"]), max_size=4), st.data())
def test_it_is_what_asking_each_task_of_each_path_finds(drawn: list[Task], paths: list[str], data: st.DataObject):
    graph, faults = build_graph(drawn)
    if faults.cycles:
        return
    new = [path for path in paths if data.draw(st.booleans())]
    tracked = [path for path in paths if path not in new]
    made = {path for path in paths if any(meets(out, path) for task in drawn for out in task.outputs or ())}
    expected = {
        number
        for number, task in enumerate(drawn)
        if any(plainly_concerned(task, path) for path in [*tracked, *(path for path in new if path not in made)])
        or any(meets(out, path) for path in tracked for out in task.outputs or ())
    }
    while True:
        more = {number for number in range(len(drawn)) if expected.intersection(graph.needs[number])} - expected
        if not more:
            break
        expected |= more
    found = affected(drawn, graph, tracked, new)
    assert expected <= found
    # A glob may also stand for what lies in a path that is a folder.
    assert all(any("*" in pattern for task in drawn for pattern in _all(task)) for _ in found - expected)


def _all(task: Task) -> tuple[str, ...]:
    return (*(task.inputs or ()), *task.modifies, *task.tools, *(task.outputs or ()))


def test_a_task_with_a_depfile_reads_what_it_was_seen_to_read_else_its_folder():
    cc = Task("cc", commands=("cc",), inputs=("a.c",), outputs=("a.o",), depfile="a.d")
    graph, _ = build_graph([cc])
    assert affected([cc], graph, ["a.h"], found={0: {"a.h"}}) == {0}
    assert affected([cc], graph, ["b.h"], found={0: {"a.h"}}) == set()
    assert affected([cc], graph, ["b.h"]) == {0}


def test_what_a_task_makes_concerns_it_unless_git_does_not_know_the_file():
    gen = Task("gen", commands=("gen",), inputs=(), outputs=("gen/",))
    use = Task("use", commands=("use",), inputs=("gen/a",), outputs=())
    other = Task("other", commands=("other",), inputs=("b/",), outputs=())
    graph, _ = build_graph([gen, use, other])
    assert affected([gen, use, other], graph, ["gen/a"]) == {0, 1}
    assert affected([gen, use, other], graph, [], ["gen/a"]) == set()
    assert affected([gen, use, other], graph, ["b"]) == {2}


def test_many_changes_under_one_glob_of_many_tasks_are_no_product():
    many = [Task(f"t{number}", commands=("x",), inputs=("src/**",), outputs=()) for number in range(3000)]
    graph, _ = build_graph(many)
    assert len(affected(many, graph, [f"src/{number}" for number in range(3000)])) == 3000
