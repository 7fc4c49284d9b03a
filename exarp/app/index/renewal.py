"""An index after a run of a part of what it knows: what was not looked at stays as it was.

Knows how rows and columns of an index are patched. Does not know how a whole one is made (``indexing``).
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from typing import Any

from exarp.app.freshness.checker import Checker
from exarp.app.index.entries import Entries, Folder, rows
from exarp.app.index.makings import Makings, Share
from exarp.app.opening.shape import stamp_of
from exarp.index import GATHERING, UNKNOWN, UP_TO_DATE, Part, is_settled, packed
from exarp.workspace.globbing import Outputs


def renewed(part: Part, makings: Makings, share: Share, checker: Checker, began_ns: int) -> bytes | None:
    """The index, with what is known of a part of it by now; None where somebody must look at everything first.

    ``began_ns``: when the run began, on the clock of the files.
    """
    looked_at = [task for task, place in enumerate(share.plan.position) if place >= 0]
    entries = Entries(share.manifest.tasks, checker, part.root)
    # What is found with patterns is looked at as it is now that everything is over.
    checker.forget()
    for task in looked_at:
        if task in checker.sound:
            entries.add(task)
    if entries.linked or _tells_more(part, makings, share, checker, looked_at):
        return None
    renewal = _Renewal(part, share, entries)
    return renewal.packed(part.makings) if renewal.knows_what_git_ignores(checker, began_ns) else None


def _tells_more(part: Part, makings: Makings, share: Share, checker: Checker, looked_at: Iterable[int]) -> bool:
    """Whether a depfile tells of another task's file for the first time: every run has to tell of that, or to order it."""
    outputs = Outputs(makings.outputs)
    for task in looked_at:
        record = checker.success(task)
        if record is None or not record.found:
            continue
        known = {part.front.paths[at] for at in part.back.files(share.tasks[task])}
        if any(outputs.has(path) for path in record.found if path not in known):
            return True
    return False


class _Renewal:
    def __init__(self, part: Part, share: Share, entries: Entries) -> None:
        self.front, self.back = part.front, part.back
        self.part = part
        self.entries = entries
        self.about: dict[str, Any] = dict(part.front.about)
        # By position in the index, what was looked at.
        self.looked_at = {number: task for task, number in enumerate(share.tasks) if share.plan.position[task] >= 0}
        self.states = bytearray(part.back.states)

    def knows_what_git_ignores(self, checker: Checker, began_ns: int) -> bool:
        """Take up files that say what git ignores, as far as they were not known to count; whether they can be relied on."""
        known = {path for path, *_ in self.about["shape"]}.union(self.about["absent"])
        new = {path: stamp_of(path) for path in checker.globbing.ignore_files if path not in known}
        stamps = {path: stamp for path, stamp in new.items() if stamp is not None}
        if not all(is_settled(*stamp[:2], began_ns) for stamp in stamps.values()):
            return False
        if new:
            self.about["shape"] = sorted([*self.about["shape"], *((path, *stamp) for path, stamp in stamps.items())])
            self.about["absent"] = sorted([*self.about["absent"], *(new.keys() - stamps.keys())])
        return True

    def packed(self, makings: bytes) -> bytes | None:
        for number, task in self.looked_at.items():
            if self.states[number] != GATHERING:
                self.states[number] = UP_TO_DATE if task in self.entries.files else UNKNOWN
        columns = _Columns(self.part)
        positions = columns.take(self.entries)
        if columns.changed:
            # Who read a file as it was before, and was not looked at, knows nothing of it.
            for number, state in enumerate(self.states):
                others = state == UP_TO_DATE and number not in self.looked_at
                if others and not columns.changed.isdisjoint(self.back.files(number)):
                    self.states[number] = UNKNOWN
        parts = self.back.parts
        parts[0], parts[2] = bytes(columns.digests), bytes(self.states)
        folders = self.folders()
        if not self.put_rows(parts, positions, folders):
            return None
        self.count()
        return packed(columns.front(self.about), parts, makings)

    def folders(self) -> dict[str, int]:
        """Positions of the folders that were looked into, which are put in the place of what was known of them."""
        known: list[Folder] = list(self.about["folders"])
        at = {folder[0]: place for place, folder in enumerate(known)}
        found = {}
        for key, folder in self.entries.listed.items():
            place = at.get(folder[0])
            if place is None:
                place = len(known)
                known.append(folder)
            else:
                known[place] = folder
            found[key] = place
        self.about["folders"] = known
        return found

    def put_rows(self, parts: list[Any], positions: Sequence[int], folders: dict[str, int]) -> bool:
        """Put the rows of what was looked at into the back; whether no file is left that nobody rests on any more."""
        entries, back = self.entries, self.back
        new: dict[int, tuple[list[int], list[int], list[int]]] = {}
        for number, task in self.looked_at.items():
            if task not in entries.files:
                continue
            row = (
                [positions[at] for at in entries.files[task]],
                [folders[key] for key in entries.folders.get(task, ())],
                [positions[at] for at in entries.made.get(task, ())],
            )
            before = (back.files(number), back.folders(number), back.made(number))
            if any(set(some) != set(other) for some, other in zip(row, before, strict=True)):
                new[number] = row
        if not new:
            return True
        everyone = range(len(self.states))
        files = [new[number][0] if number in new else back.files(number) for number in everyone]
        lost = {at for number in new for at in back.files(number)}.difference(*(row[0] for row in new.values()))
        if lost and not lost <= {at for row in files for at in row}:
            return False
        parts[5:7] = rows(files)
        parts[7:9] = rows([new[number][1] if number in new else back.folders(number) for number in everyone])
        parts[9:11] = rows([new[number][2] if number in new else back.made(number) for number in everyone])
        return True

    def count(self) -> None:
        """Whether all that a run without names takes is up to date."""
        asked = "every" if self.part.key == ("--all",) else "usual"
        unknown = any(self.states[number] == UNKNOWN for number in self.looked_at)
        others = any(
            state == UNKNOWN and self.back.states[number] != UNKNOWN
            for number, state in enumerate(self.states)
            if number not in self.looked_at
        )
        for word in ("usual", "every"):
            count, whole, covering = self.about[word]
            # What is asked for is known: all of it that was not up to date was looked at.
            sound = (whole or (word == asked and self.part.key in ((), ("--all",)))) and not unknown and not others
            self.about[word] = (count, covering and sound, covering)


class _Columns:
    """The columns of an index, to be changed. ``changed``: positions of files that have another content."""

    def __init__(self, part: Part) -> None:
        front = part.front
        self.paths = list(front.paths)
        self.at = {path: position for position, path in enumerate(self.paths)}
        self.mtimes, self.ctimes, self.sizes = array("q"), array("q"), array("q")
        self.inodes = array("Q")
        for column, old in zip(self.all(), (front.mtimes, front.ctimes, front.sizes, front.inodes), strict=True):
            column.frombytes(old.tobytes())
        self.young = set(front.young)
        self.digests = bytearray(part.back.digests)
        self.changed: set[int] = set()

    def all(self) -> tuple[array[int], ...]:
        return self.mtimes, self.ctimes, self.sizes, self.inodes

    def put(self, at: int, values: Iterable[int], settled: bool) -> None:
        for column, value in zip(self.all(), values, strict=True):
            column[at] = value
        if settled:
            self.young.discard(at)
        else:
            self.young.add(at)

    def take(self, entries: Entries) -> list[int]:
        """Take up the files of ``entries``; their positions here, in the order that they have there."""
        found = []
        theirs = entries.columns
        young = set(theirs.young)
        for other, path in enumerate(theirs.at):
            at = self.at.get(path)
            digest = theirs.digests[other]
            if at is None:
                at = self.at[path] = len(self.paths)
                self.paths.append(path)
                for column in self.all():
                    column.append(0)
                self.digests += digest
            elif self.digests[at * len(digest) : (at + 1) * len(digest)] != digest:
                self.changed.add(at)
                self.digests[at * len(digest) : (at + 1) * len(digest)] = digest
            values = (theirs.mtimes[other], theirs.ctimes[other], theirs.sizes[other], theirs.inodes[other])
            self.put(at, values, other not in young)
            found.append(at)
        return found

    def front(self, about: dict[str, Any]) -> tuple[Any, ...]:
        """The front with these columns."""
        from exarp.index import joined

        young = array("I", sorted(self.young)).tobytes()
        return (about, joined(self.paths), *(column.tobytes() for column in self.all()), young)
