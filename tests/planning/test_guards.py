"""Guards: the plan as it is carried out, and what is behind a guard, against what is worked out step by step."""

from __future__ import annotations

from hypothesis import given, settings
from msgspec.structs import replace

from exarp.graph.build import build_graph
from exarp.model.manifest import Manifest, Settings, WaveSpec
from exarp.model.overlap import overlap
from exarp.model.plan import Plan
from exarp.model.task import Task
from exarp.planning.dependents import dependents
from exarp.planning.entanglement import entangled
from exarp.planning.guards import AT_THE_END, guarded, has_guards
from exarp.planning.planner import make_plan
from tests.effort import tries

from .dice import Dice, dice
from .plain_order import Order, graph_edges, selected, turn_edges, wave_edges
from .random_manifests import Case, cases

MANY = settings(max_examples=tries(300), deadline=None, derandomize=True)


def with_guards(case: Case, choices: Dice) -> Manifest:
    waves = tuple(
        [
            replace(wave, verify=choices.of((), ("check wave",)), checkpoint=choices.of(False, True))
            for wave in case.manifest.waves
        ]
    )
    scripts = choices.of((), ("check",))
    return replace(case.manifest, waves=waves, settings=replace(case.manifest.settings, verify=scripts))


def planned(tasks: tuple[Task, ...], *waves: WaveSpec, **chosen: object) -> tuple[Plan, tuple[Task, ...]]:
    graph, _ = build_graph(tasks)
    manifest = Manifest("exarp.toml", tasks, waves, Settings(**chosen))  # type: ignore[arg-type]
    return guarded(make_plan(manifest, graph, graph.names), manifest)


def task(name: str, *needs: str) -> Task:
    return Task(name, needs=needs, commands=("true",))


@MANY
@given(cases(), dice(20))
def test_what_waits_for_a_wave_waits_for_its_guards_and_the_plan_is_as_it_was(case, choices):
    manifest = with_guards(case, choices)
    plan = make_plan(manifest, case.graph, case.targets)
    whole, tasks = guarded(plan, manifest)

    assert whole.task_count == plan.task_count
    assert whole.names[: len(plan.names)] == plan.names
    assert tasks[: len(plan.names)] == manifest.tasks
    assert [replace(wave, after=()) for wave in whole.real_waves] == [replace(wave, after=()) for wave in plan.waves]
    # Who came before whom still does, and there is no cycle.
    before = Order(wave_edges(plan))
    after = Order(wave_edges(whole) | graph_edges(plan, case.graph) | set(whole.order) | turn_edges(plan))
    assert all(after.orders(one, other) for one, followers in before.later.items() for other in followers)
    for at, guard in enumerate(whole.guards):
        number = whole.first_guard + at
        assert all(number in after.later.get(member, ()) for member in guard.members)
        wave = plan.waves[guard.number - 1] if guard.number else None
        behind = [later for later in plan.waves if wave is not None and wave.number in _before(plan, later.number)]
        assert all(task in after.later.get(number, ()) for later in behind for task in later.tasks)


def _before(plan: Plan, number: int) -> set[int]:
    """Waves that a wave waits for, directly or not."""
    found: set[int] = set()
    stack = [number]
    while stack:
        new = set(plan.waves[stack.pop() - 1].after) - found
        found |= new
        stack += new
    return found


@MANY
@given(cases(), dice(20))
def test_behind_a_guard_is_what_is_in_later_waves_and_all_that_needs_that(case, choices):
    manifest = with_guards(case, choices)
    plan, _ = guarded(make_plan(manifest, case.graph, case.targets), manifest)

    for at, guard in enumerate(plan.guards):
        found = set(dependents(plan, plan.first_guard + at))
        assert not found & set(guard.members)
        later = {
            task for wave in plan.real_waves if guard.number in _before_real(plan, wave.number) for task in wave.tasks
        }
        needing = {task for wave in plan.real_waves for task in wave.tasks if set(plan.needs[task]) & found}
        assert needing <= found
        assert later <= found


def _before_real(plan: Plan, number: int) -> set[int]:
    return {plan.guards[found - len(plan.real_waves) - 1].number for found in _before(plan, number)
            if plan.waves[found - 1].guard is not None}  # fmt: skip


@MANY
@given(cases())
def test_dependents_of_a_task_are_all_that_need_it(case):
    plan = make_plan(case.manifest, case.graph, case.targets)
    order = Order({(need, task) for task in selected(plan) for need in plan.needs[task]})

    for number in selected(plan):
        assert dependents(plan, number) == sorted(order.later.get(number, ()), key=lambda task: plan.position[task])


def patterns(spec: Task) -> list[str]:
    found = [*(spec.inputs or ()), *spec.tools, *(spec.outputs or ()), *spec.modifies]
    return [*found, spec.depfile] if spec.depfile else found


@MANY
@given(cases(), dice(20))
def test_entangled_is_what_shares_a_path_with_what_failed_or_does_not_say_what_it_touches(case, choices):
    manifest = with_guards(case, choices)
    plan, tasks = guarded(make_plan(manifest, case.graph, case.targets), manifest)

    for failed in selected(plan):
        members = plan.guards[failed - plan.first_guard].members if failed >= plan.first_guard else (failed,)
        mine = [pattern for member in members for pattern in patterns(tasks[member])]
        unsaid = not all(tasks[member].is_declared for member in members)
        expected = {
            other
            for other in selected(plan)
            if unsaid
            or other >= plan.first_guard
            or not tasks[other].is_declared
            or any(overlap(one, theirs) for one in mine for theirs in patterns(tasks[other]))
        }
        assert set(entangled(plan, tasks, failed)) == expected


def test_the_scripts_of_the_settings_come_before_those_of_the_wave():
    tasks = (task("a"), task("b"))
    waves = (WaveSpec("one", ("a",), verify=("of wave",), checkpoint=True), WaveSpec("two", ("b",)))
    plan, specs = planned(tasks, *waves, schedule="waves", verify=("of all",))

    assert [(guard.kind, guard.name, guard.number) for guard in plan.guards] == [
        ("verify", "verify one", 1),
        ("checkpoint", "checkpoint one", 1),
        ("verify", "verify two", 2),
    ]
    assert [spec.commands for spec in specs[2:]] == [("of all", "of wave"), (), ("of all",)]
    assert [wave.after for wave in plan.waves] == [(), (4,), (1,), (3,), (2,)]


def test_in_flow_the_scripts_of_the_settings_come_once_behind_all_else():
    tasks = (task("a"), task("b", "a"))
    plan, specs = planned(tasks, WaveSpec("one", ("a",), verify=("of wave",)), schedule="flow", verify=("of all",))

    assert [guard.name for guard in plan.guards] == ["verify one", AT_THE_END]
    assert specs[-1].commands == ("of all",)
    # b needs something of the wave, and is in none itself.
    assert (2, 1) in plan.order


def test_a_wave_of_groups_alone_has_guards_only_where_somebody_declared_it():
    plan, _ = planned((Task("all"),), schedule="waves", verify=("check",))
    assert plan.guards == ()

    plan, _ = planned((Task("all"),), WaveSpec("one", ("all",), verify=("check",), checkpoint=True), schedule="waves")
    assert [guard.kind for guard in plan.guards] == ["verify", "checkpoint"]


def test_a_wave_of_an_included_file_is_verified_in_its_folder_under_its_prefix():
    wave = WaveSpec("ui:one", ("ui:a",), verify=("check",), folder="ui")
    plan, specs = planned((task("ui:a"),), wave, schedule="waves", verify=("all",))

    assert plan.guards[0].name == "ui:verify one"
    assert specs[-1].cwd == "ui"
    assert specs[-1].commands == ('cd "$EXARP_WORKSPACE"\nall', "check")


def test_a_manifest_without_any_is_planned_as_it_is():
    graph, _ = build_graph((task("a"),))
    manifest = Manifest("exarp.toml", (task("a"),))
    plan = make_plan(manifest, graph, graph.names)

    assert not has_guards(manifest)
    assert guarded(plan, manifest)[0] is plan
