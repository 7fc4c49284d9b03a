"""``exarp list``. Parses, reads the manifest, prints the tasks."""

from __future__ import annotations

import sys

import click

from exarp.cli.invocation import common_options, current, json_option, write, write_bytes


@click.command("list", short_help="List the tasks with their descriptions.")
@json_option()
@common_options("quiet", "verbose")
def command() -> int:
    """List the manifest's tasks with their descriptions, as they are written.

    \b
    Examples:
      exarp list
      exarp list --json
    """
    invocation = current()
    manifest = invocation.project().manifest
    if invocation.json:
        from exarp.views.task_list import document

        write_bytes(document(manifest.tasks))
    else:
        from exarp.views.task_list import lines

        columns = invocation.columns(sys.stdout)
        write("".join(f"{line}\n" for line in lines(manifest.tasks, columns, invocation.wants_color(sys.stdout))))
    return 0
