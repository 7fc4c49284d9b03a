"""A run of which no index tells, of a command line without options of its own: without the machinery that parses options.

Knows what was understood of the command line, and when it is not the one to run it. Prints and ends as ``exarp run`` does, which
a test holds it to.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import partial
from typing import Protocol

from exarp.cli.commands import COMMANDS, taken_words
from exarp.cli.left import Plain, ended


class Asked(Protocol):
    """What was understood of the command line: see ``glance.Asked``."""

    names: list[str]
    jobs: int
    every: bool
    quiet: bool
    keep_going: bool
    bare: bool

    @property
    def key(self) -> tuple[str, ...]:
        """The tasks that are named, ``--all``, or nothing."""


def run_whole(asked: Asked, arguments: Sequence[str]) -> int | None:
    """Run what is asked for; the exit code, or None where the command line has to tell what that means: nothing was done then."""
    if "_EXARP_COMPLETE" in os.environ or (asked.bare and asked.names[0] in taken_words()):
        return None
    return ended(arguments, partial(_run, asked, arguments))


def _run(asked: Asked, arguments: Sequence[str]) -> int | None:
    try:
        folder = os.getcwd()
    except FileNotFoundError:
        return None
    import exarp.cli.lean  # noqa: F401
    from exarp.app.opening.examining import open_project
    from exarp.app.opening.project import Overrides
    from exarp.app.run import RunRequest, run
    from exarp.app.selection.arguments import words_behind
    from exarp.app.selection.parameters import check_parameters
    from exarp.app.selection.targets import choose
    from exarp.cli.run_views import RunViews, note, tell_warnings
    from exarp.model.call import Call
    from exarp.planning.selection import Wanted

    project = open_project(folder, None, os.environ, Overrides(jobs=asked.jobs or None))
    if project.manifest.settings.secrets:
        # What is said is masked there.
        return None
    wanted = Wanted(names=tuple(asked.names), every=asked.every)
    chosen = choose(project, wanted, "default", COMMANDS if asked.bare else (), os.environ)
    check_parameters(project, chosen, {}, running=True)
    if chosen.nothing:
        note(chosen.nothing)
        return 0
    call = Call(behind=words_behind(project, chosen))
    request = RunRequest(
        chosen=chosen,
        keep_going=asked.keep_going,
        own_jobs=bool(asked.jobs),
        stay=not asked.every,
        command=("exarp", *arguments),
        call=call,
        asked=asked.key,
        plain=True,
        told=tell_warnings(project, Call()),
        commands=taken_words(),
    )
    views = RunViews(Plain(asked.quiet), project, call)
    status = run(project, request, os.environ, views.voice)
    views.tell_faults()
    return status
