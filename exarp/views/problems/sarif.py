"""Problems as SARIF, which code scanning services and editors read.

Knows version 2.1.0 of the format (docs.oasis-open.org/sarif). Does not find problems.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import quote

from exarp import __version__
from exarp.errors import Place, Problem, Severity
from exarp.views.json_line import json_line

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVELS: dict[Severity, str] = {"error": "error", "doubt": "warning", "warning": "warning"}


def sarif(problems: Iterable[Problem], seen: Callable[[str], str]) -> bytes:
    """One document, one run. ``seen``: a file's path from the root of the repository."""
    problems = list(problems)
    rules = sorted({problem.slug for problem in problems})
    driver = {"name": "exarp", "semanticVersion": __version__, "rules": [_rule(slug) for slug in rules]}
    index = {slug: number for number, slug in enumerate(rules)}
    run = {
        "tool": {"driver": driver},
        # Columns count characters, as everywhere in exarp.
        "columnKind": "unicodeCodePoints",
        "results": [_result(problem, index[problem.slug], seen) for problem in problems],
    }
    return json_line({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]})


def _rule(slug: str) -> dict[str, Any]:
    return {"id": slug, "shortDescription": {"text": slug.replace("-", " ")}}


def _result(problem: Problem, rule: int, seen: Callable[[str], str]) -> dict[str, Any]:
    text = f"{problem.message}\n{problem.next}" if problem.next else problem.message
    result: dict[str, Any] = {
        "ruleId": problem.slug,
        "ruleIndex": rule,
        "level": _LEVELS[problem.severity],
        "message": {"text": text},
        "locations": [_location(problem.place, seen)] if problem.place is not None else [],
    }
    if problem.related:
        result["relatedLocations"] = [
            {"id": number, "message": {"text": related.note}, **_location(related.place, seen)}
            for number, related in enumerate(problem.related, 1)
        ]
    return result


def _location(place: Place, seen: Callable[[str], str]) -> dict[str, Any]:
    region: dict[str, Any] = {
        "startLine": place.line,
        "startColumn": place.column,
        "endColumn": place.column + place.length,
    }
    if place.text:
        region["snippet"] = {"text": place.text}
    return {"physicalLocation": {"artifactLocation": {"uri": quote(seen(place.file))}, "region": region}}
