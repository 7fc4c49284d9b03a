"""A plain build tool, of which everybody can see that it is right: what a run must make, and what the folder holds then.

Knows the rule: a task is made anew if how it is done, what it reads, what its needs made or what it made itself is not as it was
when it last passed; and it need not run for that if it was done so before, and what it made then was kept.
Works on values; starts nothing, reads nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from tests.freshness.stateful.project import Expanded, Project, Spec
from tests.freshness.stateful.scripts import Failed, carry_out, made_by, script
from tests.freshness.stateful.tree import FOLDER, Tree, digest, input_files, inside, is_glob, is_wide, output_digests


@dataclass(frozen=True)
class Record:
    """A success."""

    recipe: object
    inputs: dict[str, str]
    found: dict[str, str]
    outputs: dict[str, str]
    needs: dict[str, object]


@dataclass(frozen=True)
class Kept:
    """An artifact. ``outputs``: what it puts back. ``is_sure``: nobody was killed when it should have been kept."""

    found: dict[str, str]
    needs: list[str]
    outputs: frozenset[str]
    is_sure: bool = True

    def is_like(self, other: Kept) -> bool:
        return (self.found, self.needs) == (other.found, other.needs)


# Artifacts by key.
Store = dict[str, list[Kept]]


@dataclass
class Outcome:
    """What a run comes to. ``made``: names of tasks that are made anew; ``failed`` ones fail, ``blocked`` ones wait for such.

    Of those made, ``restored`` ones do not run; of ``unsure`` ones nobody knows. ``keys``: of their artifacts.
    """

    tree: Tree
    store: Store
    made: list[str] = field(default_factory=list)
    failed: set[str] = field(default_factory=set)
    blocked: set[str] = field(default_factory=set)
    restored: set[str] = field(default_factory=set)
    unsure: set[str] = field(default_factory=set)
    keys: dict[str, str] = field(default_factory=dict)
    records: dict[str, Record] = field(default_factory=dict)
    is_failure: bool = False
    selected: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class Asked:
    """``keys``: of the tasks that are to be brought up to date. ``caching``: artifacts are kept and restored."""

    keys: tuple[str, ...]
    force: bool = False
    caching: bool = False


def simulate(
    project: Project,
    tree: Tree,
    environ: Mapping[str, str],
    records: Mapping[str, Record],
    store: Store,
    asked: Asked,
) -> Outcome:
    """Bring tasks up to date."""
    run = _Simulation(project.expanded(tree), tree, environ, records, store, asked)
    for spec in run.chosen():
        run.bring_up_to_date(spec)
    return run.outcome


def touch(
    project: Project, tree: Tree, environ: Mapping[str, str], records: Mapping[str, Record], keys: tuple[str, ...]
) -> dict[str, Record] | None:
    """The records after tasks were taken as done; None where something is missing for that."""
    run = _Simulation(project.expanded(tree), tree, environ, records, {}, Asked(keys))
    try:
        for spec in run.chosen():
            run.take_as_done(spec)
    except Failed:
        return None
    return run.outcome.records


class _Simulation:
    def __init__(
        self,
        project: Expanded,
        tree: Tree,
        environ: Mapping[str, str],
        records: Mapping[str, Record],
        store: Store,
        asked: Asked,
    ) -> None:
        self.project = project
        self.environ = environ
        self.asked = asked
        kept = {key: list(all_of_key) for key, all_of_key in store.items()}
        self.outcome = Outcome(dict(tree), kept, records=dict(records), selected=project.selection(asked.keys))
        self.tree = self.outcome.tree
        # Tasks whose failure is allowed, as they were left.
        self.left: dict[str, Record] = {}

    def chosen(self) -> list[Spec]:
        return [spec for spec in self.project.tasks if spec.name in self.outcome.selected]

    def bring_up_to_date(self, spec: Spec) -> None:
        outcome = self.outcome
        for need in self.project.needed(spec):
            bad = need.name in outcome.blocked or (need.name in outcome.failed and not need.allow_failure)
            if bad:
                outcome.blocked.add(spec.name)
                return
        if spec.is_group:
            return
        try:
            now = self.look(spec)
        except Failed:
            # It never begins: what is known of its last success stays.
            self.fail(spec)
            return
        record = outcome.records.get(spec.name)
        if record is not None and not self.asked.force and not spec.always and self.is_same(spec, record, now):
            return
        outcome.made.append(spec.name)
        outcome.keys[spec.name] = key = self.key(spec, now)
        kept = self.kept(spec, key)
        strays = self.strays(spec)
        if kept is not None:
            (outcome.restored if kept.is_sure else outcome.unsure).add(spec.name)
        try:
            found = self.carry_out(spec)
        except Failed:
            outcome.records.pop(spec.name, None)
            if self.asked.caching:
                # It is tried again.
                outcome.store.pop(key, None)
            self.fail(spec)
            return
        digests = {path: digest(self.tree, path) for path in found if path not in now.inputs}
        record = self.record(spec, now, digests)
        outcome.records[spec.name] = record
        if kept is not None or not strays:
            self.keep(spec, key, record)

    def fail(self, spec: Spec) -> None:
        self.outcome.failed.add(spec.name)
        self.outcome.is_failure |= not spec.allow_failure
        self.left[spec.name] = Record(self.recipe(spec), {}, {}, self.remains(spec), {})

    def take_as_done(self, spec: Spec) -> None:
        """Raises Failed where something is missing."""
        if spec.is_group:
            return
        self.outcome.records.pop(spec.name, None)
        now = self.look(spec)
        for path in (*(spec.outputs if spec.kind != "glob" else ()), *((spec.depfile,) if spec.depfile else ())):
            found = digest(self.tree, path)
            if not found or (not is_wide(path) and found.startswith("folder")):
                raise Failed
        listed = self.tree[spec.depfile][1].split()[1:] if spec.depfile else []
        digests = {path: digest(self.tree, path) for path in listed if path not in now.inputs}
        if not all(digests.values()):
            raise Failed
        self.outcome.records[spec.name] = self.record(spec, now, digests)

    # -- what is compared --------------------------------------------------------------------------------------

    def recipe(self, spec: Spec) -> object:
        text = script(spec)
        counts = spec.variable == "T" or f"${{{spec.variable}-}}" in text
        value = self.project.project.value(spec, self.environ, self.tree) if counts else None
        names = [maker.name for maker in self.project.meant(self.project.named(spec))]
        return (text, self.project.patterns(spec), names, spec.outputs, spec.depfile, spec.kind == "modify", value,
                spec.variable == "T")  # fmt: skip

    def look(self, spec: Spec) -> Record:
        inputs: dict[str, str] = {}
        for pattern in self.project.patterns(spec):
            files = input_files(self.tree, pattern)
            if not files and not is_glob(pattern):
                raise Failed
            for path in files:
                inputs[path] = digest(self.tree, path)
                if not inputs[path]:
                    raise Failed
        record = self.outcome.records.get(spec.name)
        found = {path: digest(self.tree, path) for path in record.found} if record else {}
        return Record(self.recipe(spec), inputs, found, {}, self.needs(spec, inputs, found))

    def is_same(self, spec: Spec, record: Record, now: Record) -> bool:
        outputs = {path: digest(self.tree, path) for path in record.outputs}
        outputs |= output_digests(self.tree, tuple(path for path in spec.outputs if is_wide(path)))
        same = (record.recipe, record.inputs, record.found) == (now.recipe, now.inputs, now.found)
        return same and record.needs == now.needs and record.outputs == outputs

    def record(self, spec: Spec, now: Record, found: dict[str, str]) -> Record:
        outputs = output_digests(self.tree, spec.outputs)
        return Record(now.recipe, now.inputs, found, outputs, self.needs(spec, now.inputs, found))

    def needs(self, spec: Spec, inputs: Mapping[str, str], found: Mapping[str, str]) -> dict[str, object]:
        counting: dict[str, object] = {}
        for need in self.project.meant(spec.needs):
            record = self.known(need)
            shared = record is not None and any(path in inputs or path in found for path in record.outputs)
            if not shared:
                counting[need.name] = self.contribution(need)
        return counting

    def known(self, spec: Spec) -> Record | None:
        return self.left.get(spec.name) or self.outcome.records.get(spec.name)

    def contribution(self, spec: Spec) -> object:
        if spec.is_group:
            return sorted((each.name, repr(self.contribution(each))) for each in self.project.needed(spec))
        record = self.known(spec)
        if record is None:
            return None
        return sorted(record.outputs.items()) if record.outputs else record.recipe

    def remains(self, spec: Spec) -> dict[str, str]:
        return {path: value for path, value in output_digests(self.tree, spec.outputs).items() if value}

    # -- artifacts ---------------------------------------------------------------------------------------------

    def key(self, spec: Spec, now: Record) -> str:
        needs = [] if spec.kind == "dep" else self.contributed(spec, now, {})
        return repr((now.recipe, sorted(now.inputs.items()), needs))

    def contributed(self, spec: Spec, now: Record, found: Mapping[str, str]) -> list[str]:
        # However they are called.
        return sorted(map(repr, self.needs(spec, now.inputs, found).values()))

    def kept(self, spec: Spec, key: str) -> Kept | None:
        """What can be put back instead of running a task; not where other things are in its way, or would stay beside it."""
        if not self.asked.caching or self.asked.force or not spec.is_cached:
            return None
        if any(self.tree.get(path) == FOLDER for path in spec.outputs):
            return None
        there = self.remains(spec) if spec.kind in ("glob", "kept") else {}
        now = self.look(spec)
        for kept in self.outcome.store.get(key, ()):
            if any(digest(self.tree, path) != then for path, then in kept.found.items()):
                continue
            if spec.kind == "dep" and kept.needs != self.contributed(spec, now, kept.found):
                continue
            if not there.keys() <= kept.outputs:
                continue
            return kept
        return None

    def keep(self, spec: Spec, key: str, record: Record) -> None:
        if not self.asked.caching or not spec.is_cached:
            return
        needs = sorted(map(repr, record.needs.values())) if spec.kind == "dep" else []
        new = Kept(record.found, needs, frozenset(record.outputs))
        others = [kept for kept in self.outcome.store.get(key, []) if not kept.is_like(new)]
        self.outcome.store[key] = [new, *others]

    def strays(self, spec: Spec) -> bool:
        """Whether something is among a task's outputs that it will not touch: then it is kept for nobody."""
        return spec.kind == "kept" and not all(made_by(spec, path) for path in self.remains(spec))

    # -- commands ----------------------------------------------------------------------------------------------

    def carry_out(self, spec: Spec) -> list[str]:
        patterns = self.project.patterns(spec)
        named = [path for each in patterns for path in (inside(self.tree, each) if is_glob(each) else [each])]
        value = self.project.project.value(spec, self.environ, self.tree) or ""
        return carry_out(self.tree, spec, named, value if f"${{{spec.variable}-}}" in script(spec) else "")


def doubted(store: Store, keys: Iterable[str]) -> None:
    """Of these nobody knows any more whether they are there."""
    for key in keys:
        if key in store:
            store[key] = [replace(kept, is_sure=False) for kept in store[key]]


def perhaps_kept(store: Store, others: Iterable[tuple[str, list[Kept]]]) -> None:
    """Of these nobody knows whether they came to be there, unless they were before."""
    for key, all_of_key in others:
        known = store.setdefault(key, [])
        for kept in all_of_key:
            if not any(kept.is_like(each) for each in known):
                known.append(replace(kept, is_sure=False))
