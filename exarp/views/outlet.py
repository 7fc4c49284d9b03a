"""The two streams of a run: exarp's words on stderr, the tasks' output on stdout.

Knows: in which order the two were written to (and keeps it, where both lead to the same place), how to hold writing
back, and that a reader may go away. Does not know what is written.
"""

from __future__ import annotations

import contextlib
import errno
import os
from itertools import groupby
from typing import BinaryIO, Generic, Protocol, TextIO, TypeVar

# The reader has gone: a closed pipe, a terminal that hung up.
_GONE = frozenset({errno.EPIPE, errno.EIO, errno.ECONNRESET, errno.ESHUTDOWN})

# Held writing: words, output, or None where output of somebody else begins.
_Piece = str | bytes | None

_Data = TypeVar("_Data", contravariant=True)


class _Sink(Protocol[_Data]):
    def write(self, data: _Data, /) -> object: ...

    def flush(self) -> None: ...


class _Stream(Generic[_Data]):
    """One stream that is left alone once it could not be written to."""

    def __init__(self, stream: _Sink[_Data]) -> None:
        self._stream: _Sink[_Data] | None = stream
        self.fault: OSError | None = None

    def write(self, data: _Data) -> None:
        try:
            if self._stream is not None:
                self._stream.write(data)
        except OSError as error:
            self._give_up(error)

    def flush(self) -> None:
        try:
            if self._stream is not None:
                self._stream.flush()
        except OSError as error:
            self._give_up(error)

    def _give_up(self, error: OSError) -> None:
        self._stream = None
        self.fault = None if error.errno in _GONE else error


class Outlet:
    """Whole lines of words to ``stderr``, bytes to ``stdout``.

    ``shared``: whether both streams lead to the same file, pipe or terminal; found out if None. Nothing is raised when
    a stream fails, because a run does not end for want of a reader; ``fault`` tells.
    """

    def __init__(self, stdout: BinaryIO, stderr: TextIO, shared: bool | None = None) -> None:
        self._stdout = _Stream[bytes](stdout)
        self._stderr = _Stream[str](stderr)
        self._shared = lead_to_the_same(stdout, stderr) if shared is None else shared
        self._held: list[_Piece] | None = None
        self._owner = ""
        self._mid_line = False
        self._output_last = False

    @property
    def fault(self) -> OSError | None:
        """The error that ended writing to a stream, if it was more than a reader going away (a full disk)."""
        return self._stdout.fault or self._stderr.fault

    @property
    def has_held(self) -> bool:
        """Whether something waits for ``release``."""
        return bool(self._held)

    def words(self, text: str) -> None:
        """Writes ``text`` and a newline to stderr."""
        self._put(text + "\n")

    def output(self, data: bytes, owner: str = "") -> None:
        """Writes ``data`` to stdout as it is. What belongs to another ``owner`` than the last starts on a line of
        its own; nothing is added to what one owner printed."""
        if data and owner != self._owner:
            self._owner = owner
            self._put(None)
        if data:
            self._put(data)

    def control(self, text: str) -> None:
        """Writes terminal control to stderr at once, past whatever is held."""
        self._write_words(text)
        self._stderr.flush()

    def begin_line(self, columns: int) -> None:
        """Takes the cursor of a terminal so many ``columns`` wide to the beginning of an empty line, although nobody knows
        where it is: from the midst of a line, so many spaces lead to the next; from the beginning they fill it."""
        self.control(" " * columns + "\r")

    def hold(self) -> None:
        """From now on nothing is written until ``release``."""
        if self._held is None:
            self._held = []

    def release(self) -> None:
        """Writes what was held back, in order; neighbours of one kind in one go."""
        held, self._held = self._held or [], None
        for kind, pieces in groupby(held, key=type):
            if kind is str:
                self._write_words("".join(piece for piece in pieces if isinstance(piece, str)))
            else:
                for piece in pieces:
                    self._write(piece)

    def flush(self) -> None:
        """Passes on what the streams themselves keep."""
        self._stdout.flush()
        self._stderr.flush()

    def _put(self, piece: _Piece) -> None:
        if self._held is None:
            self._write(piece)
        else:
            self._held.append(piece)

    def _write(self, piece: _Piece) -> None:
        if piece is None:
            self._end_line()
        elif isinstance(piece, str):
            self._write_words(piece)
        else:
            self._write_output(piece)

    def _write_words(self, text: str) -> None:
        if self._output_last:
            if self._shared:
                self._end_line()
            self._stdout.flush()
            self._output_last = False
        self._stderr.write(text)

    def _write_output(self, data: bytes) -> None:
        if not self._output_last:
            self._stderr.flush()
            self._output_last = True
        self._mid_line = not data.endswith(b"\n")
        self._stdout.write(data)

    def _end_line(self) -> None:
        if self._mid_line:
            self._mid_line = False
            self._stdout.write(b"\n")


def lead_to_the_same(stdout: BinaryIO, stderr: TextIO) -> bool:
    """Whether two streams lead to the same file, pipe or terminal; False for streams that are no files."""
    # Streams in memory have no file number; asking them for it is an OSError.
    with contextlib.suppress(OSError):
        one, two = os.fstat(stdout.fileno()), os.fstat(stderr.fileno())
        return (one.st_dev, one.st_ino) == (two.st_dev, two.st_ino)
    return False
