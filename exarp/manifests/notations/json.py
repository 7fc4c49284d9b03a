"""JSON, as a notation of manifests.

Knows which part of JSON's reading is done where, and that a ``$schema`` is for editors only. Does not know what keys mean.
"""

from __future__ import annotations

import json
import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from exarp.errors import ManifestError
from exarp.manifests.notations.nesting import is_deep

if TYPE_CHECKING:
    from exarp.manifests.problems.positions import Positions

# Half of a pair; Python takes it alone, and then nothing can print it.
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


def parse(text: str, file: str) -> dict[str, Any]:
    """See ``Notation.parse``."""
    found: Any = None
    with suppress(ValueError, RecursionError):
        found = _DECODER.decode(text)
    if not isinstance(found, dict) or _SURROGATE.search(text) or is_deep(found):
        from exarp.manifests.notations.json_syntax import problems_of

        # Of what is JSON, surrogates may all be in pairs.
        if (problems := problems_of(file, text)) or found is None:
            raise ManifestError(*problems)
    document: dict[str, Any] = found
    document.pop("$schema", None)
    return document


def scan(text: str) -> Positions:
    """See ``Notation.scan``."""
    from exarp.manifests.notations.json_syntax import scan

    return scan(text)


def element(text: str) -> Any:
    """See ``Notation.element``."""
    return json.loads(text)


def is_header(text: str) -> bool:
    """See ``Notation.is_header``."""
    return False


def advice(text: str) -> str:
    """See ``Notation.advice``."""
    from exarp.manifests.problems.advice import JSON, reworded

    return reworded(text, JSON)


def _table(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    table = dict(pairs)
    if len(table) < len(pairs):
        raise ValueError("a key stands twice")
    return table


def _constant(name: str) -> None:
    raise ValueError(f"{name} is no value of JSON")


_DECODER = json.JSONDecoder(object_pairs_hook=_table, parse_constant=_constant)
