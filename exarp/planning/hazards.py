"""Which tasks touch the same files, from what they declare.

Knows accesses (outputs, modifies, depfile: writes; inputs: reads) and when two patterns overlap. Until overlaps between
globs are decided, patterns whose literal prefixes nest count as overlapping. Does not judge: an overlap between tasks that
the graph orders is none of its business (``doubts``, ``wave_verdicts``).

Exact outputs need no look here of their own: every input that names or matches one is an edge of the graph, and two tasks
with one exact output are an error. So a manifest of exact paths costs nothing.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence

import msgspec

from exarp.model.path import is_folder, is_glob, literal_prefix, matches, parents
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
    """All declared patterns, findable by overlap."""

    def __init__(self) -> None:
        self.uses: dict[str, list[tuple[int, bool]]] = {}
        self.exact: list[str] = []
        self.by_prefix: dict[str, list[str]] = {}
        self.prefixes: list[str] = []

    def add(self, pattern: str, task: int, writes: bool) -> None:
        self.uses.setdefault(pattern, []).append((task, writes))

    def close(self) -> None:
        for pattern in self.uses:
            if is_glob(pattern) or is_folder(pattern):
                self.by_prefix.setdefault(_prefix(pattern), []).append(pattern)
            else:
                self.exact.append(pattern)
        self.exact.sort()
        self.prefixes = sorted(self.by_prefix)

    def overlapping(self, pattern: str) -> Iterable[str]:
        if not (is_glob(pattern) or is_folder(pattern)):
            yield pattern
            for prefix in ("", *parents(pattern)):
                yield from (wide for wide in self.by_prefix.get(prefix, ()) if matches(wide, pattern))
            return
        prefix = _prefix(pattern)
        for path in _below(self.exact, prefix):
            if matches(pattern, path):
                yield path
        for outer in ("", *parents(prefix)):
            if outer != prefix:
                yield from self.by_prefix.get(outer, ())
        for inner in _below(self.prefixes, prefix):
            yield from self.by_prefix[inner]


def _prefix(pattern: str) -> str:
    """The folder a wide pattern lies in, ``""`` for the workspace root."""
    if is_glob(pattern):
        return literal_prefix(pattern)
    return "" if pattern == "./" else pattern


def _below(names: list[str], prefix: str) -> Iterable[str]:
    for index in range(bisect_left(names, prefix), len(names)):
        if not names[index].startswith(prefix):
            break
        yield names[index]


def find_cells(tasks: Sequence[Task], selected: Iterable[int], cache_dirs: Sequence[str] = ()) -> list[Cell]:
    """The cells of the selected tasks with at least two tasks, ordered by pattern.

    What lies inside a folder of ``cache_dirs`` may be shared safely and is left out.
    """
    index = _Index()
    wide: dict[str, None] = {}
    depfiles: set[str] = set()
    for number in selected:
        task = tasks[number]
        for pattern, writes in _accesses(task):
            if cache_dirs and any(pattern.startswith(folder) for folder in cache_dirs):
                continue
            index.add(pattern, number, writes)
        for pattern in task.outputs or ():
            if is_glob(pattern) or pattern.endswith("/"):
                wide[pattern] = None
        for pattern in task.modifies:
            wide[pattern] = None
        if task.depfile in depfiles:
            wide[task.depfile] = None
        elif task.depfile:
            depfiles.add(task.depfile)
    if not wide:
        return []
    index.close()
    cells = (_cell(index, pattern, tasks) for pattern in sorted(wide) if pattern in index.uses)
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
    """The pattern that says more about what two accesses share: an exact path, else the deeper one."""
    if is_glob(one) != is_glob(other):
        return other if is_glob(one) else one
    return other if len(literal_prefix(other)) > len(literal_prefix(one)) else one
