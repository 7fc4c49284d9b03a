"""Folders and globs, findable by what overlaps with them.

Knows how to follow one pattern through the names of all others at once (the automaton of ``model.overlap``, over a tree),
from the first name on and from the last one back, whichever comes to an end sooner. Does not know whose patterns they are.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property

from exarp.graph.path_index import starting_with
from exarp.model.overlap import EACH, MANY, pattern_names, share_name
from exarp.model.path import is_glob, literal_ends

# How many steps the first search may take; each further one may take that many times more.
_PATIENCE, _MORE = 16, 4
# Fewer names than this are looked at one by one.
_FEW_NAMES = 8


class PatternIndex:
    """An index over ``patterns`` that may stand for several paths."""

    def __init__(self, patterns: Iterable[str]) -> None:
        self._patterns = sorted(patterns)
        self._by_start = _Node(None)
        self._by_end = _Node(None)
        for pattern in self._patterns:
            names = pattern_names(pattern)
            self._by_start.add(names, pattern)
            self._by_end.add(names[::-1], pattern)

    def overlapping(self, pattern: str) -> list[str]:
        """Those that overlap with any pattern, sorted (see ``model.overlap.overlap``)."""
        names = pattern_names(pattern)
        patience = _PATIENCE
        found = None
        while found is None:
            found = _search(self._by_start, names, patience)
            if found is None:
                found = _search(self._by_end, names[::-1], patience)
            patience *= _MORE
        if not is_glob(pattern) and not pattern.endswith("/"):
            found.update(self._below(f"{pattern}/"))
        return sorted(found)

    def _below(self, folder: str) -> Iterator[str]:
        """Those that lead into a folder by its name: a path without its slash is a folder all the same."""
        for at in range(bisect_left(self._patterns, folder), len(self._patterns)):
            if not self._patterns[at].startswith(folder):
                return
            yield self._patterns[at]


class _Node:
    """Where some names lead. ``loop``: the name that may be gone through any number of times while being here."""

    __slots__ = ("_globs", "_literals", "_many", "_nodes", "ends", "loop")

    def __init__(self, loop: str | None) -> None:
        self.loop = loop
        self.ends: list[str] = []
        self._nodes: dict[str, _Node] = {}
        self._many: list[_Node] = []
        self._literals: _Names | None = None
        self._globs: _Names | None = None

    def add(self, names: Sequence[str], pattern: str) -> None:
        node = self
        for name in names:
            below = node._nodes.get(name)
            if below is None:
                below = node._nodes[name] = _Node(name if name in MANY else None)
                if name in MANY:
                    node._many.append(below)
            node = below
        node.ends.append(pattern)

    def skipping(self) -> Sequence[_Node]:
        """Nodes that are reached without any name."""
        return self._many

    def following(self, name: str) -> Iterator[_Node]:
        """Nodes that a name leads to, but for this one."""
        if name in MANY or name == EACH:
            near: Iterable[str] = self._nodes
        elif is_glob(name):
            near = [*self._near_literals(name), *self._near_globs(name)]
        else:
            near = [name, *self._near_globs(name)] if name in self._nodes else self._near_globs(name)
        for other in near:
            if other not in MANY and (other == name or share_name(other, name)):
                yield self._nodes[other]

    def _near_literals(self, name: str) -> Iterable[str]:
        if self._literals is None:
            self._literals = _Names(n for n in self._nodes if n not in MANY and n != EACH and not is_glob(n))
        return self._literals.near(name)

    def _near_globs(self, name: str) -> Iterable[str]:
        if self._globs is None:
            self._globs = _Names(n for n in self._nodes if n not in MANY and (n == EACH or is_glob(n)))
        return self._globs.near(name)


class _Names:
    """Names, findable by their literal ends: of two that share a text, one's beginning begins with the other's."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = list(names)

    def near(self, name: str) -> Iterable[str]:
        """Names that may share a text with ``name``; all that do are among them."""
        if len(self._names) < _FEW_NAMES:
            return self._names
        begins, ends = literal_ends(name)
        by_start, by_end = self._starts.near(begins), self._ends.near(ends[::-1])
        return self._starts.names(by_start) if _count(by_start) <= _count(by_end) else self._ends.names(by_end)

    @cached_property
    def _starts(self) -> _Texts:
        return _Texts((literal_ends(name)[0], name) for name in self._names)

    @cached_property
    def _ends(self) -> _Texts:
        return _Texts((literal_ends(name)[1][::-1], name) for name in self._names)


class _Texts:
    """Names by a text of each."""

    def __init__(self, pairs: Iterable[tuple[str, str]]) -> None:
        ordered = sorted(pairs)
        self._texts = [text for text, _ in ordered]
        self._names = [name for _, name in ordered]

    def near(self, text: str) -> list[slice]:
        """Where the names stand whose text begins with ``text``, or that ``text`` begins with."""
        found = [starting_with(self._texts, text)]
        for end in range(len(text)):
            start = bisect_left(self._texts, text[:end])
            stop = bisect_right(self._texts, text[:end], lo=start)
            if start < stop:
                found.append(slice(start, stop))
        return found

    def names(self, places: Iterable[slice]) -> list[str]:
        """The names that stand there."""
        return [name for place in places for name in self._names[place]]


def _count(places: Iterable[slice]) -> int:
    return sum([place.stop - place.start for place in places])


def _search(root: _Node, names: Sequence[str], patience: int) -> set[str] | None:
    """All patterns that share a path with ``names``, or None where finding them takes more steps than ``patience``."""
    found: set[str] = set()
    stack = [(root, 0)]
    seen = {(id(root), 0)}
    while stack:
        node, at = stack.pop()
        if at == len(names):
            found.update(node.ends)
        for step in _steps(node, names, at):
            key = (id(step[0]), step[1])
            if key not in seen:
                if len(seen) > patience:
                    return None
                seen.add(key)
                stack.append(step)
    return found


def _steps(node: _Node, names: Sequence[str], at: int) -> Iterator[tuple[_Node, int]]:
    """Where a node and a place among ``names`` lead: without a name, or with one that belongs to both."""
    for below in node.skipping():
        yield below, at
    if at < len(names) and names[at] in MANY:
        yield node, at + 1
    elif at < len(names):
        for below in node.following(names[at]):
            yield below, at + 1
        if node.loop is not None and share_name(node.loop, names[at]):
            yield node, at + 1
    if at and names[at - 1] in MANY:
        for below in node.following(names[at - 1]):
            yield below, at
