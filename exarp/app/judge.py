"""The use case ``why-not``: may two tasks, or two waves, run side by side?

Knows how to gather every reason about one pair. Decides by the same evidence as the planner.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from exarp.app.opening.project import Project
from exarp.app.selection.targets import choose
from exarp.app.selection.unknown_names import matrix_problem
from exarp.errors import Problem, UsageError
from exarp.graph.reachability import path_between
from exarp.model.links import as_written
from exarp.model.name import nearest
from exarp.model.plan import Plan, Wave
from exarp.model.verdict import Reason, Verdict
from exarp.planning.hazards import find_cells
from exarp.planning.planner import make_plan
from exarp.planning.selection import Catalogue, Wanted
from exarp.planning.through_links import real_folders
from exarp.planning.wave_verdicts import conflict_reason


def judge(project: Project, one: str, other: str) -> Verdict:
    """The verdict on two names, tasks or waves, in a run of everything. Raises UsageError.

    Derived waves have the numbers that ``exarp plan`` gives them without names.
    """
    one, other = _of_aliases(project, one, other)
    if one == other:
        raise UsageError(Problem("same-name", f"{one!r} is named twice", None, "name two different tasks or waves"))
    tasks = project.graph.ids.keys()
    if {one, other} <= tasks:
        return _judge_tasks(project, one, other)
    declared = {wave.name for wave in project.manifest.waves}
    if {one, other} <= declared:
        return _judge_waves(project, one, other)
    plan = _shown(project)
    derived = {wave.name for wave in plan.waves if not wave.declared}
    waves = declared | derived
    if {one, other} <= waves:
        return _judge_derived(project, plan, one, other)
    missing = [name for name in (one, other) if name not in tasks | waves]
    if missing:
        raise UsageError(*(_unknown(project, name) for name in missing))
    name = one if one in waves else other
    message = f"{name!r} is a wave, the other a task"
    raise UsageError(Problem("mixed-pair", message, None, "name two tasks or two waves"))


def _of_aliases(project: Project, *names: str) -> tuple[str, ...]:
    """The names, with the task for its alias. Raises UsageError for a matrix: it is more than one."""
    catalogue, known = Catalogue(project.manifest, project.graph), {wave.name for wave in project.manifest.waves}
    found = [None if name in known else catalogue.named(name) for name in names]
    if several := [(name, other) for name, other in zip(names, found, strict=True) if other and len(other) > 1]:
        raise UsageError(*(matrix_problem(name, other) for name, other in several))
    return tuple([other[0] if other and len(other) == 1 else name for name, other in zip(names, found, strict=True)])


def _unknown(project: Project, name: str) -> Problem:
    meant = nearest(name, [*project.graph.names, *(wave.name for wave in project.manifest.waves)])
    step = f"did you mean {meant!r}?" if meant else "`exarp list` shows the tasks, `exarp plan` the waves"
    return Problem("unknown-task", f"there is no task or wave {name!r}", None, step)


def _shown(project: Project) -> Plan:
    """What ``exarp plan`` shows."""
    targets = choose(project, Wanted(), "default or all").targets
    return make_plan(project.manifest, project.graph, targets, told=False)


def _everything(project: Project, waves: Iterable[str]) -> Plan:
    """The plan of a run of everything, with the verdicts on pairs of ``waves`` alone."""
    return make_plan(project.manifest, project.graph, project.graph.names, told=frozenset(waves))


def _judge_waves(project: Project, one: str, other: str) -> Verdict:
    empty = [wave.name for wave in project.manifest.waves if wave.name in (one, other) and not wave.tasks]
    if empty:
        step = "give it a task, or take it out"
        raise UsageError(*(Problem("empty-wave", f"wave {name!r} has no tasks", None, step) for name in empty))
    for verdict in _everything(project, (one, other)).verdicts:
        if verdict.kind == "waves" and verdict.between is not None and set(verdict.between) == {one, other}:
            return verdict
    raise LookupError(f"no verdict on {one!r} and {other!r}, although every pair of declared waves has one")


def _judge_derived(project: Project, plan: Plan, one: str, other: str) -> Verdict:
    """The verdict on two waves of which not both are declared, as they are in ``plan``. Raises UsageError."""
    members: dict[str, list[int]] = {}
    for wave in plan.waves:
        if wave.name in (one, other):
            members.setdefault(wave.name, []).extend(wave.tasks)
    derived = next(wave.name for wave in plan.waves if wave.name in members and not wave.declared)
    _refuse_derived(plan, derived, {one, other} - members.keys())
    (first, earlier), (second, later) = members.items()
    return Verdict(
        kind="waves",
        between=(first, second),
        verdict="refuted",
        runs="sequential",
        reasons=(*_order(project, set(earlier), later, plan.position), Reason("unmarked", name=derived)),
    )


def _refuse_derived(plan: Plan, derived: str, missing: set[str]) -> None:
    """Raises UsageError where nothing can be said of a derived wave and another."""
    for name in missing:
        message, step = (
            f"wave {name!r} is not in the plan that has {derived!r}",
            "name two waves that `exarp plan` shows",
        )
        raise UsageError(Problem("derived-wave", message, None, step))
    if plan.schedule == "flow":
        message = f"{derived!r} is a derived wave: in flow it holds no task back, each starts when its needs are done"
        step = "name two tasks; `exarp plan -v` shows those of each wave"
        raise UsageError(Problem("derived-wave", message, None, step))


def _judge_tasks(project: Project, one: str, other: str) -> Verdict:
    for name in (one, other):
        if name in project.manifest.blocked:
            message = f"{name!r} is in no wave: it waits for {', '.join(project.manifest.blocked[name])}"
            raise UsageError(Problem("blocked-task", message, None, "name two tasks that `exarp plan` shows in waves"))
    homes = [wave.name for wave in project.manifest.waves if one in wave.tasks or other in wave.tasks]
    plan = _everything(project, homes)
    position = plan.position
    first, second = sorted((project.graph.ids[one], project.graph.ids[other]), key=position.__getitem__)
    reasons = [
        *_order(project, {first}, [second], position),
        *_files(project, first, second),
        *_shares(project, first, second),
        *_waves(plan, first, second),
    ]
    if project.manifest.settings.trust == "proof":
        reasons += _undeclared(project, first, second)
    codes = {reason.code for reason in reasons}
    names = project.graph.names
    return Verdict(
        kind="tasks",
        between=(names[first], names[second]),
        verdict="upheld" if not codes else "unproven" if codes == {"undeclared"} else "refuted",
        runs="sequential" if codes else "parallel",
        reasons=tuple(dict.fromkeys(reasons)),
    )


def _order(project: Project, earlier: set[int], later: Sequence[int], position: Sequence[int]) -> list[Reason]:
    via = path_between(project.graph, earlier, later, position)
    names = tuple(project.graph.names[task] for task in via)
    return [Reason("dependency", tasks=(names[0], names[-1]), via=names)] if via else []


def _files(project: Project, first: int, second: int) -> list[Reason]:
    manifest = project.manifest
    found: dict[tuple[str, str], Reason] = {}
    for cell in find_cells(manifest.real_tasks, (first, second), real_folders(manifest)):
        accesses = sorted(cell.accesses, key=lambda access: access.task != first)
        if any(access.owns for access in accesses):
            reason = conflict_reason(project.graph.names, accesses[0], accesses[1])
            if manifest.links:
                reason = as_written(reason, [manifest.tasks[first], manifest.tasks[second]], manifest.links)
            found.setdefault((reason.code, reason.path), reason)
    return list(found.values())


def _shares(project: Project, first: int, second: int) -> list[Reason]:
    one, other = project.manifest.tasks[first], project.manifest.tasks[second]
    if one.is_group or other.is_group:
        # A group runs nothing, and so holds nothing.
        return []
    pools = project.manifest.resources
    both = (one.name, other.name)
    mutexes = [Reason("mutex", tasks=both, name=name) for name in one.mutex if name in other.mutex]
    return mutexes + [
        Reason("resource", tasks=both, name=pool)
        for pool, amount in one.resources.items()
        if amount + other.resources.get(pool, 0) > pools[pool] and pool in other.resources
    ]


def _waves(plan: Plan, first: int, second: int) -> list[Reason]:
    """Waves that run one after the other keep their tasks apart; so does a sequential wave its own."""
    home: dict[int, Wave] = {task: wave for wave in plan.waves for task in wave.tasks if task in (first, second)}
    one, other = home[first], home[second]
    in_turn = Reason("ordered-through", tasks=(plan.names[first], plan.names[second]), name=one.name)
    if one is other:
        return [in_turn] if one.order == "sequential" else []
    barriers = plan.schedule == "waves" or (one.declared and other.declared)
    if not barriers or other.number in one.beside:
        return []
    if not (one.declared and other.declared):
        derived = other if one.declared else one
        return [Reason("unmarked", name=derived.name)]
    for verdict in plan.verdicts:
        if verdict.kind == "waves" and verdict.between == (one.name, other.name):
            return list(verdict.reasons)
    # Parts of one wave.
    return [in_turn]


def _undeclared(project: Project, first: int, second: int) -> list[Reason]:
    tasks = [project.manifest.tasks[task] for task in (first, second)]
    names = tuple(task.name for task in tasks if not task.is_declared)
    return [Reason("undeclared", tasks=names)] if names else []
