"""What SQLite's errors mean for the person who meets one.

Knows SQLite's result codes (https://www.sqlite.org/rescode.html). Does not know what was being done.
"""

from __future__ import annotations

import os
import sqlite3
from typing import NoReturn

from exarp.errors import BusyError, ExarpError, Problem, UsageError
from exarp.store.state_folder import FOLDER, MAKE_ROOM, NO_ROOM, has_no_room, printable

_DAMAGE = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_BUSY = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_PLACE = frozenset(
    {
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_NOLFS,
    }
)


def primary_code(error: sqlite3.Error) -> int:
    """SQLite's result code without its extension; -1 where Python, not SQLite, raised the error."""
    code: int = getattr(error, "sqlite_errorcode", -1)
    return code & 0xFF if code >= 0 else -1


def is_damage(error: sqlite3.Error) -> bool:
    """Whether the error says that the file is not, or no longer, a sound database."""
    return primary_code(error) in _DAMAGE


def is_foreign(error: sqlite3.Error) -> bool:
    """Whether a query that only needs the schema failed: a database, but none of exarp's."""
    return primary_code(error) == sqlite3.SQLITE_ERROR


def raise_fault(path: str, error: sqlite3.Error) -> NoReturn:
    """Raise what ``error`` means for a person, or ``error`` itself where it is exarp's own doing (a defect)."""
    meant = _fault(path, error)
    if meant is None:
        raise error
    raise meant from error


def _fault(path: str, error: sqlite3.Error) -> ExarpError | None:
    code, shown = primary_code(error), printable(path)
    if code in _DAMAGE:
        return UsageError(
            Problem("store-damaged", f"{shown} is damaged: {error}", next="run exarp again: it starts a new one")
        )
    if code in _BUSY:
        return BusyError(
            Problem("store-busy", f"another program keeps {shown} locked", next="try again when it is done")
        )
    if code == sqlite3.SQLITE_FULL or (code == sqlite3.SQLITE_IOERR and has_no_room(path)):
        return UsageError(Problem("state-folder", f"cannot use {shown}: {NO_ROOM}", next=MAKE_ROOM))
    if code in _PLACE:
        advice = f"see that there is space, and that you may write to {FOLDER}/ and to what is in it"
        return UsageError(Problem("state-folder", f"cannot use {shown}: {_reason(path, error)}", next=advice))
    return None


def _reason(path: str, error: sqlite3.Error) -> str:
    """What the system says where SQLite only says that it cannot open the file."""
    if primary_code(error) == sqlite3.SQLITE_CANTOPEN:
        try:
            os.close(os.open(path, os.O_RDWR | os.O_CLOEXEC))
        except OSError as refused:
            return refused.strerror or str(error)
    return str(error)
