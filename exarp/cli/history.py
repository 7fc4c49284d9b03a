"""``exarp history``. Parses, reads the store, prints a line a run (or an attempt)."""

from __future__ import annotations

import sys
from datetime import datetime

import click

from exarp.cli.invocation import common_options, complete_tasks, current, json_option, write, write_bytes


@click.command("history", short_help="List earlier runs, or a task's attempts.")
@click.argument("task", required=False, shell_complete=complete_tasks)
@click.option(
    "-n",
    "--limit",
    metavar="N",
    type=click.IntRange(min=1),
    default=20,
    show_default=True,
    help="How many, newest first.",
)
@json_option()
@common_options("quiet", "verbose")
def command(task: str | None, limit: int) -> int:
    """List earlier runs, newest first; with TASK the attempts of that task.

    \b
    Examples:
      exarp history
      exarp history test -n 5
    """
    from exarp.app.history import attempts, runs
    from exarp.cli.run_views import tell_faults
    from exarp.views.history import status
    from exarp.views.history.document import attempts_document, runs_document

    invocation = current()
    root = invocation.root()
    now = datetime.now().astimezone()
    color = invocation.wants_color(sys.stdout)
    if task is not None:
        rows = attempts(root, task, limit)
        unknown = not rows and tell_faults(root)
        if not rows and (meant := invocation.one_task(task)) != task:
            rows = attempts(root, meant, limit)
        if invocation.json:
            write_bytes(attempts_document(rows))
        elif not unknown:
            write(status.attempts(rows, now, color) + "\n")
        return 0
    found = runs(root, limit)
    unknown = not found and tell_faults(root)
    if invocation.json:
        write_bytes(runs_document(found))
        return 0
    if unknown:
        return 0
    columns = invocation.columns(sys.stdout)
    write(status.history(found, now, columns, color) + "\n")
    return 0
