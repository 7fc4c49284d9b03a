"""What messages call types and values, and how a value of the wrong type is put right.

Knows msgspec's view of annotations. Does not know where in a manifest a value stands.
"""

from __future__ import annotations

import datetime
import re
from functools import cache
from typing import Any

import msgspec
from msgspec import inspect

from exarp.model.name import nearest

_NAMES: dict[type[inspect.Type], str] = {
    inspect.StrType: "a string",
    inspect.FloatType: "a number",
    inspect.DictType: "a table",
}
SWITCHES = {"true": "true", "yes": "true", "on": "true", "false": "false", "no": "false", "off": "false"}
# A longer one is seen in the excerpt, or not at all.
_LONGEST = 40
_WHOLE = re.compile(r"[+-]?\d{1,10}", re.ASCII)


class Kind:
    """An annotation, taken apart. ``words``: what a value of it is called."""

    def __init__(self, info: inspect.Type) -> None:
        self.alternatives = tuple(_flat(info))
        self.items = next((Kind(part.item_type) for part in self.types if isinstance(part, inspect.ListType)), None)
        self.values = next((Kind(part.value_type) for part in self.types if isinstance(part, inspect.DictType)), None)
        words = [word for part, named in self.alternatives for word in self._words(part, named)]
        self.words = _alternatives(list(dict.fromkeys(words)))

    @property
    def types(self) -> tuple[inspect.Type, ...]:
        """The alternatives without what they are called."""
        return tuple(part for part, _ in self.alternatives)

    @property
    def is_text(self) -> bool:
        """Whether strings are allowed, and no numbers."""
        return self.takes(inspect.StrType) and not self.takes(inspect.FloatType)

    @property
    def struct(self) -> type[msgspec.Struct] | None:
        """The table with keys of its own that is allowed, where one is."""
        return next((part.cls for part in self.types if isinstance(part, inspect.StructType)), None)

    @property
    def choices(self) -> list[str]:
        """The strings that are allowed, where only some are."""
        return [
            value
            for part in self.types
            if isinstance(part, inspect.LiteralType)
            for value in part.values
            if isinstance(value, str) and value
        ]

    @property
    def most(self) -> int | None:
        """The largest whole number that is allowed, where numbers are."""
        return next((part.le for part in self.types if isinstance(part, inspect.IntType)), None)

    def allows(self, number: int) -> bool:
        """Whether a whole number is allowed."""
        ranges = [(part.ge, part.le) for part in self.types if isinstance(part, inspect.IntType)]
        return any((ge is None or number >= ge) and (le is None or number <= le) for ge, le in ranges)

    def takes(self, kind: type[inspect.Type]) -> bool:
        """Whether one of the alternatives is of ``kind``."""
        return any(isinstance(part, kind) for part in self.types)

    def _words(self, part: inspect.Type, named: str) -> list[str]:
        if named:
            return [named]
        if isinstance(part, inspect.LiteralType):
            return [repr(value) for value in self.choices]
        if isinstance(part, inspect.BoolType):
            return ["true", "false"]
        if isinstance(part, inspect.ListType):
            return ["a list of strings" if self.items and self.items.is_text else "a list"]
        if isinstance(part, inspect.StructType):
            return [getattr(part.cls, "words", "a table")]
        if isinstance(part, inspect.IntType):
            if part.ge is not None and part.ge >= 0:
                return [f"a whole number, {part.ge} or more"]
            # "a whole number or a number" says no more than its second half.
            return ["a number" if self.takes(inspect.FloatType) else "a whole number"]
        return [_NAMES[type(part)]]


def _alternatives(words: list[str]) -> str:
    return " or ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


@cache
def field_kinds(struct: type[msgspec.Struct]) -> dict[str, Kind]:
    """The kinds of a struct's fields, by the keys they are written with."""
    info = inspect.type_info(struct)
    assert isinstance(info, inspect.StructType)
    return {field.encode_name: Kind(field.type) for field in info.fields}


def _flat(info: inspect.Type, named: str = "") -> list[tuple[inspect.Type, str]]:
    """The alternatives of a type, each with the words that its annotation gives it."""
    if isinstance(info, inspect.Metadata):
        return _flat(info.type, (info.extra or {}).get("words", named))
    if isinstance(info, inspect.UnionType):
        return [found for part in info.types for found in _flat(part, named)]
    return [(info, named)]


def value_words(value: Any) -> str:
    """What a value is called: ``the string 'x'``, ``the number 3``, ``a list``."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f"the string {value!r}" if len(value) <= _LONGEST else "a string"
    if isinstance(value, int):
        # Digits of a number beyond these are refused by Python, and read by nobody.
        return f"the number {value}" if abs(value) < 10**_LONGEST else "so large a number"
    if isinstance(value, float):
        return f"the number {value}"
    if value is None:
        return "nothing"
    if isinstance(value, list):
        return "a list" if value else "an empty list"
    if isinstance(value, datetime.date):
        return "a date"
    return "a time" if isinstance(value, datetime.time) else "a table"


def repair(value: Any, kind: Kind) -> str:
    """How to write what was probably meant; empty where that cannot be told."""
    if isinstance(value, str):
        return _repair_string(value, kind)
    if not kind.takes(inspect.StrType):
        return f"write a list: [{value}]" if _is_item(value, kind) else ""
    if isinstance(value, bool):
        # Where a number would do, a switch may be meant; it has to be said which word stands for it.
        is_text = kind.takes(inspect.FloatType) or "a string" in kind.words
        return f'write "{str(value).lower()}"' if is_text else ""
    if isinstance(value, int | float) and 0 <= value < 10**9:
        return _repair_number(value, kind)
    return "put it in quotes" if isinstance(value, datetime.date | datetime.time) else ""


def _is_item(value: Any, kind: Kind) -> bool:
    """Whether a number stands alone where a list of such is wanted."""
    return (
        isinstance(value, int) and not isinstance(value, bool) and kind.items is not None and kind.items.allows(value)
    )


def _repair_number(value: float, kind: Kind) -> str:
    if "a duration" in kind.words:
        return f'write it with its unit: "{value}s"'
    if "a size" in kind.words:
        return f'write it with its unit: "{value}MiB"' if isinstance(value, int) else ""
    return f'write "{value}"'


def _repair_string(value: str, kind: Kind) -> str:
    if kind.choices:
        meant = nearest(value, kind.choices)
        return f"did you mean {meant!r}?" if meant else ""
    if kind.takes(inspect.BoolType) and value.lower() in SWITCHES:
        return f"write {SWITCHES[value.lower()]}, without quotes"
    if kind.items:
        quoted = value.replace("\\", "\\\\").replace('"', '\\"')
        return (
            f'write a list: ["{quoted}"]' if len(value) <= _LONGEST and value.isprintable() else "write a list: [ … ]"
        )
    if kind.takes(inspect.IntType) and _WHOLE.fullmatch(value):
        return f"write {int(value)}, without quotes"
    return ""
