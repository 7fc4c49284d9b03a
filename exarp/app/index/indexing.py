"""The index that a run leaves: what is known to be up to date, as long as what it rests on stays as it is.

Knows how records of successes, stat data and the shape of a project become the columns of ``exarp.index``, and what an older
index goes on to say. Does not decide whether a task is up to date (the checker did), nor how an index is read (``glance``
does).

A task is in the index if this run found it up to date or saw it succeed, and every file that its record names is known with
just the content that the record has. What is not surely so is left out: a run that wants it looks for itself.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from exarp.app.freshness.checker import Checker
from exarp.app.index.entries import Entries, Folder, folder_of, rows
from exarp.app.index.makings import makings_of
from exarp.app.opening.examining import pattern_folders
from exarp.app.opening.project import Project
from exarp.app.opening.shape import Shape, stamp_of
from exarp.graph.reachability import closure, with_dependents
from exarp.index import (
    GATHERING,
    UNKNOWN,
    UP_TO_DATE,
    Back,
    Front,
    environment_digest,
    in_memory,
    is_settled,
    joined,
    maker,
    packed,
)
from exarp.model.path import is_glob
from exarp.model.plan import Plan
from exarp.planning.environment import FILE_WORDS
from exarp.planning.recipe import named_variables
from exarp.planning.selection import all_targets, default_targets
from exarp.workspace.links import found_links

if TYPE_CHECKING:
    from exarp.workspace.globbing import Globbing

# Where git is told what it ignores.
_OF_GIT = ("GIT_CONFIG", "GIT_CONFIG_COUNT", "GIT_CONFIG_GLOBAL", "GIT_CONFIG_NOSYSTEM", "GIT_CONFIG_SYSTEM", "HOME",
           "XDG_CONFIG_HOME")  # fmt: skip


class Ran(msgspec.Struct, frozen=True):
    """A run that is over. ``asked``: the tasks that its command line named, ``--all``, or nothing at all; None where it said
    more, so that its successes are not those of a plain run.

    ``selected``: the tasks that it was about. ``told``: warnings of the manifest, which every run tells; ``told_here``: those
    that rest on what was asked for. ``commands``: names that no task is run by alone.
    ``moment_ns``: when the run began, on the clock of the files, with ``by_machine_ns``, the same by the machine's clock.
    ``plan``: what the manifest alone plans for what is asked; None where the command line said more.
    """

    asked: tuple[str, ...] | None
    selected: frozenset[str]
    told: tuple[str, ...]
    told_here: tuple[str, ...]
    commands: frozenset[str]
    moment_ns: int
    by_machine_ns: int
    plan: Plan | None = None


def index_of(
    project: Project, checker: Checker, ran: Ran, environ: Mapping[str, str], before: bytes | None
) -> bytes | None:
    """The index after a run, or None where there can be none. ``before``: the index that the run found."""
    shape = project.shape
    if shape is None or project.named:
        return None
    return _Indexing(project, shape, checker, ran, environ).packed(before)


class _Indexing:
    def __init__(self, project: Project, shape: Shape, checker: Checker, ran: Ran, environ: Mapping[str, str]) -> None:
        self.project = project
        self.manifest = project.manifest
        self.graph = project.graph
        self.shape = shape
        self.checker = checker
        self.ran = ran
        self.environ = environ
        self.entries = Entries(project.manifest.tasks, checker, project.root)
        self.shaping: dict[str, Folder] = {}

    def packed(self, before: bytes | None) -> bytes | None:
        if self.ran.asked is not None:
            # What is found with patterns is looked at as it is now that everything is over.
            self.checker.forget()
            for task in sorted(self.checker.sound):
                self.entries.add(task)
        shaped = self.shaped()
        if shaped is None:
            return None
        if before is not None:
            self.adopt(before, shaped)
        known = self.entries.files or any(map(self.gathers, range(len(self.graph))))
        return self.put_together(shaped) if known else None

    # -- what shaped the project -------------------------------------------------------------------------------

    def shaped(self) -> dict[str, Any] | None:
        """What is compared before anything else; None where it has changed since it was read, or might have."""
        shape, outside = self.shape, self.shape.outside
        if outside is None or outside.has_run:
            return None
        folders = pattern_folders(self.manifest)
        links = found_links(self.project.root, folders) if folders else {}
        if links != self.manifest.links:
            return None
        for folder in folders:
            self.entries.links.setdefault(folder[:-1], links.get(folder[:-1]))
        files = dict(shape.files)
        for globbing in filter(None, (outside.globbing, self.checker.globbing)):
            files.update((path, stamp_of(path)) for path in globbing.ignore_files if path not in files)
        if outside.globbing is not None and not self.add_shaping(outside.globbing):
            return None
        # When it was read, on the files' clock: what was as young then may have been changed unseen.
        read_ns = self.ran.moment_ns - (self.ran.by_machine_ns - shape.began_ns)
        stamps = {path: stamp for path, stamp in files.items() if stamp is not None}
        if any(stamp_of(path) != stamp or not is_settled(*stamp[:2], read_ns) for path, stamp in stamps.items()):
            return None
        absent = sorted(path for path, stamp in files.items() if stamp is None)
        if any(map(os.path.lexists, absent)):
            return None
        return {
            "maker": maker(),
            "root": self.project.root,
            "shape": [(path, *stamp) for path, stamp in sorted(stamps.items())],
            "absent": absent,
            "environ": self.environment(),
        }

    def add_shaping(self, globbing: Globbing) -> bool:
        """Add the folders that matrices and includes were found in; whether the same would be found now."""
        listings = globbing.listings_again()
        if listings is None or any(listing.stamp[2] < 0 for listing in listings.values()):
            return False
        self.shaping = {folder: folder_of(folder, listing, False) for folder, listing in listings.items()}
        return True

    def environment(self) -> tuple[tuple[str, ...] | None, bytes, bytes]:
        """Variables of the caller that count for some task, a digest of their values, and its salt."""
        seen = self.shape.environ
        salt = os.urandom(16)
        globs = any(is_glob(entry) for task in self.manifest.tasks for entry in task.track_env)
        odd = any(name.startswith("GIT_CONFIG_") and name not in _OF_GIT for name in self.environ)
        if seen.whole or globs or odd or not seen:
            return None, environment_digest(None, self.environ, salt), salt
        names = {*seen.names, *_OF_GIT}
        for task in self.manifest.tasks:
            names.update(name for name in named_variables(task.attempted) if not name.startswith("EXARP_"))
            names.update(task.track_env)
        wanted = tuple(sorted(names - FILE_WORDS))
        return wanted, environment_digest(wanted, self.environ, salt), salt

    # -- tasks of an older index -------------------------------------------------------------------------------

    def adopt(self, before: bytes, shaped: dict[str, Any]) -> None:
        """Go on to say what an older index says of tasks that this run had nothing to do with."""
        try:
            file = in_memory(before)
            front = file.front()
            about = front.about
            if about["told_for"] is not None or not self.still_shaped(about, shaped):
                return
            back = file.back()
        except (ValueError, KeyError, TypeError):
            return
        self._adopt(front, back)

    def still_shaped(self, about: dict[str, Any], shaped: dict[str, Any]) -> bool:
        """Whether an older index still holds; then what shaped it is put to what shapes this one."""
        names, digest, salt = about["environ"]
        if any(about[key] != shaped[key] for key in ("maker", "root")):
            return False
        if digest != environment_digest(names, self.environ, salt):
            return False
        if any(stamp_of(path) != tuple(stamp) for path, *stamp in about["shape"]):
            return False
        if any(os.path.lexists(path) for path in about["absent"]):
            return False
        if {(folder[0], folder[5]) for folder in about["shaping"]} != {(f[0], f[5]) for f in self.shaping.values()}:
            return False
        shaped["shape"] = sorted({*shaped["shape"], *about["shape"]})
        shaped["absent"] = sorted({*shaped["absent"], *about["absent"]})
        mine, _, salt = shaped["environ"]
        wanted = None if mine is None or names is None else tuple(sorted({*mine, *names}))
        shaped["environ"] = (wanted, environment_digest(wanted, self.environ, salt), salt)
        return True

    def _adopt(self, front: Front, back: Back) -> None:
        ids, selected = self.graph.ids, self.ran.selected
        lost = {ids[name] for name in selected if ids[name] not in self.entries.files and not self.gathers(ids[name])}
        stale = with_dependents(self.graph, lost | self.checker.ran)
        young, listed = frozenset(front.young), front.about["folders"]
        for number, name in enumerate(back.names):
            task = ids.get(name)
            if back.states[number] != UP_TO_DATE or name in selected or name in front.about["linked"]:
                continue
            if task is None or task in stale:
                continue
            positions = [self.entries.columns.adopt(front, back, old, young) for old in back.files(number)]
            if None in positions:
                continue
            self.entries.files[task] = [at for at in positions if at is not None]
            moved = dict(zip(back.files(number), self.entries.files[task], strict=True))
            self.entries.made[task] = [moved[old] for old in back.made(number)]
            folders = {_key(listed[old]): listed[old] for old in back.folders(number)}
            if folders:
                self.entries.listed = {**folders, **self.entries.listed}
                self.entries.folders[task] = list(folders)

    def gathers(self, task: int) -> bool:
        """Whether a task has nothing to do itself."""
        return self.manifest.tasks[task].is_group and not self.manifest.tasks[task].when

    # -- the parts ---------------------------------------------------------------------------------------------

    def put_together(self, about: dict[str, Any]) -> bytes:
        tasks, graph, columns = self.manifest.tasks, self.graph, self.entries.columns
        plan = self.plan_of()
        about |= {
            "links": sorted(self.entries.links.items()),
            "dangling": self.entries.dangling,
            "shaping": [*self.shaping.values()],
            "folders": [*self.entries.listed.values()],
            "linked": frozenset(graph.names[task] for task in self.entries.linked),
            "commands": self.ran.commands,
            "notes": self.ran.told + self.ran.told_here,
            "told_for": self.ran.asked if self.ran.told_here else None,
            "plan_for": self.ran.asked if plan is not None else None,
            "unnamed": frozenset(task.name for task in tasks if task.internal),
        }
        states = [self.state(task) for task in range(len(graph))]
        for word, targets in (("usual", default_targets(self.manifest)), ("every", all_targets(self.manifest))):
            wanted = closure(graph, [graph.ids[name] for name in targets]) if targets else set()
            covering = bool(wanted) and self.entries.files.keys() <= wanted
            whole = covering and all(states[task] for task in wanted)
            about[word] = (len(wanted), whole, covering)
            about[f"{word}_targets"] = targets or None
        places = {folder: number for number, folder in enumerate(self.entries.listed)}
        everyone = range(len(graph))
        back = (
            b"".join(columns.digests),
            joined(graph.names),
            bytes(states),
            *rows(graph.needs),
            *rows(self.entries.files.get(task, ()) for task in everyone),
            *rows([places[folder] for folder in self.entries.folders.get(task, ())] for task in everyone),
            *rows(self.entries.made.get(task, ()) for task in everyone),
            self.words(),
        )
        front = (
            about,
            joined(columns.at),
            *(column.tobytes() for column in (columns.mtimes, columns.ctimes, columns.sizes)),
            columns.inodes.tobytes(),
            columns.young.tobytes(),
        )
        return packed(front, back, plan or b"")

    def state(self, task: int) -> int:
        """What the index says of a task."""
        return UP_TO_DATE if task in self.entries.files else GATHERING if self.gathers(task) else UNKNOWN

    def plan_of(self) -> bytes | None:
        """What a run of a part is put together from; None where this run was no plain one, or that would be unsound."""
        return makings_of(self.project, self.ran.plan) if self.ran.plan is not None else None

    def words(self) -> dict[str, tuple[str, ...]]:
        """What stands for tasks on a command line beside their names."""
        found: dict[str, tuple[str, ...]] = dict(self.manifest.instances)
        aliases: dict[str, list[str]] = {}
        for task in self.manifest.tasks:
            for alias in task.aliases:
                aliases.setdefault(alias, []).append(task.name)
        for alias, names in aliases.items():
            if alias not in found and alias not in self.graph.ids:
                found[alias] = tuple(names)
        internal = {task.name for task in self.manifest.tasks if task.internal}
        return {word: names for word, names in found.items() if names and internal.isdisjoint(names)}


def _key(folder: Folder) -> str:
    """How a listing of it is known."""
    return "" if folder[0] == "." else f"{folder[0].rstrip('/')}/"
