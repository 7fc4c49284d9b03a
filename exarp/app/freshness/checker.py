"""Whether a task must run, and what is recorded when it has.

Knows the steps: resolve inputs, take digests, ask ``planning.freshness``; after a success look at outputs and inputs again.
Does not decide what a difference means, and does not keep records (the ledger does).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, KeysView, Mapping

import msgspec

from exarp.app.freshness.contributions import Contributions
from exarp.app.freshness.depfiles import NEVER_LATE, Depfiles, Snapshot
from exarp.app.freshness.records import Records
from exarp.app.freshness.resolution import FileFault, Own, Resolution
from exarp.engine.stimulus import Checked, Settled
from exarp.graph.task_graph import TaskGraph
from exarp.model.artifact import FILE, Artifact
from exarp.model.event import FreshnessReason
from exarp.model.manifest import Manifest
from exarp.model.task import Task
from exarp.planning.environment import Environment
from exarp.planning.freshness import ARGUMENTS, Record, decide, restarted_for, variable_digests
from exarp.planning.recipe import recipe_of
from exarp.workspace.fingerprints import FileClock, Fingerprints
from exarp.workspace.globbing import Globbing, Listing
from exarp.workspace.programs import Programs


class Checker:
    """Checks and settles the tasks of one manifest in one workspace.

    ``records``: successes by task, as stored or read already. ``force``: every task that is checked must run. ``clock``: the
    files' own; only a run needs it. ``run`` and ``named``: what new records say of where they come from (see ``Record``).
    ``declared``: outputs beyond those of the manifest's tasks.
    """

    def __init__(
        self,
        root: str,
        manifest: Manifest,
        graph: TaskGraph,
        environ: Mapping[str, str],
        records: Mapping[str, bytes | Record],
        fingerprints: Fingerprints,
        force: bool = False,
        clock: FileClock | None = None,
        run: str = "",
        named: str = "",
        declared: Iterable[str] = (),
        resumes: Collection[str] = (),
    ) -> None:
        self.manifest = manifest
        self._graph = graph
        self.ids = graph.ids
        self._environment = Environment(manifest, environ)
        self.force = force
        self.snapshots: dict[int, Snapshot] = {}
        # As what services that stand were started, or why they cannot go on whatever their files are.
        self.standing: Mapping[int, Record | FreshnessReason] = {}
        self.fingerprints = fingerprints
        # Asked before a task is run that was only to stay up to date: empty, or which other run is in the way.
        self.take: Callable[[str], str] | None = None
        # Tasks that were seen to be up to date, or to succeed, and nothing has become of that yet.
        self.sound: set[int] = set()
        # Tasks that ran.
        self.ran: set[int] = set()
        self._late: dict[int, str] = {}
        self._clock = clock
        self._run, self._named = run, named
        # Runs that this one goes on with: what succeeded in them, and is as it was, is done.
        self._resumes = resumes
        self._records = Records(graph.names, records)
        self._resolution = Resolution(root, manifest, fingerprints, clock, declared)
        self._depfiles = Depfiles(root, fingerprints, self._records)
        self._programs = Programs(root, environ.get("PATH"))
        self._contributions = Contributions(manifest, graph, self._records, self._remains)

    def found(self, tasks: Iterable[int]) -> dict[int, KeysView[str]]:
        """What those of ``tasks`` that have a depfile were seen to read beyond their inputs when they last succeeded."""
        depending = [task for task in tasks if self.manifest.tasks[task].depfile]
        records = {task: record for task in depending if (record := self._records.success(task)) is not None}
        return {task: record.found.keys() for task, record in records.items() if record.found}

    def distrust(self, task: int, path: str) -> None:
        """A task read ``path``, which may be made anew after the task is checked: it cannot be found up to date."""
        self._late[task] = path

    def check(self, task: int) -> Checked:
        """Whether ``task`` must run; what was seen is kept for its start and for ``settle``."""
        spec = self.manifest.tasks[task]
        record = self._records.success(task)
        moment = self._moment(spec)
        try:
            named, now = self._look(task, record)
        except FileFault as fault:
            self._contributions.failed(task)
            return Checked(task, impossible=fault.reason)
        forced = self.force and not self._is_done(record)
        stale = FreshnessReason("forced") if forced else self._stale(task, record, now)
        if stale is None:
            self.sound.add(task)
        if stale is not None:
            self.snapshots[task] = Snapshot(named, now, moment, self._records.turn)
        if task in self.standing:
            then = self.standing[task]
            stale = restarted_for(spec, then, now) if isinstance(then, Record) else then
            if stale is None:
                return Checked(task)
        if stale is not None and self.take is not None and (other := self.take(spec.name)):
            self._contributions.failed(task)
            return Checked(task, stale, impossible=FreshnessReason("held", other))
        if stale is not None and (program := self.missing_program(spec)):
            self._contributions.failed(task)
            # What it makes may be had without running it.
            return Checked(task, stale, impossible=FreshnessReason("no-program", program))
        return Checked(task, stale=stale)

    def look_again(self, task: int) -> FreshnessReason | None:
        """Before another attempt: take a new snapshot; the fault if the inputs are gone meanwhile."""
        moment = self._moment(self.manifest.tasks[task])
        try:
            named, now = self._look(task, self._records.success(task))
        except FileFault as fault:
            return fault.reason
        self.snapshots[task] = Snapshot(named, now, moment, self._records.turn)
        return None

    def peek(self, task: int) -> FreshnessReason | None:
        """As ``check``, for a forecast: keeps nothing, and reads no file of a task that surely must run."""
        spec = self.manifest.tasks[task]
        record = self._records.success(task)
        if spec.is_group:
            return None
        if spec.prose is not None:
            return FreshnessReason("prose")
        if self.surely_runs(task):
            surely = FreshnessReason("forced") if self.force else decide(spec, record, _NOTHING)
            if spec.inputs or spec.tools or spec.modifies:
                return self._resolution.fault(spec) or self._no_program(spec) or surely
            return self._no_program(spec) or surely if spec.requires else surely
        try:
            stale = self._stale(task, record, self._look(task, record)[1])
        except FileFault as fault:
            return fault.reason
        return (self._no_program(spec) or stale) if stale is not None else None

    def record(self, task: int) -> Record | None:
        """The last success of a task."""
        return self._records.success(task)

    def looked(self, task: int) -> Record:
        """A task as it is now, to be compared with its ``record``. Raises FileFault."""
        return self._look(task, self._records.success(task))[1]

    def surely_runs(self, task: int) -> bool:
        """Whether a task cannot be up to date, whatever its files are."""
        return self.force or self.manifest.tasks[task].always_runs or self._records.success(task) is None

    def missing_program(self, spec: Task) -> str:
        """The first program that a task requires and that is not there; empty where none is missing."""
        if not spec.requires:
            return ""
        programs = (required.program for required in spec.requires if required.program)
        return next((program for program in programs if not self._programs.has(program, spec.cwd)), "")

    def _no_program(self, spec: Task) -> FreshnessReason | None:
        program = self.missing_program(spec)
        return FreshnessReason("no-program", program) if program else None

    def settle(self, task: int) -> tuple[Settled, Record | None]:
        """After a successful attempt (and ``ended``): whether its outputs exist, and the record of the success."""
        spec = self.manifest.tasks[task]
        snapshot = self.snapshots.pop(task)
        try:
            outputs, missing = self._resolution.outputs(spec)
        except FileFault as fault:
            return Settled(task, fault=fault.reason), None
        if missing is not None:
            return Settled(task, fault=FreshnessReason("outputs-not-made", missing)), None
        found, doubt = self._depfiles.found(spec, snapshot)
        changed = next(
            (path for path, then in snapshot.now.inputs.items() if self.fingerprints.digest(path) != then), None
        )
        if changed is not None:
            doubt = _changed_while_it_ran(changed, spec)
        record = self._record_of(task, snapshot.now, outputs, found)
        if doubt is not None:
            self._records.drop(task)
            warning = f"{doubt}: the task will run again next time"
            return Settled(task, warnings=(warning,)), msgspec.structs.replace(record, doubt="unsettled")
        self._keep(task, record)
        return Settled(task), record

    def started(self, task: str) -> Record | None:
        """Before a first attempt: the record of the last success, if there is one, for the case that nobody sees the end."""
        number = self._graph.ids[task]
        record = self._records.success(number)
        if record is None or record.doubt or self.manifest.tasks[number].always_runs:
            return None
        return msgspec.structs.replace(record, doubt="interrupted-since")

    def restored(self, task: int, then: Artifact) -> Record | None:
        """After what a success made was put back: the record of it; None where it is not as it was.

        What was seen of files before is forgotten.
        """
        self.ended(task)
        for piece in then.pieces:
            if piece.kind == FILE:
                self.fingerprints.learn(piece.path, piece.digest)
        try:
            there, missing = self._resolution.outputs(self.manifest.tasks[task])
        except FileFault:
            return None
        if missing is not None or any(there.get(path) != digest for path, digest in then.outputs.items()):
            return None
        record = self._record_of(task, self.snapshots.pop(task).now, there, then.found)
        self._keep(task, record)
        return record

    def foresee(self, task: int, then: Artifact) -> None:
        """As ``restored``, of a task that has been checked, where nothing is put back: for who goes on to ask what that means."""
        for path, digest in then.outputs.items():
            self.fingerprints.learn(path, digest)
        self._keep(task, self._record_of(task, self.snapshots.pop(task).now, dict(then.outputs), then.found))

    def contributed(self, task: int, read: Mapping[str, bytes]) -> tuple[bytes, ...]:
        """What needs contribute to a task that has been checked, if it reads the files ``read`` beyond its inputs; in an
        order that their names have no part in."""
        return tuple(sorted(self._contributions.to(task, self.snapshots[task].now.inputs, read).values()))

    def outputs_there(self, spec: Task) -> Iterable[str]:
        """The files that are among a task's outputs now."""
        return self._resolution.remains(spec)

    def failed(self, task: str) -> Record | None:
        """After a failed attempt: the record of the last success, if there is one, that no longer makes the task up to date."""
        record = self._records.success(self._graph.ids[task])
        return msgspec.structs.replace(record, doubt="failed-since") if record is not None else None

    def touch(self, task: int) -> tuple[Record | None, str | None]:
        """The record that takes a task as done with its files as they are, or what is wrong with them."""
        spec = self.manifest.tasks[task]
        try:
            named, now = self._look(task, None)
            outputs, missing = self._resolution.outputs(spec)
        except FileFault as fault:
            return None, str(fault)
        if missing is not None:
            return None, f"{missing} is not there"
        # No command ran, so nothing can have changed "while it ran": whatever the depfile names is taken as it is.
        found, doubt = self._depfiles.found(spec, Snapshot(named, now, NEVER_LATE, self._records.turn))
        if doubt is not None:
            return None, doubt
        record = self._record_of(task, now, outputs, found)
        self._keep(task, record)
        return record, None

    def ended(self, task: int) -> None:
        """An attempt has ended: nothing that was seen of the files may be relied on, and it is no success until settled."""
        self._resolution.forget()
        self._contributions.failed(task)
        self.sound.discard(task)
        self.ran.add(task)

    def is_distrusted(self, task: int) -> bool:
        """See ``distrust``."""
        return task in self._late

    def success(self, task: int) -> Record | None:
        """The record of a task's last success that may be relied on."""
        return self._records.success(task)

    @property
    def globbing(self) -> Globbing:
        """What finds the files behind patterns."""
        return self._resolution.globbing

    def listings(self, task: int) -> dict[str, Listing] | None:
        """By folder, what a task's patterns are found in; None where they stand for other files than its record has."""
        record = self._records.success(task)
        return self._resolution.listings(self.manifest.tasks[task], record) if record is not None else None

    def forget(self) -> None:
        """Something beside the attempts may have changed files."""
        self._resolution.forget()

    def fault(self, spec: Task) -> FreshnessReason | None:
        """Why a task's inputs cannot be read, as far as that can be seen without reading them."""
        return self._resolution.fault(spec)

    def inputs_of(self, spec: Task) -> tuple[str, ...]:
        """What ``$in`` stands for now. Raises FileFault."""
        return self._resolution.inputs(spec)[0]

    def _moment(self, spec: Task) -> int:
        return self._clock.before_what_comes() if spec.depfile and self._clock is not None else NEVER_LATE

    def _stale(self, task: int, record: Record | None, now: Record) -> FreshnessReason | None:
        reason = decide(self.manifest.tasks[task], record, now, self._is_done(record))
        return FreshnessReason("made-later", self._late[task]) if reason is None and task in self._late else reason

    def _is_done(self, record: Record | None) -> bool:
        """Whether a success is of a run that this one goes on with."""
        return record is not None and record.run in self._resumes

    def _keep(self, task: int, record: Record) -> None:
        self._records.keep(task, record)
        self._contributions.succeeded(task)
        self.sound.add(task)

    def _remains(self, task: int) -> Record:
        """Recipe and outputs of a task as they are, whatever is missing; of a service its inputs."""
        spec = self.manifest.tasks[task]
        if spec.service is not None:
            try:
                return self._look(task, None)[1]
            except FileFault:
                pass
        recipe = recipe_of(spec, self._environment.counted(spec))
        return Record(recipe.digest, {}, {}, self._resolution.remains(spec))

    def _record_of(self, task: int, now: Record, outputs: dict[str, bytes], found: dict[str, bytes]) -> Record:
        """The record of a success that was seen to read ``found``: a need that made some of that counts by its files."""
        needs = self._contributions.to(task, now.inputs, found) if found or now.found else now.needs
        return msgspec.structs.replace(
            now,
            outputs=outputs,
            found=found,
            needs=needs,
            run=self._run,
            manifest=self._named,
            left=self._left(task, outputs),
        )

    def _left(self, task: int, outputs: Mapping[str, bytes]) -> dict[str, bytes]:
        """What a task made when it last succeeded, or before, and does not make now, as far as it is there still."""
        before = self._records.success(task)
        if before is None or before.manifest != self._named:
            return {}
        if not before.left and before.outputs.keys() <= outputs.keys():
            return {}
        others = {**before.left, **before.outputs}
        return {
            path: digest
            for path, digest in others.items()
            if path not in outputs and self.fingerprints.digest(path) == digest
        }

    def _variables(self, spec: Task, counted: Mapping[str, bytes | None]) -> dict[str, bytes]:
        if not counted and not spec.env and not spec.arguments:
            return {}
        # What `env` says is in the recipe as it is; its digests are for who asks which of it changed.
        own = {name: value.encode("utf-8", "surrogateescape") for name, value in spec.env.items()}
        if spec.arguments:
            own[ARGUMENTS] = "\0".join(spec.arguments).encode("utf-8", "surrogateescape")
        return variable_digests({**counted, **own})

    def _look(self, task: int, record: Record | None) -> tuple[tuple[str, ...], Record]:
        """What ``$in`` stands for, and digests as they are now. Raises FileFault."""
        spec = self.manifest.tasks[task]
        digest = self.fingerprints.digest
        named, files = self._resolution.inputs(spec)
        inputs = self._resolution.digests(spec, files)
        counted = self._environment.counted(spec)
        recipe = recipe_of(spec, counted)
        same = record if record is not None and record.recipe == recipe.digest else None
        found = {path: digest(path) for path in record.found} if record is not None else {}
        now = Record(
            recipe=recipe.digest,
            variables=same.variables if same is not None else self._variables(spec, counted),
            inputs=inputs,
            found=found,
            outputs=self._resolution.recorded_outputs(spec, record) if record is not None else {},
            needs=self._contributions.to(task, inputs, found),
            parts=recipe.parts,
        )
        return named, now


def _changed_while_it_ran(path: str, spec: Task) -> str:
    if Own(spec).has(path):
        return f"the task changed {path}, which is among its inputs too"
    return f"{path} changed while the task ran"


_NOTHING = Record(b"", {}, {}, {})
