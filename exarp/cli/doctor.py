"""``exarp doctor``. Parses, looks at the machine, prints what it is like."""

from __future__ import annotations

import os
import sys

import click

from exarp.cli.invocation import common_options, current, json_option, write, write_bytes


@click.command("doctor", short_help="Tell what of this machine exarp can use.")
@json_option()
@common_options("verbose")
def command() -> int:
    """Look at this machine and at the workspace: what exarp needs and can use, and what to do where something is missing. Exit
    code 1 where something keeps exarp from working. Changes nothing.

    \b
    Examples:
      exarp doctor
      exarp doctor -q              only what is not well
    """
    from exarp.app.doctor import examine_machine
    from exarp.errors import ManifestError
    from exarp.views.problems.findings import document, lines

    invocation = current()
    try:
        root = invocation.root()
    except ManifestError:
        if invocation.file is not None:
            raise
        root = invocation.folder
    findings = examine_machine(root, os.environ, sys.stderr.isatty(), invocation.manifest_path, invocation.folder)
    if invocation.json:
        write_bytes(document(findings))
    else:
        told = lines(findings, invocation.wants_color(sys.stdout), invocation.verbosity < 0)
        write("".join(f"{line}\n" for line in told))
    return int(any(finding.state == "error" for finding in findings))
