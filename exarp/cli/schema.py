"""``exarp schema``. Prints the JSON Schema of a manifest, or of what a recovery agent is told."""

from __future__ import annotations

import click

from exarp.cli.invocation import common_options, current, refuse_file, write_bytes


@click.command("schema", short_help="Print the JSON Schema of a manifest.")
@click.argument("what", required=False, default="manifest", type=click.Choice(["manifest", "recovery-context"]))
@common_options("file", "directory", "quiet", "verbose", "color")
def command(what: str) -> int:
    """Print the JSON Schema of a manifest, made from the structs that read it, for editors and other programs; or, with
    `recovery-context`, of the file that a recovery agent is given.

    \b
    Examples:
      exarp schema > exarp.schema.json
      exarp schema recovery-context
    """
    refuse_file(current(), "schema")
    from exarp.app.schema import schema

    write_bytes(schema(what))
    return 0
