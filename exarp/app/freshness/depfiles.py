"""What a task is seen to read beyond its declared inputs: the files that its depfile lists.

Knows where a depfile is and which of its entries count. Does not know when a task ran: a snapshot says how things stood.
"""

from __future__ import annotations

import msgspec

from exarp.app.freshness.records import Records
from exarp.app.freshness.resolution import Own, in_text
from exarp.model.path import normalise
from exarp.model.task import Task
from exarp.planning.freshness import Record
from exarp.workspace.depfile import parse_depfile
from exarp.workspace.fingerprints import MISSING, UNREADABLE, Fingerprints
from exarp.workspace.folders import working_folder


class Snapshot(msgspec.Struct, frozen=True):
    """A task as it stood when it was checked. ``named``: what ``$in`` stands for. ``moment``: on the files' clock.

    ``turn``: how many tasks of the run had succeeded.
    """

    named: tuple[str, ...]
    now: Record
    moment: int
    turn: int


# A moment that nothing is younger than.
NEVER_LATE = 1 << 63


class Depfiles:
    """Finds what tasks of one workspace (``root``: absolute) have read."""

    def __init__(self, root: str, fingerprints: Fingerprints, records: Records) -> None:
        self._root = root
        self._fingerprints = fingerprints
        self._records = records

    def found(self, spec: Task, snapshot: Snapshot) -> tuple[dict[str, bytes], str | None]:
        """Digests of what the depfile lists beyond the inputs, and why that cannot be relied on, if so, as a clause."""
        if not spec.depfile:
            return {}, None
        try:
            listed = parse_depfile(self._read(spec.depfile))
        except FileNotFoundError:
            return {}, f"the depfile {spec.depfile} is not there"
        except OSError as error:
            return {}, f"the depfile {spec.depfile} cannot be read ({error.strerror})"
        except ValueError as error:
            return {}, f"the depfile {spec.depfile} is not in Makefile syntax ({error})"
        found: dict[str, bytes] = {}
        doubt: str | None = None
        own = Own(spec)
        folder = working_folder(self._root, spec.cwd)
        for entry in listed:
            path = self._workspace_path(entry, folder)
            if path in snapshot.now.inputs or own.has(path):
                continue
            if path != in_text(path):
                doubt = doubt or f"the name of {in_text(path)} is not UTF-8"
                continue
            found[path] = self._fingerprints.digest(path)
            doubt = doubt or self._doubt(spec, snapshot, path, found[path])
        return found, doubt

    def _doubt(self, spec: Task, snapshot: Snapshot, path: str, digest: bytes) -> str | None:
        """Why a file may not be what the task read."""
        if digest == MISSING:
            return f"{path}, which the depfile {spec.depfile} lists, is not there"
        if digest == UNREADABLE:
            return f"{path} cannot be read ({self._fingerprints.complaint(path)})"
        # Generated headers may be as young as the tasks that read them; what made them before is known.
        known = snapshot.now.found.get(path) or self._records.made(path, snapshot.turn)
        late = digest != known if known else self._fingerprints.changed_since(path, snapshot.moment)
        return f"{path} changed while the task ran" if late else None

    def _workspace_path(self, entry: str, folder: str) -> str:
        path = normalise(entry, folder)
        inside = f"{self._root}/"
        return path[len(inside) :] if path.startswith(inside) else path

    def _read(self, path: str) -> str:
        absolute = path if path.startswith("/") else f"{self._root}/{path}"
        with open(absolute, encoding="utf-8", errors="surrogateescape") as file:
            return file.read()
