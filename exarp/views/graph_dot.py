"""The task graph for Graphviz.

Knows DOT's quoting. Names appear only as labels; the nodes are ``t0``, ``t1``, …, so that no name is ever an identifier.
Does not lay out anything.
"""

from __future__ import annotations

from collections.abc import Iterator

from exarp.model.plan import Plan
from exarp.views import escape
from exarp.views.task_edges import edges, tasks, wave_title

# In a label a backslash starts an escape (\N is the node's name) and "&…;" is an HTML entity.
_QUOTES = str.maketrans({"\\": r"\\", '"': r"\"", "&": "&amp;"})


def dot(plan: Plan, waves: bool = False) -> str:
    """The selected tasks and their edges, earlier to later, order-only edges dashed; with a cluster a wave if wanted."""
    return "\n".join(_lines(plan, waves)) + "\n"


def _lines(plan: Plan, waves: bool) -> Iterator[str]:
    yield "digraph exarp {"
    yield '  charset="UTF-8"; rankdir=LR; node [shape=box];'
    if waves:
        for wave in plan.waves:
            yield f"  subgraph cluster_{wave.number} {{"
            yield f'    label="{_label(wave_title(wave.number, wave.name))}";'
            yield from (f"  {_node(plan, task)}" for task in wave.tasks)
            yield "  }"
    else:
        yield from (_node(plan, task) for task in tasks(plan))
    for edge in edges(plan):
        yield f"  t{edge.earlier} -> t{edge.later}{' [style=dashed]' if edge.order else ''};"
    yield "}"


def _node(plan: Plan, task: int) -> str:
    return f'  t{task} [label="{_label(plan.names[task])}"];'


def _label(text: str) -> str:
    return escape.name(text).translate(_QUOTES)
