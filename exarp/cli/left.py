"""The part of a run that is left when an index says what is up to date: run without the command line's machinery.

Knows what was understood of the command line. Prints and ends as ``exarp run`` does; loads as little as it can.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from exarp.cli.endings import ending

if TYPE_CHECKING:
    from exarp.index import Part


class Plain:
    """How a command line without options of its own wants to be spoken to, see ``Invocation``."""

    json = False

    def __init__(self, quiet: bool) -> None:
        self.verbosity = -1 if quiet else 0

    def wants_color(self, stream: Any) -> bool:
        """Whether to colour what goes to ``stream``."""
        from exarp.views.color import wants_color

        return wants_color("auto", os.environ, stream.isatty())


def run_left(part: Part, arguments: Sequence[str]) -> int | None:
    """Run what is left; the exit code, or None where that has to be a run of everything: nothing was done then."""
    return ended(arguments, lambda: _run(part, arguments))


def ended(arguments: Sequence[str], work: Callable[[], int | None]) -> int | None:
    """What ``work`` returns, or the exit code of its error, which is told; signals end it as they end a command."""
    with ending():
        try:
            return work()
        except KeyboardInterrupt:
            return 130
        except Exception as error:
            return _told(error, arguments)


def _run(part: Part, arguments: Sequence[str]) -> int | None:
    import exarp.cli.lean  # noqa: F401
    from exarp.app.index.partial import partial
    from exarp.app.run import OutdatedError, RunRequest, run
    from exarp.cli.run_views import RunViews
    from exarp.model.call import Call

    foreseen = partial(part, os.environ)
    if foreseen is None:
        return None
    about = part.front.about
    request = RunRequest(
        chosen=foreseen.chosen,
        keep_going=part.keep_going,
        own_jobs=bool(part.jobs),
        stay=part.key != ("--all",),
        command=("exarp", *arguments),
        call=Call(),
        asked=part.key,
        told=about["notes"],
        commands=about["commands"],
    )
    views = RunViews(Plain(part.quiet), foreseen.project, request.call)
    try:
        status = run(foreseen.project, request, os.environ, views.voice, foreseen)
    except OutdatedError:
        return None
    views.tell_faults()
    return status


def _told(error: Exception, arguments: Sequence[str]) -> int:
    """The exit code of an error, which the command line tells as it tells all of them."""
    from exarp.cli.entry import run_cli

    def again() -> int:
        raise error

    return run_cli(arguments, again)
