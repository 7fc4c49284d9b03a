"""``--what-if KEY=VALUE,…``: other settings for a run that is only played.

Knows the keys and their values. Does not play.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, get_args

import click

from exarp.model.choice import Packing, Schedule
from exarp.model.name import did_you_mean

if TYPE_CHECKING:
    from exarp.app.what_if import Change

_COUNTS = {"jobs": 0, "max_parallel_waves": 1, "max_tasks_per_wave": 0}
_WORDS: dict[str, tuple[str, ...]] = {"packing": get_args(Packing), "schedule": get_args(Schedule)}
KEYS = (*_COUNTS, *_WORDS)
_MOST = 2**31 - 1

what_if_option: Callable[[Any], Any] = click.option(
    "--what-if",
    "changes",
    metavar="KEY=VALUE,…",
    multiple=True,
    help=f"How long a run would take with other settings ({', '.join(KEYS)}); may be repeated.",
)


def changes_from(given: Sequence[str]) -> list[Change]:
    """A change of settings for each option. Raises click.BadParameter."""
    from exarp.app.what_if import Change

    return [Change(**_settings(text)) for text in given]


def _settings(text: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for part in text.split(","):
        key, equals, value = (piece.strip() for piece in part.partition("="))
        if key not in KEYS:
            meant = did_you_mean(key, KEYS) or f"use {', '.join(KEYS)}"
            raise _bad(
                f"{key!r} is no setting that can be varied; {meant}" if key else f"a setting is missing; {meant}"
            )
        if not equals:
            raise _bad(f"{key!r} has no value; write {key}={'2' if key in _COUNTS else _WORDS[key][0]}")
        if key in found:
            raise _bad(f"{key!r} is given twice; repeat --what-if to compare both")
        found[key] = _count(key, value) if key in _COUNTS else _word(key, value)
    return found


def _count(key: str, value: str) -> int:
    number = int(value) if value.isascii() and value.isdigit() and len(value) <= len(str(_MOST)) else -1
    if not _COUNTS[key] <= number <= _MOST:
        raise _bad(f"{key} must be a number from {_COUNTS[key]} on, not {value!r}")
    return number


def _word(key: str, value: str) -> str:
    if value not in _WORDS[key]:
        meant = did_you_mean(value, _WORDS[key])
        raise _bad(f"{key} must be {' or '.join(_WORDS[key])}, not {value!r}" + (f"; {meant}" if meant else ""))
    return value


def _bad(message: str) -> click.BadParameter:
    return click.BadParameter(message, param_hint="--what-if")
