"""Places in the files of plans.

Knows which characters of which file stand for a task, a wave, or one of their entries. Does not know what is wrong there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from exarp.errors import Place
from exarp.manifests.plans.source import Source

if TYPE_CHECKING:
    from exarp.manifests.problems.positions import KeyPath


class PlanPlaces:
    """See ``place.Places``. ``homes``: the plan of each task, where one plan's needs are those of all its tasks."""

    def __init__(self, nowhere: Place) -> None:
        self._nowhere = nowhere
        self.file = nowhere.file
        self._spots: dict[KeyPath, tuple[Source, int, int]] = {}
        self.homes: dict[str, str] = {}

    def put(self, path: KeyPath, source: Source, start: int, end: int = -1) -> None:
        """What is known as ``path`` stands there; the first place that is told counts."""
        self._spots.setdefault(path, (source, start, end))

    def key(self, *path: str | int) -> Place:
        """Where what is known as ``path`` stands, or the nearest that it belongs to."""
        for end in range(len(path), 0, -1):
            spot = self._spots.get(path[:end])
            if spot is not None:
                return spot[0].place(*spot[1:])
        return self._nowhere

    def value(self, *path: str | int) -> Place:
        """The same: in plans a key and its value are seldom two things."""
        return self.key(*path)

    def entry(self, path: KeyPath, wanted: str, nth: int = 0) -> Place:
        """Where ``wanted`` stands in the list at ``path``; the list if it is not there."""
        if path[0] == "task" and path[-1] == "needs" and path[1] in self.homes:
            spot = self._spots.get(("plan", self.homes[str(path[1])], self.homes.get(wanted, wanted)))
            if spot is not None:
                return spot[0].place(*spot[1:])
        return self.key(*path, wanted)

    def advice(self, text: str) -> str:
        """Plans have no words of their own for a manifest's tables and keys."""
        return text
