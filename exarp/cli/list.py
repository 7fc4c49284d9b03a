"""``exarp list``. Parses, reads the manifest, prints the tasks."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import click

from exarp.cli.invocation import common_options, complete_tasks, current, json_option, write, write_bytes
from exarp.cli.selection import selection_options, wanted_from


@click.command("list", short_help="List the tasks with their descriptions.")
@click.argument("tasks", nargs=-1, shell_complete=complete_tasks)
@selection_options("every", "only")
@json_option()
@common_options("quiet", "verbose")
def command(tasks: Sequence[str], **options: Any) -> int:
    """List the manifest's tasks, or TASKS of them, with their descriptions, as they are written.

    \b
    Examples:
      exarp list
      exarp list 'test:*'
      exarp list --tag slow
      exarp list --json
    """
    from exarp.app.targets import choose

    invocation = current()
    project = invocation.project()
    chosen = choose(project, wanted_from(tasks, options), "all")
    named = frozenset(chosen.targets)
    listed = [task for task in project.manifest.tasks if task.name in named]
    if invocation.json:
        from exarp.views.task_list import document

        write_bytes(document(listed))
    else:
        from exarp.views.task_list import lines

        columns = invocation.columns(sys.stdout)
        write("".join(f"{line}\n" for line in lines(listed, columns, invocation.wants_color(sys.stdout))))
    return 0
