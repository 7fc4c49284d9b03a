"""``exarp explain``. Parses, asks why a task would run, words it."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from datetime import datetime

import click

from exarp.cli.invocation import (
    Invocation,
    common_options,
    complete_tasks,
    current,
    json_option,
    locate_in,
    write,
    write_document,
)
from exarp.cli.offers import complete_words
from exarp.cli.options import overrides_from, set_option
from exarp.cli.selection import opened, parameters_in


@click.command("explain", short_help="Say whether a task would run now, and why.")
@click.argument("task", shell_complete=complete_tasks)
@click.argument("parameters", nargs=-1, metavar="[NAME=VALUE]...", shell_complete=complete_words)
@click.option("--last", is_flag=True, help="Why it ran the last time.")
@set_option
@json_option()
@common_options("quiet")
def command(task: str, parameters: Sequence[str], last: bool, variables: Sequence[str]) -> int:
    """Say whether TASK would run now, and why: every input, variable, output and need that differs from its last success,
    and the run that recorded that. Of variables names are told, never values. Changes nothing.

    Exit code 0 whether it would run or not: `would_run` of --json tells.

    \b
    Examples:
      exarp explain link
      exarp explain link -v                every difference, however many
      exarp explain link --last            why it ran the last time
      exarp explain release version=1.2    with a parameter
      exarp explain link --json
    """
    invocation = current()
    given = parameters_in(parameters)
    if len(given) < len(parameters):
        raise click.UsageError("one task is explained at a time; parameters are written NAME=VALUE")
    project = opened((task, *parameters), overrides_from({"variables": variables}, given))
    now = datetime.now().astimezone()
    if last:
        from exarp.app.explain import last_run
        from exarp.views.tasks.explanation import last_document, last_lines

        row = last_run(project, task)
        _show(invocation, last_document(task, row), last_lines(row, now, invocation.wants_color(sys.stdout)))
        return 0
    from exarp.app.explain import explain
    from exarp.app.selection.parameters import check_parameters
    from exarp.app.selection.targets import known_targets
    from exarp.cli.run_views import note
    from exarp.planning.selection import Chosen
    from exarp.views.tasks.explanation import document, lines

    check_parameters(project, Chosen(known_targets(project, [task]), project.graph), given, running=False)
    found = explain(project, task, os.environ)
    for fault in found.faults:
        note(f"warning: {fault}")
    color, verbose = invocation.wants_color(sys.stdout), invocation.verbosity > 0
    _show(invocation, document(found), lines(found, now, locate_in(project), color, verbose))
    return 0


def _show(invocation: Invocation, as_json: bytes, shown: Sequence[str]) -> None:
    if invocation.json:
        write_document(as_json)
    else:
        write("".join(f"{line}\n" for line in shown))
