"""Which views follow a run, and what is said outside its events.

Knows how options, terminals and the environment choose the views. Does not know what the views show.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

if TYPE_CHECKING:
    from exarp.app.opening.project import Project
    from exarp.app.ports import View
    from exarp.app.run import Voice
    from exarp.model.call import Call
    from exarp.views.run.console import Console
    from exarp.views.run.document import RunDocument
    from exarp.views.run.live import Live
    from exarp.views.run.ndjson import EventWriter
    from exarp.views.run.question import Question

# More of them hide what was asked for.
_WARNINGS = 10


class Audience(Protocol):
    """How the command line wants to be spoken to: see ``Invocation``."""

    json: bool
    verbosity: int

    def wants_color(self, stream: Any) -> bool:
        """Whether to colour what goes to ``stream``."""


class RunViews:
    """The views of one run. ``sink``: where ``--events`` go; ``to_stdout``: that is stdout."""

    def __init__(
        self,
        invocation: Audience,
        project: Project,
        call: Call,
        sink: BinaryIO | None = None,
        to_stdout: bool = False,
    ) -> None:
        self._invocation = invocation
        self._project = project
        self._call = call
        self._sink = sink
        self._to_stdout = to_stdout
        self._writers: list[Console | Live | EventWriter] = []
        self._document: RunDocument | None = None

    @property
    def voice(self) -> Voice:
        """How the run speaks."""
        from exarp.app.run import Voice

        return Voice(note, self._make, self._person())

    def _person(self) -> Question | None:
        """Who can be asked: nobody, where this is for a program, or nobody sits at the terminal."""
        unattended = self._invocation.json or self._to_stdout or bool(os.environ.get("CI"))
        if unattended or not sys.stdin.isatty() or not sys.stderr.isatty():
            return None
        try:
            os.tcgetpgrp(sys.stdin.fileno())
        except OSError:
            # A terminal, but not ours: nobody who types there means this.
            return None
        from exarp.views.run.question import Question

        return Question(sys.stderr)

    def printed(self, task: str, text: str) -> None:
        """A service that outlives its run has printed something: it is shown as the run would show it."""
        from exarp.model.event import TaskOutput

        for writer in self._writers:
            if writer.wants_output:
                writer.on_event(TaskOutput(task=task, attempt=0, text=text))
                writer.close()

    def document(self) -> bytes:
        """The document of ``--json``, once the run is over."""
        assert self._document is not None, "made with the run"
        return self._document.document()

    def tell_faults(self) -> None:
        """What could not be written: a full disk does not end a run, but it is not kept quiet either."""
        for writer in self._writers:
            if writer.fault is not None:
                note(f"warning: output could not be written: {writer.fault.strerror}")

    def _make(self) -> Sequence[View]:
        console = self._console()
        self._writers = [console]
        made: list[View] = [console]
        if self._invocation.json:
            from exarp.views.run.document import RunDocument

            self._document = RunDocument(self._read_log)
            made.append(self._document)
        if self._sink is not None:
            from exarp.views.run.ndjson import EventWriter

            events = EventWriter(self._sink)
            self._writers.append(events)
            made.append(events)
        return made

    def _read_log(self, log: str) -> bytes:
        from exarp.app.wiring import read_log

        return read_log(self._project.root, log)

    def _console(self) -> Console | Live:
        from exarp.views.color import wants_live
        from exarp.views.run.console import Console
        from exarp.views.run.manner import Manner

        mode = self._project.manifest.settings.output
        # stdout belongs to the one document, or to the events.
        taken = self._invocation.json or self._to_stdout
        out = sys.stderr if taken else sys.stdout
        manner = Manner(
            mode=mode,
            verbosity=self._invocation.verbosity,
            color_words=self._invocation.wants_color(sys.stderr),
            color_output=self._invocation.wants_color(out),
            terminal=out.isatty(),
            call=self._call,
        )
        if mode == "raw" or self._invocation.verbosity < 0 or not wants_live(os.environ, sys.stderr.isatty()):
            return Console(out.buffer, sys.stderr, manner, self._read_log)
        from exarp.views.run.live import Live

        return Live(out.buffer, sys.stderr, manner, self._read_log)


def tell_faults(root: str) -> bool:
    """Says what is wrong with what runs left, as a run does; whether there is anything."""
    from exarp.app.history import faults

    found = faults(root)
    for fault in found:
        note(f"warning: {fault}")
    return bool(found)


def tell_warnings(project: Project, call: Call) -> tuple[str, ...]:
    """What was not read as it is written: the first of it on stderr; the lines that were said."""
    warnings = project.warnings
    lines = [
        f"warning: {problem.place}: {problem.message}: {problem.next} ({problem.slug})"
        for problem in warnings[:_WARNINGS]
    ]
    if len(warnings) > _WARNINGS:
        lines.append(f"and {len(warnings) - _WARNINGS} more warnings: {call.of('check')}")
    for line in lines:
        note(line)
    return tuple(lines)


def note(line: str) -> None:
    """A line of exarp's own on stderr; nothing is lost but the line where nobody can read it."""
    from exarp.views.escape import plain

    # Of a command line that was not parsed, nothing is secret: there is no index of what has secrets.
    parsed = sys.modules.get("exarp.cli.invocation")
    shown = line if parsed is None else parsed.hidden(line)
    with contextlib.suppress(OSError):
        sys.stderr.write(f"exarp: {plain(shown)}\n")
        sys.stderr.flush()


def told_to_pretend(is_to_touch: bool = False) -> bool:
    """Whether a make that called exarp was told to change nothing, which is said then; with ``--touch`` it was told just that."""
    flags = os.environ.get("MAKEFLAGS", "")
    if not flags:
        return False
    from exarp.model.makeflags import only_pretends

    if not only_pretends(flags) or is_to_touch:
        return False
    note("note: make was told to change nothing (-n, -q or -t in MAKEFLAGS), and so is exarp: this is what it would do")
    return True
