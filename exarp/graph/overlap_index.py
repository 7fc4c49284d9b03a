"""Patterns of every kind, findable by what overlaps with them.

Knows which of the two indexes, that of exact paths and that of folders and globs, tells of which overlaps. Does not know whose
patterns they are.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from exarp.graph.path_index import PathIndex
from exarp.graph.pattern_index import PatternIndex
from exarp.model.overlap import is_wide
from exarp.model.path import folders_of, is_glob, literal_prefix, parents


class OverlapIndex:
    """An index over ``patterns``, each there once. ``holding``: folders, with their slash, that some of them lie in."""

    def __init__(self, patterns: Collection[str]) -> None:
        wide = [pattern for pattern in patterns if is_wide(pattern)]
        exact = set(patterns).difference(wide)
        self.has_wide = bool(wide)
        self.holding = folders_of(patterns)
        self._wide = PatternIndex(wide)
        self._exact_paths = exact
        self._exact = PathIndex(exact)

    def overlapping(self, pattern: str) -> list[str]:
        """Those that overlap with any pattern (see ``model.overlap.overlap``), without repetition."""
        wide = self._wide.overlapping(pattern) if self.has_wide else ()
        return list(dict.fromkeys([*self._exact_overlapping(pattern), *wide]))

    def _exact_overlapping(self, pattern: str) -> Iterable[str]:
        folder = pattern if is_wide(pattern) else f"{pattern}/"
        if is_glob(pattern) or pattern == "./" or folder in self.holding:
            yield from self._exact.covered(folder)
        if not is_glob(pattern) and folder[:-1] in self._exact_paths:
            yield folder[:-1]
        above = literal_prefix(pattern if is_glob(pattern) else folder[:-1])
        yield from (holder[:-1] for holder in parents(above) if holder[:-1] in self._exact_paths)
