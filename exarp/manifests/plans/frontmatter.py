"""The frontmatter of a Markdown file: keys at its top, in YAML, between two lines ``---``.

Knows where it begins and ends, and the values that plans need: texts, lists of texts, switches, whole numbers. Each key is read
by itself, so that YAML which is broken elsewhere costs nothing but itself. Does not know what keys mean.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Any, NamedTuple

from exarp.errors import Problem
from exarp.manifests.plans.source import Source

_FENCE = re.compile(r"^---\r?$", re.MULTILINE)
_KEY = re.compile(r"^([A-Za-z_][\w-]*)[ \t]*:(?=[ \t\r\n]|$)", re.MULTILINE)
_STRAY = re.compile(r"^(?:#|<)", re.MULTILINE)
# Values that need no YAML: thousands of plans have hardly any other.
_PLAIN = r"[A-Za-z0-9_.][\w./@+-]*"
_QUOTED = r'"[^"\\\n]*"'
_SCALAR = re.compile(rf"[ \t]*({_QUOTED}|{_PLAIN})\s*\Z")
_FLOW = re.compile(rf"[ \t]*\[[ \t]*(?:(?:{_QUOTED}|{_PLAIN})[ \t]*(?:,[ \t]*(?!\])|(?=\])))*\]\s*\Z")
_BLOCK = re.compile(rf"[ \t]*\r?\n(?:[ \t]*- +(?:{_QUOTED}|{_PLAIN})[ \t]*\r?(?:\n|\Z))+\s*\Z")
_ITEM = re.compile(rf"{_QUOTED}|{_PLAIN}")
_BLOCK_ITEM = re.compile(rf"^[ \t]*- +({_QUOTED}|{_PLAIN})", re.MULTILINE)
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_TRUE = frozenset({"true", "yes", "on"})
_FALSE = frozenset({"false", "no", "off"})
# Lists of mappings of lists, and no more, mean anything.
_DEEPEST = 3


class Text(NamedTuple):
    """A scalar as it is written (``01`` stays ``01``), and where; ``plain``: without quotes."""

    text: str
    start: int
    end: int
    plain: bool = True

    @property
    def is_null(self) -> bool:
        """Whether it says nothing."""
        return self.plain and self.text in _NULLS


class Field(NamedTuple):
    """A key with its value. ``start`` to ``end``: the key; ``value``: a text, a list of values, a dictionary of fields by
    key, or None for what cannot be read."""

    key: str
    start: int
    end: int
    value: Any


class Frontmatter:
    """The fields of a file's frontmatter that are ``wanted``, by key. ``body``: where the text goes on."""

    def __init__(self, source: Source, wanted: Collection[str]) -> None:
        self.source = source
        self.fields: dict[str, Field] = {}
        start, end, self.body = self._extent()
        for field in self._read(start, end, wanted):
            known = self.fields.setdefault(field.key, field)
            if known is not field:
                self.warn(f"the key {field.key!r} stands twice: the first one counts", "keep one of them", field)

    def warn(self, message: str, step: str, at: Field | Text | None = None) -> None:
        """Remark on the frontmatter, or on what stands ``at`` a place in it."""
        start, end = (at.start, at.end) if at is not None else (0, 0)
        self.source.remark(Problem("plan-frontmatter", message, None, step, severity="warning"), start, end)

    def has(self, key: str) -> bool:
        """Whether a key is there and says something."""
        value = self.fields[key].value if key in self.fields else None
        return value is not None and not (isinstance(value, Text) and value.is_null)

    def text(self, key: str) -> Text | None:
        """The text of a key, or None where there is none."""
        value = self.fields[key].value if key in self.fields else None
        return value if isinstance(value, Text) and not value.is_null else None

    def number(self, key: str) -> int | None:
        """The whole number of a key, or None; anything else is remarked on."""
        found = self.text(key)
        if found is not None and re.fullmatch(r"[+-]?\d{1,9}", found.text):
            return int(found.text)
        if self.has(key):
            self.warn(f"{key} is no whole number", f"write {key}: 1", self.fields[key])
        return None

    def switch(self, key: str) -> bool | None:
        """True, False, or None where the key is not there; anything else is remarked on."""
        found = self.text(key)
        word = found.text.lower() if found is not None else ""
        if word in _TRUE or word in _FALSE:
            return word in _TRUE
        if self.has(key):
            self.warn(f"{key} is neither true nor false", f"write {key}: true", self.fields[key])
        return None

    def texts(self, key: str) -> list[Text]:
        """The texts of a list; a single text counts as one; what is no text is remarked on and left out."""
        value = self.fields[key].value if key in self.fields else None
        return list(self._texts(key, value if isinstance(value, list) else [value] if value is not None else []))

    def _texts(self, key: str, values: list[Any]) -> Iterator[Text]:
        for value in values:
            if isinstance(value, Text):
                if not value.is_null:
                    yield value
            else:
                self.warn(f"{key} holds something that is no text: it is left out", "list texts", self.fields[key])
                return

    def _extent(self) -> tuple[int, int, int]:
        """Where the frontmatter starts and ends, and where the body starts."""
        text = self.source.text
        first = _FENCE.search(text)
        if first is None or not self._is_frontmatter(first):
            self.warn("there is no frontmatter", "begin the file with --- and the plan's keys")
            return 0, 0, 0
        if text[: first.start()].strip():
            self.warn("there is text before the frontmatter", "begin the file with ---")
        start = first.end() + 1
        last = _FENCE.search(text, start)
        if last is not None:
            return start, last.start(), last.end()
        stray = _STRAY.search(text, start)
        end = stray.start() if stray else len(text)
        at = Text("---", first.start(), first.end())
        self.warn("the frontmatter has no end", "end it with a line that is exactly ---", at)
        return start, end, end

    def _is_frontmatter(self, fence: re.Match[str]) -> bool:
        """Whether keys follow a line ``---``; in Markdown it may also be a rule between paragraphs."""
        key = _KEY.search(self.source.text, fence.end())
        return key is not None and not self.source.text[fence.end() : key.start()].strip()

    def _read(self, start: int, end: int, wanted: Collection[str]) -> Iterator[Field]:
        keys = list(_KEY.finditer(self.source.text, start, end))
        for match, following in zip(keys, [*(key.start() for key in keys), end][1:], strict=True):
            if match[1] in wanted:
                yield self._field(match, following)

    def _field(self, match: re.Match[str], end: int) -> Field:
        field = Field(match[1], match.start(1), match.end(1), None)
        written = self.source.text[match.end() : end]
        value = _simple(written, match.end())
        if value is None:
            value = self._from_yaml(field, match.start(), end)
        return field._replace(value=value)

    def _from_yaml(self, field: Field, start: int, end: int) -> Any:
        import yaml

        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        try:
            node = yaml.compose(self.source.text[start:end], Loader=loader)
        except (yaml.YAMLError, RecursionError, ValueError) as error:
            why = getattr(error, "problem", None) or "it cannot be read"
            mark = getattr(error, "problem_mark", None)
            at = field if mark is None else Text("", start + mark.index, start + mark.index + 1)
            self.warn(f"the value of {field.key!r} is no YAML: {why}", "put texts with : # [ or { in quotes", at)
            return None
        if not isinstance(node, yaml.MappingNode) or not node.value:
            return None
        return _Values(start).value(node.value[0][1])


def _simple(written: str, at: int) -> Any:
    """A value that needs no YAML to be read, or None; ``at`` is where it is written."""
    if scalar := _SCALAR.match(written):
        return _text(scalar, 1, at)
    if _FLOW.match(written):
        return [_text(item, 0, at) for item in _ITEM.finditer(written)]
    if _BLOCK.match(written):
        return [_text(item, 1, at) for item in _BLOCK_ITEM.finditer(written)]
    return None


def _text(match: re.Match[str], group: int, at: int) -> Text:
    quoted = match[group].startswith('"')
    text = match[group][1:-1] if quoted else match[group]
    return Text(text, at + match.start(group), at + match.end(group), not quoted)


class _Values:
    """Makes values of YAML nodes, each once: aliases lead to one node from many places."""

    def __init__(self, at: int) -> None:
        self._at = at
        self._made: dict[int, Any] = {}

    def value(self, node: Any, depth: int = 0) -> Any:
        """A text, a list, or fields by key; None for what lies too deep, as only a mistake or an attack does."""
        if id(node) not in self._made:
            self._made[id(node)] = self._make(node, depth) if depth <= _DEEPEST else None
        return self._made[id(node)]

    def _make(self, node: Any, depth: int) -> Any:
        if isinstance(node.value, str):
            return Text(node.value, *self._span(node), not node.style)
        if not node.value or not isinstance(node.value[0], tuple):
            return [self.value(each, depth + 1) for each in node.value]
        fields: dict[str, Field] = {}
        for key, value in node.value:
            if isinstance(key.value, str):
                fields.setdefault(key.value, Field(key.value, *self._span(key), self.value(value, depth + 1)))
        return fields

    def _span(self, node: Any) -> tuple[int, int]:
        return self._at + node.start_mark.index, self._at + node.end_mark.index
