"""``exarp history``. Parses, reads the store, prints a line a run (or an attempt)."""

from __future__ import annotations

import shutil
import sys
from datetime import datetime

import click

from exarp.cli.invocation import common_options, complete_tasks, current, json_option, write, write_bytes


@click.command("history", short_help="List earlier runs, or a task's attempts.")
@click.argument("task", required=False, shell_complete=complete_tasks)
@click.option(
    "-n", "--limit", type=click.IntRange(min=1), default=20, show_default=True, help="How many, newest first."
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
    from exarp.views import status
    from exarp.views.history_document import attempts_document, runs_document

    invocation = current()
    root = invocation.root()
    now = datetime.now().astimezone()
    color = invocation.wants_color(sys.stdout)
    if task is not None:
        rows = attempts(root, task, limit)
        if invocation.json:
            write_bytes(attempts_document(rows))
        else:
            write(status.attempts(rows, now, color) + "\n")
        return 0
    found = runs(root, limit)
    if invocation.json:
        write_bytes(runs_document(found))
        return 0
    columns = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    write(status.history(found, now, columns, color) + "\n")
    return 0
