"""What would be put back from artifacts if a run began now.

Knows how a task is looked at as it would be once others are restored: what these make is known before it is there. Changes
nothing, on disk or in what it is told of. Whose needs are known well enough for that, ``forecast`` decides.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping

from exarp.app.freshness.checker import Checker
from exarp.app.freshness.memory import Memory
from exarp.app.opening.project import Project
from exarp.app.running.artifacts import Artifacts
from exarp.app.running.launcher import emptied_folders
from exarp.app.wiring import artifact_folder, platform
from exarp.model.artifact import FOLDER, Artifact
from exarp.model.event import NOT_THERE, FreshnessReason
from exarp.model.overlap import is_wide
from exarp.model.path import literal_prefix, parents
from exarp.model.task import Task
from exarp.planning.artifacts import why_not_kept
from exarp.workspace.artifacts.store import FolderStore
from exarp.workspace.fingerprints import Fingerprints
from exarp.workspace.folders import OutputFolders


class Restorable:
    """Asked in the order of the plan, each task once. ``restored``: those that would be; ``unsure``: those of them that would
    leave other files in a folder than are there now."""

    def __init__(self, project: Project, environ: Mapping[str, str], memory: Memory, folder: str) -> None:
        self.restored: set[int] = set()
        self.unsure: set[int] = set()
        self._root = project.root
        self._tasks = project.manifest.tasks
        # Of its own: what it takes for made is not there.
        self._fingerprints = Fingerprints(project.root, memory.known)
        self._checker = Checker(
            project.root, project.manifest, project.graph, environ, memory.records, self._fingerprints
        )
        self._artifacts = Artifacts(
            project.root,
            self._checker,
            OutputFolders(project.root, ""),
            FolderStore(folder, project.manifest.cache.max_size, looks_only=True),
            "",
            platform(),
            _no_log,
        )
        # Folders in which something is taken for made that is not there.
        self._growing: set[str] = set()

    def look(self, task: int) -> tuple[FreshnessReason | None, bool] | None:
        """Why a task would run or be restored, None if neither; and whether it would be restored. None for both where that is not
        known."""
        spec = self._tasks[task]
        why_not = why_not_kept(spec)
        if why_not == "runs-nothing" or (why_not and not self.restored):
            return None
        if self._growing and any(map(self._may_grow, _read_by(spec))):
            return None
        checked = self._checker.check(task)
        # What a condition says, nobody asks.
        hit = self._artifacts.hit(checked) if not spec.when else None
        if hit is None or self._is_in_the_way(spec, hit):
            reason = checked.impossible or checked.stale
            # What others make is not there yet.
            return None if reason is not None and reason.code in NOT_THERE and self.restored else (reason, False)
        self._restore(task, spec, hit)
        return checked.stale, True

    def _may_grow(self, pattern: str) -> bool:
        """Whether a pattern may stand for something that is not there yet; what is named exactly is known."""
        if not is_wide(pattern):
            return f"{pattern}/" in self._growing
        return (literal_prefix(pattern) or "./") in self._growing

    def _is_in_the_way(self, spec: Task, hit: Artifact) -> bool:
        """Whether a folder stands where a file is to be, or the other way round: then nothing can be put there."""
        emptied = emptied_folders(spec)
        for piece in hit.pieces:
            if any(piece.path != folder and piece.path.startswith(folder) for folder in emptied):
                continue
            try:
                found = os.lstat(f"{self._root}/{piece.path.rstrip('/')}")
            except FileNotFoundError:
                continue
            except OSError:
                return True
            if stat.S_ISDIR(found.st_mode) != (piece.kind == FOLDER):
                return True
        return False

    def _restore(self, task: int, spec: Task, hit: Artifact) -> None:
        self.restored.add(task)
        for path in hit.outputs:
            if self._fingerprints.is_missing(path):
                self._growing.update(("./", *parents(path)))
        if any(map(is_wide, spec.outputs or ())) and any(
            path not in hit.outputs for path in self._checker.outputs_there(spec)
        ):
            self.unsure.add(task)
        self._checker.foresee(task, hit)


def restorable(project: Project, environ: Mapping[str, str], memory: Memory) -> Restorable | None:
    """None where nothing is kept."""
    folder = artifact_folder(project.root, project.manifest.cache, environ)
    return Restorable(project, environ, memory, folder) if folder is not None and os.path.isdir(folder) else None


def _read_by(spec: Task) -> tuple[str, ...]:
    return (*(spec.inputs or ()), *spec.tools)


def _no_log(task: str, attempt: int) -> tuple[str, str]:
    raise AssertionError("nothing is put back")
