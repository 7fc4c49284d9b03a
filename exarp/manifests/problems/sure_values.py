"""How a value of the wrong type is surely meant, as it is to be written.

Knows types, and the text that stands in the file; what is the same in every notation: quotes, brackets, numbers, true and false.
Guesses no unit, and parts no text: what could mean two things is left alone. Does not know where a value stands.
"""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Iterable
from typing import Any

from msgspec import inspect

from exarp.manifests.problems.slips import meant_by
from exarp.manifests.problems.type_words import SWITCHES, Kind

# Lists of which one word is not enough, or may hold several.
_NO_SINGLE = frozenset(("shell", "choices"))
# What runs is no number.
_SCRIPTS = frozenset(("run", "finally", "verify", "when", "ready"))
# Bits of a number that somebody may have meant.
_WIDEST = 64
# 010 may be eight.
_is_whole = re.compile(r"-?(?:0|[1-9]\d{0,9})", re.ASCII).fullmatch
_PARTED = re.compile(r"[\s,;|]")
# Words of YAML that need no quotes, in a list neither.
_is_word = re.compile(r"[A-Za-z_./][\w./-]*", re.ASCII).fullmatch
_is_moment = re.compile(r"[\d:.+TtZz -]+", re.ASCII).fullmatch


def sure_text(value: Any, kind: Kind, key: str | int, written: str, inner: str = "") -> str | None:
    """What to write for ``value``, which is ``written`` under ``key`` and not of ``kind``; None where that is not certain.

    ``inner``: of a list of one element, what stands in its brackets.
    """
    if "\n" in written and not inner:
        return None
    if isinstance(value, str):
        return _of_string(value, kind, key, written) if _is_plainly(value, written) else None
    if isinstance(value, list):
        return _of_list(value, kind, inner)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _of_number(value, kind, written) if key not in _SCRIPTS else None
    if isinstance(value, datetime.date | datetime.time) and _takes_any_text(kind) and _is_moment(written):
        return f'"{written}"'
    return None


def _is_plainly(value: str, written: str) -> bool:
    """Whether a text stands in quotes, or without them as it is; and not behind an anchor or a tag."""
    return value.isprintable() and (written == value or (len(written) > 1 and written[0] == written[-1] in "\"'"))


def _of_string(value: str, kind: Kind, key: str | int, written: str) -> str | None:
    if kind.choices and (meant := meant_by(value, kind.choices)) is not None:
        return _in_place_of(value, meant, written)
    if kind.takes(inspect.BoolType) and (switch := SWITCHES.get(value.lower())) is not None:
        # Where names may stand, too, others are names.
        return switch if kind.items is None or switch == value.lower() else None
    if kind.takes(inspect.IntType) and _is_whole(value):
        return str(int(value))
    if kind.items is None or not kind.items.takes(inspect.StrType) or key in _NO_SINGLE:
        return None
    if not value or _PARTED.search(value):
        return None
    return f"[{written}]" if written != value or _is_word(value) else f"[{json.dumps(value, ensure_ascii=False)}]"


def sure_word(value: str, known: Iterable[str], written: str) -> str | None:
    """What to write for ``value``, which is ``written`` where only words that are ``known`` may stand."""
    meant = meant_by(value, known)
    return None if meant is None or not _is_plainly(value, written) else _in_place_of(value, meant, written)


def _in_place_of(value: str, word: str, written: str) -> str:
    """``word`` in the quotes that ``value`` stands in."""
    if written == value:
        return word
    return f"{written[0]}{word}{written[0]}" if written[1:-1] == value else f'"{word}"'


def _of_list(value: list[Any], kind: Kind, inner: str) -> str | None:
    if len(value) != 1 or not isinstance(value[0], str) or "\n" in inner:
        return None
    # Elsewhere a list may be meant for something: for the choices of a parameter.
    is_right = _takes_any_text(kind) or value[0] in kind.choices
    return inner if inner and is_right and _is_plainly(value[0], inner) else None


def _of_number(value: float, kind: Kind, written: str) -> str | None:
    if isinstance(value, int) and value.bit_length() > _WIDEST:
        # Nobody means it, and Python does not write it out.
        return None
    if kind.takes(inspect.IntType):
        return str(int(value)) if isinstance(value, float) and value.is_integer() else None
    if "a duration" in kind.words and written in ("0", "0.0"):
        return '"0s"'
    return f'"{written}"' if _takes_any_text(kind) and written == str(value) else None


def _takes_any_text(kind: Kind) -> bool:
    """Whether nothing but a text may stand there, and any."""
    return kind.words == "a string"
