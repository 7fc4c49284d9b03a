"""YAML, as a notation of manifests.

Knows which part of YAML's reading is done where. Does not know what keys mean.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import yaml

from exarp.errors import ManifestError
from exarp.manifests.notations.yaml_scalars import plain_value
from exarp.manifests.notations.yaml_values import NoDocument, read_values

if TYPE_CHECKING:
    from exarp.manifests.problems.positions import Positions

_is_plain_word = re.compile(r"[A-Za-z_./][\w./-]*", re.ASCII).fullmatch


def parse(text: str, file: str) -> dict[str, Any]:
    """See ``Notation.parse``."""
    try:
        document: dict[str, Any] = read_values(text)
    except (yaml.YAMLError, NoDocument):
        from exarp.manifests.notations.yaml_syntax import problems_of

        raise ManifestError(*problems_of(file, text)) from None
    return document


def scan(text: str) -> Positions:
    """See ``Notation.scan``."""
    from exarp.manifests.notations.yaml_positions import scan

    return scan(text)


def element(text: str) -> Any:
    """See ``Notation.element``."""
    if _is_plain_word(text):
        return plain_value(text)
    try:
        return read_values(text, whole=False)
    except (yaml.YAMLError, NoDocument) as error:
        raise ValueError(str(error)) from None


def is_header(text: str) -> bool:
    """See ``Notation.is_header``."""
    return False


def advice(text: str) -> str:
    """See ``Notation.advice``."""
    from exarp.manifests.problems.advice import YAML, reworded

    return reworded(text, YAML)
