"""As much of a terminal as the live display uses: what is on the screen after the bytes it was sent."""

from __future__ import annotations

import re
import unicodedata

_TOKEN = re.compile(r"\x1b\[([0-9;]*)([A-Za-z])|([\r\n])|([^\x1b\r\n])")


class Screen:
    """An endless roll of paper with a cursor: rows never scroll away, so that a test sees all of them."""

    def __init__(self, columns: int) -> None:
        self.columns = columns
        self.rows: list[list[str]] = [[]]
        self.row = 0
        self.column = 0

    def feed(self, text: str) -> None:
        at = 0
        while at < len(text):
            match = _TOKEN.match(text, at)
            assert match is not None, f"the display sent what it should not: {text[at : at + 10]!r}"
            at = match.end()
            if match[2]:
                self._control(match[1], match[2])
            elif match[3] == "\n":
                self._go_down()
            elif match[3] == "\r":
                self.column = 0
            else:
                self._put(match[4])

    def _go_down(self) -> None:
        self.row += 1
        self.column = 0  # the tty turns a newline into both
        while len(self.rows) <= self.row:
            self.rows.append([])

    def _put(self, char: str) -> None:
        wide = 2 if unicodedata.east_asian_width(char) in "WF" else 1
        if char == " " and self.column == self.columns:
            # Spaces alone may go on in the next line: where it begins is found with them.
            self._go_down()
        assert self.column + wide < self.columns + 1, (
            f"a line was wider than the screen: {''.join(self.rows[self.row])}"
        )
        line = self.rows[self.row]
        line += [" "] * (self.column + wide - len(line))
        line[self.column : self.column + wide] = [char] + [""] * (wide - 1)
        self.column += wide

    def _control(self, parameters: str, final: str) -> None:
        if final == "J":
            del self.rows[self.row][self.column :]
            del self.rows[self.row + 1 :]
        elif final == "K":
            del self.rows[self.row][self.column :]
        elif final == "A":
            self.row -= int(parameters or "1")
            assert self.row >= 0, "the cursor left the top of the screen"
        else:
            assert final == "m", f"the display used the sequence {final!r}"

    @property
    def text(self) -> str:
        return "\n".join("".join(row).rstrip() for row in self.rows).rstrip("\n")
