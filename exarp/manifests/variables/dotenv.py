"""Dotenv files: a ``NAME=value`` a line, as docker compose, just and go-task read them.

Knows the syntax: ``export`` before a name, ``#`` comments, quotes, ``$NAME`` and ``${NAME:-default}`` but in single quotes. Pure:
text in, values and problems out. Does not know which files a manifest names (``dotenv_files``).
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Mapping
from functools import cached_property

from exarp.errors import Place, Problem

# Nobody writes so many variables by hand, and no process is given more.
MAX_BYTES = 1024 * 1024

_EMPTY = re.compile(r"[ \t]*(?:#[^\n]*)?(?:\n|\Z)")
_HEAD = re.compile(r"[ \t]*(?:export[ \t]+)?([^\s=#'\"]+)[ \t]*=[ \t]*")
_NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_SINGLE = re.compile(r"'([^']*)'")
_DOUBLE = re.compile(r'"((?:[^"\\]|\\.)*+)"', re.DOTALL)
_REST = re.compile(r"[ \t]*(?:#[^\n]*)?(?=\n|\Z)")
_LINE = re.compile(r"[^\n]*")
_COMMENT = re.compile(r"(?<=[ \t])#")
_USE = re.compile(r"\\(.)|\$\{([^}\n]*)(\}?)|\$([A-Za-z_]\w*)", re.ASCII | re.DOTALL)
_BRACED = re.compile(r"([A-Za-z_]\w*)(?:(:?-)(.*))?", re.ASCII | re.DOTALL)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\", "$": "$"}


class DotenvReader:
    """Reads one file after the other: values of earlier ones can be used in later ones, which replace them.

    ``caller``: the environment that wins over all files. ``values``: what was read so far; ``problems``: what is wrong.
    """

    def __init__(self, caller: Mapping[str, str], values: Mapping[str, str] | None = None) -> None:
        self.values = dict(values or {})
        self.problems: list[Problem] = []
        self._caller = caller
        self._broken: set[str] = set()

    def read(self, data: bytes, file: str) -> None:
        """Read the content of ``file``, as messages name it."""
        if len(data) > MAX_BYTES:
            message = f"{file} has {len(data) / 1024**2:.1f} MiB; the limit of a dotenv file is 1 MiB"
            self.problems.append(Problem("too-large", message, Place(file, 1, 1), "is it the file that you meant?"))
            return
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            self._not_utf8(error.object, error.start, file)
            return
        _Lines(self, _Source(text.replace("\r\n", "\n"), file)).read()

    def _not_utf8(self, data: bytes, at: int, file: str) -> None:
        start = len(data[:at].decode())
        place = _Source(data.decode("utf-8", "backslashreplace"), file).place(start, start + 4)
        message = f"byte 0x{data[at]:02x} is not valid UTF-8"
        self.problems.append(Problem("not-utf8", message, place, "save the file as UTF-8"))

    def found(self, name: str) -> str | None:
        """What ``$name`` stands for: the caller's value, else the last one that was read."""
        return self._caller.get(name, self.values.get(name))

    def is_broken(self, name: str) -> bool:
        """Whether the value of a variable was at fault, which is told already."""
        return name in self._broken

    def keep(self, name: str, value: str | None) -> None:
        """A variable was read; None: its value is at fault."""
        if value is None:
            self._broken.add(name)
        else:
            self.values[name] = value
            self._broken.discard(name)


class _Source:
    """A text, and places in it."""

    def __init__(self, text: str, file: str) -> None:
        self.text = text
        self.file = file

    @cached_property
    def _starts(self) -> list[int]:
        return [0, *(newline.end() for newline in re.finditer("\n", self.text))]

    def place(self, start: int, end: int) -> Place:
        line = bisect_right(self._starts, start)
        begins = self._starts[line - 1]
        found = _LINE.match(self.text, begins)
        whole = found[0] if found else ""
        length = max(1, min(end, begins + len(whole)) - start)
        return Place(self.file, line, start - begins + 1, length, whole)


class _Lines:
    """Reads the lines of one file."""

    def __init__(self, reader: DotenvReader, source: _Source) -> None:
        self.reader = reader
        self.source = source
        self.text = source.text
        self._room = MAX_BYTES

    def read(self) -> None:
        at = 0
        while at < len(self.text):
            empty = _EMPTY.match(self.text, at)
            at = empty.end() if empty else self.line(at)

    def line(self, at: int) -> int:
        """Read the assignment that begins at ``at``, and give the start of the next line."""
        head = _HEAD.match(self.text, at)
        if head is None:
            self.no_assignment(at)
            return self.after(at)
        name, start = head[1], head.end()
        sound = self.check_name(name, head.start(1), head.end(1))
        if (opening := self.text[start : start + 1]) in ("'", '"'):
            value, end = self.quoted(start, _SINGLE if opening == "'" else _DOUBLE)
        else:
            value, end = self.unquoted(start)
        if value is not None and "\0" in value:
            message = f"the value of {name} holds a NUL character, as no variable can"
            self.add("nul-character", message, head.start(1), head.end(1), "take it out")
            value = None
        if sound:
            self.reader.keep(name, value)
        return self.after(end)

    def check_name(self, name: str, start: int, end: int) -> bool:
        """Whether a variable may have this name; tells it if not."""
        if _NAME.fullmatch(name) is None:
            message = f"{name!r} cannot be the name of an environment variable"
            self.add("bad-variable", message, start, end, "use letters, digits and _, and no digit first")
            return False
        if name.startswith("EXARP_"):
            self.add("reserved-name", f"the variable name {name!r} is reserved", start, end, "choose another name")
            return False
        return True

    def no_assignment(self, at: int) -> None:
        line = _LINE.match(self.text, at)
        written = line[0].strip() if line else ""
        at += len(line[0]) - len(line[0].lstrip()) if line else 0
        name = written.removeprefix("export ").strip()
        if _NAME.fullmatch(name):
            message, step = f"{name} has no value", f"write {name}=…; an empty value is {name}="
        else:
            message = "this line is no NAME=value"
            step = "write NAME=value, or # before a comment; a value of several lines needs quotes"
        self.add("bad-dotenv", message, at, at + len(written), step)

    def quoted(self, start: int, form: re.Pattern[str]) -> tuple[str | None, int]:
        """A value in quotes, which may go on over lines, and where it ends."""
        match = form.match(self.text, start)
        end = match.end() if match else start
        ends_well = _REST.match(self.text, end) is not None
        # A quote that closes in the middle of another line was meant to open one.
        if match is None or (not ends_well and "\n" in match[0]):
            step = "close it; a value that holds such a quote can stand in the other kind of quotes"
            self.add("bad-dotenv", "the quote is never closed", start, start + 1, step)
            return None, start
        if not ends_well:
            line = _LINE.match(self.text, end)
            rest = line[0].rstrip() if line else ""
            self.add("bad-dotenv", "text follows the closing quote", end, end + len(rest), "quote the whole value")
            return None, end
        return (match[1] if form is _SINGLE else self.filled(match.start(1), match[1], True)), end

    def unquoted(self, start: int) -> tuple[str | None, int]:
        line = _LINE.match(self.text, start)
        end = line.end() if line else start
        comment = _COMMENT.search(self.text, start, end)
        written = self.text[start : comment.start() if comment else end].rstrip()
        return self.filled(start, written, False), end

    def filled(self, start: int, written: str, escapes: bool) -> str | None:
        """A value (which begins at ``start``) with what it uses; None where it is at fault."""
        if "$" not in written and "\\" not in written:
            return written
        pieces, at, sound = [], 0, True
        for use in _USE.finditer(written):
            filled = self.use(use, start, escapes)
            sound = sound and filled is not None
            pieces += [written[at : use.start()], filled or ""]
            at = use.end()
            self._room -= len(filled or "")
            if self._room < 0:
                step = "use fewer variables, or shorter ones"
                self.add("too-long", "with its variables filled in this file is too long", start, start + 1, step)
                return None
        return "".join([*pieces, written[at:]]) if sound else None

    def use(self, use: re.Match[str], start: int, escapes: bool) -> str | None:
        """What ``use`` stands for; None where it is at fault, which is told."""
        if (escaped := use[1]) is not None:
            known = _ESCAPES.get(escaped) if escapes or escaped == "$" else None
            return use[0] if known is None else known
        first, last = start + use.start(), start + use.end()
        if use[4]:
            return self.value(use[4], first, last)
        braced = _BRACED.fullmatch(use[2]) if use[3] else None
        if braced is None or "$" in (braced[3] or ""):
            message = f"{use[0]} is not understood" if use[3] else f"{use[0]} has no closing brace"
            step = "write ${NAME} or ${NAME:-default}; in single quotes every $ is literal"
            self.add("bad-substitution", message, first, last, step)
            return None
        name, operator, default = braced[1], braced[2], braced[3]
        if operator is None:
            return self.value(name, first, last)
        found = self.reader.found(name)
        return default if found is None or (operator == ":-" and not found) else found

    def value(self, name: str, start: int, end: int) -> str | None:
        found = self.reader.found(name)
        if found is None and not self.reader.is_broken(name):
            message = f"the variable {name} is set neither in the environment nor above"
            step = f"write ${{{name}:-}} where it may be empty, or the value in single quotes for a literal $"
            self.add("missing-variable", message, start, end, step)
        return found

    def after(self, at: int) -> int:
        """The start of the line after the one that holds ``at``."""
        end = self.text.find("\n", at)
        return len(self.text) if end < 0 else end + 1

    def add(self, slug: str, message: str, start: int, end: int, step: str) -> None:
        self.reader.problems.append(Problem(slug, message, self.source.place(start, end), step))
