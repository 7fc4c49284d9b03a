"""The task graph for Mermaid.

Knows how to write any name so that Mermaid shows it and does nothing else with it: nodes have generated ids, and what
could mean something to Mermaid, Markdown or HTML is an entity code (``#35;``). Does not lay out anything.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from exarp.model.plan import Plan
from exarp.views import escape
from exarp.views.task_edges import edges, tasks, wave_title

# Letters and digits of any script are safe, and a few marks between two of them. A colon is not: Mermaid looks for
# "style…:…#…;" in whole lines and takes the semicolon away. An underscore is Markdown.
_CODED = re.compile(r"(?!(?<=[^\W_])[-./@, ](?=[^\W_]))[\W_]")


def mermaid(plan: Plan, waves: bool = False) -> str:
    """The selected tasks and their edges, earlier to later, order-only edges dotted; with a subgraph a wave if wanted."""
    return "\n".join(_lines(plan, waves)) + "\n"


def _lines(plan: Plan, waves: bool) -> Iterator[str]:
    yield "flowchart LR"
    if waves:
        for wave in plan.waves:
            yield f'  subgraph w{wave.number}["{_label(wave_title(wave.number, wave.name))}"]'
            yield from (f"  {_node(plan, task)}" for task in wave.tasks)
            yield "  end"
    else:
        yield from (_node(plan, task) for task in tasks(plan))
    for edge in edges(plan):
        yield f"  t{edge.earlier} {'-.->' if edge.order else '-->'} t{edge.later}"


def _node(plan: Plan, task: int) -> str:
    return f'  t{task}["{_label(plan.names[task])}"]'


def _label(text: str) -> str:
    return _CODED.sub(lambda match: f"#{ord(match[0])};", escape.name(text))
