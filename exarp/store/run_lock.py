"""The lock that lets one run at a time work in a workspace.

Knows ``flock`` on ``.exarp/lock``, and that the file's first line names the holder. Does not know why
somebody wants the lock.

The kernel lets the lock go when its holder dies, however it dies; the file stays, and what it says then
means nothing. Children do not inherit the lock: the descriptor is closed on exec.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Callable
from datetime import datetime

import msgspec

from exarp.errors import BusyError, Problem
from exarp.store.state_folder import folder_fault, printable

_FIRST_LINE = 64 * 1024
# As much of a command as fits the first line even where each character is escaped.
_SHOWN = 200
_SHOWN_PARTS = 40


class Holder(msgspec.Struct, frozen=True):
    """Who holds the lock: process id, start (RFC 3339 in UTC), command line. All empty where nobody could tell.

    ``process``: what tells the process from a later one of the same id, as the host has it. ``signal``: the number of the
    one that ends its run as Ctrl-C does. ``mark``: how the marks of all that it starts begin. ``left``: the marks of those that
    died before it, and of whose processes nobody knows yet that they have been ended.
    """

    pid: int = 0
    started: str = ""
    command: tuple[str, ...] = ()
    process: str = ""
    signal: int = 2
    mark: str = ""
    left: tuple[str, ...] = ()

    @property
    def marks(self) -> tuple[str, ...]:
        """Its own, and those that it knew of."""
        return (*self.left, self.mark) if self.mark else self.left

    def __str__(self) -> str:
        """``pid 12: exarp run test, since today 14:02`` (here), safe for a terminal."""
        if not self.pid:
            return "an unknown process"
        command = f": {' '.join(self.command)}" if self.command else ""
        since = f", since {_time_of_day(self.started)}" if self.started else ""
        return printable(f"pid {self.pid}{command}{since}")


def _time_of_day(time: str) -> str:
    """A moment as somebody here would say it; what is none is left as it is."""
    try:
        moment = datetime.fromisoformat(time).astimezone()
    except (ValueError, OverflowError):
        return time
    today = moment.date() == datetime.now().astimezone().date()
    return f"{'today' if today else moment.date().isoformat()} {moment:%H:%M}"


class RunLock:
    """A held lock; let it go with :meth:`close` or at the end of a ``with`` block. ``dead``: who had it before, and died with it;
    all empty where that one let it go.

    What the dead have left stays known, whatever becomes of this holder, until it is ``tidy``.
    """

    def __init__(self, descriptor: int, holder: Holder, dead: Holder) -> None:
        self._descriptor: int | None = descriptor
        self._holder = holder
        self.dead = dead

    def tidy(self) -> None:
        """Nothing is left of the dead."""
        if self._descriptor is not None and self._holder.left:
            self._holder = msgspec.structs.replace(self._holder, left=())
            _write_holder(self._descriptor, self._holder)

    def close(self) -> None:
        """Let the lock go. A second call does nothing."""
        if self._descriptor is None:
            return
        descriptor, self._descriptor = self._descriptor, None
        try:
            if self._holder.left:
                _write_holder(descriptor, Holder(left=self._holder.left))
            else:
                with contextlib.suppress(
                    OSError
                ):  # a name that stays misleads nobody: it is read while the lock is held
                    os.ftruncate(descriptor, 0)
            # Closing alone would leave the lock with a forked process that has not yet called exec.
            fcntl.flock(descriptor, fcntl.LOCK_UN)
        finally:
            os.close(descriptor)

    def __enter__(self) -> RunLock:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def acquire(path: str, holder: Holder, *, wait: bool, on_wait: Callable[[Holder], None]) -> RunLock:
    """Take the lock at ``path`` for ``holder``, whose folder exists.

    If another has it: with ``wait``, call ``on_wait`` once with its name, then block until it is free (a
    signal whose handler raises, as Ctrl-C's does, ends the wait); without, raise BusyError ``busy``.
    Raises UsageError ``state-folder`` where the file cannot be made or locked.
    """
    told = False
    while True:
        descriptor = _open(path)
        try:
            if not _locked(descriptor, path, fcntl.LOCK_EX | fcntl.LOCK_NB):
                other = _read_holder(descriptor)
                if not wait:
                    raise _busy(other)
                if not told:
                    on_wait(other)
                    told = True
                _locked(descriptor, path, fcntl.LOCK_EX)
            if _is_at(descriptor, path):
                dead = _read_holder(descriptor)
                if dead.marks:
                    holder = msgspec.structs.replace(holder, left=dead.marks)
                _write_holder(descriptor, holder)
                return RunLock(descriptor, holder, dead)
        except BaseException:
            os.close(descriptor)
            raise
        # Somebody removed the folder meanwhile, and a lock on a removed file keeps nobody out.
        os.close(descriptor)


def last_holder(path: str) -> Holder:
    """Who took the lock at ``path`` last and did not let it go; it may have died. Locks and changes nothing."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return Holder()
    try:
        return _read_holder(descriptor)
    finally:
        os.close(descriptor)


def _open(path: str) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise folder_fault(path, error) from error


def _locked(descriptor: int, path: str, operation: int) -> bool:
    """Whether the lock is ours now; without ``LOCK_NB`` this waits until it is."""
    try:
        fcntl.flock(descriptor, operation)
    except BlockingIOError:
        return False
    except OSError as error:
        raise folder_fault(path, error) from error
    return True


def _busy(holder: Holder) -> BusyError:
    advice = "wait until it is done; without --no-wait exarp does"
    return BusyError(Problem("busy", f"another run is at work here ({holder})", next=advice))


def _is_at(descriptor: int, path: str) -> bool:
    try:
        there = os.stat(path, follow_symlinks=False)
    except OSError:
        return False
    return os.path.samestat(there, os.fstat(descriptor))


def _write_holder(descriptor: int, holder: Holder) -> None:
    """Replace the first line in one write, then cut: a reader never meets half a line."""
    command = tuple(part[:_SHOWN].encode("utf-8", "replace").decode() for part in holder.command[:_SHOWN_PARTS])
    line = msgspec.json.encode(msgspec.structs.replace(holder, command=command)) + b"\n"
    with contextlib.suppress(OSError):  # a full disk: the lock holds without the name
        os.pwrite(descriptor, line, 0)
        os.ftruncate(descriptor, len(line))


def _read_holder(descriptor: int) -> Holder:
    try:
        line = os.pread(descriptor, _FIRST_LINE, 0).partition(b"\n")[0]
        return msgspec.json.decode(line, type=Holder)
    except (msgspec.DecodeError, UnicodeDecodeError, OSError):
        return Holder()
