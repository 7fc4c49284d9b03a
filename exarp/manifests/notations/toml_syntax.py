"""What is wrong with a text that is no TOML, in words for somebody who does not know TOML's grammar.

Knows tomli's messages (2.3 and later) and where it stands when it gives up. A message it does not know is passed on
as it is. Does not know what a manifest's keys mean, but that ``[task.a]`` declares a task.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from typing import NamedTuple

import tomli

from exarp.errors import Place, Problem
from exarp.manifests.notations.toml_positions import scan
from exarp.manifests.problems.place import here_first, place_at

_KEY_PART = r"""(?:[A-Za-z0-9_-]+|"(?:[^"\\\n]|\\.)*"|'[^'\n]*')"""
_KEY = re.compile(rf"[ \t]*({_KEY_PART}(?:[ \t]*\.[ \t]*{_KEY_PART})*)[ \t]*=")
_WORD = re.compile(r"[^\s,\]}#]+")
# Strings and comments that end; two quotes alone are an empty string, three are the beginning of one of several lines.
_STRING = re.compile(
    r'"""[\s\S]*?"""|"(?:[^"\\\n]|\\.)+"|""(?!")'
    r"|'''[\s\S]*?'''|'[^'\n]+'|''(?!')|#[^\n]*"
)
_OPENING = re.compile(r"[\"'#]")
_BRACKETS = re.compile(rf"{_STRING.pattern}|[\[{{]|[\]}}]")
_TOO_LONG = re.compile(r"[0-9_]{4000,}")
# How far above the place where tomli gives up a statement is looked for; longer ones keep tomli's place.
_LINES_ABOVE = 200
# tomli gives up at 400 levels of brackets, and at 1,000 parts of a key.
_NESTING = 400
_PARTS = 999
_QUOTE_IT = "quote a name that has more than letters, digits, - and _"


class _Finding(NamedTuple):
    """What is wrong at a span of the text (offsets), in words, and the next step."""

    message: str
    step: str
    start: int
    end: int


def syntax_problem(error: ValueError | RecursionError, file: str, text: str) -> Problem:
    """The problem that an error of ``tomli.loads(text)`` stands for."""
    return _Complaint(error, file, text.replace("\r\n", "\n")).problem()


class _Complaint:
    def __init__(self, error: Exception, file: str, text: str) -> None:
        self.text = text
        self.file = file
        self.error = error
        self.message = error.msg if isinstance(error, tomli.TOMLDecodeError) else ""
        self.pos = min(error.pos, len(text)) if isinstance(error, tomli.TOMLDecodeError) else 0

    def problem(self) -> Problem:
        if isinstance(self.error, RecursionError):
            finding = self.nested()
        elif not self.message:
            finding = self.number()
        elif twice := self.twice():
            return twice
        else:
            finding = self.finding()
        place = self.place(finding.start, finding.end)
        return Problem("syntax", f"not valid TOML: {finding.message}", place, finding.step)

    def place(self, start: int, end: int) -> Place:
        return place_at(self.file, self.text, start, end)

    # -- a second definition ----------------------------------------------------------------------------------

    def twice(self) -> Problem | None:
        """What tomli says in five ways: this key or table is there already."""
        named = re.fullmatch(
            r"Cannot (declare|redefine namespace|mutate immutable namespace) (\(.*\))(?: twice)?", self.message
        )
        if named and named[1] == "declare":
            return self.table_twice(ast.literal_eval(named[2]))
        statement = self.statement()
        key = _KEY.match(statement or "")
        if named and (key is None or statement is None):
            return self.written_whole(ast.literal_eval(named[2]), self.header(), self.pos)
        if named and key is not None and statement is not None:
            start = self.pos - len(statement) + key.start(1)
            return self.written_whole(ast.literal_eval(named[2]), start, start + len(key[1]))
        if self.message.startswith("Duplicate inline table key"):
            return self.inline_twice()
        if self.message != "Cannot overwrite a value":
            return None
        if statement is None or key is None:
            return self.value_in_the_way()
        return self.key_twice(key[1], self.pos - len(statement) + key.start(1))

    def table_twice(self, path: tuple[str, ...]) -> Problem:
        start = self.header()
        shown = _dotted(path)
        what = f"task {path[1]!r}" if len(path) == 2 and path[0] == "task" else f"[{shown}]"
        before = scan(self.text[:start])
        span = before.value(path)
        first = span and Place(self.file, *span, before.line_text(span.line))
        return _duplicate(f"{what} is declared twice", self.place(start, self.pos + 1), first)

    def key_twice(self, key: str, start: int) -> Problem:
        header = max(self.text.rfind("\n[", 0, start) + 1, 0)
        first = re.compile(rf"^[ \t]*({re.escape(key)})[ \t]*=", re.MULTILINE).search(self.text, header, start)
        table = self.text[header : self.text.find("\n", header)].strip() if self.text.startswith("[", header) else ""
        where = f" in {table}" if table else ""
        place = self.place(start, start + len(key))
        return _duplicate(f"key {key!r} stands twice{where}", place, first and self.place(*first.span(1)))

    def inline_twice(self) -> Problem:
        key = ast.literal_eval(self.message.removeprefix("Duplicate inline table key "))
        written = [
            match.span(1) for match in re.finditer(rf"[{{,\s](\"?{re.escape(key)}\"?)[ \t]*=", self.text[: self.pos])
        ]
        start, end = written[-1] if written else (self.pos - 1, self.pos)
        first = self.place(*written[-2]) if len(written) > 1 else None
        return _duplicate(f"key {key!r} stands twice in one table", self.place(start, end), first)

    def written_whole(self, path: tuple[str, ...], start: int, end: int) -> Problem:
        place = self.place(start, end)
        message = f"{_dotted(path)!r} is complete already, nothing can be added to it here"
        return Problem("duplicate-name", message, place, "write all of it in one place")

    def value_in_the_way(self) -> Problem:
        start = self.header()
        message = "a part of this name has a value already, so it cannot be a table"
        return Problem("duplicate-name", message, self.place(start, self.pos + 1), "remove or rename one of them")

    def header(self) -> int:
        """Where the line of a header begins that ends at ``pos``."""
        return self.text.rfind("\n", 0, self.pos) + 1

    def statement(self) -> str | None:
        """The ``key = value`` that ends at ``pos``; None if it cannot be told."""
        start = self.pos
        for _ in range(_LINES_ABOVE):
            start = self.text.rfind("\n", 0, start) + 1
            if _is_pair(self.text[start : self.pos]):
                return self.text[start : self.pos]
            if start == 0:
                break
            start -= 1
        return None

    # -- everything else --------------------------------------------------------------------------------------

    def finding(self) -> _Finding:
        if self.text.startswith("\r", self.pos):
            step = "save the file with the line ends of Unix or of Windows"
            return self.here("a carriage return alone does not end a line", step)
        for start, find in _FINDERS.items():
            if self.message.startswith(start):
                return find(self)
        return self.here(self.message[:1].lower() + self.message[1:])

    def here(self, message: str, step: str = "see https://toml.io", end: int | None = None) -> _Finding:
        return _Finding(message, step, self.pos, end or self.pos + 1)

    def word(self) -> str:
        """The word at ``pos``."""
        found = _WORD.match(self.text, self.pos)
        return found[0] if found else ""

    def value(self) -> _Finding:
        word = self.word()
        rest = self.text[: self.pos].rstrip()
        if self.pos >= len(self.text.rstrip()) and not rest.endswith("="):
            return self.here("the file ends before the value does", "close the list with ], the table with }")
        if not word:
            return self.here("a value is missing here", "write a value, or take the key out")
        end = self.pos + len(word)
        if word.lower() in ("true", "false", "yes", "no", "on", "off"):
            step = f"write {'true' if word.lower() in ('true', 'yes', 'on') else 'false'}"
        elif word.lower() in ("none", "null", "nil"):
            step = "there is no such value: take the key out"
        else:
            step = "put text in quotes"
        return self.here(f"{word!r} is not a value", step, end)

    def trailing(self) -> _Finding:
        rest = self.text[self.pos :].partition("\n")[0].rstrip()
        before = self.text[self.header() : self.pos].strip()
        what, step = "value", "start a new line for another key"
        if before.startswith("["):
            what, step = "header", "start a new line"
        elif before.endswith(('"', "'")):
            step = "quotes inside a string: put '…' around it, or write \\\" for each"
        return self.here(f"nothing may follow a {what} but a comment", step, self.pos + len(rest))

    def equals(self) -> _Finding:
        return self.here("'=' is missing after the key", "write key = value, and a task's header as [task.NAME]")

    def brackets(self) -> _Finding:
        line = self.text[self.header() :].partition("\n")[0]
        written = re.match(r"[ \t]*\[+[ \t]*task\.([^\"'\]\n]+)\]", line)
        if "]" not in line:
            step = "close the header with ]"
        else:
            step = _QUOTE_IT + (f': [task."{written[1].strip()}"]' if written else "")
        return self.here("']' is missing here", step)

    def key_part(self) -> _Finding:
        return self.here("a key is missing here", _QUOTE_IT)

    def statement_start(self) -> _Finding:
        return self.here("a line is a [table], a key = value, or a # comment", "mend or remove it")

    def array(self) -> _Finding:
        return self.here("',' or ']' is missing before this", "part values by commas, and close the list with ]")

    def inline_table(self) -> _Finding:
        return self.here("',' or '}' is missing before this", "part entries by commas, and close the table with }")

    def escape(self) -> _Finding:
        start = self.text.rfind("\\", 0, self.pos + 1)
        step = r"write \\ for a backslash, or put the string in 'single quotes'"
        return _Finding(f"{self.text[start : start + 2]!r} is no escape".replace("\\\\", "\\"), step, start, start + 2)

    def scalar(self) -> _Finding:
        start = self.text.rfind("\\", 0, self.pos)
        return _Finding("this escape stands for no character", r"write \u and four hexadecimal digits", start, self.pos)

    def character(self) -> _Finding:
        """A newline or a control character in a string, or in a comment."""
        char = self.text[self.pos : self.pos + 1]
        if char in ("\n", ""):
            return self.unclosed()
        code = ord(char)
        return self.here(
            f"the control character U+{code:04X} cannot stand here", f"take it out, or write \\u{code:04x} in a string"
        )

    def unclosed(self) -> _Finding:
        """A string without its end: its beginning says more than where the text, or the line, ends."""
        start = _open_string(self.text, self.pos)
        end = min(self.pos, len(self.text))
        quotes = self.text[start : start + 3]
        if quotes not in ('"""', "'''"):
            quotes = self.text[start : start + 1]
            step = f"close it with {quotes}, or write it between three quotes if it has several lines"
        else:
            step = f"close it with {quotes}"
            end = start + 3
        return _Finding("the string that begins here has no end", step, start, end)

    def date(self) -> _Finding:
        word = self.word()
        return self.here(f"there is no such date or time as {word}", "put text in quotes", self.pos + len(word))

    def number(self) -> _Finding:
        """Python refuses to read a number of thousands of digits, and does not say where it stands."""
        found = _TOO_LONG.search(self.text)
        span = found.span() if found else (0, 1)
        return _Finding("a number with too many digits", "write a smaller number, or put it in quotes", *span)

    def nested(self) -> _Finding:
        depth = 0
        for token in _BRACKETS.finditer(self.text):
            depth += (token[0] in "[{") - (token[0] in "]}")
            if depth > _NESTING:
                return _Finding("nested too deeply", "flatten it", token.start(), token.end())
        start = 0
        for line in self.text.split("\n"):
            if line.count(".") >= _PARTS:
                break
            start += len(line) + 1
        return _Finding("a key with too many parts", "quote it, if its dots are part of a name", start, start + 1)


_FINDERS: dict[str, Callable[[_Complaint], _Finding]] = {
    "Invalid statement": _Complaint.statement_start,
    "Expected newline or end of document": _Complaint.trailing,
    "Expected '=' after a key": _Complaint.equals,
    "Expected ']": _Complaint.brackets,
    "Invalid initial character for a key part": _Complaint.key_part,
    "Unclosed array": _Complaint.array,
    "Unclosed inline table": _Complaint.inline_table,
    "Invalid value": _Complaint.value,
    "Invalid date": _Complaint.date,
    "Unescaped '\\'": _Complaint.escape,
    "Invalid hex value": _Complaint.scalar,
    "Escaped character is not": _Complaint.scalar,
    "Illegal character": _Complaint.character,
    "Found invalid character": _Complaint.character,
    "Unterminated string": _Complaint.unclosed,
    "Expected \"'": _Complaint.unclosed,
}


def _duplicate(message: str, place: Place, first: Place | None) -> Problem:
    related = () if first is None else here_first(place, first)
    return Problem("duplicate-name", message, place, "keep one of them, or rename one", related)


def _dotted(path: tuple[str, ...]) -> str:
    return ".".join(part if re.fullmatch(r"[A-Za-z0-9_-]+", part) else f'"{part}"' for part in path)


def _is_pair(text: str) -> bool:
    if not _KEY.match(text):
        return False
    try:
        return bool(tomli.loads(text))
    except (ValueError, RecursionError):
        return False


def _open_string(text: str, pos: int) -> int:
    """Where the string begins that is still open at ``pos``."""
    at = 0
    while opening := _OPENING.search(text, at, pos):
        whole = _STRING.match(text, opening.start(), pos)
        if whole is None:
            return opening.start()
        at = whole.end()
    return pos
