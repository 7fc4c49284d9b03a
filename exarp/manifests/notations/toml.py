"""TOML, as a notation of manifests.

Knows tomli, and which part of TOML's reading is done where. Does not know what keys mean.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tomli

from exarp.errors import ManifestError

if TYPE_CHECKING:
    from exarp.manifests.problems.positions import Positions


def parse(text: str, file: str) -> dict[str, Any]:
    """See ``Notation.parse``."""
    try:
        return tomli.loads(text)
    except (ValueError, RecursionError) as error:
        from exarp.manifests.notations.toml_syntax import syntax_problem

        raise ManifestError(syntax_problem(error, file, text)) from None


def scan(text: str) -> Positions:
    """See ``Notation.scan``."""
    # Nobody pays for the scanner but a manifest with something to point at.
    from exarp.manifests.notations.toml_positions import scan

    return scan(text)


def element(text: str) -> Any:
    """See ``Notation.element``."""
    return tomli.loads(f"x = {text}")["x"]


def is_header(text: str) -> bool:
    """See ``Notation.is_header``."""
    return text.startswith("[")


def advice(text: str) -> str:
    """See ``Notation.advice``."""
    return text
