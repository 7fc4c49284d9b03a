"""Successes of tasks: as earlier runs left them, and as this one makes them.

Knows how a stored record is read, and that none is read twice. Does not know what is in one, nor when a success is stored
(the driver does).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from exarp.planning.freshness import Record

_RECORD = msgspec.msgpack.Decoder(Record)


class Records:
    """The last success of each task. ``names``: of tasks, by id. ``stored``: records by name, encoded or read already."""

    def __init__(self, names: Sequence[str], stored: Mapping[str, bytes | Record]) -> None:
        self._names = names
        self._stored = stored
        self._known: dict[int, Record | None] = {}
        self._made: dict[str, tuple[int, bytes]] = {}
        # How many tasks of this run have succeeded.
        self.turn = 0

    def success(self, task: int) -> Record | None:
        """The last success of a task that may be relied on."""
        if task not in self._known:
            stored = self._stored.get(self._names[task])
            self._known[task] = decoded(stored) if isinstance(stored, bytes) else stored
        return self._known[task]

    def keep(self, task: int, record: Record) -> None:
        """A task succeeded."""
        self._known[task] = record
        self.turn += 1
        self._made.update((path, (self.turn, digest)) for path, digest in record.outputs.items())

    def drop(self, task: int) -> None:
        """No success of a task may be relied on any more."""
        self._known[task] = None

    def made(self, path: str, turn: int) -> bytes | None:
        """Digest of a file as a task of this run made it, if that had succeeded by ``turn``."""
        made_at, digest = self._made.get(path, (turn, None))
        return digest if made_at <= turn else None


def decoded(stored: bytes) -> Record | None:
    """The record that is stored; None for one of another version of exarp: the task runs once more."""
    try:
        return _RECORD.decode(stored)
    except msgspec.DecodeError:
        return None
