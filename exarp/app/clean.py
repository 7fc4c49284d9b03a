"""The use case ``clean``: remove what tasks have made.

Knows which files are a task's own, and who must be left alone: files of git's, of other people, of other manifests, and all that
lies outside of the workspace. Runs nothing, and words nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

import msgspec

from exarp.app.freshness.memory import Memory, Selection, recall
from exarp.app.freshness.records import decoded
from exarp.app.holding import Wants
from exarp.app.opening.project import Project
from exarp.app.wants import wants_of_removal
from exarp.app.wiring import Session
from exarp.model.path import exact_name, is_folder, is_glob, is_outside, matches, parents
from exarp.model.task import Task
from exarp.planning.freshness import Record
from exarp.workspace.fingerprints import Fingerprints
from exarp.workspace.folders import OutputFolders
from exarp.workspace.globbing import Outputs
from exarp.workspace.removal import Removal
from exarp.workspace.tracked import Tracked


class CleanRequest(msgspec.Struct, frozen=True):
    """What the command line asks for. ``tasks``: by name. ``stale``: what no task makes any more, and of all tasks instead.

    ``command``: as it was typed.
    """

    tasks: tuple[str, ...]
    stale: bool = False
    dry_run: bool = False
    wait: bool = True
    command: tuple[str, ...] = ("exarp", "clean")


class Left(msgspec.Struct, frozen=True):
    """Something that is not removed, and why: a code, and what it is about."""

    path: str
    task: str
    reason: str
    detail: str = ""


class Cleaned(msgspec.Struct, frozen=True):
    """What was removed, or would be. ``forgotten``: tasks that are no more, and whose successes are not remembered any longer."""

    files: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    left: tuple[Left, ...] = ()
    forgotten: tuple[str, ...] = ()

    @property
    def failed(self) -> bool:
        """Whether something was to be removed and could not be."""
        return any(left.reason == "failed" for left in self.left)


def clean(project: Project, request: CleanRequest, environ: Mapping[str, str], note: Callable[[str], None]) -> Cleaned:
    """Remove, or (``dry_run``) only say what would be removed. Raises BusyError, UsageError."""
    graph = project.graph
    names = frozenset(request.tasks)
    selected = Selection(names, request.stale or 2 * len(names) > len(graph), whole=False)
    if request.dry_run:
        memory = recall(project.root, selected)
        for fault in memory.faults:
            note(f"warning: {fault}")
        return _Clean(project, request, environ, memory).cleaned()
    wants = Wants(whole=True) if request.stale else wants_of_removal(project, request.tasks)
    with Session(project.root, request.command, environ, request.wait, note, wants) as session:
        session.recall(selected)
        cleaning = _Clean(project, request, environ, session.memory)
        cleaned = cleaning.cleaned()
        session.ledger.forget(cleaned.forgotten)
        session.ledger.write([], [(name, msgspec.msgpack.encode(record), None) for name, record in cleaning.rewritten])
        return cleaned


class _Clean:
    def __init__(self, project: Project, request: CleanRequest, environ: Mapping[str, str], memory: Memory) -> None:
        self.project = project
        self.request = request
        self.manifest = project.manifest
        self.memory = memory
        self.tracked = Tracked(project.root, environ)
        self.removal = Removal(project.root)
        self.claims = OutputFolders(project.root, f"{project.root}/.exarp/folders")
        self.fingerprints = Fingerprints(project.root, memory.known)
        self.rewritten: list[tuple[str, Record]] = []
        self.forgotten: list[str] = []
        self.left: dict[str, Left] = {}
        # By path: the task that it is of. Folders with their slash.
        self._files: dict[str, str] = {}
        self._folders: dict[str, str] = {}
        self._released: list[str] = []

    def cleaned(self) -> Cleaned:
        if self.request.stale:
            self.stale()
        else:
            for name in self.request.tasks:
                self.take(self.manifest.tasks[self.project.graph.ids[name]])
        folders = self.emptied()
        if not self.request.dry_run:
            folders = self.carry_out(folders)
        return Cleaned(tuple(self._files), tuple(folders), tuple(self.left.values()), tuple(self.forgotten))

    # -- of tasks ----------------------------------------------------------------------------------------------

    def take(self, task: Task) -> None:
        """What a task declares to make."""
        recorded = self.recorded(task.name)
        for pattern in (*(task.outputs or ()), *([task.depfile] if task.depfile else ())):
            path = exact_name(pattern)
            if is_outside(path) or path == "./":
                continue
            if is_folder(path):
                self.take_folder(task, path, recorded)
            elif is_glob(path):
                for made in _matching(pattern, recorded):
                    self.take_file(task.name, made)
            elif path in (task.inputs or ()):
                self.leave(path, task.name, "own-input")
            else:
                self.take_file(task.name, path)

    def recorded(self, name: str) -> Mapping[str, bytes]:
        """Outputs that the last success of a task of this manifest left, by path."""
        record = self.record(name)
        return record.outputs if record is not None and record.manifest == self.project.named else {}

    def record(self, name: str) -> Record | None:
        stored = self.memory.records.get(name)
        return decoded(stored) if isinstance(stored, bytes) else stored

    def take_folder(self, task: Task, folder: str, recorded: Mapping[str, bytes]) -> None:
        """All that is in an output folder if it is exarp's, as before each start of the task; else what is recorded."""
        kind = self.removal.kind(folder)
        if kind == "":
            return
        if kind != "folder" or self.removal.leads_out(folder):
            self.leave(folder, task.name, "outside" if kind == "folder" else "linked")
            return
        inside = list(self.removal.below(folder))
        if any(path.endswith("/.git") for path, _ in inside):
            self.leave(folder, task.name, "repository")
            return
        own = not task.keep_outputs and self.claims.owns(folder)
        self._folders[folder] = task.name
        if own:
            self._released.append(folder)
        for path, is_a_folder in inside:
            if is_a_folder:
                self._folders[f"{path}/"] = task.name
            elif own or path in recorded:
                self.take_file(task.name, path)
            else:
                self.leave(path, task.name, "unrecorded")

    def take_file(self, task: str, path: str, digest: bytes | None = None) -> None:
        """One file, unless it is not to be touched. ``digest``: of the content that it must have."""
        kind = self.removal.kind(path)
        if kind == "":
            return
        if self.removal.leads_out(path):
            self.leave(path, task, "outside")
        elif kind == "folder":
            self.leave(path, task, "is-folder")
        elif self.tracked.has(path):
            self.leave(path, task, "tracked")
        elif digest is not None and self.fingerprints.digest(path) != digest:
            self.leave(path, task, "changed")
        else:
            self._files[path] = task

    def leave(self, path: str, task: str, reason: str, detail: str = "") -> None:
        self.left[path] = Left(path, task, reason, detail)

    # -- what no task makes any more -----------------------------------------------------------------------------

    def stale(self) -> None:
        """What was made by tasks that are no more, and what others do not declare any longer."""
        declared = Outputs(path for task in self.manifest.tasks for path in task.outputs or ())
        readers = {path: task.name for task in self.manifest.tasks for path in (*(task.inputs or ()), *task.tools)}
        for name in self.memory.records:
            record = self.record(name)
            # One of an older exarp does not say which manifest its task was in.
            if record is None or not record.parts or record.manifest != self.project.named:
                continue
            is_gone = name not in self.project.graph.ids
            for path, digest in {**record.left, **record.outputs}.items():
                if declared.has(path) or is_outside(path):
                    continue
                if path in readers:
                    self.leave(path, name, "read", readers[path])
                elif path.endswith("/"):
                    self._folders[path] = name
                else:
                    self.take_file(name, path, digest)
            if is_gone:
                self.forgotten.append(name)
            elif record.left:
                self.rewritten.append((name, msgspec.structs.replace(record, left={})))

    # -- folders -----------------------------------------------------------------------------------------------

    def emptied(self) -> list[str]:
        """Folders that hold nothing any more without these files, the innermost first."""
        wanted = self.wanted_folders()
        candidates = {folder for path in self._files for folder in parents(path)} | self._folders.keys()
        gone = {*self._files}
        found = []
        for folder in sorted(candidates, key=lambda path: path.count("/"), reverse=True):
            if folder in wanted or self.removal.kind(folder) != "folder" or self.removal.leads_out(folder):
                continue
            if all(f"{folder}{name}" in gone for name in self.removal.names(folder)):
                gone.add(folder.rstrip("/"))
                found.append(folder)
        return found

    def wanted_folders(self) -> set[str]:
        """Folders that tasks find themselves in, or read as such: nobody would make them again."""
        tasks = self.manifest.tasks
        made = {path for task in tasks for path in task.outputs or () if is_folder(path)}
        named = {f"{task.cwd}/" for task in tasks if task.cwd}
        named |= {path for task in tasks for path in task.inputs or () if is_folder(path) and path not in made}
        return {above for folder in named for above in parents(folder)}

    # -- removing ------------------------------------------------------------------------------------------------

    def carry_out(self, folders: Iterable[str]) -> list[str]:
        """Remove; the folders that are gone. What cannot be removed is left, and told."""
        for path, task in list(self._files.items()):
            if not self._removed(self.removal.remove, path, task):
                del self._files[path]
        gone = [folder for folder in folders if self._removed(self.removal.remove_folder, folder, "")]
        for folder in self._released:
            if folder in gone:
                # Whatever is put there later is somebody else's.
                self.claims.release(folder)
        return gone

    def _removed(self, remove: Callable[[str], None], path: str, task: str) -> bool:
        try:
            remove(path)
        except FileNotFoundError:
            return True
        except OSError as error:
            if task:
                self.leave(path, task, "failed", error.strerror or str(error))
            return False
        return True


def _matching(pattern: str, recorded: Iterable[str]) -> Iterator[str]:
    return (path for path in recorded if matches(pattern, path) and not path.endswith("/"))
