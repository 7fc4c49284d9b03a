"""What an index has of tasks: the files, folders and links that each rests on, in columns.

Knows how a record and what is known of files become rows of positions. Does not know what else shapes an index (``indexing``),
nor its layout on disk (``exarp.index``).
"""

from __future__ import annotations

import os
import sys
from array import array
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from blake3 import blake3

from exarp.app.freshness.checker import Checker
from exarp.index import Back, Front, is_settled, listing_digest
from exarp.model.path import is_glob
from exarp.model.task import Task
from exarp.workspace.fingerprints import FOLDER, Fingerprints

if TYPE_CHECKING:
    from exarp.workspace.globbing import Listing

# A folder as the index has it: path, mtime_ns, ctime_ns, inode, whether these prove what is in it, digest of what is in it;
# where it leads if it is to be a link, an empty text if it is to be none, None if either will do.
Folder = tuple[str, int, int, int, bool, bytes, str | None]


class Columns:
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
        if known is not None and known.digest == digest:
            return True
        # What was restored, nobody has looked at yet.
        return self._fingerprints.digest(path) == digest and self._fingerprints.known(path) is not None

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


class Entries:
    """Those of ``tasks`` that are up to date, with what they rest on. ``root``: of the workspace, absolute.

    By task: ``files``, and those of them that it ``made``, as positions in ``columns``; ``folders`` as keys of ``listed``.
    ``links``: where links lead that must not be retargeted, None for what must be none; ``dangling``: those that lead nowhere.
    ``linked``: tasks that rest on such.
    """

    def __init__(self, tasks: Sequence[Task], checker: Checker, root: str) -> None:
        self._tasks = tasks
        self._checker = checker
        self._root = root
        self.columns = Columns(checker.fingerprints)
        self.files: dict[int, Sequence[int]] = {}
        self.made: dict[int, Sequence[int]] = {}
        self.folders: dict[int, list[str]] = {}
        self.listed: dict[str, Folder] = {}
        self.links: dict[str, str | None] = {}
        self.dangling: list[str] = []
        self.linked: set[int] = set()

    def add(self, task: int) -> None:
        """Add a task that is up to date, if all that it rests on is known."""
        record, spec = self._checker.success(task), self._tasks[task]
        if record is None or spec.always_runs or spec.when or self._checker.is_distrusted(task):
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
            listings = self._checker.listings(task)
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
            self.dangling += [path for path in links if not os.path.exists(os.path.join(self._root, path))]
        self.files[task] = [columns.add(path) for path in files]
        if record.outputs:
            self.made[task] = [columns.at[path] for path in record.outputs if path in columns.at]
        if folders:
            self.folders[task] = folders

    def is_wide(self, task: int) -> bool:
        """Whether a task names files that are found by looking into folders."""
        spec = self._tasks[task]
        for patterns in (spec.inputs, spec.outputs, spec.tools, spec.modifies):
            for pattern in patterns or ():
                if pattern.endswith("/") or is_glob(pattern):
                    return True
        return False

    def led(self, path: str, digest: bytes) -> str | None:
        """Where a link leads that has this digest: one to a folder, or to nothing."""
        try:
            target = os.readlink(os.path.join(self._root, path))
        except OSError:
            return None
        leads = os.fsencode(target)
        return target if digest in (blake3(b"folder\0" + leads).digest(), blake3(b"link\0" + leads).digest()) else None

    def take_listing(self, folder: str, listing: Listing) -> bool:
        """Add a folder that files were found in; whether that can be."""
        if folder not in self.listed:
            if listing.stamp[2] < 0:
                return False  # It is not there, and may appear.
            self.listed[folder] = folder_of(folder, listing, listing.settled)
        return True


def folder_of(folder: str, listing: Listing, settled: bool) -> Folder:
    """A folder that patterns were looked for in."""
    path = folder.rstrip("/") or ("/" if folder else ".")
    return (path, *listing.stamp, settled, listing_digest(listing.seen), None)


def rows(of: Iterable[Sequence[int]]) -> tuple[bytes, bytes]:
    """Rows of numbers as ``exarp.index`` has them: where each ends, and all of them, one behind the other."""
    ends, values = array("I"), array("I")
    for row in of:
        values.extend(row)
        ends.append(len(values))
    return ends.tobytes(), values.tobytes()


assert array("I").itemsize == 4, sys.platform
