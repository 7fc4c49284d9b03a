"""``store.db`` for commands that only look: nothing on disk changes, not even a lock or a ``-shm`` file.

Knows how SQLite can be kept from writing, and how to notice that a writer got in between.
Does not know what is asked of the database.

- No WAL, the ordinary case (the last writer removes it): ``immutable=1``. SQLite then takes no locks and sees
  no changes, so :func:`read` compares the file before and after, and looks again if it changed.
- A WAL and its ``-shm`` (a run is going, or one was killed): ``mode=ro&readonly_shm=1``. ``mode=ro`` alone
  would make, or mend, the ``-shm``.
- A WAL without ``-shm``, or a journal (a copied folder, a power failure): SQLite can only read it by
  repairing it, so a copy in the temporary folder is repaired and read.
- No database: an empty one in memory, so that "no runs yet" is no special case. A database of an older
  schema is copied to memory and migrated there.

One trace is possible: a writer that removes its WAL between the look and the opening makes SQLite create an
empty ``store.db-wal``. It is harmless: an empty WAL counts as none, and the next writer removes it. (For root,
SQLite also sets the owner of a WAL it opens, to the owner it has.) And a reader that is still looking while the
last writer closes makes it leave its WAL behind, for the next writer.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from typing import TypeVar

from exarp.errors import BusyError, ExarpError, Problem
from exarp.store import schema
from exarp.store.database import BUSY_SECONDS, Database, database_uri
from exarp.store.fault import is_damage, is_foreign, raise_fault
from exarp.store.state_folder import folder_fault, printable

_LOOKS = 10
_SIDES = ("-wal", "-journal")
_T = TypeVar("_T")


def read(path: str, query: Callable[[Database], _T]) -> _T:
    """What ``query`` says about the database at ``path``, in one consistent state of it.

    ``query`` may be called more than once, and must not keep the database. Raises what it raises, UsageError
    ``store-newer`` or ``state-folder``, and BusyError ``store-busy`` if writers never let it finish.
    """
    for look in range(1, _LOOKS + 1):
        before = _stamp(path)
        try:
            with open_readonly(path) as database, database.transaction():
                answer = query(database)
                settled = not database.immutable
        except ExarpError:
            if look == _LOOKS or _stamp(path) == before:
                raise
            continue
        if settled or _stamp(path) == before:
            return answer
    raise BusyError(Problem("store-busy", f"{printable(path)} changes too fast to be read", next="try again"))


def open_readonly(path: str) -> Database:
    """One look at the database at ``path``, for :func:`read`; alone, it may see a writer's work half done.

    A damaged database is shown as an empty one, with a warning; the next run sets it aside.
    """
    try:
        return _look(path)
    except sqlite3.Error as error:
        if not (is_damage(error) or is_foreign(error)):
            raise_fault(path, error)
        warning = f"{printable(path)} is damaged; the next run begins a new one"
        return _unlocked(_empty(path), path, warning)
    except OSError as error:
        raise folder_fault(path, error) from error


def _stamp(path: str) -> tuple[tuple[int, int, int], ...]:
    """What differs before and after a change to the database or to what stands beside it."""
    return tuple(_identity(path + side) for side in ("", *_SIDES))


def _identity(path: str) -> tuple[int, int, int]:
    """Inode, size and modification time; zeros for no file. One that may not be looked at is not "no file"."""
    try:
        status = os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return 0, 0, 0
    except OSError as error:
        raise folder_fault(path, error) from error
    return status.st_ino, status.st_size, status.st_mtime_ns


def _has_side(path: str) -> bool:
    """Whether part of the database's content, or of its undoing, is in a second file."""
    return any(_identity(path + side)[1] for side in _SIDES)


def _unlocked(connection: sqlite3.Connection, path: str, *warnings: str) -> Database:
    return Database(connection, path, warnings=warnings, writable=False, immutable=True)


def _look(path: str) -> Database:
    if not _identity(path)[1]:
        return _unlocked(_empty(path), path)
    if _has_side(path):
        try:
            return Database(_ready(database_uri(path, "mode=ro&readonly_shm=1"), path), path, writable=False)
        except sqlite3.OperationalError:
            if _has_side(path):
                return _unlocked(_repaired_copy(path), path)
    return _unlocked(_ready(database_uri(path, "mode=ro&immutable=1"), path), path)


def _ready(uri: str, path: str) -> sqlite3.Connection:
    """A connection whose schema is the one this exarp knows."""
    connection = sqlite3.connect(uri, uri=True, timeout=BUSY_SECONDS, isolation_level=None)
    try:
        version = schema.version_of(connection)
        if version < len(schema.MIGRATIONS):
            connection = _in_memory(connection)
        schema.migrate(connection, path)
        schema.probe(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _in_memory(source: sqlite3.Connection) -> sqlite3.Connection:
    target = sqlite3.connect(":memory:", isolation_level=None)
    try:
        source.backup(target)
    except BaseException:
        target.close()
        raise
    source.close()
    return target


def _empty(path: str) -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    schema.migrate(connection, path)
    return connection


def _repaired_copy(path: str) -> sqlite3.Connection:
    import shutil
    import tempfile

    with tempfile.TemporaryDirectory(prefix="exarp-") as folder:
        copy = os.path.join(folder, "store.db")
        for side in ("", *_SIDES):
            if _identity(path + side)[1]:
                shutil.copyfile(path + side, copy + side)
        # Open files outlive their names: the folder is gone before the query, and nothing is left to clean.
        return _ready(database_uri(copy, "mode=rw"), path)
