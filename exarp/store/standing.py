"""Notes of services that are up beside any run: a file in ``.exarp/standing`` for each process that keeps some.

Knows the files. Does not know who of their writers lives still, nor what their services are good for. A note is a hint: one
that cannot be written or read is none.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

import msgspec

from exarp.store.holder import Holder
from exarp.store.state_folder import StateFolder


class StandingService(msgspec.Struct, frozen=True):
    """A service that is up: since which run, and encoded what it was started as: its record, and how it gets ready."""

    task: str
    run: str
    record: bytes
    service: bytes


class StandingNote(msgspec.Struct, frozen=True):
    """Who keeps which services up."""

    holder: Holder
    services: tuple[StandingService, ...]


def write_note(root: str, note: StandingNote) -> None:
    """Write, whole, what a process keeps up; without services its file is removed."""
    folder = StateFolder(root).standing
    path = f"{folder}/{note.holder.pid}"
    with contextlib.suppress(OSError):
        if not note.services:
            os.unlink(path)
            os.rmdir(folder)
            return
        os.makedirs(folder, mode=0o700, exist_ok=True)
        draft = f"{path}.new"
        with open(
            os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600), "wb"
        ) as file:
            file.write(msgspec.json.encode(note))
        os.rename(draft, path)


def notes(root: str) -> Iterator[StandingNote]:
    """All notes, in the order of the numbers of who wrote them; some of these may have died."""
    folder = StateFolder(root).standing
    names: list[str] = []
    with contextlib.suppress(OSError):
        names = sorted(filter(str.isdecimal, os.listdir(folder)), key=int)
    for name in names:
        if (note := _note(f"{folder}/{name}")) is not None:
            yield note


def _note(path: str) -> StandingNote | None:
    try:
        with open(path, "rb") as file:
            return msgspec.json.decode(file.read(), type=StandingNote)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return None
