"""The digest of every hashed file, with the stat data under which it holds.

Knows paths, stat numbers and digests. Does not know when stat data may be trusted.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from exarp.store.database import Database
from exarp.store.text import from_column, to_column

# size, mtime_ns, ctime_ns, inode, mode, digest, hashed_at_ns
FileState = tuple[int, int, int, int, int, bytes, int]
_LIMIT = 1 << 63
_WRAP = 1 << 64


class FileDigests:
    """One row for each path. A write is committed on return, or with the transaction around it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def load(self, paths: Collection[str] | None = None) -> dict[str, FileState]:
        """State by path, of all files or of those given."""
        sql = "SELECT path, size, mtime_ns, ctime_ns, inode, mode, digest, hashed_at_ns FROM file"
        if paths is None:
            rows = self._database.fetch(sql)
        else:
            rows = self._database.fetch_among(f"{sql} WHERE path IN", [to_column(path) for path in paths])
        return {
            path if type(path) is str else from_column(path): (
                size, mtime_ns, ctime_ns, inode if inode >= 0 else inode + _WRAP, mode, digest, hashed_at_ns
            )
            for path, size, mtime_ns, ctime_ns, inode, mode, digest, hashed_at_ns in rows
        }  # fmt: skip

    def save(self, files: Iterable[tuple[str, FileState]]) -> None:
        """Store the states in place of the ones before.

        A file whose numbers exceed 63 bits (a time after the year 2262) is not stored: it is hashed each time.
        """
        self._database.execute_each(
            "INSERT OR REPLACE INTO file (path, size, mtime_ns, ctime_ns, inode, mode, digest, hashed_at_ns)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (_row(path, state) for path, state in files if _fits(state)),
        )

    def forget(self, paths: Iterable[str]) -> None:
        """Drop the rows of these paths."""
        self._database.execute_each("DELETE FROM file WHERE path = ?", ((to_column(path),) for path in paths))

    def forget_since(self, moment_ns: int) -> None:
        """Drop the rows of files that were changed after a moment, on their own clock: they are read again."""
        self._database.execute("DELETE FROM file WHERE mtime_ns >= ? OR ctime_ns >= ?", (moment_ns, moment_ns))

    def forget_all(self) -> None:
        """Drop all rows: every file is read again."""
        self._database.execute("DELETE FROM file")


def _fits(state: FileState) -> bool:
    size, mtime_ns, ctime_ns, _, mode, _, hashed_at_ns = state
    return all(-_LIMIT <= number < _LIMIT for number in (size, mtime_ns, ctime_ns, mode, hashed_at_ns))


def _row(path: str, state: FileState) -> tuple[str | bytes | int, ...]:
    size, mtime_ns, ctime_ns, inode, mode, digest, hashed_at_ns = state
    # Inodes have 64 bits without a sign, SQLite's integers 64 with one.
    signed = inode if inode < _LIMIT else inode - _WRAP
    return to_column(path), size, mtime_ns, ctime_ns, signed, mode, digest, hashed_at_ns
