"""Problems as workflow commands: GitHub shows each beside the line it is about.

Knows the syntax of ``::error file=…::…`` (docs.github.com, "Workflow commands for GitHub Actions"). Does not find problems.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from exarp.errors import Problem
from exarp.views import escape


def workflow_commands(problems: Iterable[Problem], seen: Callable[[str], str], mended: Iterable[Problem] = ()) -> str:
    """A line a problem; a notice for each that was ``mended``. ``seen``: a file's path from the root of the repository."""
    notices = [_annotation(problem, seen, "notice") for problem in mended]
    levels = {"error": "error", "doubt": "warning", "warning": "warning"}
    return "\n".join([*notices, *(_annotation(problem, seen, levels[problem.severity]) for problem in problems), ""])


def _annotation(problem: Problem, seen: Callable[[str], str], level: str) -> str:
    fields = {"title": f"exarp: {problem.slug}"}
    if problem.place is not None:
        place = problem.place
        where = {"file": seen(place.file), "line": str(place.line), "col": str(place.column)}
        fields = where | {"endColumn": str(place.column + place.length)} | fields
    said = f"{escape.plain(problem.message)} ({problem.slug})"
    if level == "notice" and problem.fix is not None:
        said, step = f"fixed: {said}", f"it is now {problem.fix.words}"
    else:
        step = problem.next
    text = f"{said}\n{escape.plain(step)}" if step else said
    return f"::{level} {','.join(f'{name}={_field(value)}' for name, value in fields.items())}::{_text(text)}"


def _text(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _field(text: str) -> str:
    return _text(text).replace(":", "%3A").replace(",", "%2C")
