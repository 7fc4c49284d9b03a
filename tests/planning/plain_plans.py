"""Manifests written by hand, in as few words as a test needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from exarp.graph.build import build_graph
from exarp.model.manifest import Manifest, Settings, WaveSpec
from exarp.model.plan import Plan
from exarp.model.task import Task
from exarp.model.verdict import Verdict
from exarp.planning.grouping import Grouping
from exarp.planning.planner import make_plan


def task(name: str, *needs: str, **fields: Any) -> Task:
    """A task that declares that it touches nothing beyond ``fields``."""
    return Task(name, **{"commands": ("true",), "inputs": (), "outputs": (), "needs": needs, **fields})


POOLS = {"gpu": 2, "memory": 10}


def plan(
    tasks: Sequence[Task],
    waves: Sequence[WaveSpec] = (),
    targets: Sequence[str] = (),
    resources: Mapping[str, int] = POOLS,
    **settings: Any,
) -> Plan:
    """The plan of everything, or of ``targets``; with barriers where there are waves, as manifests have it."""
    settings = {"schedule": "waves" if waves else "flow", **settings}
    manifest = Manifest("exarp.toml", tuple(tasks), tuple(waves), Settings(**settings), dict(resources))
    graph, faults = build_graph(tasks)
    assert not faults
    assert Grouping(graph, set(range(len(graph))), manifest.waves).faults() == ([], [])
    return make_plan(manifest, graph, targets or graph.names)


def listing(plan: Plan) -> list[tuple[str, str]]:
    """Waves as (name, tasks)."""
    return [(wave.name, " ".join(plan.names[task] for task in wave.tasks)) for wave in plan.waves]


def turns(plan: Plan) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
    """What each wave comes after, and what it runs beside."""
    return [(wave.after, wave.beside) for wave in plan.waves]


def on_waves(plan: Plan) -> dict[tuple[str, str], Verdict]:
    return {verdict.between: verdict for verdict in plan.verdicts if verdict.kind == "waves" and verdict.between}


def told(plan: Plan) -> list[tuple[str, ...]]:
    """Verdicts on tasks and groups as (who, codes …)."""
    found = []
    for verdict in plan.verdicts:
        if verdict.kind != "waves":
            who = " ".join(verdict.between or (*verdict.among, *(f"/{name}" for name in verdict.against)))
            found.append((who, *(reason.code for reason in verdict.reasons)))
    return found


def edges(plan: Plan) -> list[str]:
    """Order-only edges."""
    return [f"{plan.names[one]}<{plan.names[other]}" for one, other in plan.order]
