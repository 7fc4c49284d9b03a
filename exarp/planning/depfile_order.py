"""Order that nobody declared: a task that was seen to read (by its depfile) what another task of the same run makes.

Knows which such pairs a plan leaves unordered, and which of them can be ordered without holding anything up for ever. Takes
what was found as given; a plan itself stays a function of the manifest.
"""

from __future__ import annotations

from collections.abc import Iterable, KeysView, Mapping, Sequence

import msgspec

from exarp.graph.levels import ranks
from exarp.graph.reachability import Pair, ordered_pairs
from exarp.graph.task_graph import TaskGraph
from exarp.model.path import is_glob, parents
from exarp.model.plan import Plan, Wave
from exarp.model.task import Task


class FoundRead(msgspec.Struct, frozen=True):
    """``reader`` read ``path``, which ``maker`` makes, and nothing orders the two (task ids)."""

    maker: int
    reader: int
    path: str


class DepfileOrder(msgspec.Struct, frozen=True):
    """``tied``: the reader can wait for the maker. ``late``: it cannot; whatever it reads may be made anew afterwards."""

    tied: tuple[FoundRead, ...] = ()
    late: tuple[FoundRead, ...] = ()

    @property
    def reads(self) -> tuple[FoundRead, ...]:
        """All of them."""
        return self.tied + self.late

    def added_to(self, plan: Plan) -> Plan:
        """The plan in which readers wait for makers where they can."""
        if not self.tied:
            return plan
        edges = tuple([(read.maker, read.reader) for read in self.tied])
        return msgspec.structs.replace(plan, order=plan.order + edges)


def depfile_order(plan: Plan, tasks: Sequence[Task], found: Mapping[int, KeysView[str]]) -> DepfileOrder:
    """The order that ``found`` asks for: paths that selected tasks (by id) were seen to read beyond their inputs."""
    reads = _reads(plan, tasks, found) if found else []
    if not reads:
        return DepfileOrder()
    graph = _graph(plan)
    waves = {task: wave for wave in plan.waves for task in wave.tasks}
    selected = [task for wave in plan.waves for task in wave.tasks]
    position = plan.position
    forward = {(read.maker, read.reader) for read in reads if position[read.maker] < position[read.reader]}
    backward = {(read.reader, read.maker) for read in reads if position[read.maker] > position[read.reader]}
    ordered = ordered_pairs(graph, forward | backward, selected)
    left = [
        read
        for read in reads
        if (read.maker, read.reader) not in ordered and not _waves_order(plan, waves[read.maker], waves[read.reader])
    ]
    able = {
        read
        for read in left
        if (read.reader, read.maker) not in ordered and _may_wait(plan, waves[read.maker], waves[read.reader])
    }
    if any(position[read.maker] > position[read.reader] for read in able) and _makes_cycle(graph, able):
        able = {read for read in able if position[read.maker] < position[read.reader]}
    return DepfileOrder(tuple([r for r in left if r in able]), tuple([r for r in left if r not in able]))


def _reads(plan: Plan, tasks: Sequence[Task], found: Mapping[int, KeysView[str]]) -> list[FoundRead]:
    """What readers found that selected tasks make which they do not need, one path a pair, in the order of the plan."""
    makers: dict[str, int] = {}
    for task in (task for wave in plan.waves for task in wave.tasks):
        makers.update((path, task) for path in tasks[task].outputs or () if not is_glob(path))
    made = _made(set().union(*found.values()), makers)
    reads: dict[Pair, FoundRead] = {}
    for reader in sorted(found, key=plan.position.__getitem__):
        for path in sorted(made.keys() & found[reader]):
            maker = made[path]
            if maker != reader and maker not in plan.needs[reader]:
                reads.setdefault((maker, reader), FoundRead(maker, reader, path))
    return list(reads.values())


def _made(paths: set[str], makers: Mapping[str, int]) -> dict[str, int]:
    """Those of ``paths`` that are made by somebody, and by whom."""
    folders = {path for path in makers if path.endswith("/")}
    found = {path: makers[path] for path in makers.keys() & paths}
    for path in paths if folders else ():
        above = next((folder for folder in parents(path) if folder in folders), None)
        if above is not None:
            found.setdefault(path, makers[above])
    return found


def _graph(plan: Plan) -> TaskGraph:
    after: list[list[int]] = [[] for _ in plan.names]
    for earlier, later in plan.order:
        after[later].append(earlier)
    return TaskGraph(plan.names, plan.needs, after)


def _waves_order(plan: Plan, first: Wave, second: Wave) -> bool:
    """Whether the one wave has ended before the other starts."""
    if first.number >= second.number or second.number in first.beside:
        return False
    return plan.schedule == "waves" or (first.declared and second.declared)


def _may_wait(plan: Plan, first: Wave, second: Wave) -> bool:
    """Whether a task of ``second`` can wait for one of ``first`` without holding up the room that the latter needs."""
    if plan.schedule != "waves" and not any(wave.declared for wave in plan.waves):
        return True
    return first is second and first.order == "parallel" and (plan.schedule == "waves" or first.declared)


def _makes_cycle(graph: TaskGraph, reads: Iterable[FoundRead]) -> bool:
    before = [list(graph.before(task)) for task in range(len(graph))]
    for read in reads:
        before[read.reader].append(read.maker)
    return ranks(before) is None
