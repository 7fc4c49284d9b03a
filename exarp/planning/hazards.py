"""Which tasks touch the same files, from what they declare.

Knows accesses (outputs, modifies, depfile: writes; inputs: reads) and how to find the patterns that overlap with one
(``model.overlap`` decides). Does not judge: an overlap between tasks that the graph orders is none of its business
(``doubts``, ``wave_verdicts``).

An exact output needs no look here of its own unless other paths lie in it: every input that names or matches one is an
edge of the graph, and two tasks with one exact output are an error. So a manifest of exact paths costs next to nothing.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence

import msgspec

from exarp.graph.path_index import PathIndex
from exarp.model.overlap import is_wide, overlap
from exarp.model.path import folders_of, is_folder, is_glob, literal_ends, literal_prefix, matches, parents
from exarp.model.task import Task


class Access(msgspec.Struct, frozen=True, gc=False):
    """One task's strongest use of a cell: whether it writes, and the pattern it declared.

    ``owns``: it writes the cell's very pattern, and so excludes everybody else in the cell. Two tasks that only overlap
    with the pattern need not overlap with each other.
    """

    task: int
    writes: bool
    owns: bool
    pattern: str


class Cell(msgspec.Struct, frozen=True):
    """A written pattern and all that touches it."""

    pattern: str
    accesses: tuple[Access, ...]


class _Index:
    """All declared patterns, findable by overlap: of two that overlap, one's literal beginning begins with the other's."""

    def __init__(self) -> None:
        self.uses: dict[str, list[tuple[int, bool]]] = {}
        self.holding: set[str] = set()
        self.exact = PathIndex(())
        self.wide: dict[str, list[str]] = {}
        self.beginnings: list[str] = []

    def add(self, pattern: str, task: int, writes: bool) -> None:
        self.uses.setdefault(pattern, []).append((task, writes))

    def close(self) -> None:
        for pattern in self.uses:
            if is_wide(pattern):
                self.wide.setdefault(_beginning(pattern), []).append(pattern)
        self.beginnings = sorted(self.wide)
        self.exact = PathIndex(pattern for pattern in self.uses if not is_wide(pattern))
        self.holding = folders_of(self.uses)

    def is_shared(self, path: str) -> bool:
        """Whether an exact path is declared twice, or lies in another."""
        return len(self.uses.get(path, ())) > 1 or any(folder[:-1] in self.uses for folder in parents(path))

    def overlapping(self, pattern: str) -> Iterable[str]:
        yield from self._exact_overlapping(pattern)
        yield from (wide for wide in self._wide_near(pattern) if overlap(wide, pattern))

    def _exact_overlapping(self, pattern: str) -> Iterable[str]:
        folder = pattern if is_wide(pattern) else f"{pattern}/"
        if is_glob(pattern) or pattern == "./" or folder in self.holding:
            yield from self.exact.covered(folder)
        if not is_glob(pattern):
            yield folder[:-1]
        above = literal_prefix(pattern if is_glob(pattern) else folder[:-1])
        yield from (holder[:-1] for holder in parents(above))

    def _wide_near(self, pattern: str) -> Iterable[str]:
        """Folders and globs one of whose beginnings begins with the other's."""
        beginning = _beginning(pattern)
        for end in range(len(beginning) + 1):
            yield from self.wide.get(beginning[:end], ())
        if not is_wide(pattern):
            beginning = f"{pattern}/"
            yield from self.wide.get(beginning, ())
        for at in range(bisect_right(self.beginnings, beginning), len(self.beginnings)):
            if not self.beginnings[at].startswith(beginning):
                break
            yield from self.wide[self.beginnings[at]]


def _beginning(pattern: str) -> str:
    """The text that all of a pattern's paths start with."""
    return "" if pattern == "./" else literal_ends(pattern)[0]


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
        for pattern, writes in _accesses(task):
            if cache_dirs and any(pattern.startswith(folder) for folder in cache_dirs):
                continue
            index.add(pattern, number, writes)
        for pattern in task.outputs or ():
            (written if is_wide(pattern) else outputs)[pattern] = None
        for pattern in task.modifies:
            written[pattern] = None
        if task.depfile:
            depfiles[task.depfile] = None
    index.close()
    written.update((path, None) for path in outputs if f"{path}/" in index.holding)
    # No edge of the graph follows from a depfile; nearly all are touched by nobody else.
    written.update((path, None) for path in depfiles if index.wide or index.is_shared(path))
    cells = (_cell(index, pattern, tasks) for pattern in sorted(written) if pattern in index.uses)
    return [cell for cell in cells if len(cell.accesses) > 1]


def _accesses(task: Task) -> Iterable[tuple[str, bool]]:
    for pattern in task.inputs or ():
        yield pattern, False
    for pattern in task.outputs or ():
        yield pattern, True
    for pattern in task.modifies:
        yield pattern, True
    if task.depfile:
        yield task.depfile, True


def _cell(index: _Index, pattern: str, tasks: Sequence[Task]) -> Cell:
    strongest: dict[int, Access] = {}
    for other in index.overlapping(pattern):
        for task, writes in index.uses.get(other, ()):
            if not writes and _taken_away(tasks[task], pattern):
                continue
            access = Access(task, writes, writes and other == pattern, other)
            known = strongest.get(task)
            if known is None or (access.owns, access.writes) > (known.owns, known.writes):
                strongest[task] = access
    return Cell(pattern, tuple(strongest.values()))


def _taken_away(task: Task, pattern: str) -> bool:
    """Whether a reader's ``!…`` surely covers all of ``pattern``."""
    return any(
        out == pattern
        or (is_folder(out) and pattern.startswith(out))
        or (not is_glob(pattern) and matches(out, pattern))
        for out in task.excluded
    )


def conflict_code(one: Access, other: Access) -> str:
    """``write-write`` or ``read-write``, or an empty string where both only read."""
    if one.writes and other.writes:
        return "write-write"
    return "read-write" if one.writes or other.writes else ""


def narrower(one: str, other: str) -> str:
    """The pattern that says more about what two accesses share: an exact path, else the deeper one, else a glob."""
    return max((one, other), key=lambda pattern: (not is_wide(pattern), len(literal_prefix(pattern)), is_glob(pattern)))
