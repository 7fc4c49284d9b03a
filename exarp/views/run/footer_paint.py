"""The footer as lines for a terminal, painted with rich. Imported only when a footer is first drawn.

Knows layout and colours. Does not know when it is drawn, or how it goes away again.
"""

from __future__ import annotations

import io

from rich.console import Console
from rich.progress_bar import ProgressBar
from rich.text import Text

from exarp.views import cells
from exarp.views.run.footer import Footer, TaskRow, WaveRow

_BAR = 30
_SHORTEST_BAR = 6
_NAME_INDENT = 4
_BEHIND_NAME = len("  1m05s")
_USUAL = len("  (usually 1m05s)")
# Where a name of this length does not fit, it is worth more than what is usual.
_READABLE_NAME = 32


class FooterPainter:
    """Turns footers into lines, each less than ``width`` columns wide, so that no terminal wraps them.

    ``encoding``: the terminal's; without Unicode the bars are drawn in ASCII.
    """

    def __init__(self, encoding: str, color: bool) -> None:
        # rich only renders: it neither writes to the terminal nor asks it or the environment for anything.
        self._console = Console(
            file=io.TextIOWrapper(io.BytesIO(), encoding=encoding),
            force_terminal=True,
            color_system="standard" if color else None,
            no_color=not color,
            highlight=False,
            markup=False,
            emoji=False,
            legacy_windows=False,
            _environ={},
        )
        self._names = 0

    def lines(self, footer: Footer, width: int) -> list[str]:
        """One string a row, with colours, without newlines."""
        room = max(1, width - 1)
        # The column never gets narrower again: times that jump from side to side are not calm.
        self._names = max([self._names, *[cells.width(row.name) for row in footer.tasks]])
        usual = room - _NAME_INDENT - _BEHIND_NAME - _USUAL >= min(self._names, _READABLE_NAME)
        column = min(self._names, max(1, room - _NAME_INDENT - _BEHIND_NAME - (_USUAL if usual else 0)))
        rows = [self._wave(row, room) for row in footer.waves]
        rows += [_task(row, column, usual) for row in footer.tasks]
        rows += [Text(" " * _NAME_INDENT + footer.more)] if footer.more else []
        return [self._line(row, room) for row in rows]

    def _line(self, text: Text, room: int) -> str:
        text.truncate(room, overflow="ellipsis")
        with self._console.capture() as captured:
            self._console.print(text, soft_wrap=True, end="")
        return captured.get()

    def _wave(self, row: WaveRow, room: int) -> Text:
        count = f" {row.done}/{row.total}"
        failed = f", {row.failed}" if row.failed else ""
        left = f", {row.left}" if row.left else ""
        fixed = 2 + len(row.label) + 1 + len(count) + len(failed) + 3 + len(row.elapsed)
        if room - fixed - len(left) < _SHORTEST_BAR:
            left = ""
        bar = min(_BAR, room - fixed - len(left))
        text = Text(f"  {row.label}")
        if bar >= _SHORTEST_BAR:
            text.append(" ").append_text(self._bar(row, bar))
        return text.append(count).append(failed, "red").append(f"   {row.elapsed}{left}")

    def _bar(self, row: WaveRow, width: int) -> Text:
        bar = ProgressBar(
            total=max(1, row.total),
            completed=row.done,
            width=width,
            style="dim",
            complete_style="green",
            finished_style="green",
        )
        text = Text()
        for segment in self._console.render(bar, self._console.options.update(width=width)):
            text.append(segment.text, segment.style)
        return text.append(" " * (width - text.cell_len))


def _task(row: TaskRow, column: int, usual: bool) -> Text:
    name = cells.pad(cells.cut(row.name, column), column)
    text = Text(f"{' ' * _NAME_INDENT}{name}  {row.elapsed:>5}")
    return text.append(f"  {row.usual}", "dim") if row.usual and usual else text
