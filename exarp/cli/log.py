"""``exarp log``. Parses, finds a task's log, prints it."""

from __future__ import annotations

import sys
from datetime import datetime

import click

from exarp.cli.invocation import common_options, complete_tasks, current, write, write_bytes


@click.command("log", short_help="Print what a task printed.")
@click.argument("task", shell_complete=complete_tasks)
@click.option("--run", "run", metavar="RUN", help="Of that run (see `exarp history`), not the last.")
@click.option("--follow", is_flag=True, help="Go on printing while the task runs.")
@common_options("verbose")
def command(task: str, run: str | None, follow: bool) -> int:
    """Print the output of the last attempt of TASK. A heading goes to stderr, the output to stdout.

    \b
    Examples:
      exarp log test
      exarp log test --run 41
      exarp log test | grep error
    """
    from exarp.app.history import find_attempt, follow_log, log_of
    from exarp.views.escape import styled
    from exarp.views.status import log_header

    invocation = current()
    root = invocation.root()
    row = find_attempt(root, task, run)
    if invocation.verbosity >= 0:
        header = log_header(row, datetime.now().astimezone(), invocation.wants_color(sys.stderr))
        sys.stderr.write(f"{header}\n")
        sys.stderr.flush()
    terminal = sys.stdout.isatty()
    for data in follow_log(root, row) if follow else [log_of(root, row)]:
        if terminal:
            write(styled(data.decode(errors="replace"), invocation.wants_color(sys.stdout)))
        else:
            write_bytes(data)
    return 0
