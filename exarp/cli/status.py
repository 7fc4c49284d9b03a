"""``exarp status``. Parses, reads the store, prints what runs and the last run."""

from __future__ import annotations

import os
import sys
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

import click

from exarp.cli.invocation import Invocation, common_options, current, json_option, write, write_bytes

if TYPE_CHECKING:
    from exarp.views.run.console import Console
    from exarp.views.run.live import Live


@click.command("status", short_help="Show what is running, and how the last run ended.")
@click.option("--follow", is_flag=True, help="Tell a run that goes on until it has ended, as `exarp run` does.")
@click.option(
    "--since", metavar="SEQ", type=click.IntRange(min=0), help="With --follow: tell only what came after that event."
)
@json_option()
@common_options()
def command(follow: bool, since: int | None) -> int:
    """Show the runs that go on and what they are doing, how the last one ended, and the services that `exarp watch` keeps up.
    Changes nothing.

    \b
    Examples:
      exarp status
      exarp status --json
      exarp status --follow        what it did, and all that it goes on to do
    """
    if since is not None and not follow:
        raise click.UsageError("--since goes with --follow: `exarp events --since SEQ` prints what was told already")
    from exarp.app.history import events_of, has_log, running_and_last
    from exarp.app.watching.neighbours import neighbours
    from exarp.cli.run_views import tell_faults
    from exarp.views.cells import wrap
    from exarp.views.history import status
    from exarp.views.history.document import status_document
    from exarp.views.run.fold import folded

    invocation = current()
    root = invocation.root()
    if follow and _follow(invocation, root, since or 0) and not invocation.json:
        return 0
    rows, up = running_and_last(root), list(neighbours(root).values())
    unknown = not rows and tell_faults(root)
    running = [row for row in rows if row.outcome == "running"]
    states = {row.id: folded(events_of(root, row.id)) for row in running}
    if invocation.json:
        write_bytes(status_document(running or rows, states, up))
        return 0
    if unknown:
        return 0
    now = datetime.now().astimezone()
    kept = partial(has_log, root)
    told = status.status(rows, now, states, invocation.wants_color(sys.stdout), invocation.call(), kept)
    told = "\n".join([told, *status.standing((each.task, each.run, each.holder) for each in up)])
    write(wrap(told, invocation.columns(sys.stdout)) + "\n")
    return 0


def _follow(invocation: Invocation, root: str, since: int) -> bool:
    """Tell the newest run until it has ended; whether its end was told."""
    import time

    from exarp.app.following import find_run, follow_events

    view = _view(invocation, root)
    with view:
        for events in follow_events(root, find_run(root, None).id, follow=True):
            for event in events:
                at = datetime.fromisoformat(event.time).timestamp()
                view.note(at)
                if event.seq <= since:
                    view.state.apply(event, at)
                else:
                    view.on_event(event)
            view.tick(time.time())
    return view.state.finished is not None


def _view(invocation: Invocation, root: str) -> Console | Live:
    """What a run would be told by that prints its output as tasks end."""
    from exarp.app.wiring import read_log
    from exarp.views.color import wants_live
    from exarp.views.run.console import Console
    from exarp.views.run.live import Live
    from exarp.views.run.manner import Manner

    out = sys.stderr if invocation.json else sys.stdout
    manner = Manner(
        verbosity=invocation.verbosity,
        color_words=invocation.wants_color(sys.stderr),
        color_output=invocation.wants_color(out),
        terminal=out.isatty(),
        call=invocation.call(),
    )
    live = invocation.verbosity >= 0 and wants_live(os.environ, sys.stderr.isatty())
    return (Live if live else Console)(out.buffer, sys.stderr, manner, partial(read_log, root))
