"""Edges that follow from declared files: who reads what somebody else makes.

Knows the contract's rules under "Files" (an input equal to another's output or inside its output folder; an input
folder or glob that contains or matches another's exact output; an input glob whose literal prefix lies inside another's
output folder). A path without its slash is a folder all the same where another lies in it. Glob against glob is no edge
but a doubt (``planning.hazards``). Does not look at the disk.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from exarp.graph.path_index import PathIndex
from exarp.model.path import (
    folders_of,
    is_glob,
    is_outside,
    is_taken_away,
    literal_prefix,
    matches,
    parents,
    takes_away,
)
from exarp.model.task import Task


class DuplicateOutput(msgspec.Struct, frozen=True):
    """Two tasks declare the same exact output; ``first`` and ``second`` are task ids in manifest order."""

    path: str
    first: int
    second: int


class SelfInput(msgspec.Struct, frozen=True):
    """A task declares an input or tool that is its own output, or lies in it."""

    task: int
    pattern: str


_NOBODY: frozenset[int] = frozenset()


class FileEdges:
    """Finds the makers of each task's inputs, with an index over all declared outputs."""

    def __init__(self, tasks: Sequence[Task]) -> None:
        self.duplicates: list[DuplicateOutput] = []
        self.self_inputs: list[SelfInput] = []
        self._tasks = tasks
        # Outputs without their slashes; "." is the workspace root.
        self._makers: dict[str, int] = {}
        self._folders: set[str] = set()
        self._index_outputs()
        self._outputs = PathIndex(self._makers)
        self._holding = folders_of(self._makers)
        self._nested = "." in self._makers or any(f"{path}/" in self._holding for path in self._makers)
        self._shared: dict[tuple[tuple[str, ...], tuple[str, ...]], frozenset[int]] = {}
        self._above: dict[str, tuple[int, ...]] = {}
        self._below: dict[str, list[str]] = {}

    def _index_outputs(self) -> None:
        for number, task in enumerate(self._tasks):
            for path in task.outputs or ():
                if is_glob(path):
                    continue
                first = self._makers.setdefault(path.rstrip("/"), number)
                if path.endswith("/"):
                    self._folders.add(path[:-1])
                if first != number:
                    self.duplicates.append(DuplicateOutput(path, first, number))

    def makers(self, number: int) -> frozenset[int]:
        """Ids of the tasks that make what task ``number`` declares as inputs and tools. Tasks with equal ones share one set."""
        task = self._tasks[number]
        found = self._shared_makers(number, task.inputs, task.excluded) if task.inputs else _NOBODY
        if task.tools:
            of_tools = self._shared_makers(number, task.tools, ())
            found = found | of_tools if found else of_tools
        return found

    def _shared_makers(self, number: int, patterns: tuple[str, ...], excluded: tuple[str, ...]) -> frozenset[int]:
        key = (patterns, excluded)
        shared = self._shared.get(key)
        if shared is None or number in shared:
            found = self._find(number, patterns, excluded)
            shared = found - {number} if number in found else self._shared.setdefault(key, found)
        return shared

    def _find(self, number: int, patterns: tuple[str, ...], excluded: tuple[str, ...]) -> frozenset[int]:
        """Who makes what a task reads, the task itself included: then it is told where it needs itself."""
        found: set[int] = set()
        for pattern in patterns:
            if excluded and is_taken_away(pattern, excluded):
                continue
            maker = self._makers.get(pattern)
            if maker is not None and not self._nested:
                # Nearly every input of a large manifest: an output that neither lies in another nor holds one.
                inside: tuple[int, ...] = (maker,)
            elif is_glob(pattern):
                found.update(self._makers_in(literal_prefix(pattern)))
                found.update(self._makers_below(pattern, excluded))
                continue
            else:
                inside = self._makers_at(pattern)
                found.update(self._makers_below(pattern, excluded))
            found.update(inside)
            if number in inside:
                self.self_inputs.append(SelfInput(number, pattern))
        return frozenset(found)

    def _makers_at(self, pattern: str) -> tuple[int, ...]:
        """Who makes a path or folder itself, or a folder that it lies in."""
        bare = pattern.rstrip("/")
        above = self._makers_in(bare[: bare.rfind("/") + 1])
        maker = self._makers.get(bare)
        return above if maker is None else (maker, *above)

    def _makers_in(self, folder: str) -> tuple[int, ...]:
        """Who makes a folder, or one that it lies in."""
        if folder not in self._above:
            holders = [above[:-1] for above in parents(folder)] + ([] if is_outside(folder) else ["."])
            self._above[folder] = tuple([self._makers[path] for path in holders if path in self._makers])
        return self._above[folder]

    def _makers_below(self, pattern: str, excluded: Sequence[str]) -> Iterable[int]:
        """Who makes what lies in a folder or matches a glob, but for what is taken away."""
        if not is_glob(pattern) and pattern != "./":
            pattern = pattern if pattern.endswith("/") else f"{pattern}/"
            if pattern not in self._holding:
                return
        if pattern not in self._below:
            self._below[pattern] = self._outputs.covered(pattern)
        for path in self._below[pattern]:
            if not excluded or not self._is_taken_away(path, pattern, excluded):
                yield self._makers[path]

    def _is_taken_away(self, path: str, pattern: str, excluded: Sequence[str]) -> bool:
        written = f"{path}/" if path in self._folders else path
        return any(matches(out, path) or takes_away(out, written, pattern) for out in excluded)
