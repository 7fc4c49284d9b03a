"""``exarp show``. Parses, reads the manifest, prints one task resolved."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from exarp.cli.invocation import Invocation, common_options, complete_tasks, current, json_option, write, write_document
from exarp.cli.offers import complete_words
from exarp.cli.options import overrides_from, set_option
from exarp.cli.selection import parameters_in

if TYPE_CHECKING:
    from exarp.model.manifest import Manifest


@click.command("show", short_help="Show one task with every default filled in.")
@click.argument("task", shell_complete=complete_tasks)
@click.argument("parameters", nargs=-1, metavar="[NAME=VALUE]...", shell_complete=complete_words)
@set_option
@json_option()
@click.option("--shell", is_flag=True, help="What it executes, as lines to paste into a shell.")
@common_options("quiet", "verbose", "color")
def command(task: str, parameters: Sequence[str], variables: Sequence[str], shell: bool) -> int:
    """Show TASK with variables and defaults filled in, the files that $in and $out stand for (as its commands see them,
    from the task's folder), what it waits for, and the variables that count for it with where they come from.

    \b
    Examples:
      exarp show link
      exarp show link --json
      exarp show release version=1.2
      exarp show link --set arch=arm64
      exarp show link --shell
      exarp show cc              of a matrix: its tasks
      exarp show cc@src/main.c
    """
    from exarp.app.selection.parameters import check_parameters
    from exarp.app.selection.targets import known_targets
    from exarp.app.show import show
    from exarp.planning.selection import Chosen

    invocation = current()
    if invocation.json and shell:
        raise click.UsageError("--json and --shell exclude each other")
    given = parameters_in(parameters)
    if len(given) < len(parameters):
        raise click.UsageError("one task is shown at a time; parameters are written NAME=VALUE")
    project = invocation.project(overrides_from({"variables": variables}, given))
    if task in project.manifest.instances and not shell:
        _show_matrix(invocation, task, project.manifest)
        return 0
    check_parameters(project, Chosen(known_targets(project, [task]), project.graph), given, running=False)
    sheet = show(project, task, os.environ)
    if invocation.json:
        from exarp.views.tasks.sheet import document

        write_document(document(sheet))
    elif shell:
        from exarp.views.tasks.shell import shell_lines

        write("".join(f"{line}\n" for line in shell_lines(sheet)))
    else:
        from exarp.views.tasks.sheet import lines

        write("".join(f"{line}\n" for line in lines(sheet)))
    return 0


def _show_matrix(invocation: Invocation, name: str, manifest: Manifest) -> None:
    from exarp.views.tasks.sheet import matrix_document, matrix_lines

    instances = manifest.instances[name]
    if invocation.json:
        write_document(matrix_document(name, instances))
    else:
        write("".join(f"{line}\n" for line in matrix_lines(name, instances)))
