"""What the command line's contract has and this version has not: told as such, not as a slip of the pen.

Knows the names of later commands and options. Does not know what they will do.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from exarp.cli.commands import LATER_COMMANDS

if TYPE_CHECKING:
    from exarp.cli.invocation import Invocation
    from exarp.errors import UsageError

OPTIONS: dict[str, tuple[str, ...]] = {
    "run": ("--profile", "--junit"),
    "graph": ("--html",),
}


def not_yet(what: str, step: str) -> UsageError:
    """The refusal of something that a later version will do."""
    from exarp.errors import Problem, UsageError

    return UsageError(Problem("not-supported-yet", f"{what} is not supported yet", None, step))


def later_option(error: click.NoSuchOption) -> UsageError | None:
    """The refusal of an unknown option, if the contract has it for this command."""
    command = error.ctx.command.name if error.ctx is not None else None
    if command is None or error.option_name not in OPTIONS.get(command, ()):
        return None
    return not_yet(f"{error.option_name} of `exarp {command}`", f"`exarp {command} --help` shows what is")


def refuse_later_command(invocation: Invocation) -> None:
    """Raises UsageError where the first word is a later command, and no task has its name; ManifestError where nobody can
    say what tasks there are, for the manifest is wrong."""
    from exarp.app.opening.examining import examine
    from exarp.errors import ManifestError

    word = invocation.first_word
    if word not in LATER_COMMANDS:
        return
    try:
        project, _ = examine(invocation.folder, invocation.manifest_path, os.environ)
    except ManifestError as error:
        if any(problem.slug != "no-manifest" for problem in error.problems):
            raise
    else:
        if word in project.graph.ids:
            return
    raise not_yet(f"the command `exarp {word}`", "`exarp --help` shows the commands")
