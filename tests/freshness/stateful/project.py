"""A manifest as values: tasks, what they read, need and make, what they are called, and how they are put together.

Knows which tasks a run takes. Does not know what their commands do (``scripts``), nor how it is written down (``manifest``).
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from tests.freshness.stateful.tree import Tree, below

MATRIX = "mx"
# The prefix and folder of an included manifest.
INNER = "ui"


class From(NamedTuple):
    """The outputs of another task as an input: by their paths, or as ``{ from = … }``."""

    key: str
    by_name: bool = False

    def is_named(self, specs: Mapping[str, Spec]) -> bool:
        """Whether it is said by name: instances have no other, and globs are no order for globs."""
        return self.by_name or self.key not in specs or specs[self.key].kind in (MATRIX, "glob")


@dataclass(frozen=True)
class Spec:
    """A task. ``key``: what it is, whatever its ``name`` is. ``kind``: what it makes, see ``OUTPUTS``. ``needs``: keys.

    ``inner``: it is in the included manifest.
    """

    key: str
    called: str
    kind: str = "file"
    salt: int = 0
    inputs: tuple[str | From, ...] = ()
    needs: tuple[str, ...] = ()
    moved: str = ""
    coarse: bool = False
    fails: str = ""
    allow_failure: bool = False
    variable: str = ""
    inner: bool = False

    @property
    def name(self) -> str:
        """In full."""
        return f"{INNER}:{self.called}" if self.inner else self.called

    @property
    def outputs(self) -> tuple[str, ...]:
        at = f"{self.key}{self.moved}"
        return {
            "file": (f"out/{at}",),
            "two": (f"out/{at}.1", f"out/{at}.2"),
            "folder": (f"dir/{at}/",),
            # exarp empties no folder that was somebody else's to fill.
            "kept": (f"keep/{at}/",),
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

    @property
    def is_cached(self) -> bool:
        return not self.is_group and not self.always


class Wave(NamedTuple):
    """A declared wave: keys of tasks that follow one another in the manifest."""

    keys: tuple[str, ...]
    parallel: bool = False
    in_turn: bool = False


@dataclass(frozen=True)
class Project:
    """A manifest. ``tasks``: each reads only what those before it make. ``default``: keys of what a run without names does.

    ``variable``: the value of ``A``, if any; ``own``: the same in the included manifest, None for that of the root.
    ``dotenv``: who has ``.env`` read: "settings", "tasks", or nobody. ``comment``: what means nothing.
    """

    tasks: tuple[Spec, ...]
    default: tuple[str, ...] = ()
    variable: str | None = "1"
    own: str | None = None
    waves: tuple[Wave, ...] = ()
    dotenv: str = ""
    comment: int = 0

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
                one = Spec(key, f"{spec.called}@{path}", MATRIX, spec.salt, (path,), spec.needs, spec.moved, spec.coarse,
                           spec.fails, spec.allow_failure, spec.variable)  # fmt: skip
                found.append(one)
            instances[spec.key] = tuple(path.removeprefix("mx/").removesuffix(".c") for path in paths)
        return Expanded(self, found, instances)

    def value(self, spec: Spec, environ: Mapping[str, str], tree: Tree) -> str | None:
        """The variable that counts for a task."""
        if spec.variable == "A":
            own = self.own if spec.inner and self.own is not None else self.variable
            return environ.get("A") if own is None else own
        lines = tree[".env"][1].split() if self.dotenv and ".env" in tree else []
        return {**dict(line.split("=") for line in lines), **environ}.get("B")


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
