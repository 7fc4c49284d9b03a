"""The graph of a manifest's tasks: dense ids, edges both ways.

Knows which task must come before which, and nothing of why (``edge_origin``) or of what a task runs.
Ids are the positions of the tasks in the manifest, so "as listed" is the order of the ids.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence


class TaskGraph:
    """Edges between tasks ``0 … n-1``.

    ``needs[t]``: tasks that must have passed before ``t``. ``after[t]``: tasks that only go first. Both are sorted and
    without duplicates; tasks that are given one and the same set share a tuple, and a tuple that is given must be sorted already.
    ``dependents[t]`` turns ``needs`` round.
    """

    __slots__ = ("_dependents", "after", "ids", "names", "needs")

    def __init__(self, names: Sequence[str], needs: Sequence[Iterable[int]], after: Sequence[Iterable[int]]) -> None:
        self.names = tuple(names)
        self.ids = {name: number for number, name in enumerate(self.names)}
        self.needs = _ascending(needs)
        self.after = _ascending(after)
        self._dependents: list[list[int]] | None = None

    def __len__(self) -> int:
        return len(self.names)

    @property
    def dependents(self) -> list[list[int]]:
        """Tasks that need each task, ascending."""
        if self._dependents is None:
            self._dependents = reverse(self.needs)
        return self._dependents

    def before(self, task: int) -> tuple[int, ...]:
        """All direct predecessors of a task: what it needs and what it comes after."""
        return self.needs[task] + self.after[task] if self.after[task] else self.needs[task]


def _ascending(given: Sequence[Iterable[int]]) -> tuple[tuple[int, ...], ...]:
    tuples: dict[int, tuple[int, ...]] = {}
    for edges in given:
        if type(edges) is not tuple and id(edges) not in tuples:
            tuples[id(edges)] = tuple(sorted(set(edges)))
    return tuple([edges if type(edges) is tuple else tuples[id(edges)] for edges in given])


def reverse(edges: Sequence[Iterable[int]]) -> list[list[int]]:
    """The same edges turned round; each list ascending."""
    turned: list[list[int]] = [[] for _ in edges]
    for target, sources in enumerate(edges):
        for source in sources:
            turned[source].append(target)
    return turned
