"""``exarp list``. Parses, reads the manifest, prints the tasks."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import click

from exarp.cli.invocation import common_options, current, json_option, write, write_document
from exarp.cli.offers import complete_words
from exarp.cli.options import overrides_from, set_option
from exarp.cli.selection import opened, parameters_in, selection_options, taken, tell_nothing


@click.command("list", short_help="List the tasks with their descriptions.")
@click.argument("tasks", nargs=-1, shell_complete=complete_words)
@selection_options("every", "only")
@set_option
@json_option()
@common_options("quiet")
def command(tasks: Sequence[str], **options: Any) -> int:
    """List the manifest's tasks, or TASKS of them, with their descriptions, as they are written.

    \b
    Examples:
      exarp list
      exarp list 'test:*'
      exarp list --tag slow
      exarp list -v              also each task of a matrix
      exarp list --json
    """
    invocation = current()
    project = opened(tasks, overrides_from(options, parameters_in(tasks)))
    chosen = taken(project, tasks, options, "all", running=False)
    tell_nothing(chosen)
    named = frozenset(chosen.targets)
    listed = [task for task in project.manifest.tasks if task.name in named]
    # Asked for more, each task of a matrix has its own line.
    matrices = {} if invocation.verbosity > 0 else project.manifest.instances
    if invocation.json:
        from exarp.views.tasks.list import document

        write_document(document(listed, project.manifest.instances))
    else:
        from exarp.views.tasks.list import lines

        columns, color = invocation.columns(sys.stdout), invocation.wants_color(sys.stdout)
        write("".join(f"{line}\n" for line in lines(listed, columns, color, matrices, project.manifest.blocked)))
    return 0
