"""Regular expressions that are compiled when they are first used: all of exarp's take as long as Python itself takes to start.

Knows which methods of an expression exarp uses. Does not know any expression.
"""

from __future__ import annotations

import re
from functools import partial
from typing import Any, cast

_METHODS = ("match", "search", "fullmatch", "sub", "split", "findall", "finditer")


def late(text: str, flags: int = 0) -> re.Pattern[str]:
    """An expression to be used as ``re.compile(text, flags)`` would be, through its methods; these are not to be kept by
    themselves: each call of one that was taken before the first use looks the compiled one up again.
    """
    return cast("re.Pattern[str]", _Late(text, flags))


class _Late:
    """Has the methods of the compiled expression as its own, once there is one: calling them costs no more then."""

    def __init__(self, text: str, flags: int) -> None:
        self.__dict__.update((name, partial(self._first, name, text, flags)) for name in _METHODS)

    def _first(self, name: str, text: str, flags: int, *arguments: Any, **options: Any) -> Any:
        compiled = re.compile(text, flags)
        self.__dict__.update((each, getattr(compiled, each)) for each in _METHODS)
        return getattr(compiled, name)(*arguments, **options)
