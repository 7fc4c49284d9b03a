"""The index that a run leaves: what is known to be up to date, as long as what it rests on stays as it is.

Knows how records of successes, stat data and the shape of a project become the columns of ``exarp.index``, and what an older
index goes on to say. Does not decide whether a task is up to date (the checker did), nor how an index is read (``glance``
does).

A task is in the index if this run found it up to date or saw it succeed, and every file that its record names is known with
just the content that the record has. What is not surely so is left out: a run that wants it looks for itself.
"""

from __future__ import annotations

import os
import sys
from array import array
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec
from blake3 import blake3

from exarp.app.checker import Checker
from exarp.app.project import Project, pattern_folders
from exarp.app.shape import Shape, stamp_of
from exarp.graph.reachability import closure, with_dependents
from exarp.index import Back, Front, environment_digest, in_memory, is_settled, joined, listing_digest, maker, packed
from exarp.model.path import is_glob
from exarp.planning.environment import FILE_WORDS
from exarp.planning.recipe import named_variables
from exarp.planning.selection import all_targets, default_targets
from exarp.workspace.fingerprints import FOLDER, Fingerprints
from exarp.workspace.links import found_links

if TYPE_CHECKING:
    from exarp.workspace.globbing import Globbing, Listing

# Where git is told what it ignores.
_OF_GIT = ("GIT_CONFIG", "GIT_CONFIG_COUNT", "GIT_CONFIG_GLOBAL", "GIT_CONFIG_NOSYSTEM", "GIT_CONFIG_SYSTEM", "HOME",
           "XDG_CONFIG_HOME")  # fmt: skip


# A folder as the index has it: path, mtime_ns, ctime_ns, inode, whether these prove what is in it, digest of what is in it;
# where it leads if it is to be a link, an empty text if it is to be none, None if either will do.
_Folder = tuple[str, int, int, int, bool, bytes, str | None]


class Ran(msgspec.Struct, frozen=True):
    """A run that is over. ``asked``: the tasks that its command line named, ``--all``, or nothing at all; None where it said
    more, so that its successes are not those of a plain run.

    ``selected``: the tasks that it was about. ``told``: warnings of the manifest, which every run tells; ``told_here``: those
    that rest on what was asked for. ``commands``: names that no task is run by alone.
    ``moment_ns``: when the run began, on the clock of the files, with ``by_machine_ns``, the same by the machine's clock.
    """

    asked: tuple[str, ...] | None
    selected: frozenset[str]
    told: tuple[str, ...]
    told_here: tuple[str, ...]
    commands: frozenset[str]
    moment_ns: int
    by_machine_ns: int


def index_of(
    project: Project, checker: Checker, ran: Ran, environ: Mapping[str, str], before: bytes | None
) -> bytes | None:
    """The index after a run, or None where there can be none. ``before``: the index that the run found."""
    shape = project.shape
    if shape is None or project.named:
        return None
    return _Indexing(project, shape, checker, ran, environ).packed(before)


class _Columns:
    """Files by path: position, stat data and digest of each."""

    def __init__(self, fingerprints: Fingerprints) -> None:
        self._fingerprints = fingerprints
        self.at: dict[str, int] = {}
        self.digests: list[bytes] = []
        self.mtimes, self.ctimes, self.sizes = array("q"), array("q"), array("q")
        self.inodes = array("Q")
        self.young = array("I")

    def has(self, path: str, digest: bytes) -> bool:
        """Whether the file is known to have this content."""
        at = self.at.get(path)
        if at is not None:
            return self.digests[at] == digest
        known = self._fingerprints.known(path)
        return known is not None and known.digest == digest

    def add(self, path: str) -> int:
        """The position of a file that is known."""
        at = self.at.get(path)
        if at is None:
            known = self._fingerprints.known(path)
            assert known is not None, "has() was asked before"
            settled = is_settled(known.mtime_ns, known.ctime_ns, known.hashed_at_ns)
            at = self._append(path, known.digest, known.mtime_ns, known.ctime_ns, known.size, known.inode, settled)
        return at

    def adopt(self, front: Front, back: Back, old: int, young: frozenset[int]) -> int | None:
        """The position of a file as an older index has it; None where more is known by now, and it is not the same."""
        path, digest = front.paths[old], back.digest(old)
        at = self.at.get(path)
        if at is not None:
            return at if self.digests[at] == digest else None
        known = self._fingerprints.known(path)
        if known is not None and path in self._fingerprints.seen:
            return self.add(path) if known.digest == digest else None
        return self._append(
            path, digest, front.mtimes[old], front.ctimes[old], front.sizes[old], front.inodes[old], old not in young
        )

    def _append(self, path: str, digest: bytes, mtime: int, ctime: int, size: int, inode: int, settled: bool) -> int:
        at = self.at[path] = len(self.digests)
        self.digests.append(digest)
        self.mtimes.append(mtime)
        self.ctimes.append(ctime)
        self.sizes.append(size)
        self.inodes.append(inode)
        if not settled:
            self.young.append(at)
        return at


class _Indexing:
    def __init__(self, project: Project, shape: Shape, checker: Checker, ran: Ran, environ: Mapping[str, str]) -> None:
        self.project = project
        self.manifest = project.manifest
        self.graph = project.graph
        self.shape = shape
        self.checker = checker
        self.ran = ran
        self.environ = environ
        self.columns = _Columns(checker.fingerprints)
        # By task: positions of its files, and its folders.
        self.files: dict[int, Sequence[int]] = {}
        self.folders: dict[int, list[str]] = {}
        self.shaping: dict[str, _Folder] = {}
        self.listed: dict[str, _Folder] = {}
        self.links: dict[str, str | None] = {}
        self.dangling: list[str] = []
        # Tasks that rest on links: an older index does not say on which.
        self.linked: set[int] = set()

    def packed(self, before: bytes | None) -> bytes | None:
        if self.ran.asked is not None:
            # What is found with patterns is looked at as it is now that everything is over.
            self.checker.forget()
            for task in sorted(self.checker.sound):
                self.add(task)
        shaped = self.shaped()
        if shaped is None:
            return None
        if before is not None:
            self.adopt(before, shaped)
        return self.put_together(shaped) if self.files else None

    # -- tasks of this run -------------------------------------------------------------------------------------

    def add(self, task: int) -> None:
        """Add a task that is up to date, if all that it rests on is known."""
        record, spec = self.checker.success(task), self.manifest.tasks[task]
        if record is None or spec.always_runs or spec.when or self.checker.is_distrusted(task):
            return
        columns = self.columns
        has, files, whole_folders = columns.has, [], []
        links: dict[str, str] = {}
        for some in (record.inputs, record.found, record.outputs):
            for path, digest in some.items():
                if has(path, digest):
                    files.append(path)
                elif digest == FOLDER:
                    whole_folders.append(path)
                elif (target := self.led(path, digest)) is not None:
                    links[path] = target
                else:
                    return
        folders: list[str] = []
        if links or whole_folders or self.is_wide(task):
            listings = self.checker.listings(task)
            if listings is None or not all(self.take_listing(*listing) for listing in listings.items()):
                return
            folders = list(listings)
        for path in whole_folders:
            folder = f"{path.rstrip('/')}/"
            if folder not in self.listed:
                return
            self.listed[folder] = (*self.listed[folder][:6], "")
        if links:
            self.linked.add(task)
            self.links |= links
            self.dangling += [path for path in links if not os.path.exists(os.path.join(self.project.root, path))]
        self.files[task] = [columns.add(path) for path in files]
        if folders:
            self.folders[task] = folders

    def is_wide(self, task: int) -> bool:
        """Whether a task names files that are found by looking into folders."""
        spec = self.manifest.tasks[task]
        for patterns in (spec.inputs, spec.outputs, spec.tools, spec.modifies):
            for pattern in patterns or ():
                if pattern.endswith("/") or is_glob(pattern):
                    return True
        return False

    def led(self, path: str, digest: bytes) -> str | None:
        """Where a link leads that has this digest: one to a folder, or to nothing."""
        try:
            target = os.readlink(os.path.join(self.project.root, path))
        except OSError:
            return None
        leads = os.fsencode(target)
        return target if digest in (blake3(b"folder\0" + leads).digest(), blake3(b"link\0" + leads).digest()) else None

    def take_listing(self, folder: str, listing: Listing) -> bool:
        """Add a folder that files were found in; whether that can be."""
        if folder not in self.listed:
            if listing.stamp[2] < 0:
                return False  # It is not there, and may appear.
            self.listed[folder] = _folder(folder, listing, listing.settled)
        return True

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
            self.links.setdefault(folder[:-1], links.get(folder[:-1]))
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
        self.shaping = {folder: _folder(folder, listing, False) for folder, listing in listings.items()}
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
            names.update(name for name in named_variables(task.commands) if not name.startswith("EXARP_"))
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
        lost = {ids[name] for name in selected if ids[name] not in self.files and not self.gathers(ids[name])}
        stale = with_dependents(self.graph, lost | self.checker.ran)
        young, listed = frozenset(front.young), front.about["folders"]
        for number, name in enumerate(back.names):
            task = ids.get(name)
            if task is None or name in selected or task in stale or self.gathers(task) or name in front.about["linked"]:
                continue
            positions = [self.columns.adopt(front, back, old, young) for old in back.files(number)]
            if None in positions:
                continue
            self.files[task] = [at for at in positions if at is not None]
            folders = {_key(listed[old]): listed[old] for old in back.folders(number)}
            if folders:
                self.listed = {**folders, **self.listed}
                self.folders[task] = list(folders)

    def gathers(self, task: int) -> bool:
        """Whether a task has nothing to do itself."""
        return self.manifest.tasks[task].is_group and not self.manifest.tasks[task].when

    # -- the parts ---------------------------------------------------------------------------------------------

    def put_together(self, about: dict[str, Any]) -> bytes:
        tasks, graph, columns = self.manifest.tasks, self.graph, self.columns
        clean = [task for task in range(len(graph)) if task in self.files or self.gathers(task)]
        at = {task: number for number, task in enumerate(clean)}
        beyond = len(clean)
        about |= {
            "links": sorted(self.links.items()),
            "dangling": self.dangling,
            "shaping": [*self.shaping.values()],
            "folders": [*self.listed.values()],
            "linked": frozenset(graph.names[task] for task in self.linked),
            "commands": self.ran.commands,
            "notes": self.ran.told + self.ran.told_here,
            "told_for": self.ran.asked if self.ran.told_here else None,
            "unnamed": frozenset(task.name for task in tasks if task.internal),
        }
        usual = default_targets(self.manifest)
        for word, targets in (("usual", usual), ("every", all_targets(self.manifest))):
            wanted = closure(graph, [graph.ids[name] for name in targets]) if targets else set()
            sound = bool(wanted) and all(task in at for task in wanted)
            whole = sound and self.files.keys() <= wanted
            about[word] = (len(wanted), whole)
            about[f"{word}_targets"] = targets if sound and not whole else None
        needs = [[at.get(need, beyond) for need in graph.needs[task]] for task in clean]
        files = [self.files.get(task, ()) for task in clean]
        places = {folder: number for number, folder in enumerate(self.listed)}
        folders = [[places[folder] for folder in self.folders.get(task, ())] for task in clean]
        front = (
            about,
            joined(columns.at),
            *(column.tobytes() for column in (columns.mtimes, columns.ctimes, columns.sizes)),
            columns.inodes.tobytes(),
            columns.young.tobytes(),
        )
        names = joined(graph.names[task] for task in clean)
        rows = (*_rows(needs), *_rows(files), *_rows(folders))
        return packed(front, (b"".join(columns.digests), names, *rows, self.words()))

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


def _folder(folder: str, listing: Listing, settled: bool) -> _Folder:
    path = folder.rstrip("/") or ("/" if folder else ".")
    return (path, *listing.stamp, settled, listing_digest(listing.seen), None)


def _key(folder: _Folder) -> str:
    """How a listing of it is known."""
    return "" if folder[0] == "." else f"{folder[0].rstrip('/')}/"


def _rows(rows: Iterable[Sequence[int]]) -> tuple[bytes, bytes]:
    """Where each row ends, and all of them, one behind the other."""
    ends, values = array("I"), array("I")
    for row in rows:
        values.extend(row)
        ends.append(len(values))
    return ends.tobytes(), values.tobytes()


assert array("I").itemsize == 4, sys.platform
