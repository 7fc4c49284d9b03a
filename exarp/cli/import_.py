"""``exarp import``. Parses, converts another tool's file, tells what was not converted."""

from __future__ import annotations

import os

import click

from exarp.cli.invocation import common_options, current, write

TOOLS = ("make", "just", "taskfile", "npm", "todo2", "phases")


@click.command("import", short_help="Convert another tool's file to a manifest.")
@click.argument("tool", type=click.Choice(TOOLS))
@click.argument("source", metavar="[FILE|FOLDER]", required=False, type=click.Path())
@click.option("--to", default="exarp.toml", show_default=True, help="The manifest to write; - prints it.")
@click.option("--shell", is_flag=True, help="Run the shell commands now that a Makefile rests on, as make would.")
@click.option("--force", is_flag=True, help="Replace a manifest that is there already.")
@common_options("color", "file", "verbose")
def command(tool: str, source: str | None, to: str, shell: bool, force: bool) -> int:
    """Convert what another tool's FILE says to a manifest that passes `exarp check`; what has no counterpart is listed, with
    its line and the reason, here and at the manifest's end. Nothing of the file is run (but with --shell); what depends on this
    machine, as conditions and wildcards, is decided now.

    Plans and task states (phases takes wave plans too) say what is to be done in words. Their tasks keep order, waves and files,
    and fail until each says how it is done: put run = "…" in the place of extends = "unwritten".

    \b
    Examples:
      exarp import make
      exarp import make build.mk --to exarp.toml
      exarp import phases .planning/phases
    """
    from exarp.app.import_manifest import import_manifest
    from exarp.views.imported import imported

    invocation = current()
    folder = invocation.folder
    target = None if to == "-" else os.path.join(folder, to)
    found = import_manifest(tool, folder, source, target, force, os.environ, shell)
    if target is None:
        write(found.text)
    click.echo(imported(found, to, invocation.verbosity), err=True, nl=False)
    return 0
