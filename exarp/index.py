"""The compiled index of a workspace: which tasks are up to date, as long as which files are as they were.

Knows the layout of its file, and how what is compared is summed up. Does not know which tasks are up to date (``app.index``
does), nor what to do where something differs (``glance`` does). Imported before anything else is, so it imports next to
nothing.

The file is a mark, the lengths and checksums of three parts, and the parts. The *front* is read by every run: what shaped the
index, and columns of paths and stat data. The *back* is read where a file differs, or tasks are named: digests, and the files
and needs of each task. Both are ``marshal``, which is safe only for what is known to be whole: hence the checksums. The
*makings* are what a run of only some tasks is put together from (``app.index.makings`` knows their layout).
"""

from __future__ import annotations

import marshal
import os
import sys
import zlib
from bisect import bisect_right

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
    from typing import Any

NAME = "index"
"""Its file's name, in ``.exarp``."""

_MARK = b"exarp index 2\n"
_HEAD = len(_MARK) + 3 * 12
# What a shell sets, or exarp itself, says where exarp is called and not how tasks are done.
_NEVER = frozenset({"PWD", "OLDPWD", "SHLVL", "_"})
# Never in a listing.
HIDDEN = frozenset({".git", ".exarp"})
DIGEST = 32
"""Bytes of a file's digest."""
UNKNOWN, UP_TO_DATE, GATHERING = 0, 1, 2
"""States of tasks: nobody knows; up to date as long as its files are as they were; only gathers others."""
# To look through all rows is quicker than to turn them round, if it is not done over and over.
_SEARCHES = 4
# Time stamps come from a clock that ticks every 1 to 10 ms; a file system may round to whole seconds (or two: FAT).
_TICK_NS = 20_000_000
_COARSE_NS = 2_000_000_000
_SECOND_NS = 1_000_000_000
_PIECE = 1 << 20


class Front:
    """What every run reads.

    ``about``: what shaped the index, by the names in ``app.index``. ``paths`` (relative to the workspace, or absolute) are
    files, and the four columns their stat data: nanoseconds, nanoseconds, bytes, a number. ``young``: positions of those whose
    stat data prove nothing yet.
    """

    __slots__ = ("_is_young", "_joined", "_young", "about", "ctimes", "inodes", "mtimes", "paths", "sizes")

    def __init__(self, part: tuple[Any, ...]) -> None:
        self.about: dict[str, Any] = part[0]
        self._joined: bytes = part[1]
        self.paths: list[str] = self._joined.decode("utf-8", "surrogateescape").split("\0") if self._joined else []
        self.mtimes, self.ctimes, self.sizes = (memoryview(column).cast("q") for column in part[2:5])
        self.inodes = memoryview(part[5]).cast("Q")
        self._young: list[int] = list(memoryview(part[6]).cast("I"))
        # A byte for each path, once something was learned: of 100,000 of them nothing larger is kept.
        self._is_young: bytearray | None = None

    @property
    def young(self) -> list[int]:
        """See above."""
        return self._young if self._is_young is None else [at for at, young in enumerate(self._is_young) if young]

    @property
    def has_learned(self) -> bool:
        """Whether anything was learned."""
        return self._is_young is not None

    def learn(self, at: int, mtime: int, ctime: int, size: int, inode: int, settled: bool) -> None:
        """Newer stat data of the file at a position, and whether these prove its content, which is as it was."""
        if self._is_young is None:
            self._is_young = bytearray(len(self.paths))
            for young in self._young:
                self._is_young[young] = 1
            self.mtimes, self.ctimes, self.sizes = (
                memoryview(bytearray(column)).cast("q") for column in (self.mtimes, self.ctimes, self.sizes)
            )
            self.inodes = memoryview(bytearray(self.inodes)).cast("Q")
        self.mtimes[at], self.ctimes[at], self.sizes[at], self.inodes[at] = mtime, ctime, size, inode
        self._is_young[at] = not settled

    def part(self) -> tuple[Any, ...]:
        """What the constructor takes."""
        young = b"".join([at.to_bytes(4, sys.byteorder) for at in self.young])
        return (self.about, self._joined, self.mtimes, self.ctimes, self.sizes, self.inodes, young)


class Back:
    """What is read where a file differs, or tasks are named.

    ``digests``: of each path, one behind the other. ``names``: of all tasks, as listed. ``states``: a byte for each, whether it
    was found up to date. ``needs``, ``files``, ``folders``, ``made``: of the task at a position, as positions of tasks, paths,
    folders of the front, and paths. ``words``: what else stands for tasks on a command line.
    """

    __slots__ = ("_files", "_folders", "_made", "_names", "_needs", "_part", "digests", "states", "words")

    def __init__(self, part: tuple[Any, ...]) -> None:
        self._part = part
        self.digests: bytes = part[0]
        self._names: bytes = part[1]
        self.states: bytes = part[2]
        self._needs, self._files, self._folders, self._made = (_Rows(*part[at : at + 2]) for at in (3, 5, 7, 9))
        self.words: dict[str, tuple[str, ...]] = part[11]

    @property
    def names(self) -> list[str]:
        """Names of the tasks, by position."""
        return self._names.decode("utf-8", "surrogateescape").split("\0") if self._names else []

    @property
    def parts(self) -> list[Any]:
        """The values that the constructor takes."""
        return list(self._part)

    def digest(self, path: int) -> bytes:
        """Digest of the file at a position."""
        return self.digests[path * DIGEST : (path + 1) * DIGEST]

    def with_needs(self, tasks: Set[int]) -> set[int]:
        """Tasks that need one of these."""
        return self._needs.with_any(tasks)

    def with_files(self, positions: Set[int]) -> set[int]:
        """Tasks that read or made one of these files."""
        return self._files.with_any(positions)

    def with_folders(self, positions: Set[int]) -> set[int]:
        """Tasks whose files were found in one of these folders."""
        return self._folders.with_any(positions)

    def needs(self, task: int) -> Sequence[int]:
        """Positions of the tasks that a task needs."""
        return self._needs.row(task)

    def files(self, task: int) -> Sequence[int]:
        """Positions of the paths that a task read and made."""
        return self._files.row(task)

    def folders(self, task: int) -> Sequence[int]:
        """Positions of the folders that a task's files were found in."""
        return self._folders.row(task)

    def made(self, task: int) -> Sequence[int]:
        """Positions of those of its files that a task made."""
        return self._made.row(task)


class _Rows:
    """Numbers by task: where each row ends, and all of them, one behind the other."""

    __slots__ = ("_ends", "_rows", "_searches", "_values")

    def __init__(self, ends: bytes, values: bytes) -> None:
        self._ends, self._values = memoryview(ends).cast("I"), memoryview(values).cast("I")
        self._searches = 0
        self._rows: dict[int, list[int]] | None = None

    def with_any(self, wanted: Set[int]) -> set[int]:
        """Rows that hold one of these numbers."""
        if not wanted:
            return set()
        if self._rows is None:
            self._searches += 1
            if self._searches > _SEARCHES:
                self._rows = self._turned()
        if self._rows is not None:
            return {row for value in wanted for row in self._rows.get(value, ())}
        found = [place for place, value in enumerate(self._values.tolist()) if value in wanted]
        return {bisect_right(self._ends, place) for place in found}

    def _turned(self) -> dict[int, list[int]]:
        """By number the rows that hold it."""
        rows: dict[int, list[int]] = {}
        start = 0
        values = self._values.tolist()
        for row, end in enumerate(self._ends):
            for value in values[start:end]:
                rows.setdefault(value, []).append(row)
            start = end
        return rows

    def row(self, task: int) -> Sequence[int]:
        return self._values[self._ends[task - 1] if task else 0 : self._ends[task]]


def packed(front: Sequence[Any], back: Sequence[Any] | bytes, makings: bytes = b"") -> bytes:
    """The file of its parts, the first two each as the constructor of its class takes it, or as bytes already."""
    parts = marshal.dumps(tuple(front)), back if isinstance(back, bytes) else marshal.dumps(tuple(back)), makings
    head = b"".join(map(_measures, parts))
    return b"".join((_MARK, head, *parts))


def renewed(front: Front, file: IndexFile) -> Iterator[bytes]:
    """The pieces of an index whose front was read from ``file`` and has learned something since: what lies behind it stays as it
    is, and is not held in memory as a whole. Raises ValueError where it is cut."""
    part = marshal.dumps(front.part())
    yield _MARK + _measures(part) + file.head[len(_MARK) + 12 :]
    yield part
    yield from file.behind_front()


def _measures(part: bytes) -> bytes:
    return len(part).to_bytes(8, "little") + zlib.crc32(part).to_bytes(4, "little")


def joined(names: Iterable[str]) -> bytes:
    """Names or paths as a part holds them. None of them is empty."""
    return "\0".join(names).encode("utf-8", "surrogateescape")


class IndexFile:
    """An index as a file of ``size`` bytes has it; ``read`` gives that many bytes from a place on.

    Raises ValueError where it is damaged, or of another layout.
    """

    def __init__(self, read: Callable[[int, int], bytes], size: int) -> None:
        self._read, self._size = read, size
        # What tells this index from any other.
        self.head = head = read(_HEAD, 0)
        if len(head) != _HEAD or not head.startswith(_MARK):
            raise ValueError("not an index, or of another version")
        at = _HEAD
        self._places = []
        for start in range(len(_MARK), _HEAD, 12):
            length = int.from_bytes(head[start : start + 8], "little")
            self._places.append((at, length, int.from_bytes(head[start + 8 : start + 12], "little")))
            at += length
        if at != size:
            raise ValueError("the index is cut, or damaged")

    def front(self) -> Front:
        """The front part. Raises ValueError where it is damaged."""
        return Front(marshal.loads(self._part(0)))

    def behind_front(self) -> Iterator[bytes]:
        """What lies behind the front, in pieces. Raises ValueError where it is cut."""
        at = self._places[1][0]
        while at < self._size:
            piece = self._read(min(_PIECE, self._size - at), at)
            if not piece:
                raise ValueError("the index is cut")
            yield piece
            at += len(piece)

    def back(self) -> Back:
        """The back part. Raises ValueError where it is damaged."""
        return Back(marshal.loads(self._part(1)))

    def makings(self) -> bytes:
        """The makings; empty where only all of the manifest can be run. Raises ValueError where they are damaged."""
        return self._part(2)

    def _part(self, number: int) -> bytes:
        at, length, checksum = self._places[number]
        data = self._read(length, at)
        if len(data) != length or zlib.crc32(data) != checksum:
            raise ValueError("the index is damaged")
        return data


class Part:
    """The part of a run that is left: everything else that it asks for is up to date.

    ``head`` tells the index from any other; ``front``, ``back`` and ``makings`` are its parts. ``tasks``: positions of those
    that may have to run.
    ``root``: of the workspace; ``key``: what is asked for: names, ``--all``, or nothing; ``jobs``: 0 where nobody says.
    """

    __slots__ = ("back", "front", "head", "jobs", "keep_going", "key", "makings", "quiet", "root", "tasks")

    def __init__(self, file: IndexFile, front: Front, back: Back, tasks: Sequence[int]) -> None:
        # The file may be closed by the time that anybody asks.
        self.head, self.front, self.back, self.makings = file.head, front, back, file.makings()
        self.tasks = tasks
        self.root = ""
        self.key: tuple[str, ...] = ()
        self.jobs = 0
        self.keep_going = self.quiet = False


def in_memory(data: bytes) -> IndexFile:
    """The index that ``data`` is. Raises ValueError."""
    return IndexFile(lambda length, at: data[at : at + length], len(data))


def maker() -> tuple[str, ...]:
    """Who makes and reads an index: another Python or exarp makes another."""
    from exarp import __version__

    return (__version__, sys.version, sys.executable, sys.byteorder)


def environment_digest(names: Sequence[str] | None, environ: Mapping[str, str], salt: bytes) -> bytes:
    """Of the values of variables in an environment; ``names`` None: of all of it but what says only where exarp is called.

    A digest of all of them together, with a ``salt``: no value is kept, nor can it be guessed one by one.
    """
    try:
        # As hashlib has it, which also loads OpenSSL: that takes longer than everything else that is compared.
        from _blake2 import blake2b
    except ImportError:
        from hashlib import blake2b
    if names is None:
        names = sorted(name for name in environ if name not in _NEVER and not name.startswith("EXARP_"))
    # No value holds a NUL.
    said = "\0".join([f"{name}={environ[name]}" if name in environ else name for name in names])
    return blake2b(said.encode("utf-8", "surrogateescape"), digest_size=32, key=salt).digest()


def listing_digest(entries: Iterable[tuple[str, bool, bool]]) -> bytes:
    """Of what a folder holds: (name, whether it is or leads to a folder, whether it is a link), ``HIDDEN`` ones left out."""
    try:
        from _blake2 import blake2b
    except ImportError:
        from hashlib import blake2b
    said = "\0".join(sorted([f"{name}/{is_folder:d}{is_link:d}" for name, is_folder, is_link in entries]))
    return blake2b(said.encode("utf-8", "surrogateescape"), digest_size=32).digest()


def is_settled(mtime_ns: int, ctime_ns: int, moment_ns: int) -> bool:
    """Whether stat data of a file that was read after ``moment_ns`` (of a ``FileClock``) prove its content from then on.

    Not if it was as young as that moment (git's "racy" rule): a change within the same tick of the clock leaves the same
    stat data, and one behind the place where a reader is goes unseen.
    """
    coarse = mtime_ns % _SECOND_NS == 0 and ctime_ns % _SECOND_NS == 0
    return max(mtime_ns, ctime_ns) + (_COARSE_NS if coarse else _TICK_NS) < moment_ns


class publishing:
    """While an index is put into ``folder`` or taken out of it. Raises OSError where the folder does not allow it."""

    def __init__(self, folder: str) -> None:
        self._path = f"{folder}/{NAME}.lock"
        self._descriptor = -1

    def __enter__(self) -> None:
        import fcntl

        self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX)
        except OSError:
            os.close(self._descriptor)
            raise

    def __exit__(self, *_: object) -> None:
        os.close(self._descriptor)


def replace_index(folder: str, pieces: Iterable[bytes]) -> None:
    """Publish an index in ``folder``, whole or not at all. Raises OSError, and whatever ``pieces`` raises."""
    path = f"{folder}/{NAME}"
    draft = f"{path}.{os.getpid()}"
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        with open(descriptor, "wb") as file:
            file.writelines(pieces)
        os.rename(draft, path)
    except BaseException:
        os.unlink(draft)
        raise


def precedes_boot(moment: float) -> bool:
    """Whether a moment (seconds since the epoch) was before the machine was started, as far as its clocks tell: what was written
    last before the power failed may have reached the disk in part."""
    import time

    clock = getattr(time, "CLOCK_BOOTTIME", None)
    return clock is not None and moment < time.time() - time.clock_gettime(clock)


def take_index(folder: str) -> bytes | None:
    """Take the index out of ``folder``, and give its content; None where there is none, or one of before the machine was started.
    Raises OSError."""
    path = f"{folder}/{NAME}"
    with publishing(folder):
        try:
            with open(path, "rb") as file:
                data = None if precedes_boot(os.fstat(file.fileno()).st_mtime) else file.read()
            os.unlink(path)
        except FileNotFoundError:
            return None
    return data
