"""``store.db`` open for writing: connection, transactions, creation, and what happens to a damaged one.

Knows SQLite's settings and failures. Does not know what the tables hold.

WAL with ``synchronous = NORMAL``: a commit survives the death of the process (also ``kill -9``); after a power
failure the last commits may be missing, but never half of one.

Creating a database and setting a damaged one aside happen under an exclusive ``flock`` on the folder, so that
two processes cannot each set aside what the other has just made.
"""

from __future__ import annotations

import contextlib
import errno
import os
import sqlite3
import stat
from collections.abc import Iterable, Iterator, Sequence
from types import TracebackType
from typing import Any, NoReturn

from exarp.errors import DefectError, Problem, UsageError
from exarp.store import schema
from exarp.store.fault import is_damage, is_foreign, raise_fault
from exarp.store.state_folder import folder_fault, printable

# Several runs commit at the same time; each commit takes less than a millisecond, and forgetting an old run some more.
BUSY_SECONDS = 30.0
# 16 MiB, some 1,200 commits.
_WAL_PAGES = 4000
_SIDES = ("", "-wal", "-shm", "-journal")
_MARK = ".is-damaged"
# SQLite of old allows 999 values in a statement.
_CHUNK = 500

Row = tuple[Any, ...]
Values = Sequence[str | bytes | int | None]


class Database:
    """One connection, used by the thread that opened it. ``warnings`` are texts to show, in order.

    ``rollbacks`` counts what was undone: what was read in a transaction holds until it changes.

    Statements raise ``exarp.errors.ExarpError`` for what a person can mend (slugs ``store-damaged``,
    ``store-busy``, ``state-folder``) and ``sqlite3.Error`` for a defect.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        path: str,
        *,
        warnings: tuple[str, ...] = (),
        writable: bool = True,
        immutable: bool = False,
    ) -> None:
        self.path = path
        self.warnings = warnings
        self.writable = writable
        self.immutable = immutable
        self.rollbacks = 0
        self._connection = connection
        self._transaction = _Transaction(self)
        self._file = _file_at(path)

    def execute(self, sql: str, values: Values = ()) -> None:
        """Run one statement; outside a transaction it is one, committed on return."""
        try:
            self._connection.execute(sql, values)
        except sqlite3.Error as error:
            self._fail(error)

    def execute_each(self, sql: str, rows: Iterable[Values]) -> None:
        """Run one statement for each row, in one transaction."""
        with self._transaction:
            try:
                self._connection.executemany(sql, rows)
            except sqlite3.Error as error:
                self._fail(error)

    def fetch(self, sql: str, values: Values = ()) -> list[Row]:
        """All rows of a query."""
        try:
            return self._connection.execute(sql, values).fetchall()
        except sqlite3.Error as error:
            self._fail(error)

    def fetch_among(self, sql: str, keys: Sequence[str | bytes]) -> list[Row]:
        """All rows of a query that ends in ``IN``, for any number of keys."""
        rows: list[Row] = []
        for start in range(0, len(keys), _CHUNK):
            some = keys[start : start + _CHUNK]
            rows += self.fetch(f"{sql} ({', '.join('?' * len(some))})", some)
        return rows

    def transaction(self) -> _Transaction:
        """A block whose writes become visible together, or not at all. One inside another joins it."""
        return self._transaction

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open, so that a write may yet be undone."""
        return self._connection.in_transaction

    @property
    def is_in_place(self) -> bool:
        """Whether the file that was opened still has its name. What is written to one that was removed is lost."""
        return _file_at(self.path) == self._file

    def rollback(self) -> None:
        """Undo the open transaction; SQLite may have done so already, after a full disk for example."""
        self.rollbacks += 1
        if self.in_transaction:
            self._connection.execute("ROLLBACK")

    def close(self) -> None:
        """Close. The last writer to do so moves the WAL's content into the database and removes it."""
        self._connection.close()

    def __enter__(self) -> Database:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _fail(self, error: sqlite3.Error) -> NoReturn:
        if self.writable and is_damage(error):
            _mark(self.path)
        raise_fault(self.path, error)


class _Transaction:
    """The one transaction a connection can have; entering it again only counts.

    An inner block that fails dooms the outer one: its writes can no longer be told from the others.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._depth = 0
        self._doomed = False

    def __enter__(self) -> None:
        if self._depth == 0:
            self._doomed = False
            try:
                self._database.execute("BEGIN IMMEDIATE" if self._database.writable else "BEGIN")
            except BaseException:
                self._database.rollback()
                raise
        self._depth += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._depth -= 1
        self._doomed = self._doomed or kind is not None
        if self._depth:
            return
        if self._doomed:
            self._database.rollback()
            if kind is None:
                raise DefectError(Problem("store-defect", "a transaction went on after a part of it had failed"))
            return
        try:
            self._database.execute("COMMIT")
        except BaseException:
            self._database.rollback()
            raise


def open_for_writing(path: str) -> Database:
    """Open, create or migrate the database at ``path``, whose folder exists.

    A damaged one becomes ``store.db.damaged-<n>`` and a new one takes its place; ``warnings`` says so.
    Raises UsageError ``store-newer`` or ``state-folder``, BusyError ``store-busy``.
    """
    if _is_made(path) and not os.path.exists(path + _MARK):
        # Another process may be setting a damaged database aside at this moment; what is really wrong with the
        # folder shows again when nobody is.
        with contextlib.suppress(UsageError):
            connection = _open(path)
            if connection is not None:
                return Database(connection, path)
    with _alone(path):
        return _open_alone(path)


def database_uri(path: str, query: str) -> str:
    """``path`` as an SQLite URI; every byte that a URI could read otherwise is percent-encoded."""
    plain = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-")
    quoted = "".join(chr(byte) if byte in plain else f"%{byte:02X}" for byte in os.fsencode(path))
    return f"file:{quoted}?{query}"


def _file_at(path: str) -> tuple[int, int] | None:
    """Which file has this name. No other gets the number of one that is open, even if that is removed."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _is_made(path: str) -> bool:
    """Whether a database is there with at least one page; one that is being made is empty at first."""
    try:
        status = os.stat(path)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise folder_fault(path, error) from error
    if not stat.S_ISREG(status.st_mode):
        raise folder_fault(path, OSError(errno.EINVAL, "it is there, and is not a file"))
    return status.st_size > 0


@contextlib.contextmanager
def _alone(path: str) -> Iterator[None]:
    import fcntl

    try:
        folder = os.open(os.path.dirname(path), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise folder_fault(os.path.dirname(path), error) from error
    try:
        # A file system without locks: rare, and then only two first runs at the same instant can clash.
        with contextlib.suppress(OSError):
            fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def _open_alone(path: str) -> Database:
    warnings: tuple[str, ...] = ()
    try:
        connection = _open(path) if _is_made(path) and not os.path.exists(path + _MARK) else None
        if connection is None:
            warnings = _set_aside(path) if _is_made(path) else ()
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path + _MARK)
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
            connection = _open(path)
    except OSError as error:
        raise folder_fault(path, error) from error
    if connection is None:
        raise DefectError(Problem("store-defect", f"{printable(path)} is damaged although it was just made"))
    return Database(connection, path, warnings=warnings)


def _open(path: str) -> sqlite3.Connection | None:
    """A ready connection, or None where the file is no sound database of exarp's."""
    connection = None
    try:
        # SQLite gives -wal and -shm the mode of the database, so they are tight if it is.
        connection = sqlite3.connect(
            database_uri(path, "mode=rw"), uri=True, timeout=BUSY_SECONDS, isolation_level=None
        )
        if connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
            # Before anything is changed in it.
            schema.refuse_foreign(connection)
            connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        # Moving the WAL's content waits for the disk, while nothing is started: seldom, then, and at the end.
        connection.execute(f"PRAGMA wal_autocheckpoint = {_WAL_PAGES}")
        schema.migrate(connection, path)
        schema.probe(connection)
        ready, connection = connection, None
        return ready
    except sqlite3.Error as error:
        if is_damage(error) or is_foreign(error):
            return None
        raise_fault(path, error)
    finally:
        if connection is not None:
            connection.close()


def _set_aside(path: str) -> tuple[str, ...]:
    """Rename the database with all that belongs to it; the warning that says so.

    The parts keep SQLite's endings, so ``sqlite3 store.db.damaged-1 .recover`` finds them.
    """
    number = 1
    while os.path.lexists(f"{path}.damaged-{number}"):
        number += 1
    aside = f"{path}.damaged-{number}"
    for side in _SIDES:
        with contextlib.suppress(FileNotFoundError):
            os.rename(path + side, aside + side)
    return (
        f"{printable(path)} was damaged; it is now {os.path.basename(aside)}. "
        "exarp begins without history, and tasks run again.",
    )


def _mark(path: str) -> None:
    """Leave word that the database is damaged, for damage that an opening does not come across.

    It is not renamed here: SQLite would delete the new database's WAL when this connection closes.
    """
    with contextlib.suppress(OSError):  # the error that is being raised says more than this one would
        os.close(os.open(path + _MARK, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))
