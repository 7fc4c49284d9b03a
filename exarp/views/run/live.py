"""The calm live display on a terminal: the console's lines scroll by, a footer below them tells what runs.

Knows when the footer is drawn, and how it leaves no trace. Does not know what it says (``footer``), how it looks
(``footer_paint``) or what scrolls by (``console``).

One thread, no refreshing behind anybody's back. The cursor is neither hidden nor left below: it waits at the footer's
first column, so that one "erase to the end of the screen" takes the footer away, however the terminal was resized, and
so that nothing has to be restored if the process dies.
"""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, BinaryIO, Self, TextIO

import msgspec

from exarp.model.event import Event, RunFinished
from exarp.views.run.console import Console
from exarp.views.run.fold import RunState
from exarp.views.run.footer import Footer, footer
from exarp.views.run.manner import Manner
from exarp.views.run.task_output import ReadLog
from exarp.views.terminal import Terminal

if TYPE_CHECKING:
    from exarp.views.run.footer_paint import FooterPainter

INTERVAL = 0.1
# A run that is over sooner never shows a footer (nor loads rich).
PATIENCE = 0.3
_ERASE = "\r\x1b[J"
_ERASE_LINE = "\x1b[K"


class Live:
    """A ``Console`` with a footer; the same calls. ``terminal``: the one behind ``stderr``, if it is not to be asked.

    While exarp is a background job there is no footer: the person is typing where it would stand.
    """

    ticking = True

    def __init__(
        self, stdout: BinaryIO, stderr: TextIO, manner: Manner, read_log: ReadLog, terminal: Terminal | None = None
    ) -> None:
        manner = msgspec.structs.replace(manner, sparing=True, by_line=True)
        self._terminal = terminal or Terminal(stderr)
        self._console = Console(stdout, stderr, manner, read_log, self._terminal)
        self._outlet = self._console.outlet
        self._manner = manner
        self._stderr = stderr
        self._painter: FooterPainter | None = None
        self._drawn: tuple[Footer, int] | None = None
        self._suspended = False
        self._first: float | None = None
        self._last = float("-inf")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    @property
    def wants_output(self) -> bool:
        """Whether what tasks print is shown as it comes."""
        return self._console.wants_output

    @property
    def fault(self) -> OSError | None:
        """The error that ended writing, if it was more than a reader going away."""
        return self._console.fault

    @property
    def state(self) -> RunState:
        """What the run has come to."""
        return self._console.state

    def on_event(self, event: Event) -> None:
        """Folds one event; what it says is shown with the next frame. Cheap: nothing is drawn."""
        self._console.on_event(event)
        if isinstance(event, RunFinished) and not self._suspended:
            self._settle()

    def note(self, now: float) -> None:
        """What time it is, as for a console; nothing is drawn."""
        self._console.note(now)

    def tick(self, now: float) -> None:
        """Time has passed (seconds, on any one clock): at most ten times a second a frame is drawn."""
        self._first = now if self._first is None else self._first
        if now - self._last < INTERVAL and now >= self._last:
            self._console.note(now)
            return
        self._last = now
        self._console.note(now)
        if not self._suspended:
            self._frame(now)

    def interrupted(self, signum: int, running: int) -> None:
        """A signal ends the run: what it waits for is said with the next frame."""
        self._console.interrupted(signum, running)

    def suspend(self) -> None:
        """A task takes the terminal: the footer is gone when this returns, and nothing is written until ``resume``."""
        self._settle()
        self._suspended = True
        self._console.suspend()

    def resume(self) -> None:
        """The terminal is ours again; the footer comes back with the next frame."""
        self._suspended = False
        self._console.resume()

    def close(self) -> None:
        """The last call, after whatever happened: no footer, nothing held back."""
        self._settle()
        self._console.close()

    def _settle(self) -> None:
        """Takes the footer away and writes what was held back for it."""
        if self._drawn is not None:
            if self._terminal.in_front:
                self._outlet.control(_ERASE)
            self._drawn = None
            self._outlet.release()
        self._outlet.flush()

    def _frame(self, now: float) -> None:
        size = self._terminal.size
        wanted = self._wanted(now, size.lines)
        if not (wanted.waves or wanted.tasks) or not self._terminal.in_front:
            self._settle()
        elif self._outlet.has_held or self._drawn != (wanted, size.columns):
            self._draw(wanted, size.columns)

    def _wanted(self, now: float, height: int) -> Footer:
        early = self._first is None or now - self._first < PATIENCE
        if early or self.state.finished is not None or self._manner.mode == "raw" or self._manner.quiet:
            return Footer()
        return footer(self.state, now, height)

    def _draw(self, wanted: Footer, columns: int) -> None:
        lines = self._paint().lines(wanted, columns)
        if self._outlet.has_held:
            self._settle()
        up = f"\x1b[{len(lines) - 1}A" if len(lines) > 1 else ""
        # Drawn over the old one line by line, not erased first: nothing flickers.
        body = "\n".join([line + _ERASE_LINE for line in lines])
        self._outlet.control(f"\r{body}\x1b[J\r{up}")
        self._drawn = (wanted, columns)
        self._outlet.hold()

    def _paint(self) -> FooterPainter:
        if self._painter is None:
            from exarp.views.run.footer_paint import FooterPainter

            self._painter = FooterPainter(self._stderr.encoding or "utf-8", self._manner.color_words)
        return self._painter
