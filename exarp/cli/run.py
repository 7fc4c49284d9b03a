"""``exarp run``. Parses, calls the use case, picks the views."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, BinaryIO

import click

from exarp.cli.invocation import Invocation, common_options, complete_tasks, current, json_option, write, write_bytes
from exarp.cli.options import override_options, overrides_from

if TYPE_CHECKING:
    from exarp.app.ports import View
    from exarp.app.project import Project
    from exarp.app.run import RunRequest, Voice
    from exarp.views.run_document import RunDocument


@click.command("run", short_help="Bring tasks and what they need up to date.")
@click.argument("tasks", nargs=-1, shell_complete=complete_tasks)
@click.option("--all", "every", is_flag=True, help="Every task that is not manual.")
@click.option("-j", "--jobs", type=click.IntRange(min=1), help="Commands at once, over all waves.")
@click.option("-n", "--dry-run", is_flag=True, help="Say what would run and why; run nothing.")
@click.option("-k", "--keep-going", is_flag=True, help="Run all that can run, whatever fails.")
@click.option("--fail-fast", is_flag=True, help="After the first failure start nothing new.")
@click.option("--force", is_flag=True, help="Run also what is up to date.")
@click.option("--touch", is_flag=True, help="Record tasks as done with their files as they are; run nothing.")
@override_options
@click.option(
    "--output", type=click.Choice(["grouped", "prefixed", "stream", "quiet", "raw"]), help="How output is shown."
)
@click.option("--events", metavar="FILE", help="Write every event as a line of JSON to FILE (- is stdout).")
@click.option("--no-wait", is_flag=True, help="If another run holds the workspace, exit with 5 at once.")
@json_option("Print one JSON document at the end; task output goes to stderr.")
@common_options
def command(tasks: Sequence[str], **options: Any) -> int:
    """Bring TASKS, and all they need, up to date.

    Without names: `default` of [settings], else the task `default`, else the declared waves.

    \b
    Examples:
      exarp run                    what the manifest takes as its default
      exarp run test -j4           one task, four commands at once
      exarp test                   the same, shorter
      exarp run -n                 what would run, and why
      exarp run --set arch=arm64   with another value of a variable
    """
    invocation = current()
    from exarp.app.run import RunRequest

    project = invocation.project(overrides_from(options))
    request = RunRequest(
        targets=tuple(tasks),
        every=options["every"],
        keep_going=options["keep_going"],
        fail_fast=options["fail_fast"],
        force=options["force"],
        wait=not options["no_wait"],
        command=("exarp", *sys.argv[1:]),
    )
    _check_names(project, tasks)
    if options["dry_run"]:
        return _dry_run(invocation, project, request)
    if options["touch"]:
        return _touch(invocation, project, request)
    return _run(invocation, project, request, options["events"])


def _check_names(project: Project, tasks: Sequence[str]) -> None:
    """A mistyped command arrives here as a task: the hint must know both."""
    from exarp.app.targets import known_targets
    from exarp.cli.entry import COMMANDS

    known_targets(project.manifest, tasks, COMMANDS)


def _run(invocation: Invocation, project: Project, request: RunRequest, events: str | None) -> int:
    from contextlib import ExitStack

    from exarp.app.run import run
    from exarp.views.run_document import RunDocument

    document = RunDocument(_log_reader(project)) if invocation.json else None
    with ExitStack() as stack:
        sink = _event_sink(events, stack)
        status = run(project, request, os.environ, _voice(invocation, project, document, sink))
    if document is not None:
        write_bytes(document.document())
    return status


def _log_reader(project: Project) -> Any:
    from exarp.app.wiring import read_log

    return lambda log: read_log(project.root, log)


def _event_sink(events: str | None, stack: Any) -> BinaryIO | None:
    if events is None:
        return None
    if events == "-":
        return sys.stdout.buffer
    from exarp.errors import Problem, UsageError

    try:
        sink: BinaryIO = stack.enter_context(open(events, "wb"))
    except OSError as error:
        message = f"{events} cannot be written: {error.strerror}"
        raise UsageError(Problem("events-file", message, None, "name a file in a folder that exists")) from None
    return sink


def _voice(invocation: Invocation, project: Project, document: RunDocument | None, sink: BinaryIO | None) -> Voice:
    from exarp.app.run import Voice

    def note(line: str) -> None:
        from exarp.views.escape import plain

        sys.stderr.write(f"exarp: {plain(line)}\n")
        sys.stderr.flush()

    def views(run: str) -> list[View]:
        made: list[View] = [
            _console(invocation, project, task_output_to_stderr=document is not None or _is_stdout(sink))
        ]
        if document is not None:
            made.append(document)
        if sink is not None:
            from exarp.views.ndjson import EventWriter

            made.append(EventWriter(sink))
        return made

    return Voice(note, views)


def _is_stdout(sink: BinaryIO | None) -> bool:
    return sink is sys.stdout.buffer


def _console(invocation: Invocation, project: Project, task_output_to_stderr: bool) -> View:
    from exarp.views.color import wants_live
    from exarp.views.console import Console
    from exarp.views.manner import Manner

    mode = project.manifest.settings.output
    out = sys.stderr if task_output_to_stderr else sys.stdout
    manner = Manner(
        mode=mode,
        verbosity=invocation.verbosity,
        color_words=invocation.wants_color(sys.stderr),
        color_output=invocation.wants_color(out),
        terminal=out.isatty(),
    )
    live = mode != "raw" and invocation.verbosity >= 0 and wants_live(os.environ, sys.stderr.isatty())
    if not live:
        return Console(out.buffer, sys.stderr, manner, _log_reader(project))
    from exarp.views.live import Live

    return Live(out.buffer, sys.stderr, manner, _log_reader(project))


def _dry_run(invocation: Invocation, project: Project, request: RunRequest) -> int:
    from exarp.app.run import preview
    from exarp.app.targets import run_targets

    targets = run_targets(project.manifest, request.targets, request.every)
    found = preview(project, targets, os.environ, request.force)
    from exarp.views.dry_run import document, lines

    if invocation.json:
        write_bytes(document(found.plan, found.freshness))
    else:
        write("".join(f"{line}\n" for line in lines(found.plan, found.freshness, invocation.wants_color(sys.stdout))))
    return 0


def _touch(invocation: Invocation, project: Project, request: RunRequest) -> int:
    from exarp.app.run import touch

    count = touch(project, request, os.environ, _voice(invocation, project, None, None))
    if invocation.json:
        from exarp.views.json_line import json_line

        write_bytes(json_line({"version": 1, "touched": count}))
    elif invocation.verbosity >= 0:
        write(f"recorded {count} {'task' if count == 1 else 'tasks'} as done\n")
    return 0
