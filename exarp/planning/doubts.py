"""Doubts between tasks: who may not run at the same time although the graph would allow it.

Knows cells (files), mutexes, pools and undeclared tasks, and turns them into order-only edges and verdicts. The edges are
linear in the number of accesses: in a chain of tasks in manifest order each is tied only to its neighbours, which orders
all of them. Mutexes and pools need no edges: the machine holds them while it runs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise

import msgspec

from exarp.graph.reachability import reached
from exarp.graph.task_graph import TaskGraph
from exarp.model.manifest import Manifest
from exarp.model.verdict import Decision, Reason, Verdict
from exarp.planning.hazards import Access, Cell
from exarp.planning.wave_verdicts import conflict_reason

Pair = tuple[int, int]


class Company(msgspec.Struct, frozen=True):
    """Where selected tasks stand: ``position`` in manifest order, ``number`` of their wave (by task id; -1: not selected).

    ``apart(a, b)``: the plan itself keeps two tasks from running at once, whatever they touch (a barrier, a sequential
    wave, two declared waves in turn). ``beside[n]``: waves that wave ``n`` may overlap with.
    """

    position: Sequence[int]
    number: Sequence[int]
    apart: Callable[[int, int], bool]
    beside: Callable[[int], Sequence[int]]


class Doubts:
    """Collects doubts of one plan; ``edges`` and ``verdicts`` are the result."""

    def __init__(self, manifest: Manifest, graph: TaskGraph, company: Company) -> None:
        self.manifest = manifest
        self.graph = graph
        self.company = company
        self.edges: set[Pair] = set()
        self._pairs: dict[Pair, list[Reason]] = {}
        self._groups: list[Verdict] = []

    @property
    def verdicts(self) -> list[Verdict]:
        """Pairs in manifest order, then groups in the order of their first task."""
        position, names = self.company.position, self.graph.names
        pairs = sorted(self._pairs, key=lambda pair: (position[pair[0]], position[pair[1]]))
        found = [
            Verdict(
                kind="tasks",
                between=(names[one], names[other]),
                verdict=_decision(self._pairs[one, other]),
                runs="sequential",
                reasons=tuple(self._pairs[one, other]),
            )
            for one, other in pairs
        ]
        return found + self._groups

    # -- files -------------------------------------------------------------------------------------------------

    def add_cells(self, cells: Iterable[Cell]) -> None:
        """Doubts about files."""
        for cell in cells:
            self._add_cell(list(cell.accesses), None)

    def add_undeclared(self, tasks: Iterable[int]) -> None:
        """Doubts about tasks that do not say all they touch (``trust = "proof"``): each excludes every other task."""
        specs = self.manifest.tasks
        accesses = [
            Access(task, not specs[task].is_declared, not specs[task].is_declared, "")
            for task in tasks
            if not specs[task].is_group
        ]
        if any(access.owns for access in accesses):
            self._add_cell(accesses, "undeclared")

    def _add_cell(self, accesses: list[Access], code: str | None) -> None:
        accesses.sort(key=lambda access: self.company.position[access.task])
        pairs = [pair for pair in _neighbours(accesses) if not self.company.apart(pair[0].task, pair[1].task)]
        ordered = self._ordered([(one.task, other.task) for one, other in pairs])
        open_pairs = [pair for pair in pairs if (pair[0].task, pair[1].task) not in ordered]
        self.edges.update((one.task, other.task) for one, other in open_pairs)
        owners = [access for access in accesses if access.owns]
        chained = {access.task for pair in open_pairs if pair[0].owns and pair[1].owns for access in pair}
        if len(chained) > 2:
            self._add_group(owners, open_pairs, code)
            return
        for one, other in open_pairs:
            self._add_pair((one.task, other.task), self._reason(one, other, code))

    def _reason(self, one: Access, other: Access, code: str | None) -> Reason:
        if code is None:
            return conflict_reason(self.graph.names, one, other)
        names = tuple(self.graph.names[access.task] for access in (one, other) if access.owns)
        return Reason("undeclared", tasks=names)

    def _add_group(self, owners: list[Access], open_pairs: list[tuple[Access, Access]], code: str | None) -> None:
        inside = {access.task for access in owners}
        others = [access.task for pair in open_pairs for access in pair if access.task not in inside]
        names = self.graph.names
        among = tuple(names[access.task] for access in owners)
        reason = Reason("undeclared", tasks=among) if code else Reason("write-write", path=owners[0].pattern)
        self._groups.append(
            Verdict(
                kind="group",
                among=among,
                against=tuple(names[task] for task in dict.fromkeys(others)),
                verdict=_decision([reason]),
                runs="sequential",
                reasons=(reason,),
            )
        )

    def _add_pair(self, pair: Pair, reason: Reason) -> None:
        known = self._pairs.setdefault(pair, [])
        if reason not in known:
            known.append(reason)

    # -- mutexes and pools -------------------------------------------------------------------------------------

    def add_mutexes(self, tasks: Iterable[int]) -> None:
        """Verdicts on tasks that share a mutex."""
        holders: dict[str, list[int]] = {}
        for task in tasks:
            for name in dict.fromkeys(self.manifest.tasks[task].mutex):
                holders.setdefault(name, []).append(task)
        for name in sorted(holders):
            self._exclude(holders[name], (), Reason("mutex", name=name))

    def add_pools(self, tasks: Iterable[int]) -> None:
        """Verdicts on tasks whose requests do not fit into a pool together."""
        requests: dict[str, dict[int, list[int]]] = {}
        for task in tasks:
            for pool, amount in self.manifest.tasks[task].resources.items():
                requests.setdefault(pool, {}).setdefault(amount, []).append(task)
        for pool in sorted(requests):
            self._add_pool(pool, requests[pool])

    def _add_pool(self, pool: str, by_amount: dict[int, list[int]]) -> None:
        """Tasks above half of the pool exclude each other; each smaller amount excludes the largest of those."""
        size = self.manifest.resources[pool]
        reason = Reason("resource", name=pool)
        large = [task for amount, tasks in by_amount.items() if 2 * amount > size for task in tasks]
        self._exclude(large, (), reason)
        for amount in sorted(by_amount, reverse=True):
            if 2 * amount <= size:
                rivals = [t for other, tasks in by_amount.items() if other + amount > size for t in tasks]
                if rivals:
                    self._exclude(rivals, by_amount[amount], reason)

    def _exclude(self, among: list[int], against: Sequence[int], reason: Reason) -> None:
        """Tell that ``among`` exclude each other (and ``against``), as far as they could run at the same time."""
        position = self.company.position
        among = sorted(among, key=position.__getitem__)
        if len(among) > 2:
            if not against and not self._any_open(among):
                return
            if against and not self._any_open([*among, *against]):
                return
            names = self.graph.names
            self._groups.append(
                Verdict(
                    kind="group",
                    among=tuple(names[task] for task in among),
                    against=tuple(names[task] for task in sorted(against, key=position.__getitem__)),
                    verdict="refuted",
                    runs="sequential",
                    reasons=(reason,),
                )
            )
            return
        pairs = [(one, other) for one in among for other in against] if against else [tuple(among)]
        sorted_pairs = [_sorted(pair, position) for pair in pairs if len(pair) == 2]
        together = [pair for pair in sorted_pairs if not self.company.apart(*pair)]
        ordered = self._ordered(together)
        for pair in together:
            if pair not in ordered:
                self._add_pair(pair, reason)

    def _any_open(self, tasks: list[int]) -> bool:
        """Whether any two could run at the same time: neighbours in a wave, or firsts of waves that may overlap."""
        number = self.company.number
        tasks = sorted(set(tasks), key=self.company.position.__getitem__)
        firsts: dict[int, int] = {}
        for task in tasks:
            firsts.setdefault(number[task], task)
        pairs = list(pairwise(tasks))
        pairs += [
            (first, firsts[wave])
            for own, first in firsts.items()
            for wave in self.company.beside(own)
            if wave in firsts
        ]
        together = [_sorted(pair, self.company.position) for pair in pairs if not self.company.apart(*pair)]
        return len(self._ordered(together)) < len(set(together))

    # -- order -------------------------------------------------------------------------------------------------

    def _ordered(self, pairs: Sequence[Pair]) -> set[Pair]:
        """Those of ``pairs`` (earlier, later) that a path of the graph orders already."""
        ends: dict[int, int] = {}
        for pair in pairs:
            for task in pair:
                ends[task] = ends.get(task, 0) + 1
        forward: dict[int, set[int]] = {}
        backward: dict[int, set[int]] = {}
        for one, other in pairs:
            # One search serves all pairs of its start: start where most pairs meet.
            if ends[one] >= ends[other]:
                forward.setdefault(one, set()).add(other)
            else:
                backward.setdefault(other, set()).add(one)
        position, graph = self.company.position, self.graph
        found: set[Pair] = set()
        for start, targets in forward.items():
            last = max(position[target] for target in targets)
            hits = reached(start, targets, self._later, lambda task, last=last: -1 < position[task] <= last)  # type: ignore[misc]
            found.update((start, hit) for hit in hits)
        for start, targets in backward.items():
            first = min(position[target] for target in targets)
            hits = reached(start, targets, graph.before, lambda task, first=first: position[task] >= first)  # type: ignore[misc]
            found.update((hit, start) for hit in hits)
        return found

    def _later(self, task: int) -> Iterable[int]:
        followers = self.graph.followers[task]
        return self.graph.dependents[task] + followers if followers else self.graph.dependents[task]


def _neighbours(accesses: list[Access]) -> Iterable[tuple[Access, Access]]:
    """Pairs that must be tied so that every owner is ordered against every other access; linear in their number."""
    last: Access | None = None
    since: list[Access] = []
    for access in accesses:
        if not access.owns:
            if last is not None:
                yield last, access
            since.append(access)
            continue
        for other in since:
            yield other, access
        if last is not None:
            yield last, access
        last, since = access, []


def _sorted(pair: Sequence[int], position: Sequence[int]) -> Pair:
    one, other = pair
    return (one, other) if position[one] < position[other] else (other, one)


def _decision(reasons: Sequence[Reason]) -> Decision:
    return "unproven" if all(reason.code == "undeclared" for reason in reasons) else "refuted"
