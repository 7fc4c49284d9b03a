"""The use case ``why-not``: may two tasks, or two declared waves, run side by side?

Knows how to gather every reason about one pair. Decides by the same evidence as the planner.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from exarp.app.project import Project
from exarp.errors import Problem, UsageError
from exarp.graph.reachability import path_between
from exarp.model.name import nearest
from exarp.model.plan import Plan, Wave
from exarp.model.verdict import Reason, Verdict
from exarp.planning.hazards import find_cells
from exarp.planning.planner import make_plan
from exarp.planning.wave_verdicts import conflict_reason


def judge(project: Project, one: str, other: str) -> Verdict:
    """The verdict on two names, tasks or declared waves, in a run of everything. Raises UsageError."""
    if one == other:
        raise UsageError(Problem("same-name", f"{one!r} is named twice", None, "name two different tasks or waves"))
    waves = {wave.name for wave in project.manifest.waves}
    both_tasks = one in project.graph.ids and other in project.graph.ids
    if not both_tasks and one in waves and other in waves:
        return _judge_waves(project, one, other)
    missing = [name for name in (one, other) if name not in project.graph.ids]
    if missing:
        raise UsageError(*(_unknown(project, name, waves) for name in missing))
    return _judge_tasks(project, one, other)


def _unknown(project: Project, name: str, waves: set[str]) -> Problem:
    if name in waves:
        message = f"{name!r} is a wave, the other a task"
        return Problem("mixed-pair", message, None, "name two tasks or two waves")
    meant = nearest(name, [*project.graph.names, *waves])
    step = f"did you mean {meant!r}?" if meant else "`exarp list` shows the tasks"
    return Problem("unknown-task", f"there is no task or wave {name!r}", None, step)


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


def _judge_tasks(project: Project, one: str, other: str) -> Verdict:
    homes = [wave.name for wave in project.manifest.waves if one in wave.tasks or other in wave.tasks]
    plan = _everything(project, homes)
    position = plan.position
    first, second = sorted((project.graph.ids[one], project.graph.ids[other]), key=position.__getitem__)
    reasons = [
        *_order(project, first, second, position),
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


def _order(project: Project, first: int, second: int, position: Sequence[int]) -> list[Reason]:
    via = path_between(project.graph, first, second, position)
    names = tuple(project.graph.names[task] for task in via)
    return [Reason("dependency", tasks=(names[0], names[-1]), via=names)] if via else []


def _files(project: Project, first: int, second: int) -> list[Reason]:
    found: dict[tuple[str, str], Reason] = {}
    for cell in find_cells(project.manifest.tasks, (first, second), project.manifest.settings.cache_dirs):
        accesses = sorted(cell.accesses, key=lambda access: access.task != first)
        if any(access.owns for access in accesses):
            reason = conflict_reason(project.graph.names, accesses[0], accesses[1])
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
