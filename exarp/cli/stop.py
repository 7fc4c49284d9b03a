"""``exarp stop``. Parses, ends a run of another process."""

from __future__ import annotations

import click

from exarp.cli.invocation import common_options, current, json_option
from exarp.cli.offers import complete_runs


@click.command("stop", short_help="End a run of another process.")
@click.argument("run", required=False, shell_complete=complete_runs)
@click.option("--now", is_flag=True, help="Kill its tasks at once, as a second Ctrl-C does.")
@json_option("Print the run, as it ended, as one JSON document.")
@common_options("verbose")
def command(run: str | None, now: bool) -> int:
    """End RUN (see `exarp history`), or what is running now if that is one thing, as Ctrl-C at its terminal does: tasks are
    interrupted and have their grace. Waits until it has ended. The exit code is 0 also where nothing runs.

    \b
    Examples:
      exarp stop
      exarp stop --now
    """
    from exarp.app.stop import stop
    from exarp.cli.ended import tell_ended
    from exarp.cli.run_views import note

    invocation = current()

    def tell(line: str) -> None:
        if invocation.verbosity >= 0:
            note(line)

    was_running, row = stop(invocation.root(), run, now, lambda holder: tell(f"stopping {holder}"))
    if not was_running:
        tell("nothing is running" if run is None else f"run {run} is not running")
    tell_ended(invocation, row)
    return 0
