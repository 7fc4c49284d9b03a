"""From what a task declares to the files that are there.

Knows what ``$in`` stands for, which files count as inputs and which as outputs, and their digests. Does not know records of
earlier runs but for the outputs that one names, nor what a difference means.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain

from exarp.model.event import FreshnessReason
from exarp.model.manifest import Manifest
from exarp.model.overlap import is_wide
from exarp.model.path import is_glob, is_taken_away, matches
from exarp.model.task import Task
from exarp.planning.freshness import MISSING, Record, as_tool
from exarp.workspace.fingerprints import FOLDER, UNREADABLE, FileClock, Fingerprints
from exarp.workspace.globbing import Globbing, Listing, Outputs

_COMPLAINTS = {
    "no-match": "{} matches no file",
    "name-not-utf8": "the name of {} is not UTF-8",
    "input-unreadable": "{} cannot be read: {}",
    "tool-unreadable": "{} cannot be read: {}",
    "output-unreadable": "{} cannot be read: {}",
    "output-is-folder": "{} is a folder, and outputs name it without a slash at its end",
}


_NO_PROGRAM = "a tool is a file; programs that PATH leads to are no tools"


class FileFault(Exception):
    """A file is not there, or cannot be taken; ``reason`` says which, the message says it as a clause."""

    def __init__(self, reason: FreshnessReason) -> None:
        super().__init__(_COMPLAINTS.get(reason.code, "{} is not there").format(reason.subject, reason.detail))
        self.reason = reason


class Resolution:
    """Resolves inputs and outputs of the tasks of one manifest in one workspace (``root``: absolute).

    ``declared``: what is declared as an output beyond the manifest's own tasks.
    """

    def __init__(
        self,
        root: str,
        manifest: Manifest,
        fingerprints: Fingerprints,
        clock: FileClock | None,
        declared: Iterable[str] = (),
    ) -> None:
        self._fingerprints = fingerprints
        outputs = Outputs(chain(declared, (path for task in manifest.tasks for path in task.outputs or ())))
        self.globbing = Globbing(root, outputs, clock)
        self.globbing.breathe = self._breathe

    def _breathe(self) -> None:
        # Who is let in between is told to the fingerprints, and later than here.
        self._fingerprints.breathe()

    def forget(self) -> None:
        """Files may have changed since they were looked at."""
        self._fingerprints.forget()
        self.globbing.forget()

    def inputs(self, spec: Task) -> tuple[tuple[str, ...], list[str]]:
        """What ``$in`` stands for, and the files whose contents count: those, and the tools.

        Raises FileFault, also where a pattern of what the task modifies matches nothing: it would change nothing, and pass.
        """
        for pattern in spec.modifies:
            if is_glob(pattern) and not spec.allow_empty and not self.globbing.files(pattern):
                raise FileFault(FreshnessReason("no-match", pattern))
        if spec.inputs is None and not spec.tools:
            return (), []
        named: dict[str, None] = {}
        files: dict[str, None] = {}
        own = Own(spec)
        for pattern in spec.inputs or ():
            if not spec.excluded or not is_taken_away(pattern, spec.excluded):
                self._add(pattern, spec, spec.excluded, own, named, files)
        for pattern in spec.tools:
            if "/" not in pattern and not is_glob(pattern) and self._fingerprints.is_missing(pattern):
                raise FileFault(FreshnessReason("tool-missing", pattern, _NO_PROGRAM))
            try:
                self._add(pattern, spec, (), own, {}, files)
            except FileFault as fault:
                raise FileFault(as_tool(spec, fault.reason)) from None
        refuse_odd(files)
        return tuple(named), list(files)

    def _add(
        self,
        pattern: str,
        spec: Task,
        excluded: Sequence[str],
        own: Own,
        named: dict[str, None],
        files: dict[str, None],
    ) -> None:
        """Add the files behind a pattern to ``files``, and to ``named`` what the pattern gives to ``$in``."""
        if not is_glob(pattern) and not pattern.endswith("/"):
            named[pattern] = None
            files.update(dict.fromkeys(self._exact(pattern, excluded, own)))
            return
        found = dict.fromkeys(path for path in self.globbing.files(pattern, excluded) if not own.has(path))
        if is_glob(pattern):
            if not found and not spec.allow_empty:
                raise FileFault(FreshnessReason("no-match", pattern))
            named.update(found)
        else:
            if not self._fingerprints.is_folder(pattern):
                raise FileFault(FreshnessReason("input-missing", pattern))
            named[pattern] = None
        files.update(found)

    def fault(self, spec: Task) -> FreshnessReason | None:
        """Why a task's inputs cannot be read, as far as that can be seen without reading them."""
        try:
            files = self.inputs(spec)[1]
        except FileFault as fault:
            return fault.reason
        missing = next((path for path in files if self._fingerprints.is_missing(path)), None)
        return as_tool(spec, FreshnessReason("input-missing", missing)) if missing is not None else None

    def digests(self, spec: Task, files: Iterable[str]) -> dict[str, bytes]:
        """Digests of a task's inputs and tools. Raises FileFault where one is missing or cannot be read."""
        found = {}
        for path in files:
            digest = found[path] = self._fingerprints.digest(path)
            if digest == MISSING:
                raise FileFault(as_tool(spec, FreshnessReason("input-missing", path)))
            if digest == UNREADABLE:
                unreadable = FreshnessReason("input-unreadable", path, self._fingerprints.complaint(path))
                raise FileFault(as_tool(spec, unreadable))
        return found

    def _exact(self, path: str, excluded: Sequence[str], own: Own) -> list[str]:
        """The files behind an exact input: itself, or all that is in it where it is a folder."""
        if self._fingerprints.is_folder(path):
            inside = [found for found in self.globbing.files(f"{path}/", excluded) if not own.has(found)]
            return [path, *inside]
        return [path]

    def outputs(self, spec: Task) -> tuple[dict[str, bytes], str | None]:
        """Digests of all outputs that are there, and the first declared one that is not. Raises FileFault."""
        found: dict[str, bytes] = {}
        for pattern in spec.outputs or ():
            if is_glob(pattern):
                paths = self.globbing.files(pattern)
                if not paths and not spec.allow_empty:
                    return found, pattern
            elif pattern.endswith("/"):
                if not self._fingerprints.is_folder(pattern):
                    return found, pattern
                paths = [pattern, *self.globbing.files(pattern)]
            else:
                paths = [pattern]
            refuse_odd(paths)
            for path in paths:
                found[path] = self._fingerprints.digest(path)
                if found[path] == MISSING:
                    return found, path
                if found[path] == UNREADABLE:
                    raise FileFault(FreshnessReason("output-unreadable", path, self._fingerprints.complaint(path)))
                if found[path] == FOLDER and path == pattern and not path.endswith("/"):
                    # Neither what is in it nor who reads that would be known.
                    raise FileFault(FreshnessReason("output-is-folder", path))
        return found, None

    def listings(self, spec: Task, record: Record) -> dict[str, Listing] | None:
        """By folder, what a task's patterns are found in; None where they stand for other files than ``record`` has."""
        try:
            named = set(self.inputs(spec)[1])
        except FileFault:
            return None
        if named != record.inputs.keys() or self.recorded_outputs(spec, record).keys() != record.outputs.keys():
            return None
        found: dict[str, Listing] = {}
        for pattern in (*(spec.inputs or ()), *(spec.outputs or ()), *spec.tools, *spec.modifies):
            if not is_glob(pattern) and not pattern.endswith("/"):
                if record.inputs.get(pattern) is None or not self._fingerprints.is_folder(pattern):
                    continue
                pattern = f"{pattern}/"
            found.update(self.globbing.listings(pattern))
        return found

    def remains(self, spec: Task) -> dict[str, bytes]:
        """Digests of whatever is there of a task's outputs."""
        paths: dict[str, None] = {}
        for pattern in spec.outputs or ():
            if not is_glob(pattern):
                paths[pattern] = None
            if is_glob(pattern) or pattern.endswith("/"):
                paths.update(dict.fromkeys(self.globbing.files(pattern)))
        found = {in_text(path): self._fingerprints.digest(path) for path in paths}
        return {path: digest for path, digest in found.items() if digest != MISSING}

    def recorded_outputs(self, spec: Task, record: Record) -> dict[str, bytes]:
        """Digests of the outputs that were recorded, and of those that declared folders and globs hold beside them."""
        paths = dict.fromkeys(record.outputs)
        for pattern in spec.outputs or ():
            if is_glob(pattern) or pattern.endswith("/"):
                paths.update(dict.fromkeys(self.globbing.files(pattern)))
        return {in_text(path): self._fingerprints.digest(path) for path in paths}


def refuse_odd(paths: Iterable[str]) -> None:
    """Raises FileFault for a name that is not UTF-8: it can be in no manifest, event or record."""
    odd = next((path for path in paths if in_text(path) != path), None)
    if odd is not None:
        raise FileFault(FreshnessReason("name-not-utf8", in_text(odd)))


def in_text(path: str) -> str:
    """A path as it can be told: itself, or, where a name is not UTF-8, with its odd bytes spelt out."""
    return path if path.isascii() else path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


class Own:
    """What a task makes or modifies, with its depfile: a glob or folder of its inputs never stands for that."""

    def __init__(self, spec: Task) -> None:
        self._spec = spec
        self._exact: set[str] | None = None
        self._wide: list[str] = []

    def has(self, path: str) -> bool:
        """Whether the task makes or modifies ``path``."""
        if self._exact is None:
            # Most tasks have neither globs nor folders among their inputs, and nobody asks.
            patterns = (*(self._spec.outputs or ()), *self._spec.modifies, self._spec.depfile)
            self._exact = {pattern for pattern in patterns if not is_wide(pattern)}
            self._wide = [pattern for pattern in patterns if is_wide(pattern)]
        return path in self._exact or any(matches(pattern, path) for pattern in self._wide)
