"""``exarp plan``. Parses, calls the use case, picks the table or the document."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from exarp.cli.invocation import (
    Invocation,
    common_options,
    complete_files,
    current,
    json_option,
    locate_in,
    write,
    write_document,
)
from exarp.cli.offers import complete_words
from exarp.cli.options import jobs_option, override_options, overrides_from
from exarp.cli.selection import opened, parameters_in, selection_options, taken, tell_nothing
from exarp.cli.what_if import changes_from, what_if_option

if TYPE_CHECKING:
    from exarp.app.opening.project import Project
    from exarp.app.plan import Preview
    from exarp.planning.selection import Chosen


@click.command("plan", short_help="Show the waves, what runs beside what, and why not.")
@click.argument("tasks", nargs=-1, shell_complete=complete_words)
@selection_options()
@jobs_option
@override_options
@what_if_option
@click.option("--diff", is_flag=True, help="What would run and why, and what differs from the plan of the last run.")
@click.option(
    "--against",
    metavar="FILE",
    shell_complete=complete_files,
    help="With --diff: against a plan that plan --json printed (- is stdin), not the last run.",
)
@json_option()
@common_options("quiet")
def command(tasks: Sequence[str], changes: Sequence[str], diff: bool, against: str | None, **options: Any) -> int:
    """Show the plan of a run: numbered waves, what may run beside what, and every reason why something may not.

    Takes what `run` would take, else everything. Changes nothing.

    \b
    Examples:
      exarp plan                 the waves of a run without names
      exarp plan release -v      of one task, with the tasks of each wave
      exarp plan --wave 2        of the second wave, and of what it needs
      exarp plan --json          the same for a program
      exarp plan --max-tasks-per-wave 8
      exarp plan --what-if jobs=4 --what-if jobs=8,max_tasks_per_wave=8
      exarp plan --diff          what would run, and what is new since the last run
      exarp plan --diff --against main.json    … since that was saved by plan --json
    """
    from exarp.app.plan import preview
    from exarp.cli.run_views import note, tell_warnings

    invocation = current()
    varied = changes_from(changes)
    if varied and (diff or against):
        raise click.UsageError(
            "--what-if plays runs with other settings, --diff compares the one as it is: say one of them"
        )
    project = opened(tasks, overrides_from(options, parameters_in(tasks)))
    chosen = taken(project, tasks, options, "default or all", running=False)
    tell_warnings(project, invocation.call())
    if tell_nothing(chosen) and not invocation.json:
        return 0
    if diff or against:
        return _diff(invocation, project, chosen, against)
    found = preview(project, chosen, os.environ, look=invocation.json, told=invocation.json or not varied)
    for fault in found.faults:
        note(f"warning: {fault}")
    expected_ms = {task: round(seconds * 1000) for task, seconds in found.expected.items()}
    if varied:
        from exarp.app.what_if import what_if
        from exarp.views.plan import what_if as scenarios

        played = what_if(project, chosen, found.expected, varied)
        if not invocation.json:
            write(scenarios.table(played, invocation.columns(sys.stdout)) + "\n")
            return 0
    if invocation.json:
        from exarp.manifests.reading import not_collecting
        from exarp.views.plan.document import document

        fields = scenarios.fields(played) if varied else ()
        digest = project.manifest.digest
        with not_collecting():
            write_document(
                document(
                    found.plan, project.manifest, found.freshness, expected_ms, digest, fields, restored=found.restored
                )
            )
        return 0
    _show(invocation, project, found, expected_ms)
    return 0


def _show(invocation: Invocation, project: Project, found: Preview, expected_ms: Mapping[str, int]) -> None:
    from exarp.app.wiring import usable_cpus
    from exarp.views.plan.table import Layout, table

    layout = Layout(
        jobs=project.manifest.settings.jobs or usable_cpus(),
        columns=invocation.columns(sys.stdout),
        verbose=invocation.verbosity > 0,
        color=invocation.wants_color(sys.stdout),
    )
    write(table(found.plan, project.manifest, expected_ms, locate_in(project), layout, found.warnings) + "\n")


def _diff(invocation: Invocation, project: Project, chosen: Chosen, against: str | None) -> int:
    from exarp.app.plan import preview
    from exarp.app.plan_diff import against_last_run, against_saved
    from exarp.cli.run_views import note
    from exarp.views.plan import diff

    # Before anything takes long.
    saved = _saved(against) if against else b""
    found = preview(project, chosen, os.environ, look=True, told=invocation.json)
    for fault in found.faults:
        note(f"warning: {fault}")
    if against:
        file = "stdin" if against == "-" else against
        compared = against_saved(saved, file, found.plan, found.freshness, found.restored)
    else:
        compared = against_last_run(project.root, found.plan, found.freshness, found.restored)
    if invocation.json:
        from exarp.manifests.reading import not_collecting
        from exarp.views.plan.document import document

        expected_ms = {task: round(seconds * 1000) for task, seconds in found.expected.items()}
        with not_collecting():
            fields = diff.fields(compared)
            digest = project.manifest.digest
            write_document(
                document(
                    found.plan,
                    project.manifest,
                    found.freshness,
                    expected_ms,
                    digest,
                    diff=fields,
                    restored=found.restored,
                )
            )
        return 0
    shown = diff.lines(
        compared,
        found.plan,
        project.manifest,
        found.freshness,
        datetime.now().astimezone(),
        invocation.wants_color(sys.stdout),
        invocation.verbosity > 0,
        found.restored,
    )
    write("".join(f"{line}\n" for line in shown))
    return 0


def _saved(path: str) -> bytes:
    """A plan that was saved. Raises UsageError."""
    from exarp.errors import Problem, UsageError

    try:
        if path == "-":
            return sys.stdin.buffer.read()
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        message = f"{path} cannot be read: {error.strerror}"
        raise UsageError(Problem("no-saved-plan", message, None, "save one with: exarp plan --json > FILE")) from None
