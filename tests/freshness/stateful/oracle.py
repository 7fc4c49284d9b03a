"""A plain build tool, of which everybody can see that it is right: what a run must make, and what the folder holds then.

Knows tasks whose commands are functions of what they read, in words for ``sh`` and again in Python, and the rule: a task is made
anew if how it is done, what it reads, what its needs made or what it made itself is not as it was when it last passed.
Works on a folder's content as values; starts nothing, reads nothing.
"""

from __future__ import annotations

import fnmatch
import posixpath
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

# A file's content, and whether it may be executed; where a link leads; a folder.
Entry = tuple[str, str, bool]
FOLDER: Entry = ("folder", "", False)
Tree = dict[str, Entry]

SHOW = (
    'show() { for f do if [ -d "$f" ]; then show "${f%/}"/*; elif [ -e "$f" ]; then echo "$f"; cat "$f"; fi; done; }\n'
)
# What a task that is to be killed waits for, before or after it has made its outputs.
GATE = "gate() { if [ -e ../hold.$1 ]; then echo $$ $PPID > ../held.new; mv ../held.new ../held; read -r go < ../fifo; fi; }\n"
MATRIX = "mx"


def a_file(content: str) -> Entry:
    return ("file", content, False)


def with_folders(tree: Tree) -> Tree:
    """A tree with every folder that its paths lie in."""
    for path in [*tree]:
        while (path := path.rpartition("/")[0]) and path not in tree:
            tree[path] = FOLDER
    return tree


def led(tree: Tree, path: str, steps: int = 8) -> str:
    """The path that a path leads to; empty where that goes round in circles."""
    here = ""
    parts = path.strip("/").split("/")
    for number, part in enumerate(parts):
        here = f"{here}/{part}" if here else part
        entry = tree.get(here)
        if entry is not None and entry[0] == "link":
            rest = "/".join([here.rpartition("/")[0], entry[1], *parts[number + 1 :]])
            return led(tree, posixpath.normpath(rest), steps - 1) if steps else ""
    return here


def below(tree: Tree, folder: str, whole: bool = True) -> list[str]:
    """Files and links in a folder (no slash at its end), of all below it if ``whole``."""
    start = f"{folder}/"
    found = [path for path, entry in tree.items() if path.startswith(start) and entry != FOLDER]
    return sorted(path for path in found if whole or "/" not in path[len(start) :])


def removed(tree: Tree, path: str) -> None:
    """As ``rm -rf``."""
    for each in [each for each in tree if each == path or each.startswith(f"{path}/")]:
        del tree[each]


def digest(tree: Tree, path: str) -> str:
    """What counts of a path: a file's content, wherever it is; where a link leads that leads to no file; empty: it is missing."""
    entry = tree.get(led(tree, path))
    mine = tree.get(path.rstrip("/"))
    if entry is not None and entry[0] == "file":
        return f"file {entry[1]}"
    if mine is not None and mine[0] == "link":
        return f"{'folder' if entry else 'link'} to {mine[1]}"
    return "folder" if entry is not None else ""


class From(NamedTuple):
    """The outputs of another task as an input: by their paths, or as ``{ from = … }``."""

    key: str
    by_name: bool = False

    def is_named(self, specs: Mapping[str, Spec]) -> bool:
        """Whether it is said by name: instances have no other, and globs are no order for globs."""
        return self.by_name or self.key not in specs or specs[self.key].kind in (MATRIX, "glob")


@dataclass(frozen=True)
class Spec:
    """A task. ``key``: what it is, whatever its ``name`` is. ``kind``: what it makes, see ``OUTPUTS``. ``needs``: keys."""

    key: str
    name: str
    kind: str = "file"
    salt: int = 0
    inputs: tuple[str | From, ...] = ()
    needs: tuple[str, ...] = ()
    moved: str = ""
    coarse: bool = False
    fails: str = ""
    allow_failure: bool = False
    variable: str = ""

    @property
    def outputs(self) -> tuple[str, ...]:
        at = f"{self.key}{self.moved}"
        return {
            "file": (f"out/{at}",),
            "two": (f"out/{at}.1", f"out/{at}.2"),
            "folder": (f"dir/{at}/",),
            "kept": (f"dir/{at}/",),
            "glob": (f"glob/{at}/*.o",),
            "dep": (f"out/{at}",),
            MATRIX: (f"mo/{at.replace('/', '-')}",),
        }.get(self.kind, ())

    @property
    def depfile(self) -> str:
        return f"{self.outputs[0]}.d" if self.kind == "dep" else ""

    @property
    def is_group(self) -> bool:
        return self.kind == "group"

    @property
    def always(self) -> bool:
        return self.kind in ("always", "modify")

    def script(self) -> str:
        """In words for ``sh``."""
        if self.kind == MATRIX:
            # One for all instances.
            say, at, gates = 'echo "$in" >> ../ran\n', "$out", ("mx.0", "mx.1")
        else:
            say, at, gates = f"echo {self.key} >> ../ran\n", "", (f"{self.key}.0", f"{self.key}.1")
        gather = "b=$(show $in" + (" | cut -c1" if self.coarse else "") + ")\n"
        text = 'printf "%s\\n" ' + f'"{self.salt}' + {"A": "${A-}", "B": "${B-}"}.get(self.variable, "") + '" "$b"'
        fail = 'case "$b" in *X*) exit 1;; esac\n' if not self.always else ""
        making = self._making(text, at)
        return (
            say
            + SHOW
            + GATE
            + f"gate {gates[0]}\n"
            + (gather if not self.always else "")
            + (fail if self.fails == "early" else "")
            + making
            + (fail if self.fails == "late" else "")
            + f"gate {gates[1]}\n"
        )

    def _making(self, text: str, at: str) -> str:
        first = at or (self.outputs[0].rstrip("/") if self.outputs else "")
        if self.kind in ("file", MATRIX):
            return f"rm -rf {first}; {text} > {first}\n"
        if self.kind == "two":
            return "".join(f"rm -rf {path}; {text} {path[-1]} > {path}\n" for path in self.outputs)
        if self.kind in ("folder", "kept"):
            lines = [f"mkdir -p {first}/sub {first}/empty", f"{text} > {first}/x", f"chmod 755 {first}/x"]
            lines += [f"echo {self.salt} > {first}/sub/y", f"ln -sfn x {first}/l", f"ln -sfn sub {first}/ld"]
            return "\n".join([*lines, f"ln -sfn nothing {first}/no", ""])
        if self.kind == "glob":
            folder = first.rpartition("/")[0]
            return f"rm -rf {folder}/*.o; {text} > {folder}/p.o; echo {self.salt} > {folder}/q{self.salt}.o\n"
        if self.kind == "dep":
            choose = 'case "$b" in *1) h=inc/h1;; *) h=inc/h2;; esac\nc=$(cat $h)\n'
            return f'{choose}rm -rf {first}; {text} "$c" > {first}; echo "{first}: $h" > {self.depfile}\n'
        if self.kind == "modify":
            return "tr ab AB < mod/f > ../mod.new; cmp -s ../mod.new mod/f || cp ../mod.new mod/f\n"
        return ""


class Failed(Exception):
    """A command failed."""


@dataclass(frozen=True)
class Project:
    """A manifest. ``tasks``: each reads only what those before it make. ``default``: keys of what a run without names does."""

    tasks: tuple[Spec, ...]
    default: tuple[str, ...] = ()
    variable: str = "1"

    def expanded(self, tree: Tree) -> Expanded:
        """With the instances that there are."""
        found: list[Spec] = []
        instances: dict[str, tuple[str, ...]] = {}
        for spec in self.tasks:
            if spec.kind != MATRIX:
                found.append(spec)
                continue
            paths = [path for path in below(tree, "mx", whole=False) if fnmatch.fnmatch(path, "*.c")]
            for path in paths:
                key = path.removeprefix("mx/").removesuffix(".c")
                one = Spec(key, f"{spec.name}@{path}", MATRIX, spec.salt, (path,), spec.needs, spec.moved, spec.coarse,
                           spec.fails, spec.allow_failure, spec.variable)  # fmt: skip
                found.append(one)
            instances[spec.key] = tuple(path.removeprefix("mx/").removesuffix(".c") for path in paths)
        return Expanded(self, found, instances)

    def text(self) -> str:
        """In TOML."""
        keys = {spec.key: spec for spec in self.tasks}
        names = {key: spec.name for key, spec in keys.items()}
        lines = ["[settings]", f"default = {_listed(names[key] for key in self.default)}"]
        lines += ["[vars]", f'A = "{self.variable}"']
        for spec in self.tasks:
            lines.append(f"[task.{spec.name}]")
            if spec.needs:
                lines.append(f"needs = {_listed(names[key] for key in spec.needs)}")
            if spec.is_group:
                continue
            lines.append(f"run = '''\n{spec.script()}'''")
            if spec.allow_failure:
                lines.append("allow_failure = true")
            if spec.variable == "T":
                lines.append('track_env = ["B"]')
            if spec.kind == "modify":
                lines.append('modifies = ["mod/f"]')
            if spec.kind == MATRIX:
                lines += ['matrix = { s = { glob = "mx/*.c" } }', 'inputs = ["${s}"]']
                lines += [f'outputs = ["mo/${{s.stem}}{spec.moved}"]']
            elif not spec.always:
                lines.append(f"inputs = [{', '.join(_inputs(spec, keys))}]")
                lines.append("allow_empty = true")
                if spec.kind != "check":
                    lines.append(f"outputs = {_listed(spec.outputs)}")
            if spec.depfile:
                lines.append(f'depfile = "{spec.depfile}"')
            if spec.kind == "kept":
                lines.append("keep_outputs = true")
        return "\n".join([*lines, ""])


def _listed(names: Iterable[str]) -> str:
    return "[" + ", ".join([f'"{name}"' for name in names]) + "]"


def _inputs(spec: Spec, keys: Mapping[str, Spec]) -> Iterable[str]:
    for each in spec.inputs:
        if isinstance(each, str):
            yield f'"{each}"'
        elif each.is_named(keys):
            yield f'{{ from = "{keys[each.key].name}" }}'
        else:
            yield from (f'"{path}"' for path in keys[each.key].outputs)


@dataclass(frozen=True)
class Record:
    """A success."""

    recipe: object
    inputs: dict[str, str]
    found: dict[str, str]
    outputs: dict[str, str]
    needs: dict[str, object]


@dataclass
class Outcome:
    """What a run comes to. ``made``: names of tasks that are made anew; ``failed`` ones fail, ``blocked`` ones wait for such."""

    tree: Tree
    made: list[str] = field(default_factory=list)
    failed: set[str] = field(default_factory=set)
    blocked: set[str] = field(default_factory=set)
    records: dict[str, Record] = field(default_factory=dict)
    is_failure: bool = False
    selected: set[str] = field(default_factory=set)


@dataclass
class Expanded:
    """A manifest whose matrices are known."""

    project: Project
    tasks: list[Spec]
    instances: dict[str, tuple[str, ...]]

    def __post_init__(self) -> None:
        self.by_key = {spec.key: spec for spec in self.tasks}
        self.by_name = {spec.name: spec for spec in self.tasks}

    def meant(self, keys: Iterable[str]) -> list[Spec]:
        """The tasks that keys stand for."""
        return [self.by_key[one] for key in keys for one in self.instances.get(key, (key,))]

    def needed(self, spec: Spec) -> list[Spec]:
        """What a task needs, for its files or for itself."""
        keys = [each.key for each in spec.inputs if isinstance(each, From)]
        return self.meant([*spec.needs, *keys])

    def selection(self, keys: Iterable[str]) -> set[str]:
        """Names of tasks with all that they need."""
        stack, found = self.meant(keys), set[str]()
        while stack:
            spec = stack.pop()
            if spec.name not in found:
                found.add(spec.name)
                stack += self.needed(spec)
        return found

    def patterns(self, spec: Spec) -> list[str]:
        """A task's inputs."""
        order: list[str] = []
        for each in spec.inputs:
            if isinstance(each, str):
                order.append(each)
            elif not each.is_named(self.by_key):
                order += self.by_key[each.key].outputs
        for key in self.named(spec):
            order += [path for maker in self.meant([key]) for path in maker.outputs]
        return list(dict.fromkeys(order))

    def named(self, spec: Spec) -> list[str]:
        """Keys of what a task names in ``from``."""
        return [each.key for each in spec.inputs if isinstance(each, From) and each.is_named(self.by_key)]

    def simulate(
        self,
        tree: Tree,
        records: Mapping[str, Record],
        keys: Iterable[str],
        environ: Mapping[str, str],
        force: bool = False,
    ) -> Outcome:
        """Bring tasks up to date."""
        outcome = Outcome(dict(tree), records=dict(records), selected=self.selection(keys))
        run = _Simulation(self, outcome, environ, force)
        for spec in self.tasks:
            if spec.name in outcome.selected:
                run.bring_up_to_date(spec)
        return outcome


class _Simulation:
    def __init__(self, project: Expanded, outcome: Outcome, environ: Mapping[str, str], force: bool) -> None:
        self.project = project
        self.outcome = outcome
        self.tree = outcome.tree
        self.environ = environ
        self.force = force
        # Tasks whose failure is allowed, as they were left.
        self.left: dict[str, Record] = {}

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
        if record is not None and not self.force and not spec.always and self.is_same(spec, record, now):
            return
        outcome.made.append(spec.name)
        try:
            found = self.carry_out(spec)
        except Failed:
            outcome.records.pop(spec.name, None)
            self.fail(spec)
            return
        digests = {path: digest(self.tree, path) for path in found if path not in now.inputs}
        outputs = self.outputs(spec)
        outcome.records[spec.name] = Record(
            now.recipe, now.inputs, digests, outputs, self.needs(spec, now.inputs, digests)
        )

    def fail(self, spec: Spec) -> None:
        self.outcome.failed.add(spec.name)
        self.outcome.is_failure |= not spec.allow_failure
        self.left[spec.name] = Record(self.recipe(spec), {}, {}, self.remains(spec), {})

    def recipe(self, spec: Spec) -> object:
        b = self.environ.get("B")
        counting = {"T": b}
        if f"${{{spec.variable}-}}" in spec.script():
            counting |= {"A": self.project.project.variable, "B": b}
        names = [maker.name for maker in self.project.meant(self.project.named(spec))]
        return (spec.script(), self.project.patterns(spec), names, spec.outputs, spec.depfile, spec.kind == "modify",
                counting.get(spec.variable))  # fmt: skip

    def look(self, spec: Spec) -> Record:
        inputs: dict[str, str] = {}
        for pattern in self.project.patterns(spec):
            files = self.files(pattern)
            if not files and not _is_glob(pattern):
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
        for pattern in spec.outputs:
            if _is_glob(pattern) or pattern.endswith("/"):
                outputs |= {path: digest(self.tree, path) for path in self.inside(pattern)}
        same = (record.recipe, record.inputs, record.found) == (now.recipe, now.inputs, now.found)
        return same and record.needs == now.needs and record.outputs == outputs

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

    # -- files -------------------------------------------------------------------------------------------------

    def inside(self, pattern: str) -> list[str]:
        """Files that a glob or folder pattern stands for."""
        if pattern.endswith("/"):
            return below(self.tree, pattern.rstrip("/"))
        folder, _, wanted = pattern.rpartition("/")
        ignored = self.tree.get(".gitignore", FOLDER)[1].split()
        names = [path.rpartition("/")[2] for path in below(self.tree, folder, whole=False)]
        names = [name for name in names if fnmatch.fnmatch(name, wanted) and name not in ignored]
        return [f"{folder}/{name}" for name in names if self.is_no_folder(f"{folder}/{name}")]

    def is_no_folder(self, path: str) -> bool:
        entry = self.tree.get(led(self.tree, path))
        return entry != FOLDER

    def files(self, pattern: str) -> list[str]:
        """What an input stands for."""
        if _is_glob(pattern):
            return self.inside(pattern)
        path = pattern.rstrip("/")
        entry = self.tree.get(led(self.tree, path))
        if entry == FOLDER:
            return [*([] if pattern.endswith("/") else [path]), *below(self.tree, path)] or [path]
        # A link that leads nowhere is there, too.
        return [path] if path in self.tree and not pattern.endswith("/") else []

    def outputs(self, spec: Spec) -> dict[str, str]:
        found: dict[str, str] = {}
        for pattern in spec.outputs:
            if pattern.endswith("/"):
                found[pattern] = digest(self.tree, pattern)
            for path in self.inside(pattern) if _is_glob(pattern) or pattern.endswith("/") else [pattern]:
                found[path] = digest(self.tree, path)
        return found

    def remains(self, spec: Spec) -> dict[str, str]:
        return {path: value for path, value in self.outputs(spec).items() if value}

    # -- commands ----------------------------------------------------------------------------------------------

    def shown(self, paths: Iterable[str]) -> str:
        lines = []
        for path in paths:
            entry = self.tree.get(led(self.tree, path))
            if entry == FOLDER:
                start = f"{led(self.tree, path)}/"
                names = sorted({each[len(start) :].split("/")[0] for each in self.tree if each.startswith(start)})
                lines.append(self.shown(f"{path.rstrip('/')}/{name}" for name in names))
            elif entry is not None:
                lines.append(f"{path}\n{entry[1]}")
        return "".join(lines)

    def write(self, path: str, content: str, runs: bool = False) -> None:
        # Through a link, as > does.
        removed(self.tree, path)
        self.tree[path] = ("file", content, runs)
        with_folders(self.tree)

    def carry_out(self, spec: Spec) -> list[str]:
        """What the task's script does; the files that its depfile names. Raises Failed."""
        tree = self.tree
        for output in spec.outputs:
            folder = output.rpartition("/")[0]
            if spec.kind == "folder":
                for each in [each for each in tree if each.startswith(f"{folder}/")]:
                    del tree[each]
            if folder not in tree:
                tree[folder] = FOLDER
                with_folders(tree)
        named = [path for pattern in self.project.patterns(spec) for path in self.named(pattern)]
        gathered = self.shown(dict.fromkeys(named))
        if spec.coarse:
            gathered = "".join(f"{line[:1]}\n" for line in gathered.split("\n")[:-1])
        gathered = gathered.rstrip("\n")
        if spec.fails == "early" and "X" in gathered:
            raise Failed
        value = {"A": self.project.project.variable, "B": self.environ.get("B", "")}.get(spec.variable, "")
        found = self.make(spec, f"{spec.salt}{value}\n{gathered}\n", gathered)
        if spec.fails == "late" and "X" in gathered:
            raise Failed
        return found

    def named(self, pattern: str) -> list[str]:
        return self.inside(pattern) if _is_glob(pattern) else [pattern]

    def make(self, spec: Spec, text: str, gathered: str) -> list[str]:
        tree = self.tree
        first = spec.outputs[0].rstrip("/") if spec.outputs else ""
        if spec.kind in ("file", MATRIX):
            self.write(first, text)
        elif spec.kind == "two":
            for path in spec.outputs:
                self.write(path, f"{text}{path[-1]}\n")
        elif spec.kind in ("folder", "kept"):
            for name in ("sub", "empty"):
                tree[f"{first}/{name}"] = FOLDER
            self.write(f"{first}/x", text, True)
            self.write(f"{first}/sub/y", f"{spec.salt}\n")
            for name, target in (("l", "x"), ("ld", "sub"), ("no", "nothing")):
                tree[f"{first}/{name}"] = ("link", target, False)
        elif spec.kind == "glob":
            folder = first.rpartition("/")[0]
            for path in [path for path in tree if path.startswith(f"{folder}/") and path.endswith(".o")]:
                removed(tree, path)
            self.write(f"{folder}/p.o", text)
            self.write(f"{folder}/q{spec.salt}.o", f"{spec.salt}\n")
        elif spec.kind == "dep":
            header = "inc/h1" if gathered.endswith("1") else "inc/h2"
            entry = tree.get(led(tree, header))
            if entry is None or entry == FOLDER:
                raise Failed
            self.write(first, text + entry[1].rstrip("\n") + "\n")
            self.write(spec.depfile, f"{first}: {header}\n")
            return [header]
        elif spec.kind == "modify":
            entry = tree.get("mod/f")
            if entry is None:
                raise Failed
            tree["mod/f"] = ("file", entry[1].replace("a", "A").replace("b", "B"), entry[2])
        return []


def _is_glob(pattern: str) -> bool:
    return "*" in pattern
