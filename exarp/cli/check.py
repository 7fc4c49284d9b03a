"""``exarp check``. Parses, examines the manifest, prints what is wrong or doubtful."""

from __future__ import annotations

import sys

import click
from click.core import ParameterSource

from exarp.cli.invocation import common_options, current, json_option, write, write_bytes
from exarp.cli.later import Formats


@click.command("check", short_help="Find errors and doubts in the manifest.")
@click.option("--strict", is_flag=True, help="Exit with 1 where there are doubts.")
@click.option(
    "--format",
    "form",
    type=Formats(("text", "json"), ("github", "sarif")),
    default="text",
    help="How problems are printed.",
)
@json_option("Print one JSON document, as --format json does.")
@common_options("verbose")
def command(strict: bool, form: str) -> int:
    """Check the manifest: errors (exit code 3), and doubts (exit code 0, with --strict 1): markings that do not hold,
    tasks that may not run together, and tasks that do not declare their files, in waves that are marked parallel (any
    task where the manifest says trust = "proof").

    \b
    Examples:
      exarp check
      exarp check --strict --json
    """
    from exarp.app.check import check
    from exarp.views.problem import findings, render_all

    invocation = current()
    given = click.get_current_context().get_parameter_source("form")
    if invocation.json and form != "json" and given is ParameterSource.COMMANDLINE:
        raise click.UsageError(f"--json and --format {form} exclude each other")
    problems = check(invocation.folder, invocation.manifest_path)
    errors = any(problem.severity == "error" for problem in problems)
    doubts = any(problem.severity != "error" for problem in problems)
    status = 3 if errors else 1 if strict and doubts else 0
    if form == "json" or invocation.json:
        write_bytes(findings(problems, status))
    elif problems:
        write(render_all(problems, invocation.wants_color(sys.stdout), None, invocation.columns(sys.stdout)) + "\n")
    elif invocation.verbosity >= 0:
        write("no errors, no doubts\n")
    return status
