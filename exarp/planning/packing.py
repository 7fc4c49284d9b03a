"""Derived waves in as few as it can be, and how few that is at the least.

Knows rule 7 of the contract under "Waves". Declared waves stay where they are; a free task may go into any gap between them
that lies after what it needs and before what needs it. Does not know markings or verdicts, and does not split declared waves.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from heapq import heappop, heappush
from itertools import accumulate

from exarp.planning.grouping import Draft

_Before = Callable[[int], Iterable[int]]


def packed(drafts: Sequence[Draft], before: _Before, limit: int, priority: Callable[[int], int]) -> list[Draft]:
    """``drafts`` (in manifest order, derived ones by level), their free tasks packed into waves of at most ``limit``.

    List scheduling by the longest path to a sink, ties by priority, then as listed; the given drafts where these make
    fewer waves.
    """
    found = _Packing(drafts, before, limit, priority).drafts()
    levels = sum(_parts(draft, limit) for draft in drafts if draft.spec < 0)
    return found if len(found) - _declared(drafts) <= levels else list(drafts)


def fewest_waves(drafts: Sequence[Draft], before: _Before, limit: int) -> int:
    """A number of waves that no plan goes below; ``limit`` 0: none.

    Free tasks before which at least n others must run, in a row, fill waves of their own after the first n; seen from the
    other end the same holds. All parts of declared waves come on top.
    """
    if not limit and not _declared(drafts):
        # Levels are as few as there can be.
        return len(drafts)
    declared = sum(_parts(draft, limit) for draft in drafts if draft.spec >= 0)
    following: dict[int, list[int]] = {}
    for draft in drafts:
        for task in draft.tasks:
            for earlier in before(task):
                following.setdefault(earlier, []).append(task)
    forwards = _ranks(drafts, before)
    backwards = _ranks(drafts[::-1], lambda task: following.get(task, ()))
    return declared + max(_least(forwards, limit), _least(backwards, limit))


def _parts(draft: Draft, limit: int) -> int:
    return -(-len(draft.tasks) // limit) if limit else 1


def _declared(drafts: Sequence[Draft]) -> int:
    return sum(draft.spec >= 0 for draft in drafts)


def _ranks(drafts: Sequence[Draft], before: _Before) -> Counter[int]:
    """How many free tasks have how many free ones before them, along a longest path through declared waves as wholes."""
    past: dict[int, int] = {}
    found: Counter[int] = Counter()
    for draft in drafts:
        ranks = [max([past[edge] for edge in before(task) if edge in past], default=0) for task in draft.tasks]
        if draft.spec < 0:
            found.update(ranks)
            past.update(zip(draft.tasks, [rank + 1 for rank in ranks], strict=True))
        else:
            past.update(dict.fromkeys(draft.tasks, max(ranks)))
    return found


def _least(ranks: Mapping[int, int], limit: int) -> int:
    """Waves that tasks of these ranks take at least."""
    if not ranks:
        return 0
    deepest = max(ranks)
    counts = accumulate(ranks[rank] for rank in range(deepest, -1, -1))
    return max(deepest - up + (-(-count // limit) if limit else 1) for up, count in enumerate(counts))


class _Packing:
    """One packing. Gap ``g`` is before declared wave ``g``, counted in the order of the plan; the last is after all."""

    def __init__(self, drafts: Sequence[Draft], before: _Before, limit: int, priority: Callable[[int], int]) -> None:
        self.limit = limit
        self.declared = [draft for draft in drafts if draft.spec >= 0]
        self.before: dict[int, list[int]] = {}
        self.following: dict[int, list[int]] = {}
        # The first gap that a task can be in, and the last; how many free tasks with the same last gap follow in a row.
        self.first: dict[int, int] = {}
        self.last: dict[int, int] = {}
        self.height: dict[int, int] = {}
        self._look_back(drafts, before)
        self._look_ahead(drafts, before)
        self.rank = {task: (self.last[task], -self.height[task], -priority(task), task) for task in self.first}
        self.left = {task: len(edges) for task, edges in self.before.items()}
        self.due = Counter(self.last.values())
        self.ready: list[tuple[int, int, int, int]] = []
        self.waiting: list[list[int]] = [[] for _ in range(len(self.declared) + 1)]

    def _look_back(self, drafts: Sequence[Draft], before: _Before) -> None:
        place = {task: gap for gap, draft in enumerate(self.declared) for task in draft.tasks}
        for draft in drafts:
            for task in draft.tasks if draft.spec < 0 else ():
                first, free = 0, []
                for edge in before(task):
                    if edge in self.first:
                        free.append(edge)
                        self.following[edge].append(task)
                        first = max(first, self.first[edge])
                    elif edge in place:
                        first = max(first, place[edge] + 1)
                self.first[task], self.before[task], self.following[task] = first, free, []

    def _look_ahead(self, drafts: Sequence[Draft], before: _Before) -> None:
        self.last = dict.fromkeys(self.first, len(self.declared))
        self.height = dict.fromkeys(self.first, 0)
        gap = len(self.declared)
        for draft in reversed(drafts):
            if draft.spec >= 0:
                gap -= 1
                for task in draft.tasks:
                    for edge in before(task):
                        self._bound(edge, gap, 0)
            else:
                for task in draft.tasks:
                    for edge in self.before[task]:
                        self._bound(edge, self.last[task], self.height[task] + 1)

    def _bound(self, task: int, last: int, height: int) -> None:
        known = self.last.get(task, -1)
        if last < known:
            self.last[task], self.height[task] = last, height
        elif last == known and height > self.height[task]:
            self.height[task] = height

    def drafts(self) -> list[Draft]:
        """All waves in their order."""
        found: list[Draft] = []
        for task, left in self.left.items():
            if not left:
                self._free(task, 0)
        for gap in range(len(self.declared) + 1):
            for task in self.waiting[gap]:
                heappush(self.ready, self.rank[task])
            while self.due[gap]:
                found.append(Draft(tuple(self._wave(gap)), len(found)))
            found += self.declared[gap : gap + 1]
        return found

    def _wave(self, gap: int) -> list[int]:
        """As many of the ready tasks as there is room for; those that are due in this gap rank first."""
        tasks = [heappop(self.ready)[-1] for _ in range(min(self.limit, len(self.ready)))]
        for task in tasks:
            self.due[self.last[task]] -= 1
            for later in self.following[task]:
                self.left[later] -= 1
                if not self.left[later]:
                    self._free(later, gap + 1)
        # What became free only now must not join this wave: it was queued, not taken.
        return sorted(tasks)

    def _free(self, task: int, next_gap: int) -> None:
        """Everything free before a task is placed; ``next_gap``: the first gap that is not begun yet."""
        if self.first[task] < next_gap:
            heappush(self.ready, self.rank[task])
        else:
            self.waiting[self.first[task]].append(task)
