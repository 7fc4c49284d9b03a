"""The end of an output that is too long for its log: the last bytes of it, in a ring beside the log.

Knows a file, ``<log>.tail``, that tells by itself what is in it: whoever is killed while it writes leaves an end that can
still be put behind the beginning. Does not know how long a log may be.

Behind a head (how much was written until now, how long the log was when that began, how much is kept) lie the bytes. They are
written before the head tells of them, and never over those that it tells of: the ring has room for one more piece than it keeps.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress

ENDING = ".tail"
# Of three numbers of eight bytes.
_HEAD = 24
# As much is written at once as there is room beyond what is kept.
_PIECE = 64 * 1024
_CHUNK = 1 << 20
_FLAGS = os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC


class Tail:
    """The last ``size`` bytes of what is written. ``written``: how many there were of all; ``begins``: how long the log is before
    them. All methods raise OSError."""

    def __init__(self, file: int, path: str, size: int, begins: int, written: int = 0) -> None:
        self.written = written
        self.begins = begins
        self._file, self._path = file, path
        self._size = size
        self._around = size + _PIECE

    @property
    def cut(self) -> int:
        """Bytes that are lost."""
        return max(0, self.written - self._size)

    def write(self, data: bytes) -> None:
        """Append, and forget what comes too long before it."""
        for start in range(0, len(data), _PIECE):
            piece = data[start : start + _PIECE]
            at = self.written % self._around
            first = piece[: self._around - at]
            write_all(self._file, first, _HEAD + at)
            write_all(self._file, piece[len(first) :], _HEAD)
            self.written += len(piece)
            write_all(self._file, self._head(), 0)

    def _head(self) -> bytes:
        return b"".join([number.to_bytes(8, "little") for number in (self.written, self.begins, self._size)])

    def append_to(self, log: int) -> None:
        """Put behind the beginning of the log, which is open to be read too, all that is to be there. If somebody who did
        the same was killed in the midst of it, the same is written there again."""
        os.lseek(log, self.begins, os.SEEK_SET)
        for piece in self.pieces(log):
            write_all(log, piece)

    def pieces(self, log: int) -> Iterator[bytes]:
        """What belongs behind the beginning of the log: a line about what is lost, and what is kept."""
        if self.cut:
            is_whole = self.begins == 0 or os.pread(log, 1, self.begins - 1) == b"\n"
            yield (b"" if is_whole else b"\n") + b"[... %d bytes left out ...]\n" % self.cut
        at = self.cut
        while at < self.written:
            place = at % self._around
            chunk = os.pread(self._file, min(_CHUNK, self.written - at, self._around - place), _HEAD + place)
            if not chunk:
                return  # somebody has cut the file
            yield chunk
            at += len(chunk)

    def drop(self) -> None:
        """Let it go, and its file with it."""
        self.close()
        with suppress(FileNotFoundError):
            os.unlink(self._path)

    def close(self) -> None:
        """Let it go."""
        os.close(self._file)


def begun(log: str, size: int, begins: int) -> Tail:
    """A tail of a log that is so long by now. Raises OSError."""
    path = log + ENDING
    return Tail(os.open(path, _FLAGS | os.O_CREAT | os.O_TRUNC, 0o600), path, size, begins)


def complete(log: str) -> None:
    """Put the tail that a killed exarp has left behind its log, if there is one. Raises OSError."""
    tail = _left(log)
    if tail is None:
        return
    file = os.open(log, _FLAGS)
    try:
        tail.append_to(file)
    finally:
        os.close(file)
        tail.close()
    os.unlink(log + ENDING)


def left_behind(log: str) -> bytes:
    """What ``complete`` would put behind a log; changes nothing. Raises OSError."""
    tail = _left(log)
    if tail is None:
        return b""
    file = os.open(log, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return b"".join(tail.pieces(file))
    finally:
        os.close(file)
        tail.close()


def _left(log: str) -> Tail | None:
    path = log + ENDING
    try:
        file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    head = os.pread(file, _HEAD, 0)
    if len(head) != _HEAD:
        # Killed before it told of anything.
        return Tail(file, path, size=0, begins=os.stat(log).st_size)
    written, begins, size = (int.from_bytes(head[at : at + 8], "little") for at in range(0, _HEAD, 8))
    return Tail(file, path, size, begins, written)


def write_all(fd: int, data: bytes, offset: int | None = None) -> None:
    """Write everything, at ``offset`` or at the file's own position. Raises OSError."""
    while data:
        written = os.write(fd, data) if offset is None else os.pwrite(fd, data, offset)
        data = data[written:]
        offset = None if offset is None else offset + written
