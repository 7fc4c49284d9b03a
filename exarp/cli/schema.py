"""``exarp schema``. Prints the manifest's JSON Schema."""

from __future__ import annotations

import click

from exarp.cli.invocation import common_options, current, refuse_file, write_bytes


@click.command("schema", short_help="Print the JSON Schema of a manifest.")
@common_options("file", "directory", "quiet", "verbose", "color")
def command() -> int:
    """Print the JSON Schema of a manifest, made from the structs that read it, for editors and other programs.

    \b
    Examples:
      exarp schema > exarp.schema.json
    """
    refuse_file(current(), "schema")
    from exarp.app.schema import schema

    write_bytes(schema())
    return 0
