"""``exarp wait``. Parses, waits for a run of another process, gives its exit code."""

from __future__ import annotations

import os

import click

from exarp.cli.invocation import common_options, current, json_option
from exarp.cli.offers import complete_runs


@click.command("wait", short_help="Wait until a run has ended.")
@click.argument("run", required=False, shell_complete=complete_runs)
@json_option("Print the run, as it ended, as one JSON document.")
@common_options("verbose")
def command(run: str | None) -> int:
    """Wait until RUN (see `exarp history`), or all that is running now, has ended. The exit code is the run's (of several: the
    newest's), 1 where it died without one. Where nothing runs, the last run is told.

    \b
    Examples:
      exarp wait
      exarp wait 41 && ./deploy
    """
    from exarp.app.following import wait_for
    from exarp.cli.ended import tell_ended
    from exarp.cli.run_views import note

    invocation = current()
    waited: list[str] = []

    def tell(line: str) -> None:
        if invocation.verbosity >= 0:
            note(line)

    def on_wait(holder: str) -> None:
        waited.append(holder)
        tell(f"waiting for {holder}")

    row = wait_for(invocation.root(), run, os.environ, on_wait)
    if not waited:
        tell("nothing is running" if run is None else f"run {run} is not running")
    tell_ended(invocation, row)
    if row is None:
        return 0
    return row.exit_code if row.exit_code is not None else 1
