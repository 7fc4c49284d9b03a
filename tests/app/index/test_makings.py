"""What is taken out of an index is what was put in, and the plan of a part is that of the whole, without the rest."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from exarp.app.index.makings import makings_of, read_makings, share
from exarp.app.opening.project import Project
from exarp.graph.reachability import with_dependents
from exarp.manifests.notations import toml
from exarp.manifests.problems.place import Locator
from exarp.planning.planner import make_plan
from tests.effort import tries
from tests.planning.random_manifests import Case, cases

PLACES = Locator("exarp.toml", "", toml)


@given(cases(), st.data())
@settings(max_examples=tries(150), deadline=None)
def test_the_plan_of_a_part_is_that_of_the_whole_without_the_rest(case: Case, data: st.DataObject) -> None:
    manifest, graph, targets = case
    plan = make_plan(manifest, graph, targets, told=False)
    made = makings_of(Project("/w", manifest, graph, PLACES, jobs=3), plan)
    assert made is not None
    makings = read_makings(made)
    assert tuple(makings.task(number) for number in range(len(graph))) == manifest.tasks
    planned = {task for wave in plan.waves for task in wave.tasks}
    started = data.draw(st.sets(st.sampled_from(sorted(planned)), min_size=1))
    wanted = sorted(with_dependents(graph, started) & planned)
    found = share(makings, graph.names, graph.needs.__getitem__, wanted, 0)
    specs = manifest.tasks
    if found is None:
        sight = {need for task in wanted for need in graph.needs[task]}.union(wanted)
        assert any(specs[task].service is not None or specs[task].is_group for task in sight)
        return
    names = found.graph.names
    assert found.manifest.settings.jobs == 3
    assert [found.manifest.tasks[place] for place in range(len(names))] == [specs[task] for task in found.tasks]
    assert found.plan.task_count == plan.task_count
    for wave, whole in zip(found.plan.waves, plan.waves, strict=True):
        assert [names[task] for task in wave.tasks] == [graph.names[task] for task in whole.tasks if task in wanted]
        assert len(wave.tasks) + wave.settled == len(whole.tasks)
        assert (wave.number, wave.name, wave.after, wave.beside) == (
            whole.number,
            whole.name,
            whole.after,
            whole.beside,
        )
    pairs = [(graph.names[one], graph.names[other]) for one, other in plan.order if {one, other} <= set(wanted)]
    assert [(names[one], names[other]) for one, other in found.plan.order] == pairs
    for task in wanted:
        place = names.index(graph.names[task])
        assert [names[need] for need in found.graph.needs[place]] == [graph.names[need] for need in graph.needs[task]]
    order = sorted(wanted, key=plan.position.__getitem__)
    known = [task for task in range(len(names)) if found.plan.position[task] >= 0]
    assert [names[task] for task in sorted(known, key=found.plan.position.__getitem__)] == [
        graph.names[task] for task in order
    ]


@given(cases())
@settings(max_examples=tries(30), deadline=None)
def test_the_jobs_of_a_part_are_those_that_are_asked_for(case: Case) -> None:
    manifest, graph, targets = case
    plan = make_plan(manifest, graph, targets, told=False)
    made = makings_of(Project("/w", manifest, graph, PLACES, jobs=3), plan)
    assert made is not None
    wanted = sorted(task for wave in plan.waves for task in wave.tasks)
    found = share(read_makings(made), graph.names, graph.needs.__getitem__, wanted, 7)
    assert found is None or found.manifest.settings.jobs == 7
