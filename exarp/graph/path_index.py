"""Exact paths, findable by a folder or glob that covers them.

Knows how to look at few of many paths: those that share a pattern's literal beginning, or the literal beginning or ending
of its last name. Does not know whose paths they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property

from exarp.model.path import is_glob, is_outside, literal_ends, matcher


class PathIndex:
    """An index over exact ``paths``.

    ``patience``: a second and a third order of the paths are made once as many have been looked at as this many times all;
    making one costs about as much.
    """

    def __init__(self, paths: Iterable[str], patience: int = 4) -> None:
        self._given = tuple(paths)
        self._patience = patience * len(self._given)
        self._looked_at = 0

    def covered(self, pattern: str) -> list[str]:
        """The paths in a folder or under a glob, sorted. A folder does not cover itself."""
        if not is_glob(pattern):
            if pattern == "./":
                return [path for path in self._paths if not is_outside(path)]
            return self._paths[starting_with(self._paths, pattern)]
        candidates = self._candidates(pattern)
        if not candidates:
            # Of many globs most cover nothing: theirs need not be compiled.
            return []
        match = matcher(pattern).match
        return [path for path in candidates if match(path)]

    def _candidates(self, glob: str) -> list[str]:
        """The fewest paths that surely hold all matches, sorted."""
        head, _ = literal_ends(glob)
        fewest = starting_with(self._paths, head)
        last = glob[glob.rfind("/") + 1 :]
        self._looked_at += fewest.stop - fewest.start
        if self._looked_at < self._patience or last in ("", "**"):
            return self._paths[fewest]
        begins, ends = literal_ends(last)
        by_start = starting_with(self._by_name[0], begins)
        by_end = starting_with(self._by_ending[0], ends[::-1])
        best = min(fewest, by_start, by_end, key=lambda part: part.stop - part.start)
        if best is fewest:
            return self._paths[fewest]
        return sorted((self._by_name if best is by_start else self._by_ending)[1][best])

    @cached_property
    def _paths(self) -> list[str]:
        return sorted(self._given)

    @cached_property
    def _by_name(self) -> tuple[list[str], list[str]]:
        """Last names, sorted, and the paths they belong to."""
        return _keyed((path[path.rfind("/") + 1 :], path) for path in self._paths)

    @cached_property
    def _by_ending(self) -> tuple[list[str], list[str]]:
        """Paths read backwards, sorted, and the paths themselves."""
        return _keyed((path[::-1], path) for path in self._paths)


def _keyed(pairs: Iterable[tuple[str, str]]) -> tuple[list[str], list[str]]:
    ordered = sorted(pairs)
    return [key for key, _ in ordered], [path for _, path in ordered]


def starting_with(keys: Sequence[str], prefix: str) -> slice:
    """Where the keys stand that start with ``prefix``."""
    from bisect import bisect_left, bisect_right

    start = bisect_left(keys, prefix)
    return slice(start, bisect_right(keys, prefix, lo=start, key=lambda key: key[: len(prefix)]))
