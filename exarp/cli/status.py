"""``exarp status``. Parses, reads the store, prints the newest run."""

from __future__ import annotations

import sys
from datetime import datetime
from functools import partial

import click

from exarp.cli.invocation import common_options, current, json_option, write, write_bytes


@click.command("status", short_help="Show what is running, and how the last run ended.")
@json_option()
@common_options("quiet", "verbose")
def command() -> int:
    """Show the newest run: what it is doing, or how it ended. Changes nothing.

    \b
    Examples:
      exarp status
      exarp status --json
    """
    from exarp.app.history import has_log, newest_events, runs
    from exarp.cli.run_views import tell_faults
    from exarp.views import status
    from exarp.views.cells import wrap
    from exarp.views.fold import folded
    from exarp.views.history_document import status_document

    invocation = current()
    root = invocation.root()
    rows = runs(root, 2)
    unknown = not rows and tell_faults(root)
    state = folded(newest_events(root)) if rows and rows[0].outcome == "running" else None
    if invocation.json:
        write_bytes(status_document(rows[0] if rows else None, state))
        return 0
    if unknown:
        return 0
    now = datetime.now().astimezone()
    kept = partial(has_log, root)
    told = status.status(rows, now, state, invocation.wants_color(sys.stdout), invocation.call(), kept)
    write(wrap(told, invocation.columns(sys.stdout)) + "\n")
    return 0
