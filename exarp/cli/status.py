"""``exarp status``. Parses, reads the store, prints the newest run."""

from __future__ import annotations

import sys
from datetime import datetime

import click

from exarp.cli.invocation import common_options, current, json_option, write, write_bytes


@click.command("status", short_help="Show what is running, and how the last run ended.")
@json_option()
@common_options
def command() -> int:
    """Show the newest run: what it is doing, or how it ended. Changes nothing.

    \b
    Examples:
      exarp status
      exarp status --json
    """
    from exarp.app.history import newest_events, runs
    from exarp.views import status
    from exarp.views.fold import folded
    from exarp.views.history_document import runs_document

    invocation = current()
    root = invocation.root()
    rows = runs(root, 2)
    if invocation.json:
        write_bytes(runs_document(rows[:1]))
        return 0
    events = newest_events(root) if rows and rows[0].outcome == "running" else []
    now = datetime.now().astimezone()
    write(status.status(rows, now, folded(events), invocation.wants_color(sys.stdout), invocation.call()) + "\n")
    return 0
