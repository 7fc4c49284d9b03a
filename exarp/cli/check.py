"""``exarp check``. Parses, has the manifest mended and examined, prints what was mended, and what is wrong or doubtful."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, TextIO

import click
from click.core import ParameterSource

from exarp.cli.invocation import common_options, current, json_option, write, write_bytes

if TYPE_CHECKING:
    from exarp.errors import Problem


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
@click.option("--fix", "fix", is_flag=True, help="First mend what is surely a slip: nothing else in the files changes.")
@json_option("Print one JSON document, as --format json does.")
@common_options("verbose")
def command(strict: bool, form: str, fix: bool) -> int:
    """Check the manifest: errors (exit code 3), and doubts (exit code 0, with --strict 1): markings that do not hold,
    tasks that may not run together, and tasks that do not declare their files, in waves that are marked parallel (any
    task where the manifest says trust = "proof").

    With --fix, misspelt keys and words, and values that lack only their quotes or brackets, are first put right in the
    manifest and what it includes; the exit code is that of what is left.

    \b
    Examples:
      exarp check
      exarp check --fix
      exarp check --strict --json
      exarp check --format sarif > exarp.sarif
    """
    from exarp.app.check import check

    invocation = current()
    given = click.get_current_context().get_parameter_source("form")
    if invocation.json and form != "json":
        if given is ParameterSource.COMMANDLINE:
            raise click.UsageError(f"--json and --format {form} exclude each other")
        form = "json"
    mended: list[Problem] | None = None
    if fix:
        from exarp.app.fix import fix as mend

        mended = mend(invocation.folder, invocation.manifest_path)
    problems = check(invocation.folder, invocation.manifest_path)
    errors = any(problem.severity == "error" for problem in problems)
    doubts = any(problem.severity != "error" for problem in problems)
    status = 3 if errors else 1 if strict and doubts else 0
    _show(problems, mended, form, status)
    return status


def _show(problems: list[Problem], mended: list[Problem] | None, form: str, status: int) -> None:
    folder = current().folder
    if form == "json":
        from exarp.views.problems.problem import findings

        write_bytes(findings(problems, status, mended))
    elif form == "github":
        from exarp.views.problems.github import workflow_commands

        write(workflow_commands(problems, _seen(folder), mended or ()))
    elif form == "sarif":
        from exarp.views.problems.sarif import sarif

        # Its readers are told what there is; who waits for the command, what there was.
        _tell_mended(mended or [], sys.stderr)
        write_bytes(sarif(problems, _seen(folder)))
    else:
        _tell_mended(mended or [], sys.stdout)
        _tell(problems, has_fixed=mended is not None)


def _tell(problems: list[Problem], has_fixed: bool) -> None:
    """As text, with how many of the problems ``--fix`` would mend."""
    from exarp.views.problems.problem import render_all

    invocation = current()
    if problems:
        hint = invocation.outer_hint(problems)
        write(render_all(problems, invocation.wants_color(sys.stdout), None, invocation.columns(sys.stdout)) + "\n")
        click.echo(hint, nl=False, err=True)
    elif invocation.verbosity >= 0:
        write("no errors, no doubts\n")
    if not has_fixed and invocation.verbosity >= 0 and any(problem.fix is not None for problem in problems):
        from exarp.app.fix import fixable
        from exarp.views.problems.fixed import offer

        if count := fixable(invocation.folder, invocation.manifest_path):
            # It is no part of the report, which others may read.
            click.echo(offer(count, invocation.call().of("check", "--fix")), err=True)


def _tell_mended(mended: list[Problem], stream: TextIO) -> None:
    """A line each, where they are not to be kept quiet."""
    from exarp.views.problems.fixed import lines

    invocation = current()
    for line in lines(mended, invocation.wants_color(stream)) if invocation.verbosity >= 0 else ():
        click.echo(line, file=stream)


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
