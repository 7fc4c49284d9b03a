"""What a word of YAML without quotes is: a number, true, false, nothing, or text.

Knows the core schema of YAML 1.2, and where people mean text all the same. Does not know libyaml.
"""

from __future__ import annotations

import re

_WORDS: dict[str, bool | None] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
}  # fmt: skip
_is_number = re.compile(r"-?\d+(?:(\.\d+)?(e[+-]\d+)?)", re.ASCII).fullmatch
# Python reads no whole number with more digits than these.
_LONGEST = 4300


def plain_value(text: str) -> str | int | float | bool | None:
    """The value of a scalar without quotes and tag.

    What YAML 1.1 made of ``yes``, ``on``, ``22:22``, ``1_000`` and dates is text. So is a number that is not written
    as numbers are printed (``3.10``, ``010``, ``0x1F``, ``1e3``): who wrote it meant these characters.
    """
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in "-0123456789" or len(text) > _LONGEST:
        return text
    number = _is_number(text)
    if number is None:
        return text
    value = float(text) if number[1] or number[2] else int(text)
    return value if str(value) == text else text
