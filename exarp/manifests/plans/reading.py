"""What every reader of plans and task states gives back, and the names it makes.

Knows how a plan's identifier becomes the name of a task or a wave. Does not know any kind of plan.
"""

from __future__ import annotations

import msgspec

from exarp.errors import Problem
from exarp.manifests.problems.place import Places
from exarp.model.manifest import Manifest
from exarp.model.name import name_fault

_FORBIDDEN = frozenset("@:,")


class PlanReading(msgspec.Struct, frozen=True):
    """A manifest made of plans. ``problems``: errors, doubts and warnings."""

    manifest: Manifest
    problems: list[Problem]
    places: Places


class Names:
    """Names for tasks and waves, each given once."""

    def __init__(self) -> None:
        self._taken: dict[str, int] = {}

    def take(self, identifier: str) -> str:
        """A name as like to ``identifier`` as the rules for names and those that are taken allow."""
        name = identifier
        if name_fault(name):
            fitting = (
                char if char.isprintable() and not char.isspace() and char not in _FORBIDDEN else "-" for char in name
            )
            name = "".join(fitting).rstrip("-").lstrip("-.") or "unnamed"
        plain = name
        while name in self._taken:
            self._taken[plain] += 1
            name = f"{plain}-{self._taken[plain]}"
        self._taken[name] = 1
        return name


def renamed(kind: str, identifier: str, name: str) -> Problem:
    """The warning that something goes by another name here than in its plan; it has no place yet."""
    why = name_fault(identifier) or "it is taken already"
    message = f"{kind} {identifier!r} is called {name!r} here: {why}"
    return Problem(
        "plan-name", message, None, "give it a name of its own, without white space, @ : and ,", severity="warning"
    )
