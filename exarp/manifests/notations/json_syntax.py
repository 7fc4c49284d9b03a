"""Where every key and value of a JSON document stands, and what is wrong with a text that is none, in words.

Knows JSON's grammar, and what people write in its place. Does not know what a manifest's keys mean, but that ``task`` holds
tasks. One walk does both: it records places up to the first fault.
"""

from __future__ import annotations

import json
import re
import sys
from contextlib import suppress
from typing import NamedTuple

from exarp.errors import Problem
from exarp.manifests.notations.nesting import DEEPEST
from exarp.manifests.problems.place import here_first, place_at
from exarp.manifests.problems.positions import DOCUMENT, KeyPath, Positions, Tree

# Python reads no whole number with more digits than these.
_LONGEST = 4300

_SPACE = re.compile(r"[ \t\r\n]*")
_TEXT = r'"[^"\\\x00-\x1f]*(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\x00-\x1f]*)*'
_SOUND = re.compile(_TEXT)
_STRING = re.compile(f'{_TEXT}"')
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?(?![\w.+-])", re.ASCII)
_LITERAL = re.compile(r"(?:true|false|null)(?!\w)")
_WORD = re.compile(r"[^\s,:{}\[\]\"']+")
_COMMENT = re.compile(r"//[^\n]*|/\*[\s\S]*?(?:\*/|$)|#[^\n]*")
_PAIRS = re.compile(
    r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(u[dD][89a-fA-F][0-9a-fA-F]{2})|.)", re.DOTALL
)
_MEANT = {
    "none": "null",
    "nil": "null",
    "undefined": "null",
    "yes": "true",
    "on": "true",
    "no": "false",
    "off": "false",
}


class _Fault(Exception):
    """What is wrong at a span of the text (offsets), in words, and the next step."""

    def __init__(self, message: str, step: str, start: int, end: int) -> None:
        super().__init__(message)
        self.message = message
        self.step = step
        self.start = start
        self.end = end


class _Twice(NamedTuple):
    """A key that stands in its table already: its path, and both places as offsets."""

    path: KeyPath
    first: tuple[int, int]
    second: tuple[int, int]


class _Open(NamedTuple):
    """A table or list whose parts are being read."""

    node: int
    is_list: bool
    start: int
    path: KeyPath


def scan(text: str) -> Positions:
    """The places of every key and value in ``text``. Time and memory are linear in the text; never raises."""
    # Editors show no column for a byte order mark, and what reads the file has dropped it.
    text = text.removeprefix("\ufeff")
    walk = _Walk(text)
    with suppress(_Fault):
        walk.run()
    return Positions(text, walk.tree)


def problems_of(file: str, text: str) -> list[Problem]:
    """What is wrong with ``text``: where its grammar ends, or all keys that stand twice; nothing if it is a document."""
    text = text.replace("\r\n", "\n")
    walk = _Walk(text)
    try:
        walk.run()
    except _Fault as fault:
        place = place_at(file, text, fault.start, fault.end)
        return [Problem("syntax", f"not valid JSON: {fault.message}", place, fault.step)]
    if walk.is_document:
        return [_duplicate(twice, file, text) for twice in walk.twice]
    message = "a manifest is an object, and this is none"
    start = len(text) - len(text.lstrip())
    return [Problem("syntax", message, place_at(file, text, start, len(text)), 'write { "task": { … } }')]


def _duplicate(twice: _Twice, file: str, text: str) -> Problem:
    first, place = (place_at(file, text, *span) for span in (twice.first, twice.second))
    name = str(twice.path[-1])
    in_task = len(twice.path) == 2 and twice.path[0] == "task"
    message = f"task {name!r} is declared twice" if in_task else f"key {name!r} stands twice in one object"
    return Problem("duplicate-name", message, place, "keep one of them, or rename one", here_first(place, first))


class _Walk:
    """Walks the text once, with a stack of its own: a text may nest without bound."""

    def __init__(self, text: str) -> None:
        self.tree = Tree()
        self.twice: list[_Twice] = []
        self.is_document = False
        self._text = text
        self._pos = 0
        self._open: list[_Open] = []
        self._is_first = False  # whether the innermost has no part yet

    def run(self) -> None:
        """Raises _Fault."""
        self.is_document = self._char() == "{"
        if not self._char():
            raise self._here("an empty file is no JSON", "write { }")
        self._value(DOCUMENT, ())
        while self._open:
            self._part(self._open[-1])
        if self._char():
            raise self._here("nothing may follow the object", "take it out, or move it inside")

    def _part(self, inside: _Open) -> None:
        """The next entry of a table or list, or its end."""
        closing = "]" if inside.is_list else "}"
        char = self._char()
        if char == "," and not self._is_first:
            comma = self._pos
            self._pos += 1
            char = self._char()
            if char == closing:
                raise _Fault("a ',' with nothing after it", "take it out", comma, comma + 1)
        elif char == closing:
            self._close()
            return
        elif char and not self._is_first:
            step = f"part entries by commas, and close with {closing}"
            raise self._here(f"',' or '{closing}' is missing before this", step)
        if inside.is_list:
            self._value(self.tree.element(inside.node), inside.path)
        else:
            self._value(*self._key(inside))

    def _close(self) -> None:
        self._pos += 1
        done = self._open.pop()
        self.tree.set_value(done.node, done.start, self._pos)
        self._is_first = False

    def _key(self, inside: _Open) -> tuple[int, KeyPath]:
        """Read a key with its colon: the node it leads to, and its path."""
        if self._char() != '"':
            raise self._no_key()
        start = self._pos
        written = self._string()
        name = sys.intern(json.loads(written) if "\\" in written else written[1:-1])
        span = start, self._pos
        if self._char() != ":":
            raise self._here("':' is missing after the key", 'write "key": value')
        self._pos += 1
        path = (*inside.path, name)
        node = self.tree.child(inside.node, name, *span)
        if self.tree.key_start[node] != start:
            first = self.tree.key_start[node], self.tree.key_end[node]
            self.twice.append(_Twice(path, first, span))
        return node, path

    def _value(self, node: int, path: KeyPath) -> None:
        char = self._char()
        start = self._pos
        if char in ("{", "["):
            if len(self._open) >= DEEPEST:
                raise self._here("nested too deeply", "flatten it")
            self._pos += 1
            self._open.append(_Open(node, char == "[", start, path))
            self._is_first = True
        elif char == '"':
            self._string()
            self._is_first = False
        else:
            self._word()
            self._is_first = False
        self.tree.set_value(node, start, self._pos)

    def _word(self) -> None:
        """A number, true, false or null."""
        found = _NUMBER.match(self._text, self._pos) or _LITERAL.match(self._text, self._pos)
        if found is None:
            raise self._no_value()
        if len(found[0]) > _LONGEST and found[0].lstrip("-").isdigit():
            step = "write a smaller number, or put it in quotes"
            raise _Fault("a number with too many digits", step, *found.span())
        self._pos = found.end()

    def _string(self) -> str:
        """Read a string; as it is written, with its quotes."""
        start = self._pos
        found = _STRING.match(self._text, start)
        if found is None:
            raise self._no_string()
        for escape in _PAIRS.finditer(found[0]) if "\\u" in found[0] else ():
            if escape[1]:
                at = start + escape.start()
                step = "write both halves of the pair, or the character itself"
                raise _Fault("this escape stands for half a character", step, at, at + len(escape[0]))
        self._pos = found.end()
        return found[0]

    def _char(self) -> str:
        """The character that comes next, after white space; empty at the end."""
        space = _SPACE.match(self._text, self._pos)
        assert space is not None, "no space is space, too"
        self._pos = space.end()
        comment = _COMMENT.match(self._text, self._pos)
        if comment is not None:
            step = "take it out; exarp.toml and exarp.yaml can have comments"
            raise _Fault("JSON has no comments", step, *comment.span())
        return self._text[self._pos : self._pos + 1]

    # -- what is wrong -----------------------------------------------------------------------------------------

    def _here(self, message: str, step: str, length: int = 1) -> _Fault:
        return _Fault(message, step, self._pos, self._pos + length)

    def _no_key(self) -> _Fault:
        char = self._char()
        if word := _WORD.match(self._text, self._pos):
            return self._here("a key is written in double quotes", _quoted(word[0]), len(word[0]))
        if char and char not in "'":
            return self._here("a key is missing here", 'write "key": value')
        return self._no_value()

    def _no_value(self) -> _Fault:
        char = self._char()
        if not char:
            last = self._open[-1]
            what, closing = ("list", "]") if last.is_list else ("object", "}")
            message = f"the {what} that begins here has no end"
            return _Fault(message, f"close it with {closing}", last.start, last.start + 1)
        if char == "'":
            end = re.compile(r"'[^'\n]*'?").match(self._text, self._pos)
            written = end[0] if end else "'"
            return self._here("strings are written in double quotes", _quoted(written.strip("'")), len(written))
        word = _WORD.match(self._text, self._pos)
        if word is None:
            return self._here("a value is missing here", "write a value, or take the key out")
        meant = _MEANT.get(word[0].lower(), word[0].lower())
        if meant == "null":
            step = "there is no such value: leave the key out"
        elif meant in ("true", "false"):
            step = f"write {meant}"
        elif meant[0] in "+-.0123456789" or meant in ("nan", "infinity"):
            step = "write a plain number, or put it in quotes"
        else:
            step = "put text in quotes"
        return self._here(f"{word[0]!r} is not a value", step, len(word[0]))

    def _no_string(self) -> _Fault:
        start = self._pos
        sound = _SOUND.match(self._text, start)
        at = sound.end() if sound else start
        char = self._text[at : at + 1]
        if char == "\\" and self._text[at + 1 : at + 2] not in ("", "\n"):
            step = r"write \\ for a backslash"
            if self._text[at + 1] == "u":
                return _Fault(
                    "this escape stands for no character", r"write \u and four hexadecimal digits", at, at + 2
                )
            return _Fault(f"{self._text[at : at + 2]} is no escape", step, at, at + 2)
        if char in ("", "\\", "\n", "\r"):
            step = 'close it with "; a new line inside of it is written \\n'
            return _Fault("the string that begins here has no end", step, start, at)
        if char == "\t":
            return _Fault("a tab in a string is written \\t", "write \\t", at, at + 1)
        code = ord(char)
        return _Fault(f"the control character U+{code:04X} cannot stand here", f"write \\u{code:04x}", at, at + 1)


def _quoted(word: str) -> str:
    return f'write "{word}"' if word.isprintable() and not {"\\", '"'} & set(word) else "put it in double quotes"
