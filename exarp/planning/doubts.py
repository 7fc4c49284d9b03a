"""Doubts between tasks: who may not run at the same time although the graph would allow it.

Knows cells (files), mutexes, pools and undeclared tasks, and turns them into order-only edges and verdicts. The edges are
linear in the number of accesses: in a chain of tasks in manifest order each is tied only to its neighbours, which orders
all of them. Mutexes and pools need no edges: the machine holds them while it runs.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from itertools import accumulate, combinations, groupby, pairwise, product

import msgspec

from exarp.graph.reachability import Block, Pair, ordered_pairs, unordered
from exarp.graph.task_graph import TaskGraph
from exarp.model.manifest import Manifest
from exarp.model.verdict import Decision, Reason, Verdict, VerdictKind
from exarp.planning.hazards import Access, Cell
from exarp.planning.wave_verdicts import conflict_reason


class Company(msgspec.Struct, frozen=True):
    """Where selected tasks stand: ``tasks`` in manifest order, ``position`` by task id (-1: not selected).

    ``apart(a, b)``: the plan itself keeps two tasks from running at once, whatever they touch (a barrier, a sequential
    wave, two declared waves in turn). ``stretch(a)``: where its wave puts it; tasks of different stretches are apart, or
    at least share no files, but for 0, which no wave holds.
    """

    tasks: Sequence[int]
    position: Sequence[int]
    apart: Callable[[int, int], bool]
    stretch: Callable[[int], int]


class _Claim(msgspec.Struct, frozen=True):
    """Accesses to one thing, in manifest order: owners exclude each other and all the rest.

    ``reason``: what the claim is about; None where it is about the files of ``pattern``, and each pair's own patterns say
    it. ``ties``: the plan must order who is not ordered yet (else the machine keeps them apart, in whatever order they
    come). ``has_sides``: see ``Cell``.
    """

    accesses: list[Access]
    reason: Reason | None
    ties: bool
    pattern: str = ""
    has_sides: bool = False

    @property
    def owners(self) -> list[Access]:
        return [access for access in self.accesses if access.owns]


AccessPair = tuple[Access, Access]


class _Step(msgspec.Struct, frozen=True):
    """Tasks that ask for one amount; the ``rivals`` first of the large ones are too large to run beside them."""

    tasks: list[int]
    rivals: int


class Doubts:
    """Collects doubts of one plan; after ``settle``, ``edges`` and ``verdicts`` are the result."""

    def __init__(self, manifest: Manifest, graph: TaskGraph, company: Company) -> None:
        self.manifest = manifest
        self.graph = graph
        self.company = company
        self.edges: set[Pair] = set()
        self._claims: list[_Claim] = []
        self._pairs: dict[Pair, list[Reason]] = {}
        self._groups: list[Verdict] = []

    @property
    def verdicts(self) -> list[Verdict]:
        """Pairs in manifest order, then groups: about files, mutexes, pools, each by name."""
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

    # -- claims ------------------------------------------------------------------------------------------------

    def add_cells(self, cells: Iterable[Cell]) -> None:
        """Doubts about files."""
        for cell in cells:
            self._claims.append(_Claim(self._sorted(cell.accesses), None, True, cell.pattern, cell.has_sides))

    def add_undeclared(self) -> None:
        """Doubts about tasks that do not say all they touch (``trust = "proof"``): each excludes every other task."""
        accesses = []
        for task in self.company.tasks:
            spec = self.manifest.tasks[task]
            if not spec.is_group:
                accesses.append(Access(task, not spec.is_declared, not spec.is_declared, ""))
        self._claim(accesses, Reason("undeclared"), ties=True)

    def add_mutexes(self) -> None:
        """Verdicts on tasks that share a mutex. A group runs nothing and so holds nothing."""
        holders: dict[str, list[int]] = {}
        for task in self.company.tasks:
            spec = self.manifest.tasks[task]
            for name in dict.fromkeys(spec.mutex) if spec.mutex and not spec.is_group else ():
                holders.setdefault(name, []).append(task)
        for name in sorted(holders):
            self._hold(holders[name], (), Reason("mutex", name=name))

    def add_pools(self) -> None:
        """Verdicts on tasks whose requests do not fit into a pool together."""
        requests: dict[str, dict[int, list[int]]] = {}
        for task in self.company.tasks:
            spec = self.manifest.tasks[task]
            for pool, amount in spec.resources.items() if spec.resources and not spec.is_group else ():
                requests.setdefault(pool, {}).setdefault(amount, []).append(task)
        for pool in sorted(requests):
            self._add_pool(pool, requests[pool])

    def _add_pool(self, pool: str, by_amount: dict[int, list[int]]) -> None:
        """Tasks above half of the pool exclude each other; each smaller amount excludes the largest of those."""
        size = self.manifest.resources[pool]
        reason = Reason("resource", name=pool)
        amounts = sorted(by_amount, reverse=True)
        halves = [amount for amount in amounts if 2 * amount > size]
        large = [task for amount in halves for task in by_amount[amount]]
        self._hold(large, (), reason)
        # How many of the large tasks, from the largest on, stand before those of each amount.
        counts = [0, *accumulate(len(by_amount[amount]) for amount in halves)]
        steps = []
        for amount in amounts[len(halves) :]:
            rivals = counts[bisect_left(halves, amount - size, key=lambda other: -other)]
            if rivals:
                steps.append(_Step(by_amount[amount], rivals))
        for excluding, smaller in _by_amount(large, steps) if len(steps) <= _FEW_AMOUNTS else _shared(large, steps):
            self._hold(excluding, smaller, reason)

    def _hold(self, among: Iterable[int], against: Iterable[int], reason: Reason) -> None:
        accesses = [Access(task, True, True, "") for task in among]
        accesses += [Access(task, False, False, "") for task in against]
        self._claim(accesses, reason, ties=False)

    def _claim(self, accesses: Iterable[Access], reason: Reason, ties: bool) -> None:
        self._claims.append(_Claim(self._sorted(accesses), reason, ties))

    def _sorted(self, accesses: Iterable[Access]) -> list[Access]:
        return sorted(accesses, key=lambda access: self.company.position[access.task])

    # -- settling ----------------------------------------------------------------------------------------------

    def settle(self) -> None:
        """Find out which claims are met by two tasks that nothing orders, and tell of them."""
        sided = [claim for claim in self._claims if claim.has_sides]
        self._claims = [claim for claim in self._claims if not claim.has_sides]
        meetings = [self._meetings(claim) for claim in self._claims]
        pairs = {(one.task, other.task) for found in meetings for one, other in found}
        ordered = ordered_pairs(self.graph, pairs, self.company.tasks)
        for claim, found in zip(self._claims, meetings, strict=True):
            left = [(one, other) for one, other in found if (one.task, other.task) not in ordered]
            if left:
                self._tell(claim, left)
        self._settle_sides(sided)

    def _settle_sides(self, claims: Sequence[_Claim]) -> None:
        blocks = [(claim, block) for claim in claims for block in self._blocks(claim)]
        found = unordered(self.graph, [block for _, block in blocks], self.company.tasks)
        met: dict[int, set[int]] = {}
        for (claim, _), (earlier, later) in zip(blocks, found, strict=True):
            if earlier:
                self.edges.update(_tie(earlier, later))
                met.setdefault(id(claim), set()).update(earlier, later)
        for claim in claims:
            if id(claim) in met:
                self._add_sides(claim, met[id(claim)])

    def _blocks(self, claim: _Claim) -> Iterable[Block]:
        """Neighbouring blocks of tasks that all exclude each other, as far as the plan's waves do not see to it."""
        for earlier, later in pairwise(_blocks_of(claim.accesses)):
            yield from self._held_by_none(earlier, later)

    def _held_by_none(self, earlier: list[int], later: list[int]) -> Iterable[Block]:
        """Blocks with all pairs of an earlier and a later task that have one stretch, or of which one has none."""
        before, behind = self._by_stretch(earlier), self._by_stretch(later)
        free = before.pop(0, []), behind.get(0, [])
        if free[0]:
            yield free[0], later
        if before and free[1]:
            yield [task for tasks in before.values() for task in tasks], free[1]
        for stretch, tasks in before.items():
            if stretch in behind:
                yield tasks, behind[stretch]

    def _by_stretch(self, tasks: Iterable[int]) -> dict[int, list[int]]:
        found: dict[int, list[int]] = {}
        for task in tasks:
            found.setdefault(self.company.stretch(task), []).append(task)
        return found

    def _add_sides(self, claim: _Claim, met: set[int]) -> None:
        """Writers, and the readers that none of them runs beside; one group where all do both."""
        readers = self._names(a for a in claim.accesses if a.task in met and (a.owns or not a.writes))
        writers = self._names(a for a in claim.accesses if a.task in met and a.writes)
        reasons = (Reason("read-write", path=claim.pattern),)
        kind: VerdictKind = "group" if readers == writers else "groups"
        against = () if kind == "group" else readers
        self._groups.append(Verdict(kind, "refuted", "sequential", reasons, among=writers, against=against))

    def _meetings(self, claim: _Claim) -> list[AccessPair]:
        """Pairs of accesses that would have to be ordered, as far as the plan's waves do not see to it."""
        owners = claim.owners
        if not claim.ties and len(owners) <= _FEW:
            pairs: Iterable[AccessPair] = combinations(owners, 2)
            others = [access for access in claim.accesses if not access.owns]
            pairs = [*pairs, *(self._in_order(owner, other) for owner in owners for other in others)]
        else:
            pairs = _neighbours(claim.accesses)
        apart = self.company.apart
        return [(one, other) for one, other in pairs if not apart(one.task, other.task)]

    def _in_order(self, one: Access, other: Access) -> AccessPair:
        position = self.company.position
        return (one, other) if position[one.task] < position[other.task] else (other, one)

    def _tell(self, claim: _Claim, left: list[AccessPair]) -> None:
        if claim.ties:
            self.edges.update((one.task, other.task) for one, other in left)
            chained = {access.task for pair in left if pair[0].owns and pair[1].owns for access in pair}
        else:
            chained = {access.task for access in claim.owners}
        if len(chained) > _FEW:
            self._add_group(claim, left)
            return
        for one, other in left:
            reasons = self._pairs.setdefault((one.task, other.task), [])
            reason = self._reason(claim, one, other)
            if reason not in reasons:
                reasons.append(reason)

    def _reason(self, claim: _Claim, one: Access, other: Access) -> Reason:
        if claim.reason is None:
            return conflict_reason(self.graph.names, one, other)
        if claim.reason.code == "undeclared":
            return Reason("undeclared", tasks=self._names(access for access in (one, other) if access.owns))
        return msgspec.structs.replace(claim.reason, tasks=self._names((one, other)))

    def _add_group(self, claim: _Claim, left: list[AccessPair]) -> None:
        owners = claim.owners
        among = self._names(owners)
        met = {access.task for pair in left for access in pair} if claim.ties else None
        against = self._names(a for a in claim.accesses if not a.owns and (met is None or a.task in met))
        reason = claim.reason or Reason("write-write", path=claim.pattern)
        if reason.code == "undeclared":
            reason = Reason("undeclared", tasks=among)
        self._groups.append(
            Verdict(
                kind="group",
                among=among,
                against=against,
                verdict=_decision([reason]),
                runs="sequential",
                reasons=(reason,),
            )
        )

    def _names(self, accesses: Iterable[Access]) -> tuple[str, ...]:
        return tuple([self.graph.names[access.task] for access in accesses])


def _blocks_of(accesses: Iterable[Access]) -> Iterable[list[int]]:
    """Tasks in their order: owners one by one, readers and writers that stand together as one."""
    for (owns, _), block in groupby(accesses, key=lambda access: (access.owns, access.writes)):
        tasks = [access.task for access in block]
        yield from ([task] for task in tasks) if owns else (tasks,)


_Sides = tuple[list[int], list[int]]


def _by_amount(large: list[int], steps: Sequence[_Step]) -> Iterable[_Sides]:
    """The tasks of each amount, with all their rivals."""
    return [(large[: step.rivals], step.tasks) for step in steps]


def _shared(large: list[int], steps: Sequence[_Step]) -> Iterable[_Sides]:
    """The same pairs where amounts are many: what excludes the middle one of them excludes all greater ones.

    Halved again and again, so that no task is listed more often than the amounts can be halved. ``steps``: greatest
    amount first, and so with the most rivals.
    """
    stack = [(0, len(steps), 0)]
    while stack:
        start, stop, told = stack.pop()
        if start == stop or steps[start].rivals == told:
            continue
        middle = (start + stop) // 2
        rivals = steps[middle].rivals
        if rivals > told:
            yield large[told:rivals], [task for step in steps[start : middle + 1] for task in step.tasks]
        stack += [(middle + 1, stop, told), (start, middle, rivals)]


def _tie(earlier: Sequence[int], later: Sequence[int]) -> Iterable[Pair]:
    """Edges after which every earlier task comes before every later one.

    Where these would be many, the first of the later ones stands between: it loses its company, and the plan stays small.
    """
    if len(earlier) * len(later) <= _MANY_EDGES * (len(earlier) + len(later)):
        return product(earlier, later)
    first, *others = later
    return [*((task, first) for task in earlier), *((first, task) for task in others)]


# From this many edges for each task on, one task stands between.
_MANY_EDGES = 8
# Up to so many amounts below half of a pool, each is told with all its rivals.
_FEW_AMOUNTS = 8
# Three or more tasks that exclude each other are told as a group.
_FEW = 2


def _neighbours(accesses: Iterable[Access]) -> Iterable[AccessPair]:
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


def _decision(reasons: Sequence[Reason]) -> Decision:
    return "unproven" if all(reason.code == "undeclared" for reason in reasons) else "refuted"
