"""Patterns of task names, as the command line takes them: ``'test:*'``.

Knows ``*`` (any characters but ``:``), ``**`` (any at all), ``?`` (one but ``:``) and ``[…]``. Does not know which names exist,
nor anything of paths, whose wildcards end at ``/``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from exarp.model.expression import late

_PIECE = late(r"\*\*+|\*|\?|\[[!^]?\]?[^\]]*\]|[^*?\[]+|\[")


def names_matching(pattern: str, names: Iterable[str]) -> list[str]:
    """Those of ``names`` that a pattern stands for, as given."""
    match = re.compile("".join(map(_expression, _PIECE.findall(pattern))), re.DOTALL).fullmatch
    return [name for name in names if match(name)]


def _expression(piece: str) -> str:
    if piece.startswith("**"):
        return ".*"
    if piece in ("*", "?"):
        return f"[^:]{piece if piece == '*' else ''}"
    if piece.startswith("[") and len(piece) > 2:
        return _class(piece[1:-1])
    return re.escape(piece)


def _class(body: str) -> str:
    negated = body[0] in "!^" and len(body) > 1
    members = body[1:] if negated else body
    ranges = re.findall(r"(.)-(.)|(.)", members, re.DOTALL)
    parts = [
        re.escape(single) if single else f"{re.escape(low)}-{re.escape(high)}"
        for low, high, single in ranges
        if single or low <= high
    ]
    if not parts:
        return "[^:]" if negated else "(?!)"
    return f"(?!:)[{'^' if negated else ''}{''.join(parts)}]"
