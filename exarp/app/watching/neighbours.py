"""Services that other processes keep up in the same workspace: ``exarp watch`` does, between its runs and in them.

Knows who keeps what, and tells others of what this process keeps. Does not know when one is used (``engine.serving``).
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING

import msgspec

from exarp.app.wiring import SystemClock, lives
from exarp.hosts.process_tree import identity
from exarp.model.task import Service
from exarp.planning.freshness import Record
from exarp.store.holder import Holder
from exarp.store.standing import StandingNote, StandingService, notes, write_note

if TYPE_CHECKING:
    from exarp.app.opening.project import Project
    from exarp.app.watching.standing import Kept


class Neighbour(msgspec.Struct, frozen=True):
    """A service that ``holder`` keeps up, since which run, and as what it was started."""

    task: str
    run: str
    record: Record
    service: Service
    holder: str


class Board:
    """Where this process tells others of what it keeps up."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._holder = Holder(os.getpid(), SystemClock().timestamp(), ("exarp", "watch"), identity(os.getpid()) or "")

    def __call__(self, kept: Collection[Kept]) -> None:
        """That is all that it keeps."""
        for note in notes(self._root) if kept else ():
            if not lives(note.holder):
                write_note(self._root, StandingNote(note.holder, ()))
        encode = msgspec.msgpack.encode
        services = [StandingService(each.task, each.run, encode(each.record), encode(each.service)) for each in kept]
        write_note(self._root, StandingNote(self._holder, tuple(services)))


def neighbours(root: str) -> Mapping[str, Neighbour]:
    """What others keep up, by task."""
    return {each.task: each for each in _neighbours(root)}


def useful(project: Project, own: Collection[int]) -> dict[int, Neighbour]:
    """What others keep up, by task, as far as it may be of use; none of what this process keeps itself."""
    tasks, ids = project.manifest.tasks, project.graph.ids
    found = {ids[name]: each for name, each in neighbours(project.root).items() if name in ids}
    return {
        task: each
        for task, each in found.items()
        if task not in own and tasks[task].service == each.service and not tasks[task].cleanup
    }


def _neighbours(root: str) -> Iterator[Neighbour]:
    for note in notes(root):
        if note.holder.pid == os.getpid() or not lives(note.holder):
            continue
        for service in note.services:
            try:
                record = msgspec.msgpack.decode(service.record, type=Record)
                ready = msgspec.msgpack.decode(service.service, type=Service)
            except (msgspec.DecodeError, UnicodeDecodeError):
                continue  # of another version of exarp
            yield Neighbour(service.task, service.run, record, ready, str(note.holder))
