"""Which tasks a path of edges leads to.

Knows edges both ways through TaskGraph. Searches are bounded by a rank that rises along every edge (the position in
manifest order), so that a question about neighbours stays a small search.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from exarp.graph.task_graph import TaskGraph


def closure(graph: TaskGraph, start: Iterable[int]) -> set[int]:
    """``start`` and everything it needs, directly or not (``after`` does not pull in)."""
    found = set(start)
    stack = list(found)
    while stack:
        for need in graph.needs[stack.pop()]:
            if need not in found:
                found.add(need)
                stack.append(need)
    return found


def dependents_of(graph: TaskGraph, start: int) -> set[int]:
    """Everything that needs ``start``, directly or not, without ``start``."""
    found: set[int] = set()
    stack = [start]
    while stack:
        for dependent in graph.dependents[stack.pop()]:
            if dependent not in found:
                found.add(dependent)
                stack.append(dependent)
    return found


def reached(
    start: int, targets: set[int], edges: Callable[[int], Iterable[int]], inside: Callable[[int], bool]
) -> set[int]:
    """Those of ``targets`` that a path of ``edges`` leads to from ``start``, through nodes that are ``inside``."""
    seen = {start}
    stack = [start]
    found: set[int] = set()
    while stack and len(found) < len(targets):
        for node in edges(stack.pop()):
            if node in seen or not inside(node):
                continue
            seen.add(node)
            stack.append(node)
            if node in targets:
                found.add(node)
    return found


def path_between(graph: TaskGraph, earlier: int, later: int, position: Sequence[int]) -> tuple[int, ...]:
    """A shortest path of edges (``needs`` and ``after``) from ``earlier`` to ``later``, both included, or ``()``.

    ``position`` bounds the search: a path never leads through a task that stands before ``earlier`` or is not
    selected (-1).
    """
    origin: dict[int, int] = {later: -1}
    frontier = [later]
    while frontier and earlier not in origin:
        following: list[int] = []
        for node in frontier:
            for before in graph.before(node):
                if before not in origin and position[before] >= position[earlier]:
                    origin[before] = node
                    following.append(before)
        frontier = following
    if earlier not in origin:
        return ()
    path = [earlier]
    while path[-1] != later:
        path.append(origin[path[-1]])
    return tuple(path)
