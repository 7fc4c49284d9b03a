"""Artifacts in a run: instead of a task's command what it made when it was last done so; after it, what it made is kept.

Knows the order in which that is done, and what becomes of a miss: the task runs. Does not know which tasks have artifacts, nor
under which key (``planning.artifacts``), nor where they are (a store is given).
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from exarp.app.freshness.checker import Checker
from exarp.app.freshness.resolution import Own
from exarp.app.ports import ArtifactStore
from exarp.app.running.launcher import emptied_folders, made_folders
from exarp.app.secrets import Secrets
from exarp.engine.stimulus import Checked
from exarp.model.artifact import Artifact, Piece
from exarp.model.path import is_folder, is_glob, is_outside
from exarp.model.task import Task
from exarp.planning.artifacts import artifact_key, fitting, why_not_kept
from exarp.planning.freshness import Record
from exarp.workspace.artifacts.gathering import Gathered, Gathering, NotGathered
from exarp.workspace.artifacts.restoring import NotRestored, Restoring
from exarp.workspace.folders import FolderFault, OutputFolders

# What a file is until it is written anew.
_Mark = tuple[int, int]


class Restored(NamedTuple):
    """A task that need not run: the record of its success, how long that took, and the path of its log, absolute and as
    shown (None where it printed nothing)."""

    record: Record
    duration_ms: int
    log: tuple[str, str] | None


class Artifacts:
    """Of one run, in the workspace ``root``. ``aside``: a folder of exarp's own for what is being put back. ``platform``: see
    ``artifact_key``. ``log_path``: as of the driver."""

    def __init__(
        self,
        root: str,
        checker: Checker,
        folders: OutputFolders,
        store: ArtifactStore,
        aside: str,
        platform: str,
        log_path: Callable[[str, int], tuple[str, str]],
    ) -> None:
        self.store = store
        self._root = root
        self._checker = checker
        self._folders = folders
        self._platform = platform
        self._log_path = log_path
        self._restoring = Restoring(root, aside, store.bring)
        self._before: dict[int, dict[str, _Mark]] = {}
        self.secrets: Secrets | None = None
        # What is worth saying at the end: why successes were not kept.
        self.notes: list[str] = []

    def restored(self, checked: Checked) -> Restored | None:
        """Put back what a task would make that was found to be stale; None where it must run.

        What is raised while files are read leaves each output whole: that of before, or the one of the artifact.
        """
        task = checked.task
        spec = self._checker.manifest.tasks[task]
        if checked.stale is None or why_not_kept(spec):
            return None
        hit = self.hit(checked)
        if hit is not None and (found := self._put_back(task, spec, hit)) is not None:
            return found
        if _may_hold_more(spec):
            self._before[task] = self._marks(self._checker.outputs_there(spec))
        return None

    def hit(self, checked: Checked) -> Artifact | None:
        """What is kept of a task that was found to be stale, and may be put back; None where it must run."""
        task = checked.task
        spec = self._checker.manifest.tasks[task]
        # One that may be made anew in this run is not what it will read when all is done.
        if checked.stale is None or checked.stale.code in ("forced", "made-later") or why_not_kept(spec):
            return None
        variants = self.store.find(self._key(task, spec))
        found = self._fitting(task, variants) if variants else None
        if found is None or not _are_of(spec, found.pieces):
            return None
        # What the task would make of the files that are there beside its own, nobody knows.
        return None if _may_hold_more(spec) and self._holds_more(spec, found) else found

    def _key(self, task: int, spec: Task) -> bytes:
        """The key of a task that has been checked."""
        now = self._checker.snapshots[task].now
        if spec.depfile:
            needs: Iterable[bytes] = ()
        else:
            # What was found when it had a depfile is of no account any more.
            needs = self._checker.contributed(task, {}) if now.found else now.needs.values()
        return artifact_key(now, tuple(needs), self._platform)

    def _fitting(self, task: int, variants: Iterable[Artifact]) -> Artifact | None:
        checker = self._checker
        if not checker.manifest.tasks[task].depfile:
            return fitting(variants, checker.fingerprints.digest, lambda found: ())
        return fitting(variants, checker.fingerprints.digest, lambda found: checker.contributed(task, found))

    def _put_back(self, task: int, spec: Task, hit: Artifact) -> Restored | None:
        drafts: dict[str, str] = {}
        touched = False
        try:
            log = self._fetch_log(spec, hit.log)
            drafts = self._restoring.fetch(hit.pieces)
            touched = bool(hit.pieces)
            for folder in made_folders(spec) if touched else ():
                self._folders.make(folder)
            emptied = emptied_folders(spec)
            for folder in emptied:
                self._folders.empty(folder)
            self._restoring.place(hit.pieces, drafts, emptied)
            record = self._checker.restored(task, hit)
            touched = False
        except (NotRestored, FolderFault, OSError):
            # The task runs, and tells what is wrong if it is wrong for it, too.
            return None
        finally:
            self._restoring.drop(drafts)
            if touched:
                self._folders.forget()
                self._checker.ended(task)
        return Restored(record, hit.duration_ms, log) if record is not None else None

    def _fetch_log(self, spec: Task, piece: Piece | None) -> tuple[str, str] | None:
        if piece is None:
            return None
        path, shown = self._log_path(spec.name, 1)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
        if piece.content is None:
            if not self.store.bring(piece.digest, 0o600, path):
                raise NotRestored("what it printed is not in the store any more, or is damaged there")
        else:
            with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as file:
                file.write(piece.content)
        if self.secrets and self.secrets.held_by(path):
            # It was kept before the variable was called secret.
            os.unlink(path)
            raise NotRestored("what it printed is not to be shown")
        return path, shown

    def keep(
        self,
        task: int,
        record: Record,
        log: str | None,
        duration_ms: int,
        contents: Mapping[str, bytes],
        masked: bool = False,
    ) -> None:
        """Keep a success that nothing speaks against. ``log``: the file of what it printed (absolute), ``masked``: with a secret
        in it; ``contents``: of small outputs, as they were when their digests were taken."""
        spec = self._checker.manifest.tasks[task]
        before = self._before.pop(task, {})
        if why_not_kept(spec) or record.doubt or self._is_left_over(record, before):
            return
        gathering = Gathering(self._root, contents)
        folders = [path for path in spec.outputs or () if is_folder(path)]
        depfile = spec.depfile if not is_outside(spec.depfile) else ""
        try:
            gathered = gathering.gather(record.outputs, folders, depfile)
            printed = gathering.printed(log) if log is not None else None
        except (NotGathered, OSError):
            # Somebody changed it meanwhile, or it is nothing that could be put back: it is made anew.
            return
        if self.secrets and (why := self._told_secret(gathered, masked)):
            self.notes.append(f"{spec.name} is not kept as an artifact: {why}")
            return
        needs = tuple(sorted(record.needs.values()))
        key = artifact_key(record, () if spec.depfile else needs, self._platform)
        artifact = Artifact(
            outputs=record.outputs,
            found=record.found,
            pieces=gathered.pieces,
            log=printed,
            duration_ms=duration_ms,
            task=spec.name,
            needs=needs if spec.depfile else (),
        )
        self.store.keep(key, artifact, gathered.files)

    def _told_secret(self, gathered: Gathered, masked: bool) -> str:
        """Which secret a success would give away to who reads the store, as a clause; an empty text for none."""
        assert self.secrets is not None, "it was asked before"
        if masked:
            return "what it printed holds the value of a secret variable"
        for piece in gathered.pieces:
            held = self.secrets.named([piece.content]) if piece.content is not None else ""
            if piece.blob:
                try:
                    held = self.secrets.held_by(gathered.files[piece.digest])
                except OSError:
                    return f"{piece.path} cannot be read"
            if held:
                return f"{piece.path} holds the value of {held}, which is secret"
        return ""

    def failed(self, name: str) -> None:
        """A task failed: what it came to when it was last done so is not to be relied on."""
        task = self._checker.ids[name]
        self._before.pop(task, None)
        spec = self._checker.manifest.tasks[task]
        if task in self._checker.snapshots and not why_not_kept(spec):
            self.store.forget(self._key(task, spec))

    def _holds_more(self, spec: Task, hit: Artifact) -> bool:
        """Whether files are among a task's outputs that would still be there beside what is put back."""
        return any(path not in hit.outputs for path in self._checker.outputs_there(spec))

    def _is_left_over(self, record: Record, before: Mapping[str, _Mark]) -> bool:
        """Whether something among the outputs was there before, and the task did not touch it: another may have made it."""
        return bool(before) and not before.items().isdisjoint(self._marks(record.outputs).items())

    def _marks(self, paths: Iterable[str]) -> dict[str, _Mark]:
        found = {}
        for path in paths:
            with contextlib.suppress(OSError):
                if not path.endswith("/"):
                    status = os.lstat(f"{self._root}/{path}")
                    found[path] = (status.st_ctime_ns, status.st_ino)
        return found


def _may_hold_more(spec: Task) -> bool:
    """Whether a task's outputs may be more than it made: what a glob matches, or lies in a folder that is not emptied."""
    return any(is_glob(path) or (spec.keep_outputs and is_folder(path)) for path in spec.outputs or ())


def _are_of(spec: Task, pieces: Iterable[Piece]) -> bool:
    """Whether all pieces are what the task makes: whoever writes into a shared store is to write nothing else here."""
    own = Own(spec)
    return all(
        own.has(piece.path) and ".." not in piece.path.split("/") and not piece.path.startswith("/") for piece in pieces
    )
