"""What is wrong with a text that is no YAML, or no manifest for a reason that only YAML has, in words.

Knows libyaml's messages and where it stands when it gives up. A message it does not know is passed on as it is. Does not know
what a manifest's keys mean.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

import yaml

from exarp.errors import Place, Problem
from exarp.manifests.notations.yaml_positions import scan
from exarp.manifests.notations.yaml_values import Fault, NoDocument, read_values
from exarp.manifests.problems.place import here_first, place_at
from exarp.manifests.problems.positions import Positions

_WORD = re.compile(r"[^\s,\]}]+")
_QUOTE_IT = "put it in quotes"
_INDENT = "keys of one mapping stand in one column; what belongs to a key stands further right, indented by spaces"


class _Finding(NamedTuple):
    """What is wrong at a span of the text (offsets), in words, and the next step."""

    message: str
    step: str
    start: int
    end: int


def problems_of(file: str, text: str) -> list[Problem]:
    """What is wrong with a ``text`` that ``read_values`` refuses."""
    text = text.replace("\r\n", "\n")
    try:
        read_values(text)
    except NoDocument as refused:
        return list(_Refused(file, text).problems(refused.faults))
    except yaml.YAMLError as error:
        finding = _Complaint(error, text).finding()
        place = place_at(file, text, finding.start, finding.end)
        return [Problem("syntax", f"not valid YAML: {finding.message}", place, finding.step)]
    return []


class _Complaint:
    """libyaml's."""

    def __init__(self, error: yaml.YAMLError, text: str) -> None:
        self.text = text
        self.message = self.context = ""
        self.pos = self.start = 0
        if isinstance(error, yaml.MarkedYAMLError):
            self.message, self.context = error.problem or "", error.context or ""
            mark = error.problem_mark or error.context_mark
            self.pos = mark.index if mark else 0
            self.start = error.context_mark.index if error.context_mark else self.pos
        elif isinstance(error, yaml.reader.ReaderError):
            self.message = "control characters are not allowed"
            found = _CONTROL.search(text)
            self.pos = found.start() if found else 0

    def finding(self) -> _Finding:
        for start, find in _FINDERS.items():
            if self.message.startswith(start):
                return find(self)
        return self.here(f"{self.context} {self.message}".strip(), "see https://yaml.org")

    def here(self, message: str, step: str, end: int | None = None) -> _Finding:
        return _Finding(message, step, self.pos, end or self.pos + 1)

    def word(self, at: int) -> str:
        found = _WORD.match(self.text, at)
        return found[0] if found else self.text[at : at + 1]

    def control(self) -> _Finding:
        code = ord(self.text[self.pos])
        step = f"take it out, or write \\x{code:02x} in double quotes" if code < 256 else "take it out"
        return self.here(f"the control character U+{code:04X} cannot stand here", step)

    def second_value(self) -> _Finding:
        """``run: echo a: b``, and a key that is indented below a value."""
        line = self.text[self.text.rfind("\n", 0, self.pos) + 1 : self.pos]
        if ": " in line:
            step = 'text with ": " in it goes in quotes, or below its key: run: |'
            return self.here("a second ':' makes this line neither a value nor a key", step)
        start = self.pos - len(line.lstrip())
        message = "a key cannot stand here: the line above has a value, or no ':'"
        return _Finding(message, _INDENT, start, self.pos)

    def no_key(self) -> _Finding:
        before = self.text[self.text.rfind("\n", 0, self.pos) + 1 : self.pos].rstrip()
        rest = self.text[self.pos :].partition("\n")[0]
        if not before:
            return self.here("this line is indented unlike those above", _INDENT)
        if before[-1] in "\"'":
            step = "quotes inside a string: put the other kind around it, or write it below its key: run: |"
            return self.here("nothing may follow a string in quotes", step, self.pos + len(rest))
        return self.here("nothing may follow this value", "start a new line", self.pos + len(rest))

    def no_dash(self) -> _Finding:
        return self.here("the entries of a list begin with '- ', and this line does not", _INDENT)

    def no_start(self) -> _Finding:
        if self.text[: self.pos].rstrip()[-1:] in ("}", "]"):
            return self.here("nothing may follow the mapping", "take it out, or move it inside")
        return self.here("this line is indented unlike those above", _INDENT)

    def dash(self) -> _Finding:
        return self.here("a list cannot begin here", "start the list in a line of its own, or write [ … ]")

    def character(self) -> _Finding:
        char = self.text[self.pos : self.pos + 1]
        if char == "\t":
            return self.tab()
        word = self.word(self.pos)
        return self.here(f"a value cannot begin with {char!r}", _quoted(word), self.pos + len(word))

    def tab(self) -> _Finding:
        return self.here("a tab cannot indent", "indent by spaces")

    def reference(self) -> _Finding:
        """``*.c``: an alias to YAML, a glob to everybody else."""
        word = self.word(self.start)
        what = "an alias" if word.startswith("*") else "an anchor"
        message = f"{word!r} is read as {what}, which it cannot be"
        return _Finding(message, _quoted(word), self.start, self.start + len(word))

    def no_node(self) -> _Finding:
        word = self.word(self.pos)
        if not word:
            opening = max(self.text.rfind("[", 0, self.pos), self.text.rfind("{", 0, self.pos))
            closing = "]" if self.text[opening] == "[" else "}"
            return _Finding("what begins here has no end", f"close it with {closing}", opening, opening + 1)
        if word in "]},":
            return self.here("a value is missing here", f"take {word!r} out, or write a value before it")
        return self.here(f"a value cannot begin with {word[0]!r}", _quoted(word), self.pos + len(word))

    def unclosed(self) -> _Finding:
        quote = self.text[self.start]
        end = self.text.find("\n", self.start)
        step = f"close it with {quote}"
        return _Finding("the string that begins here has no end", step, self.start, end if end >= 0 else len(self.text))

    def flow_list(self) -> _Finding:
        return self.flow("list", "]")

    def flow_table(self) -> _Finding:
        return self.flow("mapping", "}")

    def flow(self, what: str, closing: str) -> _Finding:
        if self.text[self.pos - 1 : self.pos + 1] == "${":
            found = re.compile(r"[^\s,\[\]{}]*\$\{[^{}\n]*\}[^\s,\[\]{}]*").search(self.text, self._word_start())
            word = found[0] if found else "${…}"
            return self.here("in brackets { begins a mapping", _quoted(word))
        if self.pos >= len(self.text.rstrip()):
            message = f"the {what} that begins here has no end"
            return _Finding(message, f"close it with {closing}", self.start, self.start + 1)
        return self.here(
            f"',' or '{closing}' is missing before this", f"part entries by commas, and close with {closing}"
        )

    def _word_start(self) -> int:
        return max(self.text.rfind(char, 0, self.pos) for char in " ,[{\n") + 1

    def no_colon(self) -> _Finding:
        line = self.text[self.start :].partition("\n")[0]
        return _Finding("':' is missing after the key", "write key: value", self.start, self.start + len(line))

    def escape(self) -> _Finding:
        start = self.text.rfind("\\", 0, self.pos + 1)
        step = r"write \\ for a backslash, or put the string in 'single quotes'"
        return _Finding(f"{self.text[start : start + 2]} is no escape", step, start, start + 2)

    def scalar(self) -> _Finding:
        start = self.text.rfind("\\", 0, self.pos)
        step = r"write \x and two hexadecimal digits, or \u and four"
        return _Finding("this escape stands for no character", step, start, self.pos)

    def block_text(self) -> _Finding:
        return self.here("nothing may follow | or > in their line", "start the text in the next line")

    def nested(self) -> _Finding:
        return self.here("nested too deeply", "flatten it")

    def directive(self) -> _Finding:
        return self.here("this directive is not understood", "take it out")

    def tag(self) -> _Finding:
        word = self.word(self.start)
        message = f"{word!r} is read as a tag, which it cannot be"
        return _Finding(message, _quoted(word), self.start, self.start + len(word))


# As YAML has them, but for white space.
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ufffe\uffff]")
_FINDERS: dict[str, Callable[[_Complaint], _Finding]] = {
    "control characters are not allowed": _Complaint.control,
    "mapping values are not allowed": _Complaint.second_value,
    "did not find expected key": _Complaint.no_key,
    "did not find expected '-' indicator": _Complaint.no_dash,
    "did not find expected <document start>": _Complaint.no_start,
    "block sequence entries are not allowed": _Complaint.dash,
    "found character that cannot start any token": _Complaint.character,
    "found a tab character": _Complaint.tab,
    "did not find expected alphabetic or numeric": _Complaint.reference,
    "did not find expected node content": _Complaint.no_node,
    "found unexpected end of stream": _Complaint.unclosed,
    "found unexpected document indicator": _Complaint.unclosed,
    "did not find expected ',' or ']'": _Complaint.flow_list,
    "did not find expected ',' or '}'": _Complaint.flow_table,
    "could not find expected ':'": _Complaint.no_colon,
    "found unknown escape character": _Complaint.escape,
    "found invalid Unicode character": _Complaint.scalar,
    "did not find expected hexdecimal number": _Complaint.scalar,
    "did not find expected comment or line break": _Complaint.block_text,
    "exceeded maximum nesting depth": _Complaint.nested,
    "found incompatible YAML document": _Complaint.directive,
    "found unknown directive name": _Complaint.directive,
    "found undefined tag handle": _Complaint.tag,
    "did not find expected whitespace or line break": _Complaint.tag,
    "did not find expected tag URI": _Complaint.tag,
    "did not find the expected '>'": _Complaint.tag,
}


class _Refused:
    """What YAML can say and no manifest may."""

    def __init__(self, file: str, text: str) -> None:
        self.file = file
        self.text = text

    def problems(self, faults: list[Fault]) -> Iterator[Problem]:
        # Where reading broke off, positions are not asked for: what blew up there would here, too.
        positions = scan(self.text) if all(fault.kind == "twice" for fault in faults) else None
        for fault in faults:
            place = place_at(self.file, self.text, fault.start, fault.end)
            yield self.doubled(fault, place, positions) if fault.kind == "twice" else self.problem(fault, place)

    def doubled(self, fault: Fault, place: Place, positions: Positions | None) -> Problem:
        span = positions and positions.key(fault.path)
        first = span and positions and Place(self.file, *span, positions.line_text(span.line))
        related = here_first(place, first) if first else ()
        message = f"key {fault.about!r} stands twice in one mapping"
        if len(fault.path) == 2 and fault.path[0] == "task":
            message = f"task {fault.about!r} is declared twice"
        return Problem("duplicate-name", message, place, "keep one of them, or rename one", related)

    def problem(self, fault: Fault, place: Place) -> Problem:
        if fault.kind == "tag":
            return self.tag(self.text[fault.start : fault.end].split(maxsplit=1)[0], place)
        message, step = _WORDS[fault.kind]
        return Problem("syntax", message.format(fault.about), place, step.format(fault.about))

    def tag(self, written: str, place: Place) -> Problem:
        message = f"{written!r} is read as a tag, and a manifest has none"
        step = "take it out" if written.startswith("!!") else _quoted(written)
        return Problem("syntax", message, place, step)


_WORDS = {
    "no-mapping": ("a manifest is a mapping, and this is none", "begin with vars:, settings: or task:"),
    "second-document": ("a second document begins here, and a manifest is one", "take the --- out, or split the file"),
    "key": ("a key cannot be a list, a mapping or an alias", "write the key as one word, or in quotes"),
    "unknown-alias": (
        "'*{0}' is an alias, and no anchor '&{0}' stands before it",
        'for text, put it in quotes: "*{0}"',
    ),
    "recursion": ("'*{0}' stands inside of what it repeats", "take it out"),
    "blow-up": ("with its aliases repeated the manifest is too large", "use fewer aliases to what holds aliases"),
    "deep": ("nested too deeply", "flatten it"),
    "merge": ("'<<' merges a mapping, or a list of mappings, and this is neither", "write an alias: <<: *NAME"),
}


def _quoted(word: str) -> str:
    return f'{_QUOTE_IT}: "{word}"' if word.isprintable() and not {'"', "\\"} & set(word) else _QUOTE_IT
