"""``exarp watch``. Parses, calls the use case, says what happens between runs."""

from __future__ import annotations

import codecs
import contextlib
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, get_args

import click

from exarp.cli.invocation import Invocation, common_options, current
from exarp.cli.offers import complete_words
from exarp.cli.options import jobs_option, load_option, override_options, overrides_from
from exarp.cli.run import index_words
from exarp.cli.selection import opened, parameters_in, selection_options, taken, words_of
from exarp.model.choice import OutputMode

if TYPE_CHECKING:
    from exarp.app.watch import Round
    from exarp.app.watching.files import News
    from exarp.cli.run_views import RunViews
    from exarp.errors import ExarpError
    from exarp.model.event import FreshnessReason


@click.command("watch", short_help="Run tasks, and again whenever a file changes.")
@click.argument("tasks", nargs=-1, shell_complete=complete_words)
@selection_options("affected")
@jobs_option
@load_option
@click.option(
    "-k", "--keep-going", is_flag=True, help="Run all that can run, whatever fails; overrides --fail-fast and abort."
)
@click.option("--fail-fast", is_flag=True, help="After the first failure start nothing new.")
@click.option("--no-cache", is_flag=True, help="Restore nothing from artifacts, and keep none.")
@click.option("--yes", is_flag=True, help="Answer yes to every question of a task (confirm).")
@override_options
@click.option("--output", type=click.Choice(get_args(OutputMode)), help="How output is shown.")
@click.option("--clear", is_flag=True, help="Clear the screen before each further run.")
@common_options()
def command(tasks: Sequence[str], **options: Any) -> int:
    """Bring TASKS, and all they need, up to date; then wait, and do it again whenever something changes that they read.

    Watched are the inputs, tools and dotenv files of the tasks, what their depfiles name, and the manifest with all that it
    includes; not what tasks make. A change of what a run has read by then ends that run, and another begins. Services go on from
    run to run until what they run, read or need has changed. Ctrl-C ends.

    \b
    Examples:
      exarp watch                  what `exarp run` would run
      exarp watch test             one task, with all it needs
      exarp watch test lint -k     both, whatever fails
      exarp watch --all --clear    everything, each run on an empty screen
      exarp watch test -- -k name  words for "$@" in the task's script
    """
    from exarp.app.watch import watch

    invocation = current()
    watcher = _Watcher(invocation, options["clear"])
    return watch(lambda: _round(invocation, tasks, options, watcher), os.environ, watcher)


def _round(invocation: Invocation, words: Sequence[str], options: Mapping[str, Any], watcher: _Watcher) -> Round:
    """The manifest as it is now, and what is to be run of it."""
    from exarp.app.run import RunRequest
    from exarp.app.selection.arguments import with_arguments, words_behind
    from exarp.app.watch import Round
    from exarp.cli.run_views import RunViews, tell_warnings

    overrides = overrides_from(options, parameters_in(words))
    project = opened(words, overrides)
    chosen = taken(project, words, options, "default", running=True)
    project = with_arguments(project, chosen, invocation.passed)
    call = invocation.call(overrides.variables, words_of(options), words_behind(project, chosen))
    told = tell_warnings(project, invocation.call())
    asked, commands = index_words(words, options, invocation, overrides)
    request = RunRequest(
        chosen=chosen,
        keep_going=options["keep_going"],
        fail_fast=options["fail_fast"],
        own_jobs=options["jobs"] is not None,
        load=options["load"],
        yes=options["yes"],
        cache=not options["no_cache"],
        stay=not options["every"],
        command=("exarp", *invocation.arguments),
        call=call,
        asked=asked,
        told=told,
        commands=commands,
    )
    watcher.views = RunViews(invocation, project, call)
    return Round(project, request, watcher.views.voice)


class _Watcher:
    """Says on stderr how watching goes."""

    def __init__(self, invocation: Invocation, clear: bool) -> None:
        self._invocation = invocation
        self._clear = clear and sys.stderr.isatty()
        self._color = invocation.wants_color(sys.stderr)
        # Of the latest run.
        self.views: RunViews | None = None
        self._decoders: dict[str, codecs.IncrementalDecoder] = {}

    def changed(self, news: News, shown: Callable[[str], str], names: Sequence[str]) -> None:
        """A run begins."""
        from exarp.views.run.watching import CLEAR, changed

        readers = sorted({task for tasks in news.files.values() for task in tasks})
        line = changed([*map(shown, news.files)], [names[task] for task in readers], shown(news.manifest))
        self._say((CLEAR if self._clear else "") + (f"{line}\n" if self._invocation.verbosity >= 0 else ""))

    def waits(self, files: int) -> None:
        """Nothing runs."""
        from exarp.views.run.watching import waits

        if self._invocation.verbosity >= 0:
            self._say(f"{waits(files, self._color)}\n")

    def is_broken(self, error: ExarpError) -> None:
        """Nothing can be run as things are."""
        from exarp.views.problems.problem import render_all
        from exarp.views.run.watching import goes_on

        columns = self._invocation.columns(sys.stderr)
        self._say(f"{render_all(error.problems, self._color, None, columns)}\n{goes_on(self._color)}\n")

    def printed(self, service: str, data: bytes) -> None:
        """A service goes on between runs."""
        decoder = self._decoders.get(service)
        if decoder is None:
            decoder = self._decoders[service] = codecs.getincrementaldecoder("utf-8")("surrogateescape")
        if self.views is not None and (text := decoder.decode(data)):
            self.views.printed(service, text)

    def stopped(self, service: str, reason: FreshnessReason) -> None:
        """A service has ended by itself while nothing ran."""
        from exarp.views.run.watching import stopped

        self._say(f"{stopped(service, reason.subject, self._color)}\n")

    def ends(self, services: int) -> None:
        """Services are being ended."""
        from exarp.views.run.watching import ends

        if self._invocation.verbosity >= 0:
            self._say(f"{ends(services, self._color)}\n")

    @staticmethod
    def _say(text: str) -> None:
        with contextlib.suppress(OSError):
            sys.stderr.write(text)
            sys.stderr.flush()
