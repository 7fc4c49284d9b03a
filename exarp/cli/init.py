"""``exarp init``. Parses, writes a first manifest."""

from __future__ import annotations

import click

from exarp.cli.invocation import common_options, current, write


@click.command("init", short_help="Write a first exarp.toml here.")
@click.option("--force", is_flag=True, help="Replace an exarp.toml that is here already.")
@common_options
def command(force: bool) -> int:
    """Write an exarp.toml with two small tasks, ready to run and to be changed.

    \b
    Examples:
      exarp init && exarp run
    """
    from exarp.app.init import init

    invocation = current()
    path = init(invocation.folder, force)
    if invocation.verbosity >= 0:
        write(f"wrote {path}\nrun it with: exarp run\n")
    return 0
