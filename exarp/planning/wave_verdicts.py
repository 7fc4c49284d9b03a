"""Verdicts on pairs of declared waves: marked by the author, checked against graph and declared files.

Knows rule 4 under "Waves" and the codes under "Verdicts" of the contract. Does not know numbers or parts of waves.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

import msgspec

from exarp.graph.task_graph import TaskGraph
from exarp.model.manifest import Manifest
from exarp.model.verdict import Reason, Verdict
from exarp.planning.grouping import Draft
from exarp.planning.hazards import Access, Cell, conflict_code, narrower

# How many undeclared tasks of a wave each of its verdicts names.
_NAMED = 10
# Any of these refutes a pair; a missing declaration alone leaves it unproven.
_REFUTING = ("dependency", "ordered-through", "write-write", "read-write", "unmarked")


class WaveEvidence:
    """What speaks against running pairs of declared waves side by side."""

    def __init__(self, manifest: Manifest, graph: TaskGraph, drafts: Sequence[Draft], cells: Sequence[Cell]) -> None:
        self.manifest = manifest
        self.graph = graph
        self.drafts = drafts
        self.wave_of = {task: number for number, draft in enumerate(drafts) if draft.spec >= 0 for task in draft.tasks}
        self._reach: dict[int, int] = {}
        self._before = [0] * len(drafts)
        self._marked = _marked(manifest, drafts)
        self._silent = [self._undeclared_in(draft) for draft in drafts]
        self._clashing = [0] * len(drafts)
        self._conflicts: dict[tuple[int, int], list[Reason]] = {}
        self._paths_from = -1
        self._paths: dict[int, tuple[str, ...]] = {}
        if sum(draft.spec >= 0 for draft in drafts) > 1:
            self._spread()
            for cell in cells:
                (self._gather_sides if cell.has_sides else self._gather)(cell)
        self._overlapping = self._find_overlapping()

    def overlapping(self, wave: int) -> int:
        """As bits: waves before this one, in manifest order, that nothing but a third wave could still keep apart from it."""
        return self._overlapping[wave]

    def marked(self, wave: int) -> list[int]:
        """Waves that its marking allows and whose markings allow it, ascending."""
        bits, found = self._marked[wave], []
        while bits:
            lowest = bits & -bits
            found.append(lowest.bit_length() - 1)
            bits ^= lowest
        return found

    def verdict(self, one: int, other: int, through: str | None) -> Verdict:
        """The verdict on a pair; ``one`` comes first in manifest order; ``through`` names a third wave that orders the two."""
        is_marked = self._marked[one] >> other & 1 == 1
        reasons = () if self._overlapping[other] >> one & 1 else self._reasons(one, other, is_marked)
        if not reasons and through is not None:
            reasons = (Reason("ordered-through", name=through),)
        codes = {reason.code for reason in reasons}
        decision = "refuted" if codes.intersection(_REFUTING) else "unproven" if codes else "upheld"
        specs = self.manifest.waves
        return Verdict(
            kind="waves",
            between=(specs[self.drafts[one].spec].name, specs[self.drafts[other].spec].name),
            marked=is_marked,
            verdict=decision,  # type: ignore[arg-type]
            runs="sequential" if codes else "parallel",
            reasons=reasons,
        )

    def _reasons(self, one: int, other: int, is_marked: bool) -> tuple[Reason, ...]:
        """Every reason that counts against the pair."""
        found = [*self.dependency(one, other), *self._conflicts.get((one, other), ())]
        if not is_marked:
            found.append(Reason("unmarked"))
        return (*found, *self._undeclared(one, other))

    def _find_overlapping(self) -> list[int]:
        """See ``overlapping``."""
        silent = sum([1 << wave for wave, names in enumerate(self._silent) if names])
        return [
            0 if self._silent[wave] else marked & ~(self._before[wave] | self._clashing[wave] | silent)
            for wave, marked in enumerate(self._marked)
        ]

    def _spread(self) -> None:
        """For each task, as bits, the declared waves that a path of edges leads from; and the same for each wave."""
        for number, draft in enumerate(self.drafts):
            for task in draft.tasks:
                bits = 0
                for earlier in self.graph.before(task):
                    if earlier in self._reach:
                        bits |= self._reach[earlier]
                        if earlier in self.wave_of:
                            bits |= 1 << self.wave_of[earlier]
                self._reach[task] = bits
                self._before[number] |= bits

    def _depends(self, one: int, other: int) -> bool:
        return self._before[other] >> one & 1 == 1

    def dependency(self, one: int, other: int) -> list[Reason]:
        """The reason that a path of edges leads from wave ``one`` to wave ``other``, if one does."""
        if not self._depends(one, other):
            return []
        via = self._path(one, next(task for task in self.drafts[other].tasks if self._reach[task] >> one & 1))
        return [Reason("dependency", tasks=(via[0], via[-1]), via=via)]

    def _path(self, wave: int, task: int) -> tuple[str, ...]:
        """Names along a path from a wave to a task. In a long chain of waves each path goes on from the one before."""
        if self._paths_from != wave:
            self._paths_from, self._paths = wave, {}
        walked = []
        while task not in self._paths and self.wave_of.get(task) != wave:
            walked.append(task)
            task = next(before for before in self.graph.before(task) if self._leads_from(before, wave))
        names = self.graph.names
        path = (*self._paths.get(task, (names[task],)), *(names[step] for step in reversed(walked)))
        if walked:
            self._paths[walked[0]] = path
        return path

    def _leads_from(self, task: int, wave: int) -> bool:
        return self.wave_of.get(task) == wave or bool(self._reach.get(task, 0) & (1 << wave))

    def _gather(self, cell: Cell) -> None:
        """Note, for each pair of waves that meet in a cell, one reason (the first owner against the first other)."""
        strongest: dict[int, Access] = {}
        for access in cell.accesses:
            if access.task in self.wave_of:
                wave = self.wave_of[access.task]
                known = strongest.setdefault(wave, access)
                if (access.owns, access.writes) > (known.owns, known.writes):
                    strongest[wave] = access
        waves = sorted(strongest)
        owning = [wave for wave in waves if strongest[wave].owns]
        for place, one in enumerate(waves):
            for other in waves[place + 1 :] if strongest[one].owns else [wave for wave in owning if wave > one]:
                self._note(one, other, strongest[one], strongest[other])

    def _gather_sides(self, cell: Cell) -> None:
        """As ``_gather``, where who reads excludes who writes."""
        reading: dict[int, Access] = {}
        writing: dict[int, Access] = {}
        for access in cell.accesses:
            if access.task in self.wave_of:
                wave = self.wave_of[access.task]
                if access.writes:
                    writing.setdefault(wave, access)
                if access.owns or not access.writes:
                    reading.setdefault(wave, Access(access.task, False, False, cell.pattern))
        for writer, change in writing.items():
            for reader, look in reading.items():
                if writer < reader:
                    self._note(writer, reader, change, look)
                elif reader < writer:
                    self._note(reader, writer, look, change)

    def _note(self, one: int, other: int, first: Access, second: Access) -> None:
        if self._reach[second.task] & (1 << one):
            return
        self._clashing[other] |= 1 << one
        reason = conflict_reason(self.graph.names, first, second)
        known = self._conflicts.setdefault((one, other), [])
        if reason not in known:
            known.append(reason)

    def _undeclared_in(self, draft: Draft) -> tuple[str, ...]:
        """The first tasks of a declared wave that do not say all they touch."""
        if draft.spec < 0 or self.manifest.settings.trust != "proof":
            return ()
        tasks = (task for task in draft.tasks if not self.manifest.tasks[task].is_declared)
        return tuple(self.graph.names[task] for task in islice(tasks, _NAMED))

    def _undeclared(self, one: int, other: int) -> list[Reason]:
        names = self._silent[one] + self._silent[other]
        return [Reason("undeclared", tasks=names)] if names else []


def _marked(manifest: Manifest, drafts: Sequence[Draft]) -> list[int]:
    """For each draft, as bits, those that its marking allows and whose markings allow it. No look at pairs."""
    index_of = {manifest.waves[draft.spec].name: number for number, draft in enumerate(drafts) if draft.spec >= 0}
    declared = sum([1 << number for number in index_of.values()])
    allows, open_to_all, naming = [], 0, [0] * len(drafts)
    # Plans of one number share one list of names: many of them are not to cost their square.
    lists: dict[int, tuple[list[int], int, list[int]]] = {}
    for number, draft in enumerate(drafts):
        marking = manifest.waves[draft.spec].parallel if draft.spec >= 0 else False
        if isinstance(marking, bool):
            allows.append(declared if marking else 0)
            open_to_all |= 1 << number if marking else 0
            continue
        if id(marking) not in lists:
            named = [index_of[name] for name in dict.fromkeys(marking) if name in index_of]
            lists[id(marking)] = (named, sum([1 << index for index in named]), [])
        allows.append(lists[id(marking)][1])
        lists[id(marking)][2].append(number)
    for named, _, waves in lists.values():
        says = sum([1 << wave for wave in waves])
        for index in named:
            naming[index] |= says
    return [allowed & (open_to_all | naming[number]) & ~(1 << number) for number, allowed in enumerate(allows)]


def conflict_reason(names: Sequence[str], first: Access, second: Access) -> Reason:
    """The reason that two accesses of one cell make; ``first`` is the earlier task."""
    code = conflict_code(first, second)
    writer = "" if code == "write-write" else names[first.task if first.writes else second.task]
    return msgspec.structs.replace(
        Reason("write-write", tasks=(names[first.task], names[second.task])),
        code=code,
        path=narrower(first.pattern, second.pattern),
        writer=writer,
    )
