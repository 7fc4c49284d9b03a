"""``exarp show``. Parses, reads the manifest, prints one task resolved."""

from __future__ import annotations

import os

import click

from exarp.cli.invocation import common_options, complete_tasks, current, json_option, write, write_bytes


@click.command("show", short_help="Show one task with every default filled in.")
@click.argument("task", shell_complete=complete_tasks)
@json_option()
@click.option("--shell", is_flag=True, help="What it executes, as lines to paste into a shell.")
@common_options("quiet", "verbose", "color")
def command(task: str, shell: bool) -> int:
    """Show TASK with variables and defaults filled in, the files that $in and $out stand for (as its commands see them,
    from the task's folder), what it waits for, and the variables that count for it with where they come from.

    \b
    Examples:
      exarp show link
      exarp show link --json
      exarp show link --shell
    """
    from exarp.app.show import show

    invocation = current()
    if invocation.json and shell:
        raise click.UsageError("--json and --shell exclude each other")
    sheet = show(invocation.project(), task, os.environ)
    if invocation.json:
        from exarp.views.task_sheet import document

        write_bytes(document(sheet))
    elif shell:
        from exarp.views.task_shell import shell_lines

        write("".join(f"{line}\n" for line in shell_lines(sheet)))
    else:
        from exarp.views.task_sheet import lines

        write("".join(f"{line}\n" for line in lines(sheet)))
    return 0
