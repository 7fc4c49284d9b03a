"""The task graph for Mermaid.

Knows how to write any name so that Mermaid shows it and does nothing else with it: nodes have generated ids, and what
could mean something to Mermaid, Markdown or HTML is an entity code (``#35;``). Does not lay out anything.
"""

from __future__ import annotations

import re

from exarp.model.plan import Plan
from exarp.views import escape
from exarp.views.plan.task_edges import Edge, draw

# Letters and digits of any script are safe, and a few marks between two of them. A colon is not: Mermaid looks for
# "style…:…#…;" in whole lines and takes the semicolon away. An underscore is Markdown.
_CODED = re.compile(r"(?!(?<=[^\W_])[-./@, ](?=[^\W_]))[\W_]")


class _Mermaid:
    head = "flowchart LR"
    foot = ""
    box_end = "  end"

    def box(self, number: int, title: str) -> str:
        return f'  subgraph w{number}["{_label(title)}"]'

    def node(self, task: int, name: str) -> str:
        return f'  t{task}["{_label(name)}"]'

    def edge(self, edge: Edge) -> str:
        return f"  t{edge.earlier} {'-.->' if edge.order else '-->'} t{edge.later}"


def mermaid(plan: Plan, waves: bool = False) -> str:
    """The selected tasks and their edges, earlier to later, order-only edges dotted; with a subgraph a wave if wanted."""
    return draw(plan, _Mermaid(), waves)


def _label(text: str) -> str:
    return _CODED.sub(lambda match: f"#{ord(match[0])};", escape.name(text))
