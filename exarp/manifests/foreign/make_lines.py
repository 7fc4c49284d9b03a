"""A Makefile's lines: what goes on in the next line, what belongs to a recipe, what is a comment.

Knows where lines begin and end. Does not know what they say (``make_text``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple


class Line(NamedTuple):
    """A logical line: 1-based number of its first line, its text, and whether it is one of a recipe."""

    number: int
    text: str
    recipe: bool


def logical_lines(text: str) -> Iterator[Line]:
    """Lines with their continuations joined: by a blank, but in recipes as the shell will see them."""
    lines = text.split("\n")
    at = 0
    while at < len(lines):
        start, recipe = at, lines[at].startswith("\t")
        pieces = [lines[at][1:] if recipe else lines[at]]
        while _continues(pieces[-1]) and at + 1 < len(lines):
            at += 1
            pieces.append(lines[at].removeprefix("\t") if recipe else lines[at].strip())
        if recipe:
            yield Line(start + 1, "\n".join(pieces), True)
        else:
            joined = " ".join(piece[:-1].rstrip() if _continues(piece) else piece for piece in pieces)
            yield Line(start + 1, joined, False)
        at += 1


def _continues(line: str) -> bool:
    return (len(line) - len(line.rstrip("\\"))) % 2 == 1


def without_comment(text: str) -> str:
    """A line up to its comment; ``\\#`` is a plain ``#``."""
    return re.sub(r"(?<!\\)#.*", "", text, flags=re.DOTALL).replace("\\#", "#")
