"""The task graph as a JSON document.

Knows the document's fields: ``version``, ``nodes`` (task, wave), ``edges`` (from, to, kind), ``waves`` where wanted.
Does not know what draws it.
"""

from __future__ import annotations

from exarp.model.plan import Plan
from exarp.views.json_line import json_line
from exarp.views.plan.task_edges import edges


def graph_json(plan: Plan, waves: bool = False) -> bytes:
    """The selected tasks and their edges, earlier to later, one line. ``kind`` is ``needs`` or ``order``."""
    names = plan.names
    document: dict[str, object] = {
        "version": 1,
        "nodes": [{"task": names[task], "wave": wave.number} for wave in plan.waves for task in wave.tasks],
        "edges": [
            {"from": names[edge.earlier], "to": names[edge.later], "kind": "order" if edge.order else "needs"}
            for edge in edges(plan)
        ],
    }
    if waves:
        document["waves"] = [
            {"number": wave.number, "name": wave.name, "tasks": [names[task] for task in wave.tasks]}
            for wave in plan.waves
        ]
    return json_line(document)
