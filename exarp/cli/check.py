"""``exarp check``. Parses, examines the manifest, prints what is wrong or doubtful."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

import click
from click.core import ParameterSource

from exarp.cli.invocation import common_options, current, json_option, write, write_bytes


@click.command("check", short_help="Find errors and doubts in the manifest.")
@click.option("--strict", is_flag=True, help="Exit with 1 where there are doubts.")
@click.option(
    "--format",
    "form",
    type=click.Choice(("text", "json", "github", "sarif")),
    default="text",
    show_default=True,
    help="How problems are printed: for people, for programs, as annotations of GitHub, as SARIF.",
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
      exarp check --format sarif > exarp.sarif
    """
    from exarp.app.check import check
    from exarp.views.problems.problem import findings, render_all

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
    elif form == "github":
        from exarp.views.problems.github import workflow_commands

        write(workflow_commands(problems, _seen(invocation.folder)))
    elif form == "sarif":
        from exarp.views.problems.sarif import sarif

        write_bytes(sarif(problems, _seen(invocation.folder)))
    elif problems:
        hint = invocation.outer_hint(problems)
        write(render_all(problems, invocation.wants_color(sys.stdout), None, invocation.columns(sys.stdout)) + "\n")
        click.echo(hint, nl=False, err=True)
    elif invocation.verbosity >= 0:
        write("no errors, no doubts\n")
    return status


def _seen(folder: str) -> Callable[[str], str]:
    """How a file that messages name from ``folder`` is called from the root of the repository, where annotations belong."""
    top = os.environ.get("GITHUB_WORKSPACE") or _top(folder)

    def seen(file: str) -> str:
        path = os.path.join(folder, file)
        found = os.path.relpath(path, top)
        return path if found.startswith("..") else found

    return seen


def _top(folder: str) -> str:
    """The git root above ``folder``; ``folder`` itself where there is none."""
    found = folder
    while not os.path.exists(os.path.join(found, ".git")):
        if os.path.dirname(found) == found:
            return folder
        found = os.path.dirname(found)
    return found
