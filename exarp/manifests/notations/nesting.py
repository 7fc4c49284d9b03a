"""How deep the values of a manifest may nest, in whatever notation.

Knows plain dictionaries and lists. Does not know where they come from.
"""

from __future__ import annotations

from typing import Any

# tomli's limit.
DEEPEST = 400


def is_deep(document: dict[str, Any]) -> bool:
    """Whether tables and lists nest deeper than ``DEEPEST``."""
    level: list[Any] = [document]
    for _ in range(DEEPEST):
        if not level:
            return False
        level = [
            inner
            for outer in level
            for inner in (outer.values() if type(outer) is dict else outer)
            if type(inner) is dict or type(inner) is list
        ]
    return bool(level)
