"""``exarp clean``. Parses, calls the use case, words what was removed."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import click

from exarp.cli.invocation import common_options, complete_tasks, current, json_option, write, write_bytes


@click.command("clean", short_help="Remove what tasks have made.")
@click.argument("tasks", nargs=-1, shell_complete=complete_tasks)
@click.option("--stale", is_flag=True, help="What was made by tasks that are no more, or is no longer declared.")
@click.option("-n", "--dry-run", is_flag=True, help="Say what would be removed; remove nothing.")
@click.option("--no-wait", is_flag=True, help="If a run holds these tasks, exit with 5 at once.")
@json_option()
@common_options()
def command(tasks: Sequence[str], stale: bool, dry_run: bool, no_wait: bool) -> int:
    """Remove the outputs of TASKS, and their depfiles; without names those of all tasks. What they need is left alone; of a task
    that only gathers others, what those have made is removed.

    Of an output folder all goes that is exarp's to empty; of globs, and of folders with `keep_outputs`, what the last success
    recorded. Then folders that are empty. Never removed: what git tracks, what tasks only modify, and anything outside of the
    workspace. Successes stay recorded.

    --stale removes what earlier runs made and no task declares any more, if it is as exarp made it.

    \b
    Examples:
      exarp clean                what all tasks have made
      exarp clean link 'cc@*'    of these tasks
      exarp clean -n             what would be removed
      exarp clean --stale        what is left of tasks that are no more
      exarp run clean            your own task of that name
    """
    from exarp.app.clean import CleanRequest, clean
    from exarp.app.selection.targets import cleaned_targets
    from exarp.cli.run_views import note, told_to_pretend
    from exarp.views.cleaned import document, lines

    invocation = current()
    if stale and tasks:
        raise click.UsageError("--stale is about tasks that are no more: name none")
    project = invocation.project()
    if "clean" in project.graph.ids and invocation.verbosity >= 0:
        note(f"note: the manifest's own task of that name is another: {invocation.call().run('clean')}")
    request = CleanRequest(
        tasks=() if stale else cleaned_targets(project, tasks),
        stale=stale,
        dry_run=dry_run or told_to_pretend(),
        wait=not no_wait,
        command=("exarp", *invocation.arguments),
    )
    cleaned = clean(project, request, os.environ, note)
    if invocation.json:
        write_bytes(document(cleaned, dry_run))
    elif invocation.verbosity >= 0 or cleaned.failed:
        color, every = invocation.wants_color(sys.stdout), invocation.verbosity > 0
        write("".join(f"{line}\n" for line in lines(cleaned, dry_run, color, every, invocation.verbosity < 0)))
    return 1 if cleaned.failed else 0
