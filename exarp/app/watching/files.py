"""What a watched run rests on: the files that its tasks read, and those that its manifest was read from.

Knows which tasks read a file, which folders must be watched to learn of a change, and which changes are none: those of what
tasks make. Does not wait for anything.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Mapping

import msgspec

from exarp.app.opening.project import Project
from exarp.app.opening.shape import stamp_of
from exarp.model.path import is_glob, is_taken_away, matches
from exarp.workspace.fingerprints import Fingerprints
from exarp.workspace.globbing import Globbing, Outputs


class News(msgspec.Struct, frozen=True):
    """Files that changed (absolute), each with the tasks that read it; ``manifest``: a file that the manifest was read from."""

    files: dict[str, list[int]]
    manifest: str = ""

    def __bool__(self) -> bool:
        return bool(self.files or self.manifest)


class Watched:
    """Of one selection. ``tasks``: its numbers; ``found``: what tasks with a depfile were seen to read beyond their inputs;
    ``told``: contents that were news before, which is added to."""

    def __init__(
        self,
        project: Project,
        tasks: Iterable[int],
        found: Mapping[int, Collection[str]],
        told: dict[str, bytes],
    ) -> None:
        self._root = project.root
        self._tasks = project.manifest.tasks
        self._shape = project.shape
        self._outputs = Outputs(path for task in self._tasks for path in task.outputs or ())
        self._depfiles = {self._absolute(task.depfile) for task in self._tasks if task.depfile}
        self._globbing = Globbing(project.root, self._outputs)
        self._readers: dict[str, list[int]] = {}
        self._modifiers: dict[str, list[int]] = {}
        for task in sorted(tasks):
            spec = self._tasks[task]
            own = (*(spec.inputs or ()), *spec.tools, *spec.modifies, *spec.dotenv, *found.get(task, ()))
            for pattern in dict.fromkeys(own):
                if not spec.excluded or not is_taken_away(pattern, spec.excluded):
                    self._readers.setdefault(pattern, []).append(task)
            for pattern in spec.modifies:
                self._modifiers.setdefault(pattern, []).append(task)
        self._told = told
        self._files: dict[str, list[str]] = {}
        # Whether matrices or includes find other files than when the manifest was read, and the folders that they look into.
        self._is_shaped_anew = False
        self._shaping_folders: Collection[str] = ()
        self.folders: set[str] = set()
        self.look()

    @property
    def count(self) -> int:
        """How many files are watched, but for those of the manifest."""
        return len(self._files)

    def look(self) -> None:
        """See which files and folders there are now."""
        self._globbing.forget()
        self._files = {}
        self._look_at_shape()
        folders = {*map(os.path.dirname, self._shaping()), *map(self._absolute, self._shaping_folders)}
        for pattern, readers in self._readers.items():
            paths = [pattern]
            if is_glob(pattern) or pattern.endswith("/") or os.path.isdir(self._absolute(pattern)):
                whole = pattern if is_glob(pattern) else f"{pattern.rstrip('/')}/"
                paths = self._globbing.files(whole)
                folders.update(map(self._absolute, self._globbing.listings(whole)))
            for path in paths:
                if not self._outputs.has(path) and any(not self._excludes(task, path) for task in readers):
                    self._files.setdefault(self._absolute(path), []).append(pattern)
        folders.update(map(os.path.dirname, self._files))
        self.folders = {_there(folder) for folder in folders}

    def news(self, paths: Iterable[str], has_begun: Callable[[int], bool] | None = None) -> News:
        """What of changed ``paths`` matters. ``has_begun``: while a run goes on, whether a task may have changed files. A task
        that merely writes again what was news before changes nothing."""
        shaping = self._shaping()
        changed = {
            path for path in paths if path in shaping or not (self._is_made(path) or self._is_own(path, has_begun))
        }
        if not changed:
            return News({})
        manifest = next((path for path in sorted(changed) if path in shaping), "")
        before = self._files
        self.look()
        if not manifest and self._is_shaped_anew:
            manifest = min(changed)
        known = (changed & (before.keys() | self._files.keys())) | (before.keys() ^ self._files.keys())
        files = {}
        for path in sorted(known):
            patterns = {*before.get(path, ()), *self._files.get(path, ())}
            readers = {
                task
                for pattern in patterns
                for task in self._readers[pattern]
                if not self._excludes(task, self.shown(path))
            }
            # Asked in any case: what is there now is to be known.
            if (self._is_new(path) or has_begun is None) and readers:
                files[path] = sorted(readers)
        return News(files, manifest)

    def shaped_otherwise(self) -> set[str]:
        """Files that the manifest was read from and that are not as they were then."""
        shape = self._shape.files if self._shape is not None else {}
        return {path for path, stamp in shape.items() if stamp_of(path) != stamp}

    def shown(self, path: str) -> str:
        """A path as it is told: relative to the workspace, where it lies in it."""
        return path.removeprefix(f"{self._root}/")

    def _absolute(self, path: str) -> str:
        return os.path.normpath(os.path.join(self._root, path))

    def _shaping(self) -> set[str]:
        """Files whose change may mean other tasks, or other files for patterns."""
        shape = self._shape.files if self._shape is not None else ()
        return {*shape, *(path for path in self._globbing.ignore_files if os.path.basename(path) == ".gitignore")}

    def _look_at_shape(self) -> None:
        outside = self._shape.outside if self._shape is not None else None
        if outside is None or outside.globbing is None or self._is_shaped_anew:
            return
        found = outside.globbing.listings_again()
        if found is None:
            self._is_shaped_anew = True
        else:
            self._shaping_folders = found

    def _is_made(self, path: str) -> bool:
        inside = self.shown(path)
        return path in self._depfiles or self._outputs.has(inside) or inside.split("/", 1)[0] in (".git", ".exarp")

    def _is_own(self, path: str, has_begun: Callable[[int], bool] | None) -> bool:
        """Whether a task that has begun says that it changes this file."""
        if has_begun is None or not self._modifiers:
            return False
        inside = self.shown(path)
        return any(
            any(map(has_begun, tasks))
            for pattern, tasks in self._modifiers.items()
            if pattern == inside or matches(pattern, inside)
        )

    def _excludes(self, task: int, path: str) -> bool:
        return any(matches(out, path) for out in self._tasks[task].excluded)

    def _is_new(self, path: str) -> bool:
        content = Fingerprints(self._root, {}).digest(path)
        before = self._told.get(path)
        self._told[path] = content
        return before is None or before != content


def _there(folder: str) -> str:
    """The folder, or where it would appear first."""
    while not os.path.isdir(folder) and folder != os.path.dirname(folder):
        folder = os.path.dirname(folder)
    return folder
