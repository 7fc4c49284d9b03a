"""Every child of this process: those that were started, and the orphans it adopted.

Knows whose attempt an orphan is, by the mark in its environment, and reaps the dead. Does not know when anything is to
end. A living process of an attempt whose leader was reaped always hangs below an adopted child: Linux hands a
process's children on before it tells of its end, so one look at the list of children is proof enough.
"""

from __future__ import annotations

import os
from collections.abc import Collection
from contextlib import suppress
from time import sleep

from exarp.hosts.mechanisms import children_file, set_subreaper, subreaper
from exarp.hosts.process_tree import is_replacing_program, read_proc

MARK = "EXARP_ATTEMPT"
# Set for what may go on after the run.
DAEMON = "EXARP_DAEMON"
"""The environment variable by which a process is known to be an attempt's: ``RUN:KEY``.

A run inside a task puts its own after what it inherited and a slash, so that both runs know the process.
"""

# A read of the list gives at most a page of whole entries; a shorter one was the last.
_NEARLY_A_PAGE = 4000
_ROUNDS = 50
# How long a process may take to load its new program, in seconds, times looks.
_EXEC_LOOK_EVERY, _EXEC_LOOKS = 0.0002, 100


class Children:
    """The children of this process.

    ``run`` is unique among runs. ``adopt``: adopt orphans, until ``close``; without it there are only the started.
    ``groups``: what is started has a group of its own, but is in the session of this process.
    """

    def __init__(self, run: str, adopt: bool, groups: bool = False) -> None:
        inherited = os.environ.get(MARK)
        self._mark = f"{inherited}/{run}:" if inherited else f"{run}:"
        self._ours = f"{run}:".encode()
        self._shares_with_us = _shares_our_group if groups else _shares_our_session
        self._started: set[int] = set()
        self._leaders: dict[int, int] = {}
        self._adopted: dict[int, int | None] = {}
        self._spared: set[int] = set()
        self._foreign: set[int] = set()
        self._list = -1
        self._was_subreaper = False
        if adopt:
            self._list = os.open(children_file(), os.O_RDONLY)
            self._foreign = set(map(int, self._listing().split()))
            self._was_subreaper = bool(subreaper())
            set_subreaper(True)

    @property
    def adopting(self) -> bool:
        """Whether orphans are adopted."""
        return self._list >= 0

    def mark(self, key: int) -> str:
        """The value of ``MARK`` for an attempt."""
        return f"{self._mark}{key}"

    def started(self, pid: int, key: int) -> None:
        """A process was started as a leader of an attempt."""
        self._started.add(pid)
        self._leaders[pid] = key

    def reaped(self, pid: int) -> None:
        """A leader is gone; its number still tells whose the rest of its session is."""
        self._started.discard(pid)

    def disowned(self, pid: int, key: int) -> None:
        """Nobody waits for this leader any more; it is reaped here when it dies."""
        self._started.discard(pid)
        self._adopted[pid] = key

    def over(self, key: int, leaders: list[int], spare: bool) -> None:
        """An attempt has ended; ``spare``: what it left running is let alone for good."""
        for pid in leaders:
            self._leaders.pop(pid, None)
        if spare:
            self._spared.add(key)

    def adopted_from(self, key: int) -> list[int]:
        """The orphans of an attempt that are not reaped, as of the last look."""
        return [pid for pid, owner in self._adopted.items() if owner == key]

    def unspared(self, kept: Collection[int] = ()) -> list[int]:
        """Orphans that nobody meant to leave running, as of the last look. ``kept``: attempts that go on with theirs.

        One without a mark may be a daemon's, so none of them is taken once there was a daemon; nor while any attempt goes on.
        """
        spared = self._spared.union(kept)
        return [p for p, owner in self._adopted.items() if owner not in spared and not (owner is None and spared)]

    def look(self) -> None:
        """Reap dead orphans, and find out whose the new ones are.

        Looks again as long as there are new ones: a new one that is dead by now may have left others. One that keeps
        forking is not followed for ever; its last shape stays among the adopted, dead or alive.
        """
        for _ in range(_ROUNDS if self._list >= 0 else 0):
            if not self._look():
                return

    def close(self) -> None:
        """Adopt no longer, if this process did not before."""
        if self._list >= 0:
            set_subreaper(self._was_subreaper)
            os.close(self._list)
            self._list = -1

    def _look(self) -> bool:
        """Whether there was a new one.

        One read where nothing is new: none can leave the list without being reaped here, so if it is as long as
        what is known, it is what is known.
        """
        for pid in [pid for pid in self._adopted if reap(pid)]:
            del self._adopted[pid]
        listing = self._listing()
        certain = not self._foreign and None not in self._adopted.values()
        if certain and listing.count(b" ") == len(self._started) + len(self._adopted):
            return False
        listed = set(map(int, listing.split()))
        self._foreign &= listed
        for pid in [pid for pid, owner in self._adopted.items() if owner is None]:
            self._adopted[pid] = self._owner(pid, _mark_of(pid))
        new = listed - self._started - self._foreign - self._adopted.keys()
        for pid in new:
            self._meet(pid)
        return bool(new)

    def _meet(self, pid: int) -> None:
        _await_exec(pid)
        mark = _mark_of(pid)
        owner = self._owner(pid, mark)
        if owner is None and (mark or self._shares_with_us(pid)):
            # Another run in this program, or another part of it, started that. What our tasks start has our mark, or
            # has lost it, but has a session or a group that is not ours.
            self._foreign.add(pid)
            return
        running = set(self._leaders.values())
        if owner is None and len(running) == 1 and not self._spared:
            (owner,) = running
        self._adopted[pid] = owner

    def _owner(self, pid: int, mark: bytes) -> int | None:
        if mark:
            return self._key_in(mark)
        with suppress(ProcessLookupError):  # another part of this program may have reaped it
            return self._leaders.get(os.getsid(pid), self._leaders.get(os.getpgid(pid)))
        return None

    def _key_in(self, mark: bytes) -> int | None:
        for part in mark.split(b"/"):
            key = part.removeprefix(self._ours)
            if key != part and key.isdigit():
                return int(key)
        return None

    def _listing(self) -> bytes:
        chunk = listing = os.pread(self._list, 4096, 0)
        while len(chunk) > _NEARLY_A_PAGE:
            chunk = os.pread(self._list, 4096, len(listing))
            listing += chunk
        return listing


def _mark_of(pid: int) -> bytes:
    for entry in read_proc(pid, "environ").split(b"\0"):
        name, _, value = entry.partition(b"=")
        if name == MARK.encode():
            return value
    return b""


def _await_exec(pid: int) -> None:
    """Wait until a process that is just replacing its program has its environment again: for a moment it has none."""
    for _ in range(_EXEC_LOOKS):
        if read_proc(pid, "environ") or not is_replacing_program(pid):
            return
        sleep(_EXEC_LOOK_EVERY)


def _shares_our_session(pid: int) -> bool:
    with suppress(ProcessLookupError):
        return os.getsid(pid) == os.getsid(0)
    return True


def _shares_our_group(pid: int) -> bool:
    with suppress(ProcessLookupError):
        return os.getpgid(pid) == os.getpgrp()
    return True


def reap(pid: int) -> bool:
    """Reap a child if it is dead; whether it is gone."""
    try:
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    except ChildProcessError:
        return True
