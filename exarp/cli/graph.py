"""``exarp graph``. Parses, plans, picks the notation."""

from __future__ import annotations

from collections.abc import Sequence

import click

from exarp.cli.invocation import common_options, complete_tasks, current, write, write_bytes


@click.command("graph", short_help="Print the task graph as DOT, Mermaid or JSON.")
@click.argument("tasks", nargs=-1, shell_complete=complete_tasks)
@click.option("--all", "every", is_flag=True, help="Every task that is not manual.")
@click.option("--dot", "notation", flag_value="dot", help="Graphviz (the default).")
@click.option("--mermaid", "notation", flag_value="mermaid", help="Mermaid, as Markdown viewers draw it.")
@click.option("--json", "notation", flag_value="json", help="Nodes and edges for a program.")
@click.option("--waves", is_flag=True, help="Draw a box around each wave.")
@common_options
def command(tasks: Sequence[str], every: bool, notation: str | None, waves: bool) -> int:
    """Print the graph of TASKS and all they need: needs as solid arrows, order-only edges dashed.

    \b
    Examples:
      exarp graph --dot | dot -Tsvg > graph.svg
      exarp graph --mermaid --waves
      exarp graph release --json
    """
    import os

    from exarp.app.run import preview
    from exarp.app.targets import plan_targets

    invocation = current()
    invocation.json = notation == "json"
    project = invocation.project()
    plan = preview(project, plan_targets(project.manifest, tasks, every), os.environ, look=False).plan
    if notation == "json":
        from exarp.views.graph_json import graph_json

        write_bytes(graph_json(plan, waves))
    elif notation == "mermaid":
        from exarp.views.graph_mermaid import mermaid

        write(mermaid(plan, waves))
    else:
        from exarp.views.graph_dot import dot

        write(dot(plan, waves))
    return 0
