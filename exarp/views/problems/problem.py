"""Problems as a person reads them, and as the JSON document of the contract.

Knows the shape of look.md's "A manifest with mistakes": place, message, slug, the line with a mark under what is
meant, the next step. Does not know where problems come from or which exit code they lead to.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from exarp.errors import ExitCode, Place, Problem, Related, Severity
from exarp.views import escape
from exarp.views.cells import pad, width, wrap
from exarp.views.color import Meaning, paint
from exarp.views.json_line import json_line

WIDTH = 100
_GUTTER = 8
_NOTE_COLUMN = 48
_TAB = "    "
_MEANING: dict[Severity, Meaning] = {"error": "failed", "doubt": "wait", "warning": "wait"}
_ORDER: tuple[Severity, ...] = ("error", "doubt", "warning")


class _Excerpt(msgspec.Struct, frozen=True):
    """Part of a line, as shown: the text, and where in it (in columns) the span lies."""

    text: str
    start: int
    columns: int


def render(problem: Problem, color: bool = False, columns: int = WIDTH) -> str:
    """A problem as lines without a newline at the end; none is longer than ``columns`` for its excerpt's sake."""
    lines = [_headline(problem, color)]
    step = escape.plain(problem.next).split("\n") if problem.next else []
    if problem.related:
        if problem.place is not None and not _is_among(problem.place, problem.related):
            lines += _marked(problem.place, [], problem.severity, color, columns)
        lines += _beside(problem, columns)
        lines += ["      " + line for line in step]
    elif problem.place is not None and problem.place.text:
        lines += _marked(problem.place, step, problem.severity, color, columns)
    else:
        lines += ["      " + line for line in step]
    return "\n".join(lines)


def render_all(
    problems: Iterable[Problem], color: bool = False, closing: str | None = None, columns: int | None = None
) -> str:
    """All problems, then how many there are and ``closing`` behind it (``3 errors, nothing was run``).

    None for ``closing`` leaves the last line out; an empty one leaves it at the number. ``columns``: of a terminal, on
    which no line is to be wider.
    """
    problems = list(problems)
    lines = [render(problem, color, min(columns or WIDTH, WIDTH)) for problem in problems]
    if closing is not None:
        lines.append(", ".join([*_counts(problems), *([closing] if closing else [])]))
    return wrap("\n".join(lines), columns)


def as_json(problems: Iterable[Problem], exit_code: int) -> bytes:
    """The contract's error document, one line."""
    listed = [_fields(problem) for problem in problems]
    return json_line({"version": 1, "error": {"exit_code": int(exit_code), "problems": listed}})


def findings(problems: Iterable[Problem], exit_code: int, mended: Iterable[Problem] | None = None) -> bytes:
    """What ``check`` found, one line: all problems, and where they are errors the error document of every command.

    ``mended``: what was, where that was asked for.
    """
    listed = [_fields(problem) for problem in problems]
    document: dict[str, object] = {"version": 1, "exit_code": exit_code, "problems": listed}
    if mended is not None:
        document["fixed"] = [_fields(problem) | {"fix": problem.fix and problem.fix.words} for problem in mended]
    if exit_code == ExitCode.MANIFEST:
        document["error"] = {"exit_code": exit_code, "problems": listed}
    return json_line(document)


def _fields(problem: Problem) -> dict[str, object]:
    place = problem.place
    return {
        "slug": problem.slug,
        "message": problem.message,
        "file": place.file if place else None,
        "line": place.line if place else None,
        "column": place.column if place else None,
        "next": problem.next,
        "severity": problem.severity,
    }


def _counts(problems: Sequence[Problem]) -> list[str]:
    counted = []
    for severity in _ORDER:
        count = sum(1 for problem in problems if problem.severity == severity)
        if count:
            counted.append(f"{count} {severity}" + ("" if count == 1 else "s"))
    return counted


def _headline(problem: Problem, color: bool) -> str:
    place = f"{escape.name(str(problem.place))}: " if problem.place else ""
    label = "" if problem.severity == "error" else paint(f"{problem.severity}:", "wait", color) + " "
    slug = paint(f"({problem.slug})", "same", color)
    return f"{place}{label}{escape.plain(problem.message)} {slug}"


def _is_among(place: Place, related: Sequence[Related]) -> bool:
    return any((item.place.file, item.place.line) == (place.file, place.line) for item in related)


def _marked(place: Place, step: Sequence[str], severity: Severity, color: bool, columns: int) -> list[str]:
    """The place's line, and below it the mark with the next step behind it."""
    if not place.text:
        return []
    cut = _excerpt(place, max(20, columns - _GUTTER))
    mark = " " * cut.start + paint("^" * cut.columns, _MEANING[severity], color)
    first = f" {step[0]}" if step else ""
    return [
        f"{place.line:>5} | {cut.text}",
        f"      | {mark}{first}",
        *(f"      | {line}" for line in step[1:]),
    ]


def _beside(problem: Problem, columns: int) -> list[str]:
    """The related places, one a line, notes in a column; a line above says when they lie in another file."""
    file = problem.place.file if problem.place else ""
    room = max(20, min(_NOTE_COLUMN, columns // 2))
    cuts = [_excerpt(item.place, room).text for item in problem.related]
    column = max(width(text) for text in cuts) + 6
    lines = []
    for item, text in zip(problem.related, cuts, strict=True):
        if item.place.file != file:
            file = item.place.file
            lines.append(f"      in {escape.name(file)}:")
        lines.append(f"{item.place.line:>5} | {pad(text, column)}{escape.name(item.note)}".rstrip())
    return lines


def _excerpt(place: Place, room: int) -> _Excerpt:
    """At most ``room`` columns of the place's line, its span among them."""
    line = place.text.rstrip("\r\n")
    at = min(max(place.column - 1, 0), len(line))
    end = min(at + max(place.length, 1), len(line))
    # A line may be a whole JSON file: only what can be in view is looked at.
    before = _shown(line[max(0, at - room) : at])
    span = _shown(line[at : min(end, at + room)])
    behind = _shown(line[end : end + room])
    clipped = at > room
    # Behind the end of the line there is still the mark.
    if clipped or width(before) + max(1, width(span)) + width(behind) > room or end + room < len(line):
        before, span, behind = _fitted(before, span, behind, room, clipped)
    return _Excerpt(before + span + behind, width(before), max(1, width(span)))


def _fitted(before: str, span: str, behind: str, room: int, clipped: bool) -> tuple[str, str, str]:
    """The three parts cut down to ``room`` columns: a third of it for what stands before, if that is needed."""
    kept = max(room // 3, room - width(span) - width(behind) - 2)
    if clipped or width(before) > kept:
        while width(before) > kept - 1:
            before = before[max(1, (width(before) - kept) // 2) :]
        before = "…" + before
    left = room - width(before)
    if width(span) >= left:
        return before, _head(span, left - 1) + "…", ""
    left -= width(span)
    return before, span, behind if width(behind) < left else _head(behind, left - 1) + "…"


def _head(text: str, columns: int) -> str:
    while width(text) > columns:
        text = text[: len(text) - max(1, (width(text) - columns) // 2)]
    return text


def _shown(text: str) -> str:
    return escape.name(text.replace("\t", _TAB))
