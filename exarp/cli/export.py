"""``exarp export``. Parses, writes statuses back, prints what was changed."""

from __future__ import annotations

import click

from exarp.cli.invocation import common_options, current, json_option, write, write_bytes


@click.command("export", short_help="Write what was done back into a task state.")
@click.argument("tool", type=click.Choice(("todo2",)))
@click.option(
    "--to", metavar="PATH", type=click.Path(), help="The state, or its folder (default: .todo2 of the workspace)."
)
@click.option("-n", "--dry-run", "dry_run", is_flag=True, help="Say what would be changed.")
@json_option()
@common_options("verbose", "color")
def command(tool: str, to: str | None, dry_run: bool) -> int:
    """Write back the statuses of todo2's tasks that have the name of a task here: Done where that succeeded and has not failed
    since, In Progress while it runs. Only tasks that are Todo or In Progress are changed; all else in the state stays as it is.

    \b
    Examples:
      exarp export todo2 -n
      exarp export todo2 --to .todo2/state.todo2.json
    """
    from exarp.app.export_todo2 import export_todo2
    from exarp.views.exported import document, lines

    invocation = current()
    exported = export_todo2(invocation.project(), invocation.folder, to, dry_run)
    if invocation.json:
        write_bytes(document(exported, dry_run))
    elif invocation.verbosity >= 0:
        write("".join(f"{line}\n" for line in lines(exported, dry_run)))
    return 0
