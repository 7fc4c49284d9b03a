"""How many columns of a terminal a text takes, and cutting it to fit.

Knows wide and combining characters (Unicode's East Asian Width). Does not know how wide the terminal is.
"""

from __future__ import annotations

from collections.abc import Sequence

from exarp.model.expression import late

_COLOR = late(r"\x1b\[[0-9;]*m")
_WORDS = late(r" +|[^ ]+")
# The number and the bar before a line of a manifest.
_GUTTER = late(r" *\d* \| ")
_FURTHER = 4


def char_width(char: str) -> int:
    """Columns of one character: 0 for combining marks, 2 for wide ones, else 1."""
    if char < "\u0300":
        return 1
    import unicodedata

    if unicodedata.combining(char) or unicodedata.category(char) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def width(text: str) -> int:
    """Columns of a text without control characters."""
    return len(text) if text.isascii() else sum(char_width(char) for char in text)


def cut(text: str, columns: int) -> str:
    """``text`` in at most ``columns`` columns; what was cut off is told by an ellipsis."""
    if width(text) <= columns:
        return text
    if columns < 1:
        return ""
    used, end = 0, 0
    for char in text:
        used += char_width(char)
        if used > columns - 1:
            break
        end += 1
    return text[:end] + "…"


def pad(text: str, columns: int) -> str:
    """``text`` with spaces behind it up to ``columns`` columns."""
    return text + " " * max(0, columns - width(text))


def listing(names: Sequence[object], most: int) -> str:
    """``a, b, c and 4 more``: at most ``most`` of the names."""
    shown = ", ".join(map(str, names[:most]))
    return f"{shown} and {len(names) - most} more" if len(names) > most else shown


def wrap(text: str, columns: int | None) -> str:
    """``text`` with its lines broken between words, so that none is wider than ``columns`` (None: as it is).

    What was broken off stands a little further to the right. Colours go on behind a break; a longer word stays whole.
    """
    if columns is None:
        return text
    return "\n".join([part for line in text.split("\n") for part in _broken(line, columns)])


def _broken(line: str, columns: int) -> list[str]:
    if _shown(line) <= columns:
        return [line]
    gutter = _GUTTER.match(line)
    lead = " " * (gutter.end() - 2) + "| " if gutter else " " * (len(line) - len(line.lstrip(" ")))
    lead = lead + " " * _FURTHER if len(lead) + _FURTHER < columns // 2 else ""
    lines, here, blanks = [], "", ""
    for word in _WORDS.findall(line):
        if word[0] == " ":
            blanks = word
        elif here.strip() and _shown(here) + len(blanks) + _shown(word) > columns:
            lines.append(here)
            here, blanks = lead + word, ""
        else:
            here, blanks = here + blanks + word, ""
    return [*lines, here]


def _shown(text: str) -> int:
    return width(_COLOR.sub("", text)) if "\x1b" in text else width(text)
