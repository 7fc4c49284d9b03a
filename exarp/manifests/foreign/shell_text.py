"""Putting a variable into a shell's text where another tool pastes its value.

Knows quotes as far as they decide how a reference is written. Does not parse shell.
"""

from __future__ import annotations

import re


def between_apostrophes(before: str) -> bool:
    """Whether a shell is between apostrophes behind this text."""
    single = double = escaped = False
    for char in before:
        if escaped:
            escaped = False
        elif char == "\\" and not single:
            escaped = True
        elif char == "'" and not double:
            single = not single
        elif char == '"' and not single:
            double = not double
    return single


def reference(name: str, before: str, after: str) -> str:
    """The shell variable ``name`` behind the text ``before``, followed by the character ``after`` (or nothing)."""
    if between_apostrophes(before):
        return f"'\"${name}\"'"
    return f"${{{name}}}" if after and (after.isalnum() or after == "_") else f"${name}"


def tidy(script: str) -> str:
    """A script without the empty strings that ``reference`` leaves where a reference stood alone between apostrophes."""
    return re.sub(r"""''("\$(?:\w+|@)")''""", r"\1", script)


def arguments(before: str) -> str:
    """``"$@"`` behind the text ``before``: no quotes of its own where it stands in double ones already."""
    if between_apostrophes(before):
        return "'\"$@\"'"
    quotes = before.replace('\\"', "").count('"')
    return "$@" if quotes % 2 else '"$@"'
