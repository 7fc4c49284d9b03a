"""Which tasks wait for work that is held: they can be in no wave.

Knows needs by name. Does not know why anything is held.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Mapping


def waiting(needs: Mapping[str, Iterable[str]], held: Collection[str]) -> dict[str, tuple[str, ...]]:
    """For each task that waits, directly or not, for one that is held: those, sorted. Tasks keep the order of ``needs``.

    ``needs``: of every task that is neither held nor done. Needs may be circular.
    """
    roots = sorted(held)
    bits = {name: 1 << number for number, name in enumerate(roots)}
    dependents: dict[str, list[str]] = {}
    for name, before in needs.items():
        for need in before:
            dependents.setdefault(need, []).append(name)
    queue = deque(root for root in roots if root in dependents)
    while queue:
        name = queue.popleft()
        for dependent in dependents.get(name, ()):
            known = bits.get(dependent, 0)
            if dependent in needs and known | bits[name] != known:
                bits[dependent] = known | bits[name]
                queue.append(dependent)
    return {name: _names(bits[name], roots) for name in needs if name in bits}


def _names(bits: int, roots: list[str]) -> tuple[str, ...]:
    found = []
    while bits:
        lowest = bits & -bits
        found.append(roots[lowest.bit_length() - 1])
        bits ^= lowest
    return tuple(found)
