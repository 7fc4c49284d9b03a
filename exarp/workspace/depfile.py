"""Dependencies in Makefile syntax, as compilers write them (``-MD``, ``-MMD``).

Knows the syntax as GCC, Clang and ninja have it: targets, a colon, paths separated by spaces, tabs and nothing else; ``\\``
at a line's end goes on; ``\\ ``, ``\\#``, ``\\:`` and ``$$`` are escapes, and backslashes before an escaped space stand twice;
further rules without dependencies (``-MP``) name what the first did. Does not read files.
"""

from __future__ import annotations

import re

from exarp.model.expression import late

_CONTINUED = late(r"\\\r?\n")
_LINE_END = late(r"\r?\n")
# A colon inside a path ("C:/x", "a\:b") is not followed by white space, or is escaped.
_TARGETS_END = late(r"(?<!\\)(?:\\\\)*:(?=[ \t]|$)")
# A run of backslashes ends a path before a space if it is even, and takes the space into the path if it is odd.
_PATH = late(r"(?:[^ \t\\]|(?:\\\\)*\\[ \t]|(?:\\\\)+(?=[ \t])|\\+(?![\\ \t]))+")
_ESCAPE = late(r"(\\+)([ \t])|\\([#:])|\$\$")


def parse_depfile(text: str) -> list[str]:
    """All dependencies in order, without duplicates. Raises ValueError where a line is no rule."""
    found: dict[str, None] = {}
    for line in _LINE_END.split(_CONTINUED.sub(" ", text)):
        if not line.strip(" \t") or line.lstrip(" \t").startswith("#"):
            continue
        targets = _TARGETS_END.search(line)
        if targets is None:
            raise ValueError(f"no rule in {line[:60]!r}")
        for path in _PATH.findall(line, targets.end()):
            found[_ESCAPE.sub(_unescape, path)] = None
    return list(found)


def _unescape(escape: re.Match[str]) -> str:
    backslashes, space, other = escape.groups()
    if space is not None:
        return "\\" * (len(backslashes) // 2) + space
    return other or "$"
