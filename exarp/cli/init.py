"""``exarp init``. Parses, writes a first manifest."""

from __future__ import annotations

import os

import click

from exarp.cli.invocation import common_options, current, write


@click.command("init", short_help="Write a first exarp.toml here.")
@click.option("--force", is_flag=True, help="Replace a manifest that is here already.")
@common_options("verbose", "color")
def command(force: bool) -> int:
    """Look at what is here and write an exarp.toml (or the FILE of -f) that runs: what a Makefile, justfile, Taskfile or
    package.json says, else tasks for the language of the files, else two small tasks to begin with.

    \b
    Examples:
      exarp init && exarp run
    """
    from exarp.app.init import init
    from exarp.views.imported import begun

    invocation = current()
    found = init(invocation.folder, invocation.file, force, os.environ)
    write(begun(found, invocation.call(), invocation.verbosity))
    return 0
