"""Texts that nobody is to read, replaced wherever they stand, also where they come in pieces.

Knows what to look for. Does not know where it comes from, or who would read it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any, TypeVar

import msgspec

STARS = b"***"
# What is shorter stands everywhere, and would give itself away by what is hidden with it.
SHORTEST = 4

Value = TypeVar("Value")


def parts_of(value: str) -> list[bytes]:
    """What is to be masked of a value: itself, or its lines, for a program may print them one by one."""
    found = value.encode("utf-8", "surrogateescape").splitlines()
    return [part for line in found if len(part := line.strip()) >= SHORTEST]


class Mask:
    """Masks any of ``parts``; at one place the longest of them."""

    def __init__(self, parts: Iterable[bytes]) -> None:
        self.parts = sorted(set(parts), key=lambda part: (-len(part), part))
        self.longest = max(map(len, self.parts), default=0)
        self._data = re.compile(b"|".join(map(re.escape, self.parts)) or b"(?!)")
        texts = [part.decode("utf-8", "surrogateescape") for part in self.parts]
        self._text = re.compile("|".join(map(re.escape, texts)) or "(?!)")
        self._firsts = re.compile(
            b"[" + b"".join(re.escape(part[:1]) for part in self.parts) + b"]" if parts else b"(?!)"
        )

    def found(self, data: bytes, start: int = 0) -> re.Match[bytes] | None:
        """The first of what is to be masked."""
        return self._data.search(data, start)

    def data(self, data: bytes) -> bytes:
        """``data``, masked."""
        return self._data.sub(STARS, data)

    def text(self, text: str) -> str:
        """``text``, masked."""
        return self._text.sub(STARS.decode(), text)

    def open_end(self, data: bytes, start: int) -> int:
        """Where at the end of ``data`` something begins that may go on to be what is to be masked; its length if nothing does."""
        for begin in self._firsts.finditer(data, max(start, len(data) - self.longest + 1)):
            rest = data[begin.start() :]
            if any(len(part) > len(rest) and part.startswith(rest) for part in self.parts):
                return begin.start()
        return len(data)


@lru_cache(maxsize=16)
def mask_of(parts: tuple[bytes, ...]) -> Mask:
    """The mask for ``parts``; made once."""
    return Mask(parts)


class MaskStream:
    """Masks what comes in pieces. ``masked``: whether there was anything to mask."""

    def __init__(self, mask: Mask) -> None:
        self.masked = False
        self._mask = mask
        self._held = b""

    def feed(self, data: bytes) -> bytes:
        """The next piece, masked, as far as it is known what it is."""
        data = self._held + data
        done: list[bytes] = []
        start = 0
        while True:
            end = self._mask.open_end(data, start)
            match = self._mask.found(data, start)
            if match is None or match.start() >= end:
                break
            done += (data[start : match.start()], STARS)
            start, self.masked = match.end(), True
        self._held = data[end:]
        return b"".join((*done, data[start:end]))

    def end(self) -> bytes:
        """What was held back: no more comes."""
        data, self._held = self._held, b""
        self.masked = self.masked or self._mask.found(data) is not None
        return self._mask.data(data)


def masked(value: Value, mask: Mask) -> Value:
    """``value`` with every text in it masked, but for keys: a struct, list, tuple, dictionary or text."""
    return _masked(value, mask)  # type: ignore[no-any-return]


def _masked(value: Any, mask: Mask) -> Any:
    if isinstance(value, str):
        return mask.text(value)
    if isinstance(value, dict):
        return {key: _masked(each, mask) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_masked(each, mask) for each in value)
    if isinstance(value, msgspec.Struct):
        fields = {name: _masked(getattr(value, name), mask) for name in value.__struct_fields__}
        return msgspec.structs.replace(value, **fields)
    return value
