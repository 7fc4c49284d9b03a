"""What tasks print, shown as the output mode says.

Knows the modes of the contract (grouped, prefixed, stream, quiet, raw). Does not know what exarp itself says about a
task, nor where logs are: it is given a way to read them.
"""

from __future__ import annotations

from collections.abc import Callable

from exarp.model.event import TaskOutput
from exarp.views import escape
from exarp.views.color import paint
from exarp.views.outlet import Outlet
from exarp.views.run.manner import Manner

ReadLog = Callable[[str], bytes]
INDENT = "      "
# A "line" without an end (a binary, a progress bar) is passed on in pieces of this many characters.
_LONGEST_LINE = 65_536


class Silent:
    """Shows nothing. The other printers differ from it.

    ``wants_output``: whether it shows output as it comes, and so needs the events that carry it.
    """

    wants_output = False

    def arrived(self, event: TaskOutput) -> None:
        """A piece of output came."""

    def before_line(self, task: str, attempt: int) -> None:
        """An attempt ended; its line comes next."""

    def after_line(self, task: str, attempt: int, log: str | None, failed: bool, again: bool = False) -> None:
        """An attempt ended and its line was said. ``failed``: for good; ``again``: another is to follow."""


class Grouped(Silent):
    """An attempt's whole output in one piece when it ends, once; ``only_failed`` shows it for failures alone."""

    def __init__(self, outlet: Outlet, manner: Manner, read_log: ReadLog, only_failed: bool = False) -> None:
        self._outlet = outlet
        self._manner = manner
        self._read_log = read_log
        self._only_failed = only_failed
        # Where no other attempt came to print anything, a task ends with the log that its last retry was told with.
        self._shown: dict[str, str] = {}

    def after_line(self, task: str, attempt: int, log: str | None, failed: bool, again: bool = False) -> None:
        shown = self._shown.pop(task, None)
        if log is None or log == shown or (self._only_failed and not failed):
            return
        if again:
            self._shown[task] = log
        try:
            data = self._read_log(log)
        except OSError as error:
            self._outlet.words(f"warning: {escape.name(task)}: its output cannot be read: {escape.name(str(error))}")
            return
        self._outlet.output(self._safe(data) if self._manner.terminal else data, _owner(task, attempt))

    def _safe(self, data: bytes) -> bytes:
        text = escape.styled(data.decode("utf-8", "replace"), self._manner.color_output)
        ending = "\n" if text.endswith("\n") else ""
        indented = INDENT + text.removesuffix("\n").replace("\n", "\n" + INDENT)
        return as_bytes(indented + ending)


class Raw(Grouped):
    """Nothing, as tasks have the streams themselves; but what is replayed of one that did not run."""

    def after_line(self, task: str, attempt: int, log: str | None, failed: bool, again: bool = False) -> None:
        if not attempt:
            super().after_line(task, attempt, log, failed, again)


class Lines(Silent):
    """Complete lines as they come; ``prefix`` puts the task's name before each."""

    wants_output = True

    def __init__(self, outlet: Outlet, manner: Manner, prefix: bool) -> None:
        self._outlet = outlet
        self._manner = manner
        self._prefix = prefix
        self._rest: dict[str, str] = {}

    def arrived(self, event: TaskOutput) -> None:
        lines = (self._rest.pop(event.task, "") + event.text).split("\n")
        rest = lines.pop()
        if len(rest) > _LONGEST_LINE:
            pieces = [rest[at : at + _LONGEST_LINE] for at in range(0, len(rest), _LONGEST_LINE)]
            rest = pieces.pop()
            lines += pieces
        if rest:
            self._rest[event.task] = rest
        self._show(event.task, lines)

    def before_line(self, task: str, attempt: int) -> None:
        rest = self._rest.pop(task, None)
        if rest is not None:
            self._show(task, [rest])

    def _show(self, task: str, lines: list[str]) -> None:
        if not lines:
            return
        before = paint(f"{escape.name(task)} | ", "same", self._manner.color_output) if self._prefix else ""
        if self._manner.terminal:
            lines = [escape.styled(_readable(line), self._manner.color_output) for line in lines]
        self._outlet.output(as_bytes("".join([f"{before}{line}\n" for line in lines])))


class Stream(Silent):
    """Output as it comes, piece by piece."""

    wants_output = True

    def __init__(self, outlet: Outlet, manner: Manner) -> None:
        self._outlet = outlet
        self._manner = manner
        self._flows: dict[str, escape.Flow] = {}

    def arrived(self, event: TaskOutput) -> None:
        text = event.text
        if self._manner.terminal:
            flow = self._flows.get(event.task)
            if flow is None:
                flow = self._flows[event.task] = escape.Flow(self._manner.color_output)
            text = flow.feed(_readable(text))
        self._outlet.output(as_bytes(text), _owner(event.task, event.attempt))

    def before_line(self, task: str, attempt: int) -> None:
        flow = self._flows.pop(task, None)
        if flow is not None:
            self._outlet.output(as_bytes(flow.end()), _owner(task, attempt))


def printer(outlet: Outlet, manner: Manner, read_log: ReadLog) -> Silent:
    """The printer of an output mode. Where only failures are told, only their output has a heading to stand under."""
    if manner.quiet and manner.mode != "raw":
        return Grouped(outlet, manner, read_log, only_failed=True)
    match manner.mode:
        case "grouped":
            return Grouped(outlet, manner, read_log)
        case "quiet":
            return Grouped(outlet, manner, read_log, only_failed=True)
        case "prefixed":
            return Lines(outlet, manner, prefix=True)
        case "stream":
            return Lines(outlet, manner, prefix=False) if manner.by_line else Stream(outlet, manner)
        case "raw":
            return Raw(outlet, manner, read_log)


def as_bytes(text: str) -> bytes:
    """Text as UTF-8; what was no UTF-8 when it was read becomes the same bytes again where that is possible."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace")


def _readable(text: str) -> str:
    """Text for a terminal: what was no UTF-8 when it was read is shown as U+FFFD, as in a log."""
    return as_bytes(text).decode("utf-8", "replace")


def _owner(task: str, attempt: int) -> str:
    return f"{attempt} {task}"
