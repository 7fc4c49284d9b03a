from __future__ import annotations

from exarp.app.opening.faults import FaultPlaces
from exarp.graph.build import build_graph
from exarp.manifests.plans.reading import PlanReading
from exarp.manifests.plans.source import Source
from exarp.manifests.plans.wave_plans import read_wave_plans
from exarp.planning.planner import make_plan


def read(*texts: str) -> PlanReading:
    names = [f"{letter}.plan.md" for letter in "abc"]
    return read_wave_plans([Source(name, text) for name, text in zip(names, texts, strict=False)], "plans")


def planned(reading: PlanReading) -> list[tuple[str, list[str]]]:
    graph, faults = build_graph(reading.manifest.tasks)
    assert not faults
    plan = make_plan(reading.manifest, graph, graph.names)
    return [(wave.name, [plan.names[task] for task in wave.tasks]) for wave in plan.waves]


def remarks(reading: PlanReading) -> list[str]:
    return [f"{problem.place}: {problem.message}" for problem in reading.problems]


TODOS = """\
---
name: x
todos:
  - id: a
    content: "First: this"
    status: completed
  - id: b
    content: Second
    status: pending
  - {id: c, content: Third, status: in_progress, dependencies: [a, b]}
"""


def test_waves_are_done_in_turn_and_what_is_done_is_in_none() -> None:
    reading = read(TODOS + 'waves:\n  - ["a", "b"]\n  - [c, d]\n---\nbody\n')
    assert planned(reading) == [("wave-1", ["b"]), ("wave-2", ["c", "d"])]
    assert [(task.name, task.description, task.needs) for task in reading.manifest.tasks] == [
        ("b", "Second", ()),
        ("c", "Third", ("b",)),
        ("d", "d", ()),
    ]
    assert reading.manifest.settled == {"a": "completed"}
    assert remarks(reading) == ["a.plan.md:13:9: 'd' is in no todo: it is a task with that text"]


def test_without_waves_dependencies_order() -> None:
    reading = read(TODOS + "---\n")
    assert planned(reading) == [("wave 1", ["b"]), ("wave 2", ["c"])]
    assert reading.manifest.settings.schedule == "flow"


def test_waves_that_contradict_dependencies_are_told() -> None:
    reading = read(TODOS + "waves: [[c], [b]]\n---\n")
    graph, _ = build_graph(reading.manifest.tasks)
    plan = make_plan(reading.manifest, graph, graph.names)
    (warning,) = FaultPlaces(reading.manifest, reading.places).late_waves(plan.late)
    assert (warning.slug, str(warning.place)) == ("wave-order", "a.plan.md:11:10")


def test_several_plans_come_one_after_the_other() -> None:
    one = "---\ntodos:\n  - id: a\n  - id: b\nwaves: [[a], [b, a]]\n---\n"
    reading = read(one, one.replace("id: a", "id: z").replace("[a]", "[z]"))
    assert planned(reading) == [("a/1", ["a"]), ("a/2", ["b"]), ("b/1", ["z"])]
    assert "a.plan.md:5:18: 'a' is in two waves: the first one counts" in remarks(reading)
    assert "b.plan.md:4:9: the id 'b' stands twice: the first one counts" in remarks(reading)


def test_a_file_without_todos_is_told() -> None:
    assert remarks(read("# Plan\n")) == ["a.plan.md:1:1: there is no frontmatter"]
    assert remarks(read("---\nname: x\n---\n")) == ["a.plan.md:1:1: there are no todos in the frontmatter"]
