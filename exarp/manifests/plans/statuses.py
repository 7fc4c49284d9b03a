"""Words for how far work is, and how urgent: as task states and plans have them.

Knows the words of the contract and what people write instead. Does not know who says them of what.
"""

from __future__ import annotations

import re
from typing import Literal

Standing = Literal["open", "done", "held"]
"""``open``: to be done; ``done``: it delays nobody; ``held``: it is not to be done now, and whoever waits for it waits."""

_OPEN = frozenset({"", "todo", "pending", "new", "in progress", "working", "active"})
_DONE = frozenset({"done", "completed", "complete", "finished", "closed", "cancelled", "canceled"})
_HELD = frozenset({"blocked", "waiting", "review", "in review", "on hold", "paused", "deferred"})
_PRIORITIES = {"critical": 100, "urgent": 100, "highest": 100, "high": 50, "medium": 0, "": 0, "low": -50}
_OTHER_PRIORITY = -100


def _word(text: str) -> str:
    return re.sub(r"[\s_-]+", " ", text).strip().lower()


def standing(status: str) -> Standing:
    """What a task state's status means: what is neither open nor done is held."""
    word = _word(status)
    return "open" if word in _OPEN else "done" if word in _DONE else "held"


def standing_of_plan(status: str) -> Standing:
    """What a plan's status means: plans have many words for what is still to be done."""
    word = _word(status)
    return "done" if word in _DONE else "held" if word in _HELD else "open"


def priority(text: str) -> int:
    """How urgent a priority is, as tasks have it; words that nobody knows come last."""
    return _PRIORITIES.get(_word(text), _OTHER_PRIORITY)


def is_running(status: str) -> bool:
    """Whether somebody is at it."""
    return _word(status) in ("in progress", "working", "active")
