"""``exarp graph``. Parses, plans, picks the notation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from exarp.cli.invocation import common_options, current, json_option, write, write_document
from exarp.cli.offers import complete_words
from exarp.cli.options import overrides_from, set_option
from exarp.cli.selection import opened, parameters_in, selection_options, taken, tell_nothing


@click.command("graph", short_help="Print the task graph as DOT, Mermaid or JSON.")
@click.argument("tasks", nargs=-1, shell_complete=complete_words)
@selection_options()
@set_option
@click.option("--dot", is_flag=True, help="Graphviz (the default).")
@click.option("--mermaid", is_flag=True, help="Mermaid, as Markdown viewers draw it.")
@json_option("Nodes and edges for a program.")
@click.option("--waves", "boxes", is_flag=True, help="Draw a box around each wave.")
@common_options("quiet", "verbose", "color")
def command(tasks: Sequence[str], dot: bool, mermaid: bool, boxes: bool, **options: Any) -> int:
    """Print the graph of TASKS and all they need: needs as solid arrows, order-only edges dashed.

    \b
    Examples:
      exarp graph --dot | dot -Tsvg > graph.svg
      exarp graph --mermaid --waves
      exarp graph release --json
    """
    import os

    from exarp.app.plan import preview

    invocation = current()
    if dot + mermaid + invocation.json > 1:
        raise click.UsageError("--dot, --mermaid and --json are three notations: say one of them")
    project = opened(tasks, overrides_from(options, parameters_in(tasks)))
    chosen = taken(project, tasks, options, "default or all", running=False)
    tell_nothing(chosen)
    plan = preview(project, chosen, os.environ, look=False, warn=False).plan
    if invocation.json:
        from exarp.views.plan.graph_json import graph_json

        write_document(graph_json(plan, boxes))
    elif mermaid:
        from exarp.views.plan import graph_mermaid

        write(graph_mermaid.mermaid(plan, boxes))
    else:
        from exarp.views.plan import graph_dot

        write(graph_dot.dot(plan, boxes))
    return 0
