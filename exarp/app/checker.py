"""Whether a task must run, and what is recorded when it has.

Knows the steps: resolve inputs, take digests, ask ``planning.freshness``; after a success look at outputs and inputs again.
Does not decide what a difference means, and does not keep records (the ledger does).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from exarp.engine.stimulus import Checked, Settled
from exarp.graph.task_graph import TaskGraph
from exarp.model.event import FreshnessReason
from exarp.model.manifest import Manifest
from exarp.model.path import is_glob, matches, normalise
from exarp.model.task import Task
from exarp.planning.freshness import MISSING, Record, decide
from exarp.planning.recipe import recipe_digest
from exarp.workspace.depfile import parse_depfile
from exarp.workspace.fingerprints import FileClock, Fingerprints
from exarp.workspace.globbing import Globbing, Outputs

_RECORD = msgspec.msgpack.Decoder(Record)


class Snapshot(msgspec.Struct, frozen=True):
    """A task as it stood when it was checked. ``named``: what ``$in`` stands for. ``moment``: on the files' clock."""

    named: tuple[str, ...]
    now: Record
    moment: int


# A moment that nothing is younger than.
NEVER_LATE = 1 << 63


class InputFault(Exception):
    """An input is not there; ``reason`` says which."""

    def __init__(self, reason: FreshnessReason) -> None:
        super().__init__(reason.subject)
        self.reason = reason


class Checker:
    """Checks and settles the tasks of one manifest in one workspace.

    ``records``: successes as stored, by task. ``force``: every task that is checked must run. ``clock``: the files' own; only
    who settles tasks with depfiles needs it.
    """

    def __init__(
        self,
        root: str,
        manifest: Manifest,
        graph: TaskGraph,
        environ: Mapping[str, str],
        records: Mapping[str, bytes],
        fingerprints: Fingerprints,
        force: bool = False,
        clock: FileClock | None = None,
    ) -> None:
        self.root = root
        self.manifest = manifest
        self.graph = graph
        self.environ = environ
        self.fingerprints = fingerprints
        self.globbing = Globbing(root, Outputs(path for task in manifest.tasks for path in task.outputs or ()))
        self.force = force
        self.clock = clock
        self.snapshots: dict[int, Snapshot] = {}
        self._stored = records
        self._records: dict[int, Record | None] = {}
        self._contributions: dict[int, bytes] = {}
        self._made: dict[str, bytes] = {}

    def check(self, task: int) -> Checked:
        """Whether ``task`` must run; what was seen is kept for its start and for ``settle``."""
        spec = self.manifest.tasks[task]
        record = self.record(task)
        moment = self._moment(spec)
        try:
            named, now = self._look(task, spec, record)
        except InputFault as fault:
            return Checked(task, impossible=fault.reason)
        stale = FreshnessReason("forced") if self.force else decide(spec, record, now)
        if stale is not None:
            self.snapshots[task] = Snapshot(named, now, moment)
        return Checked(task, stale=stale)

    def look_again(self, task: int) -> FreshnessReason | None:
        """Before another attempt: take a new snapshot; the fault if the inputs are gone meanwhile."""
        spec = self.manifest.tasks[task]
        moment = self._moment(spec)
        try:
            named, now = self._look(task, spec, self.record(task))
        except InputFault as fault:
            return fault.reason
        self.snapshots[task] = Snapshot(named, now, moment)
        return None

    def peek(self, task: int) -> FreshnessReason | None:
        """As ``check``, for a forecast: keeps nothing, and looks at no file of a task that surely must run."""
        spec = self.manifest.tasks[task]
        record = self.record(task)
        if self.force:
            return FreshnessReason("forced")
        if spec.is_group:
            return None
        if record is None or (spec.inputs is None and spec.outputs is None):
            return decide(spec, record, _NOTHING)
        try:
            return decide(spec, record, self._look(task, spec, record)[1])
        except InputFault as fault:
            return fault.reason

    def settle(self, task: int) -> tuple[Settled, Record | None]:
        """After a successful attempt: whether its outputs exist, and the record of the success if it may be kept."""
        self.changed_world()
        spec = self.manifest.tasks[task]
        snapshot = self.snapshots.pop(task)
        outputs, missing = self._outputs(spec)
        if missing is not None:
            return Settled(task, fault=FreshnessReason("outputs-not-made", missing)), None
        found, doubt = self._found(spec, snapshot)
        changed = next(
            (path for path, then in snapshot.now.inputs.items() if self.fingerprints.digest(path) != then), None
        )
        if changed is not None:
            doubt = f"{changed} changed while the task ran: it will run again next time"
        if doubt is not None:
            self._records[task] = None
            self._contributions.pop(task, None)
            return Settled(task, warnings=(doubt,)), None
        record = msgspec.structs.replace(snapshot.now, outputs=outputs, found=found)
        self._keep(task, record)
        return Settled(task), record

    def touch(self, task: int) -> tuple[Record | None, str | None]:
        """The record that takes a task as done with its files as they are, or what is missing."""
        spec = self.manifest.tasks[task]
        try:
            named, now = self._look(task, spec, None)
        except InputFault as fault:
            return None, fault.reason.subject
        outputs, missing = self._outputs(spec)
        if missing is not None:
            return None, missing
        # No command ran, so nothing can have changed "while it ran": whatever the depfile names is taken as it is.
        found, _ = self._found(spec, Snapshot(named, now, NEVER_LATE))
        record = msgspec.structs.replace(now, outputs=outputs, found=found)
        self._keep(task, record)
        return record, None

    def changed_world(self) -> None:
        """A task has ended: nothing that was seen of the files may be relied on."""
        self.fingerprints.forget()
        self.globbing.forget()

    def record(self, task: int) -> Record | None:
        """The last success of a task."""
        if task not in self._records:
            stored = self._stored.get(self.graph.names[task])
            self._records[task] = _decode(stored) if stored is not None else None
        return self._records[task]

    def _moment(self, spec: Task) -> int:
        return self.clock.now() if spec.depfile and self.clock is not None else NEVER_LATE

    def _keep(self, task: int, record: Record) -> None:
        self._records[task] = record
        # Generated headers may be as young as the tasks that read them; what made them is known.
        self._made.update(record.outputs)
        self._contributions.pop(task, None)

    # -- looking -----------------------------------------------------------------------------------------------

    def _look(self, task: int, spec: Task, record: Record | None) -> tuple[tuple[str, ...], Record]:
        """What ``$in`` stands for, and digests as they are now. Raises InputFault."""
        digest = self.fingerprints.digest
        named, files = self._inputs(spec)
        inputs = {}
        for path in files:
            inputs[path] = digest(path)
            if inputs[path] == MISSING:
                raise InputFault(FreshnessReason("input-missing", path))
        found = {path: digest(path) for path in record.found} if record is not None else {}
        now = Record(
            recipe=recipe_digest(spec, self.manifest.vars, self.environ),
            inputs=inputs,
            found=found,
            outputs=self._recorded_outputs(spec, record) if record is not None else {},
            needs={self.graph.names[need]: part for need, part in self._needs(task, spec, inputs)},
        )
        return named, now

    def inputs_of(self, spec: Task) -> tuple[str, ...]:
        """What ``$in`` stands for now. Raises InputFault."""
        return self._inputs(spec)[0]

    def _inputs(self, spec: Task) -> tuple[tuple[str, ...], list[str]]:
        """What ``$in`` stands for, and the files whose contents count. Raises InputFault for a glob without a match."""
        if spec.inputs is None:
            return (), []
        named: dict[str, None] = {}
        files: dict[str, None] = {}
        patterns = [*spec.inputs, *(path for name in spec.sources for path in self._declared_outputs(name))]
        for pattern in patterns:
            if not is_glob(pattern) and not pattern.endswith("/"):
                if not any(matches(out, pattern) for out in spec.excluded):
                    named[pattern] = None
                    files.update(dict.fromkeys(self._exact(pattern, spec)))
                continue
            found = [path for path in self.globbing.files(pattern, spec.excluded) if not _is_own(spec, path)]
            if odd := next((path for path in found if not _is_text(path)), None):
                raise InputFault(FreshnessReason("name-not-utf8", odd.encode("utf-8", "backslashreplace").decode()))
            if is_glob(pattern):
                if not found:
                    raise InputFault(FreshnessReason("no-match", pattern))
                named.update(dict.fromkeys(found))
            else:
                if not self.fingerprints.is_folder(pattern):
                    raise InputFault(FreshnessReason("input-missing", pattern))
                named[pattern] = None
            files.update(dict.fromkeys(found))
        return tuple(named), list(files)

    def _exact(self, path: str, spec: Task) -> list[str]:
        """The files behind an exact input: itself, or all that is in it where it is a folder."""
        if path in spec.modifies:
            return []
        if self.fingerprints.is_folder(path):
            inside = [found for found in self.globbing.files(f"{path}/", spec.excluded) if not _is_own(spec, found)]
            return [path, *inside]
        return [path]

    def _declared_outputs(self, name: str) -> Iterable[str]:
        return self.manifest.tasks[self.graph.ids[name]].outputs or ()

    def _outputs(self, spec: Task) -> tuple[dict[str, bytes], str | None]:
        """Digests of all outputs that are there, and the first declared one that is not."""
        found: dict[str, bytes] = {}
        for pattern in spec.outputs or ():
            if is_glob(pattern):
                paths = self.globbing.files(pattern)
                if not paths:
                    return found, pattern
            elif pattern.endswith("/"):
                if not self.fingerprints.is_folder(pattern):
                    return found, pattern
                paths = [pattern, *self.globbing.files(pattern)]
            else:
                paths = [pattern]
            for path in paths:
                found[path] = self.fingerprints.digest(path)
                if found[path] == MISSING:
                    return found, path
        return found, None

    def _recorded_outputs(self, spec: Task, record: Record) -> dict[str, bytes]:
        """Digests of the outputs that were recorded, and of those that declared folders and globs hold beside them."""
        paths = dict.fromkeys(record.outputs)
        for pattern in spec.outputs or ():
            if is_glob(pattern) or pattern.endswith("/"):
                paths.update(dict.fromkeys(self.globbing.files(pattern)))
        return {path: self.fingerprints.digest(path) for path in paths}

    def _found(self, spec: Task, snapshot: Snapshot) -> tuple[dict[str, bytes], str | None]:
        """Digests of what the depfile lists beyond the inputs, and why the success must not be recorded, if so."""
        if not spec.depfile:
            return {}, None
        try:
            listed = parse_depfile(self._read(spec.depfile))
        except OSError:
            return {}, f"the depfile {spec.depfile} was not written: the task will run again next time"
        except ValueError as error:
            return {}, f"the depfile {spec.depfile} is not in Makefile syntax ({error})"
        found: dict[str, bytes] = {}
        for entry in listed:
            path = self._workspace_path(entry, spec.cwd)
            if path in snapshot.now.inputs or _is_own(spec, path):
                continue
            found[path] = self.fingerprints.digest(path)
            known = snapshot.now.found.get(path) or self._made.get(path)
            late = found[path] != known if known else self.fingerprints.changed_since(path, snapshot.moment)
            if late:
                return found, f"{path} changed while the task ran: it will run again next time"
        return found, None

    def _workspace_path(self, entry: str, cwd: str) -> str:
        path = normalise(entry, cwd)
        inside = f"{self.root}/"
        return path[len(inside) :] if path.startswith(inside) else path

    def _read(self, path: str) -> str:
        absolute = path if path.startswith("/") else f"{self.root}/{path}"
        with open(absolute, encoding="utf-8", errors="surrogateescape") as file:
            return file.read()

    # -- needs -------------------------------------------------------------------------------------------------

    def _needs(self, task: int, spec: Task, inputs: Mapping[str, bytes]) -> Iterable[tuple[int, bytes]]:
        """What needs contribute that share no file with the task: a shared file counts as the input it is."""
        for name in spec.needs:
            need = self.graph.ids[name]
            record = self.record(need)
            if record is not None and any(path in inputs for path in record.outputs):
                continue
            yield need, self._contribution(need)

    def _contribution(self, need: int) -> bytes:
        """A need's outputs, else its recipe; of a group all that its own needs contribute."""
        if need not in self._contributions:
            self._contributions[need] = self._make_contribution(need)
        return self._contributions[need]

    def _make_contribution(self, need: int) -> bytes:
        if not self.manifest.tasks[need].is_group:
            record = self.record(need)
            return record.contribution() if record is not None else b""
        from blake3 import blake3

        # Groups may be nested as deep as a manifest is long: gather their leaves without recursion.
        seen = {need}
        stack = [need]
        hasher = blake3()
        while stack:
            for inner in self.graph.needs[stack.pop()]:
                if inner in seen:
                    continue
                seen.add(inner)
                if self.manifest.tasks[inner].is_group:
                    stack.append(inner)
                else:
                    hasher.update(self._contribution(inner))
        return hasher.digest()


_NOTHING = Record(b"", {}, {}, {})


def _decode(stored: bytes) -> Record | None:
    """A record of another version of exarp is no record: the task runs once more."""
    try:
        return _RECORD.decode(stored)
    except msgspec.DecodeError:
        return None


def _is_text(path: str) -> bool:
    """A file name that is not UTF-8 can be in no manifest, event or record."""
    return path.isascii() or path.encode("utf-8", "replace").decode() == path


def _is_own(spec: Task, path: str) -> bool:
    """A glob or folder never stands for what its own task makes or modifies."""
    return any(matches(pattern, path) for pattern in (*(spec.outputs or ()), *spec.modifies)) or path == spec.depfile
