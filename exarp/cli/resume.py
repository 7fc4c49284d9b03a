"""``exarp resume``. Parses, calls an earlier run's command again."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence

import click

from exarp.cli.invocation import Invocation, common_options, current, json_option
from exarp.cli.offers import complete_runs

# Runs among which one is looked for that did not come to its end.
_LOOKED_AT = 50


@click.command("resume", short_help="Go on with a run that failed, or was ended.")
@click.argument("run", required=False, shell_complete=complete_runs)
@json_option("Print one JSON document at the end; task output goes to stderr.")
@common_options()
def command(run: str | None) -> int:
    """Go on with RUN (see `exarp history`), or with the last run: the same tasks, options and arguments, called in the same
    folder. What succeeded in it is not run again, also where it declares nothing, unless something that it depends on has
    changed. What the manifest makes other than that run had it is said. The exit code is that of `exarp run`.

    \b
    Examples:
      exarp resume
      exarp resume 41
    """
    from exarp.app.resume import find_resumable, folder_of
    from exarp.cli.commands import COMMANDS
    from exarp.cli.entry import carry_out, first_word
    from exarp.cli.invocation import write_bytes
    from exarp.cli.run_views import note
    from exarp.views.escape import name
    from exarp.views.history.document import status_document

    invocation = current()
    root = invocation.root()
    row, resumed = find_resumable(root, run, COMMANDS, first_word)
    if row.outcome in ("passed", "up_to_date"):
        if invocation.json:
            write_bytes(status_document([row]))
        if invocation.verbosity >= 0:
            note(f"run {row.id} has passed: there is nothing to go on with{_another(root, run)}")
        return 0
    folder, here = folder_of(root, resumed), os.getcwd()
    os.chdir(folder)
    again = Invocation(_with_own(resumed.arguments, invocation))
    again.resumed = resumed
    if invocation.verbosity >= 0:
        where = "" if os.path.samefile(folder, here) else f" in {os.path.relpath(folder, here)}"
        note(f"going on with run {row.id}{where}: {name(shlex.join(('exarp', *resumed.arguments)))}")
    return carry_out(again)


def _another(root: str, run: str | None) -> str:
    """A run that did not come to its end, where another one has since: what runs beside others may."""
    from exarp.app.history import runs

    died = next((row.id for row in runs(root, _LOOKED_AT) if row.outcome == "died"), None) if run is None else None
    return f"; run {died} died: exarp resume {died}" if died is not None else ""


def _with_own(arguments: Sequence[str], invocation: Invocation) -> tuple[str, ...]:
    """The earlier command line with the options about what is shown that this one has."""
    at = arguments.index("--") if "--" in arguments else len(arguments)
    own = ["--json"] * (invocation.json and "--json" not in arguments[:at])
    own += ["-v"] * max(0, invocation.verbosity) + ["-q"] * max(0, -invocation.verbosity)
    own += ["--color", invocation.color] if invocation.color != "auto" else []
    return (*arguments[:at], *own, *arguments[at:])
