"""What earlier runs left that a run starts from: records, durations, digests.

Knows how much of it a selection of tasks needs, and what of it may be forgotten. Does not know what makes a record stale.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable

import msgspec

from exarp.app.freshness.records import decoded
from exarp.app.opening.project import Project
from exarp.graph.reachability import closure
from exarp.planning.freshness import Record
from exarp.planning.selection import Chosen, all_targets
from exarp.store.database import Database
from exarp.store.file_digests import FileDigests
from exarp.store.reading import read
from exarp.store.state_folder import StateFolder
from exarp.store.successes import Successes
from exarp.workspace.fingerprints import Known

# Another manifest of the same folder may still want the digest of a file that this one no longer reads.
FORGET_AFTER_DAYS = 30
_DAY_NS = 24 * 60 * 60 * 1_000_000_000


class Selection(msgspec.Struct, frozen=True):
    """The tasks of a run, by name. ``most``: so many that what is kept of all is read faster than what is kept of them.

    ``whole``: it is everything that is run when nothing is left out.
    """

    names: frozenset[str]
    most: bool
    whole: bool


class Memory(msgspec.Struct, frozen=True):
    """Records of successes (encoded, or read already) and durations in seconds by task, digests by file.

    ``faults``: what is wrong with what runs left, so that less of it is here, as texts to show.
    """

    records: dict[str, bytes | Record] = {}
    expected: dict[str, float] = {}
    known: dict[str, Known] = {}
    faults: tuple[str, ...] = ()

    def outlived(self, seen: Collection[str]) -> list[str]:
        """Files whose digests may be forgotten after a whole run that looked at the files ``seen``."""
        before = time.time_ns() - FORGET_AFTER_DAYS * _DAY_NS
        return [path for path, known in self.known.items() if path not in seen and known.hashed_at_ns < before]


def selection(project: Project, chosen: Chosen) -> Selection:
    """The targets and all they need; what of that is left out counts with its last success."""
    graph = project.graph
    found = frozenset([graph.names[task] for task in closure(graph, [graph.ids[name] for name in chosen.targets])])
    whole = chosen.graph is graph and (len(found) == len(graph) or found.issuperset(all_targets(project.manifest)))
    return Selection(found, 2 * len(found) > len(graph), whole)


def recall(root: str, selected: Selection, records: bool = True) -> Memory:
    """What earlier runs left in a workspace, read without changing anything. ``records`` False: durations alone.

    Raises UsageError where it cannot be read.
    """
    folder = StateFolder(root)
    if not folder.has_database():
        return Memory()
    if not records:
        return read(
            folder.database,
            lambda database: Memory(expected=_durations(Successes(database), selected), faults=database.warnings),
        )
    return read(folder.database, lambda database: remembered(database, selected))


def remembered(database: Database, selected: Selection) -> Memory:
    """What a database has for a selection. A file that no record of it names is not asked for: it is read again."""
    successes = Successes(database)
    if selected.most:
        records: dict[str, bytes | Record] = {**successes.load(None)}
        files = FileDigests(database).load(None)
    else:
        stored = successes.load(selected.names)
        found = {task: record for task, row in stored.items() if (record := decoded(row)) is not None}
        records = {**found}
        files = FileDigests(database).load(_files_of(found.values()))
    return Memory(
        records=records,
        expected=_durations(successes, selected),
        known={path: Known(*row) for path, row in files.items()},
        faults=database.warnings,
    )


def _durations(successes: Successes, selected: Selection) -> dict[str, float]:
    found = successes.durations(None if selected.most else selected.names)
    return {task: duration_ms / 1000 for task, duration_ms in found.items()}


def _files_of(records: Iterable[Record]) -> set[str]:
    found: set[str] = set()
    for record in records:
        found.update(record.inputs, record.found, record.outputs)
    return found
