"""From a key's path in a manifest to its line and column.

Knows one file's text, and scans it only when a place is asked for. Does not know what is wrong there.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from exarp.errors import Place
from exarp.model.path import normalise

if TYPE_CHECKING:
    from exarp.manifests.toml_positions import Positions, Span

KeyPath = tuple[str | int, ...]


class Locator:
    """Finds places in one manifest. ``file`` is how messages name it."""

    def __init__(self, file: str, text: str) -> None:
        self.file = file
        self.text = text
        self._positions: Positions | None = None

    def key(self, *path: str | int) -> Place:
        """Where the key at ``path`` stands; the nearest enclosing key where it was not written."""
        return self._find(path, on_key=True)

    def value(self, *path: str | int) -> Place:
        """Where the value at ``path`` stands; the nearest enclosing value where it was not written."""
        return self._find(path, on_key=False)

    def entry(self, path: KeyPath, wanted: str) -> Place:
        """Where the path ``wanted`` (normalised) stands in the list at ``path``; the list itself if it is not there.

        Positions in a list of the model differ from those in the file (``!…`` and ``{ from = … }`` stand there too), so
        the text is asked.
        """
        for index in itertools.count():
            place = self._exact((*path, index))
            if place is None:
                return self.value(*path)
            written = place.text[place.column - 1 : place.column - 1 + place.length].strip("\"'")
            if normalise(written.removeprefix("!")).rstrip("/") == wanted.rstrip("/"):
                return place
        raise AssertionError("a list ends")

    def at(self, line: int, column: int, length: int = 1) -> Place:
        """A place by its numbers, with the line's text."""
        lines = self.text.splitlines()
        return Place(self.file, line, column, length, lines[line - 1] if 0 < line <= len(lines) else "")

    def _find(self, path: KeyPath, on_key: bool) -> Place:
        for end in range(len(path), 0, -1):
            # Above the asked-for depth the key says more than the (whole) value would.
            span = self._lookup(path[:end], on_key or end < len(path))
            if span is not None:
                return self._place(span)
        return self.at(1, 1)

    def _exact(self, path: KeyPath) -> Place | None:
        span = self.positions.value(path)
        return None if span is None else self._place(span)

    def _place(self, span: Span) -> Place:
        return Place(self.file, span.line, span.column, span.length, self.positions.line_text(span.line))

    def _lookup(self, path: KeyPath, on_key: bool) -> Span | None:
        if on_key:
            return self.positions.key(path)
        return self.positions.value(path) or self.positions.key(path)

    @property
    def positions(self) -> Positions:
        """All positions of the text; scanned when first asked for."""
        if self._positions is None:
            from exarp.manifests.toml_positions import scan

            self._positions = scan(self.text)
        return self._positions
