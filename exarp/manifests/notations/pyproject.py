"""``[tool.exarp]`` of ``pyproject.toml``, as a notation of manifests.

Knows that a manifest is one table of a file that has others. All else is as in ``toml``.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import tomli
from msgspec.structs import replace

from exarp.errors import ManifestError, Place, Problem
from exarp.manifests.notations import toml
from exarp.manifests.notations.toml import element, is_header

if TYPE_CHECKING:
    from exarp.manifests.problems.positions import Positions

__all__ = ["advice", "element", "has_table", "is_header", "parse", "scan"]

TABLE = ("tool", "exarp")
_LOOKS_SO = re.compile(r"^[ \t]*\[+[ \t]*tool[ \t]*\.[ \t]*exarp[ \t]*[.\]]", re.MULTILINE)


def parse(text: str, file: str) -> dict[str, Any]:
    """See ``Notation.parse``."""
    try:
        found: Any = toml.parse(text, file)
    except ManifestError as error:
        raise ManifestError(*(replace(problem, next=advice(problem.next)) for problem in error.problems)) from None
    for part in TABLE:
        found = found.get(part) if isinstance(found, dict) else None
    if isinstance(found, dict):
        return found
    raise ManifestError(_no_table(found, file, text))


def scan(text: str) -> Positions:
    """See ``Notation.scan``."""
    from exarp.manifests.notations.toml_positions import scan

    return scan(text, below=TABLE)


def advice(text: str) -> str:
    """See ``Notation.advice``."""
    from exarp.manifests.problems.advice import below

    return below(text, ".".join(TABLE))


def has_table(text: str) -> bool:
    """Whether a project's file holds a manifest; so does one that is no TOML, if it looks so."""
    try:
        document = tomli.loads(text)
    except (ValueError, RecursionError):
        return _LOOKS_SO.search(text) is not None
    tool = document.get("tool")
    return isinstance(tool, dict) and "exarp" in tool


def _no_table(found: Any, file: str, text: str) -> Problem:
    if found is None:
        step = "add [tool.exarp.task.NAME] to it, or name another file"
        return Problem(
            "no-manifest", f"{file} has no [tool.exarp]", Place(file, 1, 1, 1, text.partition("\n")[0]), step
        )
    from exarp.manifests.problems.place import Locator
    from exarp.manifests.problems.type_words import value_words

    message = f"[tool.exarp] must be a table, not {value_words(found)}"
    place = Locator(file, text, toml).value(*TABLE)
    return Problem("wrong-type", message, place, "write [tool.exarp.task.NAME]")
