"""Edges that follow from declared files: who reads what somebody else makes.

Knows the contract's rules under "Files" (an input equal to another's output or inside its output folder; an input
folder or glob that contains or matches another's exact output; an input glob whose literal prefix lies inside another's
output folder). Glob against glob is no edge but a doubt (``planning.hazards``). Does not look at the disk.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from exarp.graph.path_index import PathIndex
from exarp.model.path import is_glob, is_outside, literal_prefix, matches, parents
from exarp.model.task import Task


class DuplicateOutput(msgspec.Struct, frozen=True):
    """Two tasks declare the same exact output; ``first`` and ``second`` are task ids in manifest order."""

    path: str
    first: int
    second: int


class SelfInput(msgspec.Struct, frozen=True):
    """A task declares an input (its ``index``-th pattern) that lies in its own outputs."""

    task: int
    pattern: str


class FileEdges:
    """Finds the makers of each task's inputs, with an index over all declared outputs."""

    def __init__(self, tasks: Sequence[Task]) -> None:
        self.duplicates: list[DuplicateOutput] = []
        self.self_inputs: list[SelfInput] = []
        self._tasks = tasks
        self._exact: dict[str, int] = {}
        self._folders: dict[str, int] = {}
        self._index_outputs()
        self._outputs = PathIndex(self._exact)
        self._glob_makers: dict[str, list[tuple[str, int]]] = {}

    def _index_outputs(self) -> None:
        for number, task in enumerate(self._tasks):
            for path in task.outputs or ():
                if is_glob(path):
                    continue
                bare = path.rstrip("/")
                first = self._exact.setdefault(bare, number)
                if first != number:
                    self.duplicates.append(DuplicateOutput(path, first, number))
                elif path.endswith("/"):
                    self._folders[bare + "/"] = number

    def makers(self, number: int) -> set[int]:
        """Ids of the tasks that make what task ``number`` declares as inputs."""
        task = self._tasks[number]
        found: set[int] = set()
        for pattern in task.inputs or ():
            exact = self._exact.get(pattern)
            hits: tuple[int, ...] = (
                (exact,) if exact is not None and not self._folders else self._makers_of(pattern, task.excluded)
            )
            if exact is None and not (is_glob(pattern) or pattern.endswith("/")):
                # Written without its slash, it may be a folder all the same, if somebody makes files in it.
                below = self._outputs.covered(f"{pattern}/")
                found.update(self._exact[path] for path in below if not any(matches(o, path) for o in task.excluded))
                found.discard(number)
            for maker in hits:
                if maker != number:
                    found.add(maker)
                elif not (is_glob(pattern) or pattern.endswith("/")) or self._inside_own_folder(pattern, number):
                    self.self_inputs.append(SelfInput(number, pattern))
        return found

    def _inside_own_folder(self, pattern: str, number: int) -> bool:
        return not is_glob(pattern) and any(self._folders.get(folder) == number for folder in parents(pattern))

    def _makers_of(self, pattern: str, excluded: Sequence[str]) -> tuple[int, ...]:
        if not is_glob(pattern) and not pattern.endswith("/"):
            return self._makers_above(pattern)
        if pattern not in self._glob_makers:
            self._glob_makers[pattern] = self._makers_below(pattern)
        hits = self._glob_makers[pattern]
        if excluded:
            hits = [hit for hit in hits if not any(matches(out, hit[0]) for out in excluded)]
        inside = self._in_folders(literal_prefix(pattern) if is_glob(pattern) else pattern)
        return (*(maker for _, maker in hits), *inside)

    def _makers_above(self, path: str) -> tuple[int, ...]:
        found = self._in_folders(path) if self._folders else []
        exact = self._exact.get(path)
        return (*found, exact) if exact is not None else tuple(found)

    def _in_folders(self, path: str) -> list[int]:
        found = [self._folders[folder] for folder in parents(path) if folder in self._folders]
        if "./" in self._folders and not is_outside(path):
            found.append(self._folders["./"])
        return found

    def _makers_below(self, pattern: str) -> list[tuple[str, int]]:
        """Exact outputs that a glob matches or a folder is or holds, with their makers."""
        found = self._outputs.covered(pattern)
        if pattern[:-1] in self._exact and not is_glob(pattern):
            found.append(pattern[:-1])
        return [(path, self._exact[path]) for path in found]
