"""The log of one attempt: as much of its output as the limit allows, head and tail.

Knows files. Does not know where the bytes come from, and never raises for a disk that is full or a folder that may not
be written: ``fault`` says it, and the rest is dropped.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from exarp.hosts.log_tail import Tail

_NEW = os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC


class CappedLog:
    """Created with the first byte, mode 0600: at most ``limit`` bytes of output, and a line that says what is left out.

    The first half goes straight to the file; what follows is kept in a ring beside it (``log_tail``), and appended at the end:
    memory stays small, and a log of two times 32 MiB needs no rewriting. ``append``: what the file has already stays in it, and
    does not count.
    """

    def __init__(self, path: str, limit: int, append: bool = False) -> None:
        self.path = path
        self._opened = os.O_APPEND if append else os.O_TRUNC
        self.exists = False
        self.fault = ""
        self._file = -1
        self._room = max(0, limit) // 2
        self._tail_size = max(0, limit) - self._room
        self._tail: Tail | None = None
        self._cut = 0

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
        if self._tail is not None:
            self._cut = self._tail.cut
            try:
                if not self.fault:
                    self._tail.append_to(self._file)
            except OSError as error:
                self._fail(error)
        self._close_files()
        return self._cut

    def _write(self, data: bytes) -> None:
        if self._file < 0:
            self._file = os.open(self.path, os.O_RDWR | self._opened | _NEW, 0o600)
            self.exists = True
        if self._room:
            head, data = data[: self._room], data[self._room :]
            self._room -= len(head)
            while head:
                head = head[os.write(self._file, head) :]
        if data:
            if self._tail is None:
                # Few logs are that long.
                from exarp.hosts.log_tail import begun

                self._tail = begun(self.path, self._tail_size, os.fstat(self._file).st_size)
            self._tail.write(data)

    def _fail(self, error: OSError) -> None:
        self.fault = f"the log {self.path} is not complete: {error.strerror}"
        self._close_files()

    def _close_files(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
        if self._tail is not None:
            tail, self._tail = self._tail, None
            with suppress(OSError):
                tail.drop()


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
