"""Contents of files as digests, with stat data sparing the reading.

Knows how a file is hashed (BLAKE3), and when a remembered digest may be trusted: size, mtime, ctime and inode are the
same, and the file was not as young as the moment it was looked at (git's "racy" rule: a change within the same tick of the
clock leaves the same stat data, and one behind the place where a reader is goes unseen). Does not know which files matter.
"""

from __future__ import annotations

import errno
import os
import stat as stat_bits
from collections.abc import Callable, Mapping
from contextlib import suppress
from time import monotonic
from typing import NamedTuple

from blake3 import blake3

from exarp.index import is_settled

MISSING = b""
# Equal to no digest of a content.
UNREADABLE = b"?"
# An ordinary folder, whatever is in it.
FOLDER = blake3(b"folder\0").digest()
# Errors that say that nothing is there; all others say that something is, but cannot be read.
_ABSENT = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP})
_CHUNK = 128 * 1024
# Contents up to this size are worth handing on to who needs them too.
SMALL = 4096
# As old as the last look at the files' clock may be, in seconds.
_LATELY = 0.02


class Known(NamedTuple):
    """What is remembered of a file: stat data, digest, and a moment before both were taken (ns, of a FileClock)."""

    size: int
    mtime_ns: int
    ctime_ns: int
    inode: int
    mode: int
    digest: bytes
    hashed_at_ns: int


def on_and_on() -> None:
    """Nobody wants to be let in between."""


class Fingerprints:
    """Digests of files in one workspace; ``learned`` is what is worth remembering afterwards, ``seen`` all looked at.

    Without a ``clock`` nothing that is learned can be trusted later. ``breathe`` is called before each file and after each
    slice that is read of one: there may be many, and huge ones. What it raises ends the looking.
    """

    def __init__(self, root: str, known: Mapping[str, Known], clock: FileClock | None = None) -> None:
        self.breathe: Callable[[], None] = on_and_on
        self._root = root
        self._clock = clock
        self._known = dict(known)
        self._now: dict[str, bytes] = {}
        # Stat data that nobody has made anything of yet, with a moment before they were taken.
        self._stats: dict[str, tuple[int, os.stat_result]] = {}
        self._complaints: dict[str, str] = {}
        # Where somebody wants them: what is in small files that are read, by path.
        self.contents: dict[str, bytes] | None = None
        self.learned: dict[str, Known] = {}
        self.seen: set[str] = set()

    def forget(self) -> None:
        """Files may have changed since they were looked at."""
        self._now.clear()
        self._stats.clear()

    def learn(self, path: str, digest: bytes) -> None:
        """Somebody has just made the file ``path`` with the content of that digest. Holds until ``forget``."""
        self.seen.add(path)
        self._now[path] = digest

    def digest(self, path: str) -> bytes:
        """Digest of a file's content; of a link to a folder: where it points. MISSING where there is nothing,
        UNREADABLE where ``complaint`` says why it cannot be read."""
        found = self._now.get(path)
        if found is None:
            self.breathe()
            self.seen.add(path)
            found = self._now[path] = self._look(path)
        return found

    def complaint(self, path: str) -> str:
        """Why a file cannot be read whose digest is UNREADABLE: ``Permission denied``."""
        return self._complaints[path]

    def known(self, path: str) -> Known | None:
        """What is remembered of a file."""
        return self._known.get(path)

    def is_missing(self, path: str) -> bool:
        """Whether nothing stands at ``path``; a link that leads nowhere is something."""
        try:
            os.lstat(self._absolute(path))
        except OSError as error:
            return error.errno in _ABSENT
        return False

    def is_folder(self, path: str) -> bool:
        """Whether a folder stands at ``path``."""
        moment = self._clock.lately() if self._clock is not None else 0
        try:
            found = os.stat(self._absolute(path))
        except (OSError, ValueError):
            return False
        if stat_bits.S_ISDIR(found.st_mode):
            return True
        # Who asks for a file is about to ask for its digest.
        self._stats[path] = moment, found
        return False

    def changed_since(self, path: str, moment_ns: int) -> bool:
        """Whether a file was changed after ``moment_ns`` (of ``FileClock.before_what_comes``), or is gone.

        The time of change alone tells: the other one can be set, and may lie in the future for good. Where stamps tick, a
        change within the tick of the moment is taken for one before it: tasks that make a header often end in the very tick
        in which the next one is checked, and would be told as changing it under its hands, run after run.
        """
        try:
            found = os.stat(self._absolute(path))
        except OSError:
            return True
        return found.st_ctime_ns > moment_ns

    def _absolute(self, path: str) -> str:
        return path if path.startswith("/") else f"{self._root}/{path}"

    def _look(self, path: str) -> bytes:
        absolute = self._absolute(path)
        known = self._known.get(path)
        try:
            if (taken := self._stats.pop(path, None)) is not None:
                moment, found = taken
            else:
                # Before the stat data are taken, if they are to be remembered.
                moment = self._clock.lately() if known is None and self._clock is not None else 0
                found = os.stat(absolute)
            if known is not None and _same(known, found):
                return known.digest
            if stat_bits.S_ISDIR(found.st_mode):
                return _folder_digest(absolute)
            if known is not None and self._clock is not None:
                moment = self._clock.lately()
                found = os.stat(absolute)
            return self._read(path, absolute, found, moment)
        except OSError as error:
            if error.errno not in _ABSENT:
                self._complaints[path] = error.strerror or str(error)
                return UNREADABLE
            return _dangling_digest(absolute)

    def _read(self, path: str, absolute: str, found: os.stat_result, moment: int) -> bytes:
        """The digest of a file's content, learned with stat data that are no older than the moment told with them."""
        digest, content = _content_digest(absolute, found.st_size, self.breathe)
        if self.contents is not None and content is not None:
            self.contents[path] = content
        self._known[path] = self.learned[path] = Known(
            found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino, found.st_mode, digest, moment
        )
        return digest


class FileClock:
    """Now, on the clock that a file system stamps its files with: a file of exarp's own is touched and looked at.

    Neither of the machine's clocks is that one. Stamps lag behind by a tick, or run ahead of the coarse clock (Linux since
    6.13), or come from another machine. ``path``: where the file may be; its folder exists. The file is opened here: a task
    may remove it (``git clean -fdx``), and what is open tells the time all the same.
    """

    def __init__(self, path: str) -> None:
        self._descriptor: int | None = None
        self._lately, self._looked_at = 0, -1.0
        with suppress(OSError):
            self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def now(self) -> int:
        """Nanoseconds since the epoch: what is changed afterwards has this stamp or a later one.

        0 where the file system does not tell: nothing is older than that, so nothing is trusted. Raises nothing.
        """
        if self._descriptor is None:
            return 0
        try:
            os.utime(self._descriptor)
            return os.fstat(self._descriptor).st_ctime_ns
        except OSError:
            return 0

    def lately(self) -> int:
        """A moment at most 20 ms ago: as good as now for files that are older than that, as nearly all are that are read."""
        now = monotonic()
        if not 0 <= now - self._looked_at < _LATELY:
            self._lately, self._looked_at = self.now(), now
        return self._lately

    def before_what_comes(self) -> int:
        """As ``now``, and what is changed afterwards has a later stamp, on file systems that tell such moments apart.

        Linux since 6.13 gives a file that nobody looked at since its last change the latest of the fine stamps that it has
        given to any file: without another one in between, that may be the one that is returned here.
        """
        moment = self.now()
        self.now()
        return moment

    def close(self) -> None:
        """Let the file go."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def _same(known: Known, found: os.stat_result) -> bool:
    if (known.size, known.mtime_ns, known.ctime_ns, known.inode) != (
        found.st_size,
        found.st_mtime_ns,
        found.st_ctime_ns,
        found.st_ino,
    ):
        return False
    return is_settled(known.mtime_ns, known.ctime_ns, known.hashed_at_ns)


def _content_digest(path: str, size: int, breathe: Callable[[], None]) -> tuple[bytes, bytes | None]:
    """The digest of a file's content; and that content, of a small file."""
    hasher = blake3()
    content: bytes | None = b""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        while chunk := os.read(descriptor, min(max(size + 1, 512), _CHUNK)):
            hasher.update(chunk)
            content = chunk if content == b"" and len(chunk) <= SMALL else None
            if len(chunk) == size < _CHUNK:
                # More was asked for: this was the end.
                break
            breathe()
    finally:
        os.close(descriptor)
    return hasher.digest(), content


def _dangling_digest(path: str) -> bytes:
    """A link to nothing is there all the same, and is where it points; editors leave such links as locks."""
    try:
        return blake3(b"link\0" + os.fsencode(os.readlink(path))).digest()
    except OSError:
        return MISSING


def _folder_digest(path: str) -> bytes:
    """A folder has no content of its own; a link to one is where it points, an ordinary one merely is."""
    return blake3(b"folder\0" + os.fsencode(os.readlink(path))).digest() if os.path.islink(path) else FOLDER
