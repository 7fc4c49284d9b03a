"""The task graph for Graphviz.

Knows DOT's quoting. Names appear only as labels; the nodes are ``t0``, ``t1``, …, so that no name is ever an identifier.
Does not lay out anything.
"""

from __future__ import annotations

from exarp.model.plan import Plan
from exarp.views import escape
from exarp.views.plan.task_edges import Edge, draw

# In a label a backslash starts an escape (\N is the node's name) and "&…;" is an HTML entity.
_QUOTES = str.maketrans({"\\": r"\\", '"': r"\"", "&": "&amp;"})


class _Dot:
    head = 'digraph exarp {\n  charset="UTF-8"; rankdir=LR; node [shape=box];'
    foot = "}"
    box_end = "  }"

    def box(self, number: int, title: str) -> str:
        return f'  subgraph cluster_{number} {{\n    label="{_label(title)}";'

    def node(self, task: int, name: str) -> str:
        return f'  t{task} [label="{_label(name)}"];'

    def edge(self, edge: Edge) -> str:
        return f"  t{edge.earlier} -> t{edge.later}{' [style=dashed]' if edge.order else ''};"


def dot(plan: Plan, waves: bool = False) -> str:
    """The selected tasks and their edges, earlier to later, order-only edges dashed; with a cluster a wave if wanted."""
    return draw(plan, _Dot(), waves)


def _label(text: str) -> str:
    return escape.name(text).translate(_QUOTES)
