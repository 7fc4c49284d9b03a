"""Places of keys and values in a document.

Knows: a tree of what stands in the document, by offsets into its text, and how to tell line and column from them. Does not
know any notation: whoever reads one grows the tree.
"""

from __future__ import annotations

import re
from array import array
from bisect import bisect_right
from collections import defaultdict
from functools import cached_property
from typing import NamedTuple

KeyPath = tuple[str | int, ...]
"""From the document down to one value: keys as their reader gives them, and indices of lists."""

# What has no text of its own; the node of the document itself.
NOWHERE = -1
DOCUMENT = 0


class Span(NamedTuple):
    """Characters of one line: 1-based line and column, and a length of at least 1, all in code points."""

    line: int
    column: int
    length: int


class Positions:
    """The places in one document. A byte order mark is no part of its first line."""

    def __init__(self, text: str, tree: Tree, below: KeyPath = ()) -> None:
        """``below``: the table that paths begin at, where it is not the document."""
        self._text = text
        self._tree = tree
        self._root = DOCUMENT
        self._root = self._find(below) or DOCUMENT
        self._starts = [0, *(newline.end() for newline in re.finditer("\n", text))]

    def key(self, path: KeyPath) -> Span | None:
        """Where the last part of ``path`` is written, with its quotes; None if nothing is recorded there.

        A table with a header: its name there. A table without one, and an array of tables: the first place
        that names it. An element of an array of tables: the whole dotted name in its header. An element of
        an inline array has no key: its value.
        """
        node = self._find(path)
        return None if node is None else self._key_of(node) or self._value_of(node)

    def value(self, path: KeyPath) -> Span | None:
        """Where the value at ``path`` stands, up to the end of its first line; None if nothing is recorded there.

        A table with a header, and an element of an array of tables: the header with its brackets; an array
        of tables: the header of its first element. A table that only dotted names imply has no text of its
        own: the first place that names it.
        """
        node = self._find(path)
        return None if node is None else self._value_of(node) or self._key_of(node)

    def extent(self, path: KeyPath) -> tuple[int, int] | None:
        """Offsets into the text where the value at ``path`` begins and ends, in whatever line; None as for ``value``."""
        node = self._find(path)
        if node is None or self._tree.value_start[node] == NOWHERE:
            return None
        return self._tree.value_start[node], self._tree.value_end[node]

    def mentions(self, path: KeyPath) -> list[tuple[int, int]]:
        """Offsets of every place where the last part of ``path`` is written as a key; none where an alias repeats it."""
        node = self._find(path)
        return [] if node is None or self._is_repeated(path) else self._tree.mentions(node)

    def own_extent(self, path: KeyPath) -> tuple[int, int] | None:
        """As ``extent``, but None where the value also stands elsewhere, through an alias."""
        return None if self._is_repeated(path) else self.extent(path)

    def _is_repeated(self, path: KeyPath) -> bool:
        return bool(self._tree.repeated) and any(
            self._find(path[:length]) in self._tree.repeated for length in range(len(path) + 1)
        )

    def line_text(self, line: int) -> str:
        """The text of a 1-based line without its line end; empty for a line that the document does not have."""
        if not 1 <= line <= len(self._starts):
            return ""
        return self._text[self._starts[line - 1] : self._line_end(line)]

    def _find(self, path: KeyPath) -> int | None:
        """The node at ``path``."""
        node = self._root
        for part in path:
            found = self._tree.children.get(node, {}).get(part)
            if found is None:
                return None
            node = found
        return node

    def _key_of(self, node: int) -> Span | None:
        return self._span(self._tree.key_start[node], self._tree.key_end[node])

    def _value_of(self, node: int) -> Span | None:
        return self._span(self._tree.value_start[node], self._tree.value_end[node])

    def _span(self, start: int, end: int) -> Span | None:
        if start == NOWHERE:
            return None
        line = bisect_right(self._starts, start)
        return Span(line, start - self._starts[line - 1] + 1, max(1, min(end, self._line_end(line)) - start))

    def _line_end(self, line: int) -> int:
        if line == len(self._starts):
            return len(self._text)
        end = self._starts[line] - 1
        return end - self._text.endswith("\r", self._starts[line - 1], end)


class Tree:
    """Nodes by number, 0 the document; offsets into the text, ``NOWHERE`` where a node has no such text.

    Arrays of integers and not objects: a manifest of 100,000 tasks has more than a million nodes.
    """

    def __init__(self) -> None:
        self.children: defaultdict[int, dict[str | int, int]] = defaultdict(dict)
        self.key_start = array("q")
        self.key_end = array("q")
        self.value_start = array("q")
        self.value_end = array("q")
        # Nodes whose parts stand at several paths.
        self.repeated: set[int] = set()
        # Where keys are written that have a place already: nodes, starts, ends.
        self._again = (array("q"), array("q"), array("q"))
        self._add(NOWHERE, NOWHERE)

    def child(self, parent: int, part: str, start: int, end: int) -> int:
        """The child called ``part``; made, as standing at ``start``, if this is the first time it is named."""
        siblings = self.children[parent]
        node = siblings.get(part)
        if node is None:
            node = siblings[part] = self._add(start, end)
        else:
            self._mention(node, start, end)
        return node

    def mentions(self, node: int) -> list[tuple[int, int]]:
        """Every place that names ``node``, in order."""
        found = {(self.key_start[node], self.key_end[node])} - {(NOWHERE, NOWHERE)}
        return sorted(found | self._mentions.get(node, set()))

    @cached_property
    def _mentions(self) -> dict[int, set[tuple[int, int]]]:
        found: defaultdict[int, set[tuple[int, int]]] = defaultdict(set)
        for node, start, end in zip(*self._again, strict=True):
            found[node].add((start, end))
        return found

    def _mention(self, node: int, start: int, end: int) -> None:
        for numbers, number in zip(self._again, (node, start, end), strict=True):
            numbers.append(number)

    def element(self, parent: int) -> int:
        """A new last element of the array ``parent``."""
        siblings = self.children[parent]
        node = siblings[len(siblings)] = self._add(NOWHERE, NOWHERE)
        return node

    def loose(self, start: int, end: int) -> int:
        """A node that no path leads to."""
        return self._add(start, end)

    def share(self, node: int, other: int) -> None:
        """``node`` holds what ``other`` does, at the same places."""
        self.repeated |= {node, other}
        if other in self.children:
            self.children[node] = self.children[other]

    def set_key(self, node: int, start: int, end: int) -> None:
        if self.key_start[node] not in (NOWHERE, start):
            self._mention(node, self.key_start[node], self.key_end[node])
        self.key_start[node] = start
        self.key_end[node] = end

    def set_value(self, node: int, start: int, end: int) -> None:
        self.value_start[node] = start
        self.value_end[node] = end

    def _add(self, start: int, end: int) -> int:
        self.key_start.append(start)
        self.key_end.append(end)
        self.value_start.append(NOWHERE)
        self.value_end.append(NOWHERE)
        return len(self.key_start) - 1
