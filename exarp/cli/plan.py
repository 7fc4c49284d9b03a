"""``exarp plan``. Parses, calls the use case, picks the table or the document."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Any

import click

from exarp.cli.invocation import common_options, current, json_option, locate_in, write, write_bytes
from exarp.cli.offers import complete_words
from exarp.cli.options import jobs_option, override_options, overrides_from
from exarp.cli.selection import opened, parameters_in, selection_options, taken, tell_nothing
from exarp.cli.what_if import changes_from, what_if_option


@click.command("plan", short_help="Show the waves, what runs beside what, and why not.")
@click.argument("tasks", nargs=-1, shell_complete=complete_words)
@selection_options()
@jobs_option
@override_options
@what_if_option
@json_option()
@common_options("quiet")
def command(tasks: Sequence[str], changes: Sequence[str], **options: Any) -> int:
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
    """
    from exarp.app.plan import preview
    from exarp.cli.run_views import note, tell_warnings

    invocation = current()
    varied = changes_from(changes)
    project = opened(tasks, overrides_from(options, parameters_in(tasks)))
    chosen = taken(project, tasks, options, "default or all", running=False)
    tell_warnings(project, invocation.call())
    if tell_nothing(chosen) and not invocation.json:
        return 0
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
            write_bytes(document(found.plan, project.manifest, found.freshness, expected_ms, digest, fields))
        return 0
    from exarp.app.wiring import usable_cpus
    from exarp.views.plan.table import Layout, table

    layout = Layout(
        jobs=project.manifest.settings.jobs or usable_cpus(),
        columns=invocation.columns(sys.stdout),
        verbose=invocation.verbosity > 0,
        color=invocation.wants_color(sys.stdout),
    )
    write(table(found.plan, project.manifest, expected_ms, locate_in(project), layout, found.warnings) + "\n")
    return 0
