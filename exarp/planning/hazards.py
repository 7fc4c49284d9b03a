"""Which tasks touch the same files, from what they declare.

Knows accesses (outputs, modifies, depfile: writes; inputs, tools: reads) and how to find the patterns that overlap with one
(``model.overlap`` decides). Does not judge: an overlap between tasks that the graph orders is none of its business
(``doubts``, ``wave_verdicts``).

An exact output needs no look here of its own unless other paths lie in it: every input that names or matches one is an
edge of the graph, and two tasks with one exact output are an error. So a manifest of exact paths costs next to nothing.
Nor do pairs of tasks cost anything where a pattern stands for all of them: no list made here grows with their number.
What a reader takes away from its pattern is minded exactly, but where many lists of that meet many written patterns:
there the rare lists count as what they have in common, and so some are held apart who need not be.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from exarp.graph.overlap_index import OverlapIndex
from exarp.model.overlap import is_wide
from exarp.model.path import is_glob, literal_prefix, parents, takes_away
from exarp.model.task import Task


class Access(msgspec.Struct, frozen=True, gc=False):
    """One task's strongest use of a cell: whether it writes, and the pattern it declared.

    ``owns``: it excludes everybody else in the cell. Who does not own need not overlap with each other.
    """

    task: int
    writes: bool
    owns: bool
    pattern: str


class Cell(msgspec.Struct, frozen=True):
    """A pattern and all that touches it: written by the owners; or read by many and written, in parts, by many.

    ``has_sides``: the latter. Who reads excludes who writes; owners do both.
    """

    pattern: str
    accesses: tuple[Access, ...]
    has_sides: bool = False


# Readers of a pattern, by what they take away from it.
_Lists = Mapping[tuple[str, ...], list[int]]
# A reader's pattern, and what it takes away from it.
_View = tuple[str, tuple[str, ...]]


class _Index:
    """All declared patterns, findable by overlap."""

    def __init__(self) -> None:
        self.writers: dict[str, list[int]] = {}
        self.readers: dict[str, dict[tuple[str, ...], list[int]]] = {}
        self.shared: set[str] = set()
        self.patterns = OverlapIndex(())

    def add(self, pattern: str, task: int, excluded: tuple[str, ...] | None) -> None:
        """``excluded``: what a reader takes away; None for a writer."""
        if pattern in self.writers or pattern in self.readers:
            self.shared.add(pattern)
        if excluded is None:
            self.writers.setdefault(pattern, []).append(task)
        else:
            self.readers.setdefault(pattern, {}).setdefault(excluded, []).append(task)

    def close(self) -> None:
        self.patterns = OverlapIndex(self.writers.keys() | self.readers.keys())

    def is_shared(self, path: str) -> bool:
        """Whether an exact path is declared twice, or lies in another."""
        return path in self.shared or any(
            folder[:-1] in self.writers or folder[:-1] in self.readers for folder in parents(path)
        )

    def overlapping(self, pattern: str) -> list[str]:
        """All patterns that overlap with one, without repetition."""
        return self.patterns.overlapping(pattern)


def find_cells(tasks: Sequence[Task], selected: Iterable[int], cache_dirs: Sequence[str] = ()) -> list[Cell]:
    """The cells of the selected tasks with at least two tasks, ordered by pattern.

    What lies inside a folder of ``cache_dirs`` may be shared safely and is left out.
    """
    index = _Index()
    written: dict[str, None] = {}
    outputs: dict[str, None] = {}
    depfiles: dict[str, None] = {}
    for number in selected:
        task = tasks[number]
        if not (task.inputs or task.outputs or task.modifies or task.tools or task.depfile):
            continue
        for pattern, excluded in _uses(task):
            if cache_dirs and any(pattern.startswith(folder) for folder in cache_dirs):
                continue
            index.add(pattern, number, excluded)
        for pattern in task.outputs or ():
            (written if is_wide(pattern) else outputs)[pattern] = None
        for pattern in task.modifies:
            written[pattern] = None
        if task.depfile:
            depfiles[task.depfile] = None
    index.close()
    # Twice the same output is an error, but where only a link makes it the same.
    written.update(
        (path, None) for path in outputs if f"{path}/" in index.patterns.holding or len(index.writers.get(path, ())) > 1
    )
    # No edge of the graph follows from a depfile; nearly all are touched by nobody else.
    written.update((path, None) for path in depfiles if index.patterns.has_wide or index.is_shared(path))
    return _Overlaps(index, sorted(path for path in written if path in index.writers)).cells()


def _uses(task: Task) -> Iterable[tuple[str, tuple[str, ...] | None]]:
    if task.service is not None:
        # It makes no files, and whatever it reads may change while it runs: it is there to run beside others.
        return
    for pattern in task.inputs or ():
        yield pattern, task.excluded
    for pattern in task.tools:
        yield pattern, ()
    for pattern in task.outputs or ():
        yield pattern, None
    for pattern in task.modifies:
        yield pattern, None
    if task.depfile:
        yield task.depfile, None


# From this many pairs for each of its members on, a reader's pattern is a cell of its own.
_MANY_PAIRS = 16
# From this many pairs of a list and a written pattern for each of these on, rare lists are taken together.
_MANY_LISTS = 32
# Beyond so many overlaps, and so many more for each pattern, those that are left count as overlapping in their folder.
_ALWAYS_FOUND, _MANY_OVERLAPS = 10_000, 32


class _Overlaps:
    """Turns overlaps of patterns into cells whose accesses are few, however many pairs of tasks they stand for.

    An overlap is told in the cell of the pattern that more tasks use, so that it costs no more than the fewer.
    """

    def __init__(self, index: _Index, written: Sequence[str]) -> None:
        self.index = index
        self.written = dict.fromkeys(written)
        self.partners: dict[str, list[str]] = {}
        self.crowded: list[str] = []
        self.views: dict[_View, list[str]] = {}
        self._find()

    def _find(self) -> None:
        left = _ALWAYS_FOUND + _MANY_OVERLAPS * (len(self.index.writers) + len(self.index.readers))
        for pattern in self.written:
            if left <= 0:
                self.crowded.append(pattern)
                continue
            self.partners[pattern] = self.index.overlapping(pattern)
            left -= len(self.partners[pattern])
        self._join_lists()
        for pattern in self.partners:
            for view in self._views_beside(pattern):
                self.views.setdefault(view, []).append(pattern)
        self.views = {view: writers for view, writers in self.views.items() if self._is_many(view, writers)}

    def _join_lists(self) -> None:
        """Have each written pattern compared with a few lists of what its readers take away, not with one for each."""
        written = Counter(other for partners in self.partners.values() for other in partners)
        for pattern, lists in self.index.readers.items():
            if len(lists) * written[pattern] > _MANY_LISTS * (len(lists) + written[pattern]):
                self.index.readers[pattern] = _joined(lists)

    def _views_beside(self, pattern: str) -> Iterable[_View]:
        """What more tasks read than write ``pattern``."""
        count = len(self.index.writers[pattern])
        for other in self.partners[pattern]:
            for excluded, readers in self.index.readers.get(other, {}).items():
                if len(readers) > count and not any(takes_away(out, pattern, other) for out in excluded):
                    yield other, excluded

    def _is_many(self, view: _View, writers: Sequence[str]) -> bool:
        readers = len(self.index.readers[view[0]][view[1]])
        return readers * len(writers) > _MANY_PAIRS * (readers + len(writers))

    def cells(self) -> list[Cell]:
        found = [self._cell(pattern) for pattern in self.partners]
        found += [self._cell_with_sides(view) for view in self.views]
        if self.crowded:
            found.append(self._crowd())
        return sorted((cell for cell in found if len(cell.accesses) > 1), key=lambda cell: cell.pattern)

    def _cell(self, pattern: str) -> Cell:
        strongest = _Strongest()
        own = len(self.index.writers[pattern])
        strongest.add(self.index.writers[pattern], True, True, pattern)
        for other in self.partners[pattern]:
            writers = self.index.writers.get(other, ())
            # Of two written patterns that overlap, the one with more writers tells of it.
            if other != pattern and (other not in self.partners or (len(writers), other) < (own, pattern)):
                strongest.add(writers, True, False, other)
            for excluded, readers in self.index.readers.get(other, {}).items():
                is_told = len(readers) > own and (other, excluded) in self.views
                if not is_told and not any(takes_away(out, pattern, other) for out in excluded):
                    strongest.add(readers, False, False, other)
        return Cell(pattern, strongest.accesses)

    def _cell_with_sides(self, view: _View) -> Cell:
        readers = set(self.index.readers[view[0]][view[1]])
        strongest = _Strongest()
        for pattern in self.views[view]:
            for task in self.index.writers[pattern]:
                strongest.add((task,), True, task in readers, pattern)
        strongest.add(readers.difference(strongest.by_task), False, False, view[0])
        return Cell(view[0], strongest.accesses, has_sides=True)

    def _crowd(self) -> Cell:
        """Everything that may overlap with the patterns that were too many, in one cell."""
        folder = _shared_folder(self.crowded)
        strongest = _Strongest()
        for other in self.index.overlapping(folder):
            strongest.add(self.index.writers.get(other, ()), True, True, other)
            for readers in self.index.readers.get(other, {}).values():
                strongest.add(readers, False, False, other)
        return Cell(folder, strongest.accesses)


def _joined(lists: _Lists) -> dict[tuple[str, ...], list[int]]:
    """The lists that many readers share; all others as one, of what each of them takes away."""
    most = sum(map(len, lists.values()))
    kept = {excluded: readers for excluded, readers in lists.items() if len(readers) * _MANY_LISTS > most}
    rare = lists.keys() - kept.keys()
    shared = set.intersection(*(set(excluded) for excluded in rare)) if rare else set()
    joined = tuple(sorted(shared))
    readers = [task for excluded in rare for task in lists[excluded]]
    return {**kept, joined: sorted([*kept.get(joined, ()), *readers])}


class _Strongest:
    """The strongest access of each task."""

    def __init__(self) -> None:
        self.by_task: dict[int, Access] = {}

    @property
    def accesses(self) -> tuple[Access, ...]:
        return tuple(self.by_task.values())

    def add(self, tasks: Iterable[int], writes: bool, owns: bool, pattern: str) -> None:
        for task in tasks:
            known = self.by_task.get(task)
            if known is None or (owns, writes) > (known.owns, known.writes):
                self.by_task[task] = Access(task, writes, owns, pattern)


def _shared_folder(patterns: Iterable[str]) -> str:
    """The deepest folder that surely holds all matches of all patterns."""
    shared, *others = [literal_prefix(pattern) for pattern in patterns]
    for folder in others:
        while not folder.startswith(shared):
            shared = shared[: shared.rfind("/", 0, -1) + 1]
    return shared or "./"


def conflict_code(one: Access, other: Access) -> str:
    """``write-write`` or ``read-write``, or an empty string where both only read."""
    if one.writes and other.writes:
        return "write-write"
    return "read-write" if one.writes or other.writes else ""


def narrower(one: str, other: str) -> str:
    """The pattern that says more about what two accesses share: an exact path, else the deeper one, else a glob."""
    return max((one, other), key=lambda pattern: (not is_wide(pattern), len(literal_prefix(pattern)), is_glob(pattern)))
