"""One file of a plan: its text, and what was noticed while reading it.

Knows offsets and how they become places. Does not know what the text means.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from functools import cached_property

import msgspec

from exarp.errors import Place, Problem

# More remarks on one file help nobody.
_MOST = 50


class Source:
    """A text file. ``file``: how messages name it; ``name``: its own name; ``folder``: that of the folder it lies in.

    ``remarks``: what readers noticed, none of it an error.
    """

    def __init__(self, file: str, text: str, name: str = "", folder: str = "") -> None:
        self.file = file
        self.text = text
        self.name = name or file.rsplit("/", 1)[-1]
        self.folder = folder
        self.remarks: list[Problem] = []

    def place(self, start: int, end: int = -1) -> Place:
        """Where the characters from ``start`` to ``end`` stand; the first line of them where they go on."""
        line = bisect_right(self._starts, start)
        first = self._starts[line - 1]
        last = self.text.find("\n", first)
        shown = self.text[first : last if last >= 0 else len(self.text)].rstrip("\r")
        length = min(max(end, start + 1) - first, max(len(shown), start - first + 1)) - (start - first)
        return Place(self.file, line, start - first + 1, max(length, 1), shown)

    def remark(self, problem: Problem, start: int, end: int = -1) -> None:
        """Note ``problem`` (a doubt or a warning that has no place yet) at the characters from ``start`` to ``end``."""
        if len(self.remarks) < _MOST:
            self.remarks.append(msgspec.structs.replace(problem, place=self.place(start, end)))

    @cached_property
    def _starts(self) -> list[int]:
        return [0, *(newline.end() for newline in re.finditer("\n", self.text))]


def decoded(data: bytes, file: str, name: str = "", folder: str = "") -> Source:
    """The file as text. Bytes that are no UTF-8 become U+FFFD, and the first of them is remarked on."""
    try:
        return Source(file, data.decode("utf-8-sig"), name, folder)
    except UnicodeDecodeError as error:
        source = Source(file, data.decode("utf-8-sig", "replace"), name, folder)
        start = len(error.object[: error.start].decode("utf-8", "replace"))
        message = f"byte 0x{error.object[error.start]:02x} is not valid UTF-8: it is read as \N{REPLACEMENT CHARACTER}"
        source.remark(Problem("not-utf8", message, None, "save the file as UTF-8", severity="warning"), start)
        return source
