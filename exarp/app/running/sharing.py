"""How the commands of a run share its job slots with what they start, and with what exarp was started by.

Knows when exarp makes a jobserver, when it joins one that its caller has, and which commands find it. Does not know pipes
(``hosts.jobserver``) or words (``model.makeflags``), and starts nothing.

Nobody gets a jobserver who may outlast the run (daemons, services): nor do these take a job slot as long as they go on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from exarp.app.ports import Tokens
from exarp.model.choice import JobserverStyle
from exarp.model.makeflags import NAMES, Jobserver, environment_with, jobserver_in
from exarp.model.task import Task


class Sharing(msgspec.Struct):
    """``tokens``: None where exarp keeps its slots for itself; then no command finds a jobserver, not even one that its caller
    has, for it could not use it."""

    tokens: Tokens | None = None

    @property
    def descriptors(self) -> tuple[int, ...]:
        """What those must inherit that take part."""
        return self.tokens.shared if self.tokens is not None else ()

    def close(self) -> None:
        """Give back what was taken, whatever has happened."""
        if self.tokens is not None:
            self.tokens.close()

    def takes_part(self, task: Task) -> bool:
        """Whether a task's commands use the jobserver."""
        return self.tokens is not None and task.service is None and not task.daemon

    def told(self, environ: Mapping[str, str]) -> Mapping[str, str]:
        """The environment of those that take part."""
        return environment_with(environ, self.tokens.told if self.tokens is not None else "")

    def untold(self, environ: Mapping[str, str]) -> Mapping[str, str]:
        """That of the others."""
        return environment_with(environ, "")


def sharing(
    style: JobserverStyle,
    jobs: int,
    is_own: bool,
    environ: Mapping[str, str],
    folder: str,
    note: Callable[[str], None],
) -> Sharing:
    """How a run of so many ``jobs`` shares them. ``is_own``: how many was typed, and no caller is asked for more or less;
    ``folder``: absolute, of this run alone. What could not be had is told by ``note``."""
    if style == "none":
        return Sharing()
    named = None if is_own else jobserver_of(environ)
    from exarp.hosts import jobserver

    if named is not None:
        joined = jobserver.join(named)
        if joined is not None:
            return Sharing(joined)
        note(
            "note: MAKEFLAGS names a jobserver, but make keeps it from this command: put + before the command in the recipe, "
            f"or say -j to exarp; until then it runs {jobs} at once of its own"
        )
    try:
        made = jobserver.make_fifo(jobs, folder) if style == "fifo" else jobserver.make_pipe(jobs)
    except OSError as error:
        note(f"note: makes and cargos in tasks share no jobs: their jobserver could not be made: {error.strerror}")
        return Sharing()
    return Sharing(made)


def jobserver_of(environ: Mapping[str, str]) -> Jobserver | None:
    """The jobserver that the caller names; MAKEFLAGS counts before what cargo says."""
    found = (jobserver_in(environ[name]) for name in NAMES if name in environ)
    return next((named for named in found if named is not None), None)
