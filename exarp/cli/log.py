"""``exarp log``. Parses, finds a task's log, prints it."""

from __future__ import annotations

import codecs
import sys
from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

import click

from exarp.cli.invocation import Invocation, common_options, complete_tasks, current, json_option, write, write_bytes
from exarp.cli.offers import complete_runs

if TYPE_CHECKING:
    from exarp.store.runs import AttemptRow


@click.command("log", short_help="Print what a task printed.")
@click.argument("task", shell_complete=complete_tasks)
@click.option(
    "--run", "run", metavar="RUN", shell_complete=complete_runs, help="Of that run (see `exarp history`), not the last."
)
@click.option(
    "--attempt",
    type=click.IntRange(min=1),
    metavar="N",
    help="The N-th time that it was tried in that run, not the last.",
)
@click.option("--follow", is_flag=True, help="Go on printing while the task runs.")
@json_option("Print the attempt, with its output, as one JSON document.")
@common_options("verbose")
def command(task: str, run: str | None, attempt: int | None, follow: bool) -> int:
    """Print the output of the last attempt of TASK. A heading goes to stderr, the output to stdout.

    \b
    Examples:
      exarp log test
      exarp log test --run 41
      exarp log test --attempt 1
      exarp log test | grep error
    """
    from exarp.app.history import find_attempt, follow_log, printed
    from exarp.errors import UsageError
    from exarp.views.history.status import log_header

    invocation = current()
    root = invocation.root()
    try:
        row = find_attempt(root, task, run, attempt)
    except UsageError:
        if (meant := invocation.one_task(task)) == task:
            raise
        row = find_attempt(root, meant, run, attempt)
    if invocation.json:
        return _document(root, row, follow)
    if invocation.verbosity >= 0:
        header = log_header(row, datetime.now().astimezone(), invocation.wants_color(sys.stderr))
        sys.stderr.write(f"{header}\n")
        sys.stderr.flush()
    size = _show(invocation, follow_log(root, row) if follow else [printed(root, row)])
    if not size and invocation.verbosity >= 0 and row.outcome != "running":
        sys.stderr.write("nothing is kept: it printed nothing, or right to the terminal (raw output, interactive)\n")
    return 0


def _document(root: str, row: AttemptRow, follow: bool) -> int:
    """Print an attempt with its output; with ``follow`` as it ended."""
    from exarp.app.history import find_attempt, follow_log, printed
    from exarp.views.history.document import log_document

    data = b"".join(follow_log(root, row)) if follow else printed(root, row)
    write_bytes(log_document(find_attempt(root, row.task, row.run, row.attempt or None) if follow else row, data))
    return 0


def _show(invocation: Invocation, pieces: Iterable[bytes]) -> int:
    """Print a log, on a terminal made safe for it; how many bytes it has."""
    size = 0
    if not sys.stdout.isatty():
        for data in pieces:
            size += len(data)
            write_bytes(data)
        return size
    from exarp.views.escape import Flow

    # A piece may end within a character, or within an escape sequence.
    flow = Flow(invocation.wants_color(sys.stdout))
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    for data in pieces:
        size += len(data)
        write(flow.feed(decoder.decode(data)))
    write(flow.feed(decoder.decode(b"", final=True)) + flow.end())
    return size
