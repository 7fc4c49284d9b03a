"""``exarp run``. Parses, calls the use case, picks the views."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING, Any, BinaryIO, get_args

import click

from exarp.cli.commands import taken_words
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
from exarp.cli.options import jobs_option, load_option, override_options, overrides_from
from exarp.cli.selection import opened, parameters_in, selection_options, taken, tell_nothing, words_of
from exarp.model.choice import OutputMode

if TYPE_CHECKING:
    from exarp.app.opening.project import Overrides, Project
    from exarp.app.run import RunRequest
    from exarp.planning.selection import Chosen


@click.command("run", short_help="Bring tasks and what they need up to date.")
@click.argument("tasks", nargs=-1, shell_complete=complete_words)
@selection_options()
@jobs_option
@load_option
@click.option("-n", "--dry-run", is_flag=True, help="Say what would run and why; run nothing.")
@click.option(
    "-k", "--keep-going", is_flag=True, help="Run all that can run, whatever fails; overrides --fail-fast and abort."
)
@click.option("--fail-fast", is_flag=True, help="After the first failure start nothing new.")
@click.option("--force", is_flag=True, help="Run also what is up to date.")
@click.option("--no-cache", is_flag=True, help="Restore nothing from artifacts, and keep none.")
@click.option("--touch", is_flag=True, help="Record tasks as done with their files as they are; run nothing.")
@click.option("--yes", is_flag=True, help="Answer yes to every question of a task (confirm).")
@click.option("--continue", "past_checkpoints", is_flag=True, help="Ask nobody at checkpoints of waves, and go on.")
@override_options
@click.option("--output", type=click.Choice(get_args(OutputMode)), help="How output is shown.")
@click.option(
    "--events",
    metavar="FILE",
    shell_complete=complete_files,
    help="Write every event as a line of JSON to FILE (- is stdout).",
)
@click.option("--no-wait", is_flag=True, help="If another run holds what is needed, exit with 5 at once.")
@json_option("Print one JSON document at the end; task output goes to stderr.")
@common_options()
def command(tasks: Sequence[str], **options: Any) -> int:
    """Bring TASKS, and all they need, up to date.

    Without names: `default` of [settings], else the task `default`, else the declared waves. 'test:*' is every task whose name
    matches and that is not manual; * stops at a colon, ** does not.

    \b
    Examples:
      exarp run                    what the manifest takes as its default
      exarp run test -j4           one task, four commands at once
      exarp test                   the same, shorter
      exarp run release level=2    with a parameter that the task has
      exarp run test -- -k name    words for "$@" in the task's script
      exarp run -n                 what would run, and why
      exarp run --set arch=arm64   with another value of a variable
      exarp run --tag fast         every task with that tag
      exarp run --exclude lint     all but that; what needs it does not wait for it
      exarp run --affected         what changes since the main branch concern
      exarp run --only link        that alone, without what it needs
    """
    invocation = current()
    from exarp.app.selection.arguments import with_arguments

    if invocation.first_word is not None:
        from exarp.cli.later import refuse_later_command

        refuse_later_command(invocation)
    overrides = overrides_from(options, parameters_in(tasks))
    project = opened(tasks, overrides)
    _refuse_idle(invocation, options)
    chosen = taken(project, tasks, options, "default", running=True)
    if tell_nothing(chosen) and not invocation.json and options["events"] is None:
        return 0
    project = with_arguments(project, chosen, invocation.passed)
    request = _request(invocation, project, chosen, overrides, options)
    from exarp.cli.run_views import tell_warnings, told_to_pretend

    told = tell_warnings(project, invocation.call())
    if options["dry_run"] or told_to_pretend(options["touch"]):
        return _dry_run(invocation, project, request)
    if options["touch"]:
        return _touch(invocation, project, request)
    from msgspec.structs import replace

    asked, commands = index_words(tasks, options, invocation, overrides)
    request = replace(request, asked=asked, plain=_is_plain(options, overrides), told=told, commands=commands)
    return _run(invocation, project, request, options["events"])


def _request(
    invocation: Invocation, project: Project, chosen: Chosen, overrides: Overrides, options: Mapping[str, Any]
) -> RunRequest:
    """What the command line asks of a run, as far as its words are options."""
    from exarp.app.run import RunRequest
    from exarp.app.selection.arguments import words_behind

    return RunRequest(
        chosen=chosen,
        keep_going=options["keep_going"],
        fail_fast=options["fail_fast"],
        own_jobs=options["jobs"] is not None,
        load=options["load"],
        force=options["force"],
        wait=not options["no_wait"],
        yes=options["yes"],
        past_checkpoints=options["past_checkpoints"],
        cache=not options["no_cache"],
        stay=not options["every"],
        # What was said when it was gone on with counts for this time.
        command=("exarp", *(invocation.resumed or invocation).arguments),
        resumed=invocation.resumed,
        call=invocation.call(overrides.variables, words_of(options), words_behind(project, chosen)),
    )


def index_words(
    tasks: Sequence[str], options: Mapping[str, Any], invocation: Invocation, overrides: Overrides
) -> tuple[tuple[str, ...] | None, frozenset[str]]:
    """What the index takes a run as: the tasks that are named, ``--all``, or nothing, and None where recipes were changed;
    and words that mean a command, unless ``run`` stands before them."""
    commands = taken_words()
    if overrides.variables or overrides.parameters or invocation.passed:
        return None, commands
    return ("--all",) if options["every"] else tuple(tasks), commands


def _is_plain(options: Mapping[str, Any], overrides: Overrides) -> bool:
    """Whether the plan is that of the manifest for what is asked for, whatever else is asked of the run."""
    from msgspec.structs import replace

    from exarp.app.opening.project import Overrides

    narrowing = ("tags", "excluded", "only", "waves", "groups")
    narrowed = any(options[name] for name in narrowing) or options["affected"] is not None
    return not narrowed and replace(overrides, jobs=None) == Overrides()


def _refuse_idle(invocation: Invocation, options: Mapping[str, Any]) -> None:
    """Options that exclude each other. Raises UsageError."""
    if invocation.json and options["events"] == "-":
        raise click.UsageError("--json and --events - both want stdout: write the events to a file")
    for option, name in (("-n", "dry_run"), ("--touch", "touch")):
        if options[name] and options["events"] is not None:
            raise click.UsageError(f"with {option} nothing runs, so there are no events: leave --events out")
    if options["dry_run"] and options["touch"]:
        raise click.UsageError("-n says what would run, --touch records tasks as done: say one of them")


def _run(invocation: Invocation, project: Project, request: RunRequest, events: str | None) -> int:
    from exarp.app.run import run
    from exarp.cli.run_views import RunViews

    with ExitStack() as stack:
        own = _take_stdout(stack) if invocation.json or events == "-" else None
        views = RunViews(invocation, project, request.call, _event_sink(events, own, stack), to_stdout=events == "-")
        status = run(project, request, os.environ, views.voice)
        views.tell_faults()
        if invocation.json and own is not None:
            status = _hand_over(own, views.document(), status)
    return status


def _hand_over(own: BinaryIO, document: bytes, status: int) -> int:
    """Write the document; the exit code, which says that it is lost unless it has worse to say."""
    from exarp.cli.run_views import note

    try:
        own.write(document)
        own.flush()
    except BrokenPipeError:
        # Whoever read it has had enough.
        return status
    except OSError as error:
        note(f"warning: stdout cannot be written: {error.strerror}")
        return status or 2
    return status


def _take_stdout(stack: ExitStack) -> BinaryIO:
    """stdout for exarp's document or events alone: what tasks print there (raw, interactive) goes to stderr."""
    sys.stdout.flush()
    own = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    stack.callback(_give_back, own)
    return own


def _give_back(own: BinaryIO) -> None:
    # Closing complains about what could not be written; that was told where it was written.
    with suppress(OSError):
        own.flush()
    os.dup2(own.fileno(), 1)
    with suppress(OSError):
        own.close()


def _event_sink(events: str | None, own: BinaryIO | None, stack: ExitStack) -> BinaryIO | None:
    if events is None:
        return None
    if events == "-":
        return own
    from exarp.errors import Problem, UsageError

    try:
        descriptor = os.open(events, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
    except OSError as error:
        message = f"{events} cannot be written: {error.strerror}"
        raise UsageError(Problem("events-file", message, None, "name a file in a folder that exists")) from None
    sink = os.fdopen(descriptor, "wb")
    stack.callback(_close, sink)
    return sink


def _close(sink: BinaryIO) -> None:
    # What a full disk left unwritten was told already.
    with suppress(OSError):
        sink.close()


def _dry_run(invocation: Invocation, project: Project, request: RunRequest) -> int:
    from exarp.app.plan import preview
    from exarp.cli.run_views import note

    found = preview(project, request.chosen, os.environ, request.force, cache=request.cache)
    for fault in found.faults:
        note(f"warning: {fault}")
    for problem in found.warnings:
        note(f"warning: {problem.place}: {problem.message}: {problem.next} ({problem.slug})")
    from exarp.views.run.dry_run import asked_before, document, lines

    groups = {number for number, task in enumerate(project.manifest.tasks) if task.is_group}
    guards = [(each.guard, each.reason) for each in found.guards]
    if invocation.json:
        write_document(document(found.plan, found.freshness, groups, found.restored, guards))
    else:
        color = invocation.wants_color(sys.stdout)
        asked = asked_before(project.manifest.tasks)
        shown = lines(found.plan, found.freshness, groups, color, locate_in(project), asked, found.restored, guards)
        write("".join(f"{line}\n" for line in shown))
    return 0


def _touch(invocation: Invocation, project: Project, request: RunRequest) -> int:
    from exarp.app.touch import touch
    from exarp.cli.run_views import note

    touched = touch(project, request, os.environ, note)
    if invocation.json:
        from exarp.views.json_line import json_line

        write_document(json_line({"version": 1, "touched": touched.count, "always_run": touched.vain}))
    elif invocation.verbosity >= 0:
        from exarp.views.words import touched as told

        write("".join(f"{line}\n" for line in told(touched.count, touched.vain)))
    return 0
