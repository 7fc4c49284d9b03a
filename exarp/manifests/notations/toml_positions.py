"""Where every key and every value of a TOML document stands.

Knows: the shape of TOML 1.0, and of 1.1 as tomli reads it (newlines and trailing commas in inline
tables, ``\\e`` and ``\\xHH``).
Does not know: whether a document is right, or what its values mean. It runs over text that tomli has
accepted already. Of a text that tomli refuses it may record only what stands before the first surprise;
it neither raises nor loops on any text.
"""

from __future__ import annotations

import re
import sys
from typing import NamedTuple

from exarp.manifests.problems.positions import DOCUMENT, NOWHERE, KeyPath, Positions, Tree

# What is repeated is possessive, for no pattern here needs a way back; but for groups, which Python 3.11.0 to 3.11.4 then
# get wrong (gh-106052).
_GAP = r"[ \t\r\n,]*+(?:#[^\n]*+[ \t\r\n,]*+)*"
_BASIC = r'"[^"\\\n]*+(?:\\.[^"\\\n]*+)*"'
_LITERAL = r"'[^'\n]*+'"
# Up to two quotes may stand before the three that end the string.
_LONG_BASIC = r'"""[^"\\]*+(?:(?!""")\\?+[\s\S][^"\\]*+)*"{3,5}'
_LONG_LITERAL = r"'''[^']*+(?:(?!''')'[^']*+)*'{3,5}"
# White space inside: a date may be parted from its time by a space.
_BARE = r"""[^\s,\]}#"'\[{=][^\s,\]}#]*+(?:[ \t]++[^\s,\]}#]++)*"""

_HEADER = re.compile(rf"{_GAP}(\[\[?)[ \t]*+")
_KEY = re.compile(rf"{_GAP}([A-Za-z0-9_-]++|{_BASIC}|{_LITERAL})[ \t]*+(?:[.=]|\]\]?)")
_VALUE = re.compile(rf"{_GAP}({_LONG_BASIC}|{_LONG_LITERAL}|{_BASIC}|{_LITERAL}|[\[{{]|{_BARE})")
_CLOSING = re.compile(rf"{_GAP}[\]}}]")
_ESCAPE = re.compile(r"\\(x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}|.)")
_ESCAPED = {"b": "\b", "t": "\t", "n": "\n", "f": "\f", "r": "\r", "e": "\x1b"}


def scan(text: str, below: KeyPath = ()) -> Positions:
    """The places of every key and value in ``text``, a TOML document that tomli accepts; paths begin ``below``.

    Time and memory are linear in the text. Never raises; see the module for text that tomli refuses.
    """
    # Editors show no column for a byte order mark, and what reads the file for tomli has dropped it.
    text = text.removeprefix("\ufeff")
    scanner = _Scanner(text)
    scanner.run()
    return Positions(text, scanner.tree, below)


class _Name(NamedTuple):
    """What a dotted key leads to, and where the key's last part stands."""

    node: int
    start: int
    end: int


class _Scanner:
    """Walks the text once. Lenient: commas, line ends and matching brackets are tomli's business."""

    def __init__(self, text: str) -> None:
        self.tree = Tree()
        self._text = text
        self._pos = 0
        self._table = DOCUMENT
        self._newest: dict[int, int] = {}  # array of tables -> its last element

    def run(self) -> None:
        while self._pair() or self._header():
            pass

    def _pair(self) -> bool:
        """One ``key = value`` of the table of the last header, with all that is inside the value."""
        node = self._keyed(self._table)
        start = self._value(node)
        return start != NOWHERE and (self._text[start] not in "[{" or self._inside(node, start))

    def _header(self) -> bool:
        opening = _HEADER.match(self._text, self._pos)
        if opening is None:
            return False
        self._pos = opening.end()
        name = self._name(DOCUMENT)
        if name is None:
            return False
        if opening[1] == "[[":
            self._append(name, opening.start(1), opening.end())
        else:
            self._table = name.node
            self.tree.set_key(*name)
            self.tree.set_value(name.node, opening.start(1), self._pos)
        return True

    def _append(self, array_name: _Name, header: int, first_part: int) -> None:
        """A header ``[[…]]`` at ``header``, just read: a new element, and the table of what follows."""
        if array_name.node not in self._newest:
            self.tree.set_value(array_name.node, header, self._pos)
        self._table = self._newest[array_name.node] = self.tree.element(array_name.node)
        self.tree.set_key(self._table, first_part, array_name.end)
        self.tree.set_value(self._table, header, self._pos)

    def _name(self, table: int) -> _Name | None:
        """Read a dotted key and what ends it (``=`` or the brackets of a header); None where no key stands."""
        node = table
        while match := _KEY.match(self._text, self._pos):
            self._pos = match.end()
            start, end = match.span(1)
            # A header that goes through an array of tables means its last element.
            node = self.tree.child(self._newest.get(node, node), _unquoted(match[1]), start, end)
            if self._text[self._pos - 1] != ".":
                return _Name(node, start, end)
        return None

    def _keyed(self, table: int) -> int:
        """Read the key of a pair; the node it leads to, or ``NOWHERE`` where no key stands."""
        name = self._name(table)
        if name is None:
            return NOWHERE
        self.tree.set_key(*name)
        return name.node

    def _value(self, node: int) -> int:
        """Read a scalar or an opening bracket as the value of ``node``; where it starts.

        ``NOWHERE`` where no value stands, or its key did not.
        """
        match = _VALUE.match(self._text, self._pos)
        if match is None or node == NOWHERE:
            return NOWHERE
        start, self._pos = match.span(1)
        self.tree.set_value(node, start, self._pos)
        return start

    def _inside(self, node: int, start: int) -> bool:
        """Read on to the end of the array or inline table that opens at ``start``; whether it has one.

        A loop with its own stack: tomli allows more nesting than a small call stack does, and a text that
        tomli refuses may nest without bound.
        """
        opened = [(node, self._text[start])]
        while opened:
            owner, bracket = opened[-1]
            if closing := _CLOSING.match(self._text, self._pos):
                self._pos = self.tree.value_end[owner] = closing.end()
                opened.pop()
                continue
            node = self.tree.element(owner) if bracket == "[" else self._keyed(owner)
            start = self._value(node)
            if start == NOWHERE:
                return False
            if self._text[start] in "[{":
                opened.append((node, self._text[start]))
        return True


def _unquoted(part: str) -> str:
    """The key that a bare or quoted part means. Interned: a manifest repeats few keys many times."""
    if part[0] == "'":
        part = part[1:-1]
    elif part[0] == '"':
        part = _ESCAPE.sub(_unescaped, part[1:-1])
    return sys.intern(part)


def _unescaped(escape: re.Match[str]) -> str:
    code = escape[1]
    if len(code) == 1:
        return _ESCAPED.get(code, code)
    point = int(code[1:], 16)
    return chr(point) if point <= sys.maxunicode else escape[0]
