"""``exarp events``. Parses, follows a stored run, prints its events."""

from __future__ import annotations

import click

from exarp.cli.invocation import common_options, current, write_bytes
from exarp.cli.offers import complete_runs


@click.command("events", short_help="Print what happened in a run, as lines of JSON.")
@click.argument("run", required=False, shell_complete=complete_runs)
@click.option("--follow", is_flag=True, help="Go on printing until the run has ended.")
@click.option("--since", metavar="SEQ", type=click.IntRange(min=0), default=0, help="Only events after that number.")
@click.option("--json", is_flag=True, hidden=True, help="They are JSON, a line each, in any case.")
@common_options("quiet", "verbose", "color")
def command(run: str | None, follow: bool, since: int, json: bool) -> int:
    """Print the events of RUN (see `exarp history`), or of the last run: a line of JSON each, as `exarp run --events` writes
    them. Those with the output of tasks are not kept: `exarp log` has it.

    \b
    Examples:
      exarp events
      exarp events 41 --since 120
      exarp events --follow | jq -r 'select(.type == "task_finished") | .task'
    """
    if json:
        raise click.UsageError("events are lines of JSON, not one document: leave --json out")
    from exarp.app.following import find_run, follow_events
    from exarp.views.json_line import json_line

    root = current().root()
    for events in follow_events(root, find_run(root, run).id, since, follow):
        if events:
            write_bytes(b"".join(map(json_line, events)))
    return 0
