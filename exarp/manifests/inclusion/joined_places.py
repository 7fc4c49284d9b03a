"""Places in several files that became one manifest.

Knows which file a task and a wave come from, and asks that file's own locator. Does not know why they are asked for.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from typing import TYPE_CHECKING

from exarp.errors import Place
from exarp.manifests.inclusion.part import Part
from exarp.manifests.problems.place import Locator
from exarp.model.name import prefix_of

if TYPE_CHECKING:
    from exarp.manifests.problems.positions import KeyPath


class JoinedLocator(Locator):
    """Finds places by the names and numbers of the whole manifest; what is no task's or wave's stands in the first of ``parts``,
    the root.
    """

    def __init__(self, parts: Sequence[Part]) -> None:
        root = parts[0].locator
        super().__init__(root.file, root.text, parts[0].source.notation, root.root)
        self._root = root
        self._parts = {part.prefix: part.locator for part in parts}
        self._locators = [part.locator for part in parts]
        self.chains = {part.prefix + task: chain for part in parts for task, chain in part.locator.chains.items()}
        self._first_waves = [0, *accumulate(len(part.document.wave) for part in parts)]

    def included(self) -> dict[str, str]:
        return {
            prefix: f"{locator.base.rstrip('/')}/{locator.file.rpartition('/')[2]}".lstrip("/")
            for prefix, locator in self._parts.items()
            if prefix
        }

    def key(self, *path: str | int) -> Place:
        locator, local = self._local(path)
        return locator.key(*local)

    def value(self, *path: str | int) -> Place:
        locator, local = self._local(path)
        return locator.value(*local)

    def entry(self, path: KeyPath, wanted: str, nth: int = 0) -> Place:
        locator, local = self._local(path)
        return locator.entry(local, wanted, nth)

    def within(self, path: KeyPath, part: str) -> Place:
        locator, local = self._local(path)
        return locator.within(local, part)

    def has_header(self, *path: str | int) -> bool:
        locator, local = self._local(path)
        return locator.has_header(*local)

    def _local(self, path: KeyPath) -> tuple[Locator, KeyPath]:
        """Whose place it is, and how that file knows it."""
        name = path[1] if len(path) > 1 else None
        if path[0] == "task" and isinstance(name, str):
            prefix = prefix_of(name)
            locator = self._parts.get(prefix, self._root)
            return locator, ("task", name[len(prefix) :] if locator is not self._root else name, *path[2:])
        if path[0] == "wave" and isinstance(name, int):
            number = bisect_right(self._first_waves, name) - 1
            return self._locators[number], ("wave", name - self._first_waves[number], *path[2:])
        return self._root, path
