"""Which declared accesses of two tasks touch the same files, pair by pair, without any index.

Two patterns overlap if any of the paths that random manifests could be about belongs to both.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from itertools import product

from exarp.model.task import Task

from ..model.naive_glob import glob_matches

NAMES = ("a", "b", "out", "x", "d", "p", "q", "r", "1.c", "2.c", "s.c", "1.h", ".x", "top", "top.d")
PATHS = ["/".join(names) for depth in (1, 2, 3) for names in product(NAMES, repeat=depth)]


def is_glob(pattern: str) -> bool:
    return any(char in pattern for char in "*?[")


def is_wide(pattern: str) -> bool:
    return is_glob(pattern) or pattern.endswith("/")


def covers(wide: str, path: str) -> bool:
    """Whether an exact path belongs to a folder or glob."""
    if is_glob(wide):
        return glob_matches(wide, path)
    return wide == "./" or f"{path}/".startswith(wide)


def root(wide: str) -> str:
    """The folder that a pattern's literal names lead to."""
    kept = []
    for part in wide.split("/")[:-1]:
        if is_glob(part):
            break
        kept.append(part)
    return "" if kept in ([], ["."]) else "/".join(kept) + "/"


@cache
def members(wide: str) -> frozenset[str]:
    return frozenset(path for path in PATHS if covers(wide, path))


def overlap(one: str, other: str) -> bool:
    if is_wide(one) and is_wide(other):
        return not members(one).isdisjoint(members(other))
    if is_wide(other):
        one, other = other, one
    # What others lie in is a folder, with or without its slash.
    return (
        one.startswith(f"{other}/")
        or other.startswith(f"{one}/")
        or (covers(one, other) if is_wide(one) else one == other)
    )


def writes(task: Task) -> list[str]:
    return [*(task.outputs or ()), *task.modifies, *([task.depfile] if task.depfile else [])]


def spared(reader: Task, written: str, pattern: str) -> bool:
    """Whether the reader takes everything away that both ``written`` and its own ``pattern`` stand for."""
    for out in reader.excluded:
        if is_glob(pattern) and ".x" not in pattern and not is_glob(written) and out == f"{written}**":
            return True
        if out == written:
            return True
        if not is_glob(out) and out.endswith("/") and written.startswith(out):
            return True
        if is_wide(out) and not is_wide(written) and covers(out, written):
            return True
    return False


def conflicts(one: Task, other: Task, cache_dirs: Sequence[str] = ()) -> set[tuple[str, str, str]]:
    """Every conflict of two tasks, as (code, the one's pattern, the other's)."""
    found = set()
    for mine in writes(one):
        found |= {("write-write", mine, theirs) for theirs in writes(other) if overlap(mine, theirs)}
        found |= {("read-write", mine, read) for read in _read_against(other, mine)}
    for theirs in writes(other):
        found |= {("read-write", read, theirs) for read in _read_against(one, theirs)}
    return {
        (code, mine, theirs)
        for code, mine, theirs in found
        if not any(pattern.startswith(folder) for folder in cache_dirs for pattern in (mine, theirs))
    }


def _read_against(reader: Task, written: str) -> Iterator[str]:
    if reader.service is not None:
        return
    for pattern in reader.inputs or ():
        if overlap(pattern, written) and not spared(reader, written, pattern):
            yield pattern
    yield from (tool for tool in reader.tools if overlap(tool, written))
