"""Whether to colour, and the few colours there are.

Knows the conventions (NO_COLOR, FORCE_COLOR, CI, TERM=dumb) and what each colour means. Does not know which stream
is a terminal: it is told.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

Flag = Literal["auto", "always", "never"]
Meaning = Literal["done", "same", "wait", "failed", ""]

_SGR: dict[str, str] = {"done": "32", "same": "2", "wait": "33", "failed": "31"}
_NO = frozenset({"", "0", "false", "no"})


def in_ci(environ: Mapping[str, str]) -> bool:
    """Whether a continuous-integration service says that it runs us (``CI`` set, and not to a "no")."""
    return environ.get("CI", "").lower() not in _NO


def wants_color(flag: Flag, environ: Mapping[str, str], is_terminal: bool) -> bool:
    """Whether one stream gets colours: the option, then NO_COLOR, FORCE_COLOR, CI and TERM=dumb, then the terminal.

    An empty NO_COLOR counts as unset (no-color.org); ``FORCE_COLOR=0`` forces the absence of colour.
    """
    if flag != "auto":
        return flag == "always"
    if environ.get("NO_COLOR"):
        return False
    if environ.get("FORCE_COLOR"):
        return environ["FORCE_COLOR"].lower() not in _NO
    return wants_live(environ, is_terminal)


def wants_live(environ: Mapping[str, str], is_terminal: bool) -> bool:
    """Whether a display that moves makes sense: on a terminal that can, outside CI."""
    return is_terminal and not in_ci(environ) and environ.get("TERM") != "dumb"


def paint(text: str, meaning: Meaning, color: bool) -> str:
    """``text`` in the colour of its meaning: green done, dim up to date, yellow waiting or doubt, red failed."""
    code = _SGR.get(meaning)
    return f"\x1b[{code}m{text}\x1b[0m" if color and code and text else text
