"""Dependencies in Makefile syntax, as compilers write them (``-MD``, ``-MMD``).

Knows the syntax: targets, a colon, paths separated by white space, ``\\`` at a line's end goes on, ``\\ `` and ``\\#`` and
``$$`` are escapes; further rules without dependencies (``-MP``) name what the first did. Does not read files.
"""

from __future__ import annotations

import re

_CONTINUED = re.compile(r"\\\r?\n")
_WORD = re.compile(r"(?:\\[ \t#:\\]|\$\$|[^\s])+")


def parse_depfile(text: str) -> list[str]:
    """All dependencies in order, without duplicates. Raises ValueError where a line is no rule."""
    found: dict[str, None] = {}
    for line in _CONTINUED.sub(" ", text).splitlines():
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        rest = _after_targets(line)
        for word in _WORD.findall(rest):
            found[_unescape(word)] = None
    return list(found)


def _after_targets(line: str) -> str:
    # A colon inside a path ("C:/x", "a\\:b") is not followed by white space.
    match = re.search(r"(?<!\\):(?=\s|$)", line)
    if match is None:
        raise ValueError(f"no rule in {line[:60]!r}")
    return line[match.end() :]


def _unescape(word: str) -> str:
    return re.sub(r"\\([ \t#:])", r"\1", word).replace("$$", "$")
