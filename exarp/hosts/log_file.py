"""The log of one attempt: as much of its output as the limit allows, head and tail.

Knows files. Does not know where the bytes come from, and never raises for a disk that is full or a folder that may not
be written: ``fault`` says it, and the rest is dropped.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress

_NEW = os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
_CHUNK = 1 << 20


class CappedLog:
    """Created with the first byte, mode 0600: at most ``limit`` bytes of output, and a line that says what is left out.

    The first half goes straight to the file; what follows is kept in a ring, in an unlinked file beside it, and
    appended at the end: memory stays small, and a log of two times 32 MiB needs no rewriting. ``append``: what the file
    has already stays in it, and does not count.
    """

    def __init__(self, path: str, limit: int, append: bool = False) -> None:
        self.path = path
        self._opened = os.O_APPEND if append else os.O_TRUNC
        self.exists = False
        self.fault = ""
        self._file = self._ring = -1
        self._room = max(0, limit) // 2
        self._ring_size = max(0, limit) - self._room
        self._ringed = 0
        self._broken_line = False

    def write(self, data: bytes) -> None:
        """Append output."""
        if self.fault:
            return
        try:
            self._write(data)
        except OSError as error:
            self._fail(error)

    def close(self) -> int:
        """Complete the file; how many bytes were left out."""
        try:
            if self._ringed and not self.fault:
                self._append_ring()
        except OSError as error:
            self._fail(error)
        self._close_files()
        return max(0, self._ringed - self._ring_size)

    def _write(self, data: bytes) -> None:
        if self._file < 0:
            self._file = os.open(self.path, os.O_WRONLY | self._opened | _NEW, 0o600)
            self.exists = True
        if self._room:
            head = data[: self._room]
            self._room -= len(head)
            self._broken_line = not head.endswith(b"\n")
            write_all(self._file, head)
            data = data[len(head) :]
        if data:
            self._write_ring(data)

    def _write_ring(self, data: bytes) -> None:
        if self._ring < 0:
            aside = f"{self.path}.tail"
            self._ring = os.open(aside, os.O_RDWR | os.O_TRUNC | _NEW, 0o600)
            os.unlink(aside)
        self._ringed += len(data)
        if not self._ring_size:
            return
        kept = data[-self._ring_size :]
        at = (self._ringed - len(kept)) % self._ring_size
        first = kept[: self._ring_size - at]
        write_all(self._ring, first, at)
        write_all(self._ring, kept[len(first) :], 0)

    def _append_ring(self) -> None:
        cut = self._ringed - self._ring_size
        if cut <= 0:
            self._append_part(0, self._ringed)
            return
        note = f"[... {cut} bytes left out ...]\n".encode()
        write_all(self._file, b"\n" + note if self._broken_line else note)
        seam = self._ringed % self._ring_size if self._ring_size else 0
        self._append_part(seam, self._ring_size)
        self._append_part(0, seam)

    def _append_part(self, start: int, end: int) -> None:
        while start < end:
            chunk = os.pread(self._ring, min(_CHUNK, end - start), start)
            write_all(self._file, chunk)
            start += len(chunk)

    def _fail(self, error: OSError) -> None:
        self.fault = f"the log {self.path} is not complete: {error.strerror}"
        self._close_files()

    def _close_files(self) -> None:
        for fd in (self._file, self._ring):
            if fd >= 0:
                os.close(fd)
        self._file = self._ring = -1


class SharedLog:
    """A log that a daemon's processes write themselves, because nobody will read a pipe once the run is over.

    It has no limit, and exists from the start; ``read`` gives what is new in it.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self.file = os.open(path, os.O_RDWR | os.O_TRUNC | os.O_APPEND | _NEW, 0o600)
        self._seen = 0

    def read(self) -> Iterator[bytes]:
        """What was written since the last time, until now: who goes on writing could hold us for ever."""
        size = os.fstat(self.file).st_size
        if size < self._seen:
            self._seen = 0  # `> /dev/stderr` truncates it
        while self._seen < size and (chunk := os.pread(self.file, 65536, self._seen)):
            self._seen += len(chunk)
            yield chunk

    def close(self, keep: bool) -> bool:
        """Close the file; whether it exists now: an empty one is removed unless ``keep``."""
        exists = keep or os.fstat(self.file).st_size > 0
        os.close(self.file)
        if not exists:
            with suppress(FileNotFoundError):  # the task may have removed it itself
                os.unlink(self.path)
        return exists


def write_all(fd: int, data: bytes, offset: int | None = None) -> None:
    """Write everything, at ``offset`` or at the file's own position. Raises OSError."""
    while data:
        written = os.write(fd, data) if offset is None else os.pwrite(fd, data, offset)
        data = data[written:]
        offset = None if offset is None else offset + written
