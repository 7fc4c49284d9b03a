"""``exarp init``. Parses, writes a first manifest."""

from __future__ import annotations

import click

from exarp.cli.invocation import common_options, current, write


@click.command("init", short_help="Write a first exarp.toml here.")
@click.option("--force", is_flag=True, help="Replace a manifest that is here already.")
@common_options("verbose", "color")
def command(force: bool) -> int:
    """Write an exarp.toml (or the FILE of -f) with two small tasks, ready to run and to be changed.

    \b
    Examples:
      exarp init && exarp run
    """
    from exarp.app.init import init
    from exarp.views.escape import name

    invocation = current()
    path = init(invocation.folder, invocation.file, force)
    if invocation.verbosity >= 0:
        write(f"wrote {name(path)}\nrun it with: {name(invocation.call().run())}\n")
    return 0
