"""What ``check --fix`` mended, a line each.

Knows the words. Does not know how anything is mended.
"""

from __future__ import annotations

from collections.abc import Iterable

from exarp.errors import Problem
from exarp.views import escape
from exarp.views.color import paint


def lines(mended: Iterable[Problem], color: bool = False) -> list[str]:
    """``exarp.toml:4:1: fixed: unknown key 'need' in task 'link'; it is now needs``; places are those of before."""
    return [_line(problem, color) for problem in mended]


def offer(count: int, command: str) -> str:
    """How many problems ``command`` would mend."""
    return f"{count} of these can be fixed: {escape.name(command)}"


def _line(problem: Problem, color: bool) -> str:
    assert problem.fix is not None, "only those with a fix are mended"
    label = paint("fixed:", "done", color)
    words = escape.name(problem.fix.words)
    return f"{escape.name(str(problem.place))}: {label} {escape.plain(problem.message)}; it is now {words}"
