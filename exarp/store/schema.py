"""The tables of ``store.db``, as a list of migrations.

Knows every version of the schema and how one becomes the next (``PRAGMA user_version`` counts them).
Does not know who reads the tables, or how a database is opened.

``event`` is the table that is written while tasks run, so it is one b-tree that only grows at its end: the key
``place`` is ``run.number << 32 | seq`` (measured: 9 µs a commit, against 15 µs with a key of two columns and
24 µs with an index by task). ``attempt``, the index by task, is filled once, when a run ends; the events of a
run that has not ended are few enough to look through. One that died is given its outcome, and indexed, by whoever finds it so.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from exarp.errors import Problem, UsageError
from exarp.store.state_folder import printable

SEQ_BITS = 32
MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        # `number` counts runs in the order they began: clocks go backwards, it does not, and none is used twice.
        """CREATE TABLE run (
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            id TEXT NOT NULL UNIQUE,
            started TEXT NOT NULL,
            finished TEXT,
            outcome TEXT,
            exit_code INTEGER,
            duration_ms INTEGER,
            command BLOB NOT NULL,
            pid INTEGER NOT NULL,
            counts BLOB,
            first_failure TEXT
        )""",
        """CREATE TABLE event (
            place INTEGER PRIMARY KEY,
            type TEXT NOT NULL,
            task TEXT,
            attempt INTEGER,
            payload BLOB NOT NULL
        )""",
        "CREATE TABLE attempt (task TEXT, place INTEGER, PRIMARY KEY (task, place)) WITHOUT ROWID",
        # `record` is null for a task whose success was forgotten: how long it took is still worth knowing.
        "CREATE TABLE success (task TEXT PRIMARY KEY, record BLOB, duration_ms INTEGER)",
        """CREATE TABLE file (
            path TEXT PRIMARY KEY,
            size INTEGER NOT NULL,
            mtime_ns INTEGER NOT NULL,
            ctime_ns INTEGER NOT NULL,
            inode INTEGER NOT NULL,
            mode INTEGER NOT NULL,
            digest BLOB NOT NULL,
            hashed_at_ns INTEGER NOT NULL
        ) WITHOUT ROWID""",
    ),
    (
        # `number`: none is used twice. `run` is null for who makes none. `who` and `claims` are JSON.
        """CREATE TABLE holder (
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            run TEXT UNIQUE,
            who BLOB NOT NULL,
            claims BLOB NOT NULL
        )""",
        # Who waits for run `held_by` as a part of the runs `inside` (JSON).
        """CREATE TABLE waiter (
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            who BLOB NOT NULL,
            inside BLOB NOT NULL,
            held_by TEXT NOT NULL
        )""",
        # Until then one run at a time was at work, and one without an end was indexed when the next began.
        "INSERT OR IGNORE INTO attempt (task, place) SELECT task, place FROM event WHERE attempt > 0"
        " AND (SELECT outcome FROM run ORDER BY number DESC LIMIT 1) IS NULL"
        f" AND place >= (SELECT max(number) << {SEQ_BITS} FROM run) ORDER BY task, place",
        "UPDATE run SET outcome = 'died' WHERE outcome IS NULL",
        "CREATE INDEX going_on ON run (number) WHERE outcome IS NULL",
    ),
)
TABLES = ("run", "event", "attempt", "success", "file", "holder", "waiter")


def first_place(number: int) -> int:
    """The least place of run ``number``'s events, which is greater than every place of the runs before."""
    return number << SEQ_BITS


def version_of(connection: sqlite3.Connection) -> int:
    """The schema version of an open database; 0 for an empty one."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def migrate(connection: sqlite3.Connection, path: str, migrations: Sequence[Sequence[str]] = MIGRATIONS) -> None:
    """Bring the database to the last version, in one transaction: whoever is killed meanwhile leaves it as it was.

    Raises UsageError ``store-newer`` for a database of a later version, ``sqlite3.Error`` where a step fails, or where somebody
    else has made the database.
    """
    if _known_version(connection, path, migrations) == len(migrations):
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        # Another process may have taken these steps while this one waited for the lock.
        version = _known_version(connection, path, migrations)
        refuse_foreign(connection)
        for step in migrations[version:]:
            for statement in step:
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {len(migrations):d}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def refuse_foreign(connection: sqlite3.Connection) -> None:
    """Raises ``sqlite3.Error`` for a database of another program: one of exarp's has a version as soon as it has a table."""
    if not version_of(connection) and connection.execute("SELECT 1 FROM sqlite_schema LIMIT 1").fetchall():
        probe(connection)


def _known_version(connection: sqlite3.Connection, path: str, migrations: Sequence[Sequence[str]]) -> int:
    version = version_of(connection)
    if not 0 <= version <= len(migrations):
        raise _newer(path, version, len(migrations))
    return version


def probe(connection: sqlite3.Connection) -> None:
    """Touch every table. Raises ``sqlite3.Error`` where one is missing or its first page is damaged."""
    connection.execute("SELECT " + ", ".join(f"(SELECT 1 FROM {table} LIMIT 1)" for table in TABLES)).fetchone()


def _newer(path: str, version: int, known: int) -> UsageError:
    return UsageError(
        Problem(
            "store-newer",
            f"{printable(path)} was written by a newer exarp (its schema is {version}, this exarp knows {known})",
            next="update exarp, or move the file away: exarp then begins without its history",
        )
    )
