"""The pipe of a jobserver: one byte in it for each command more that may run than the one that everybody may run.

Knows how such a pipe is made, how one is found that others have made, and how bytes are taken out and put back. Does not know
what is started for them, nor how it is said who has one (``model.makeflags``).

Its descriptors are shared with programs that rely on how they behave: makes before 4.2 wait in a read, later ones do not. So they
are handed on as they are made, and are not touched: what is read here is read by a description (open(2)) of our own, which never
waits. Where the system gives none (macOS opens /dev/fd/N as the very same one), the pipe that is made is one with a name that is
removed at once; and of one that others have made it is asked first whether there is anything to be read.
"""

from __future__ import annotations

import fcntl
import os
import select
import stat
import sys
import termios
from contextlib import ExitStack, suppress

from exarp.model.makeflags import Jobserver

_TOKEN = b"+"
_INT = bytes(4)
# From here on: a script that opens a 3 or a 9 for itself, or a 200 for flock(1), is not to hit upon the pipe. Below 64, for the
# system would have a larger table to copy for each program that is started.
_HIGH = 50
_OURS = os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC
# What a make knows that is older than 4.2, as the one of macOS is: it takes -jN for one that was typed, and shares nothing then.
_OLD = sys.platform == "darwin"


class TokenPipe:
    """Tokens of a pipe; see ``app.ports.Tokens``. ``told``: what MAKEFLAGS is to say of it; ``shared``: the descriptors that
    programs must inherit to use it.

    ``spare``: how many tokens there are in all, where that is for us to say.
    """

    def __init__(
        self, reader: int, writer: int, told: str, shared: tuple[int, ...], undo: ExitStack, spare: int | None = None
    ) -> None:
        self.descriptor = reader
        self.told = told
        self.shared = shared
        self._writer = writer
        self._undo = undo
        self._spare = spare
        self._held = bytearray()
        # Whether a read may wait.
        self._asks_first = os.get_blocking(reader)

    def take(self) -> bool:
        """Take a token, if there is one."""
        if self._asks_first and not select.select([self.descriptor], [], [], 0)[0]:
            return False
        try:
            token = os.read(self.descriptor, 1)
        except BlockingIOError:
            return False
        self._held += token
        return bool(token)

    def give(self, count: int) -> None:
        """Put so many back of those that were taken: the very same, as make asks for."""
        tokens = bytes(self._held[:count])
        del self._held[:count]
        # A pipe that somebody has filled to the brim has enough of them.
        with suppress(OSError):
            os.write(self._writer, tokens)

    def recount(self) -> None:
        """Put in what is missing, and take out what is too much, if we know how many there must be."""
        if self._spare is None:
            return
        there = int.from_bytes(fcntl.ioctl(self.descriptor, termios.FIONREAD, _INT), sys.byteorder)
        missing = self._spare - len(self._held) - there
        with suppress(BlockingIOError):
            if missing > 0:
                os.write(self._writer, _TOKEN * missing)
            elif missing < 0:
                os.read(self.descriptor, -missing)

    def close(self) -> None:
        """Put all back that was taken, and let go of the pipe."""
        self.give(len(self._held))
        self._undo.close()


def make_pipe(jobs: int) -> TokenPipe:
    """A pipe for ``jobs`` commands at once, one of which needs no token. Raises OSError."""
    with ExitStack() as stack:
        reader, writer = (_lifted(end, stack) for end in os.pipe())
        ours = _reopened(reader)
        if ours is None:
            stack.close()
            ours, reader, writer = _nameless(stack)
        stack.callback(os.close, ours)
        os.write(ours, _TOKEN * (jobs - 1))
        told = f"{reader},{writer}"
        words = f"-j --jobserver-fds={told} --jobserver-auth={told}" if _OLD else f"-j{jobs} --jobserver-auth={told}"
        return TokenPipe(ours, ours, words, (reader, writer), stack.pop_all(), jobs - 1)


def make_fifo(jobs: int, folder: str) -> TokenPipe:
    """A pipe with a name, in a folder that is nobody else's: ``folder`` if that can be said in MAKEFLAGS. Raises OSError."""
    with ExitStack() as stack:
        path = f"{folder}/jobserver" if _can_be_said(folder) else f"{_private_folder(stack)}/jobserver"
        os.mkfifo(path, 0o600)
        stack.callback(_removed, path)
        ours = os.open(path, _OURS)
        stack.callback(os.close, ours)
        os.write(ours, _TOKEN * (jobs - 1))
        return TokenPipe(ours, ours, f"-j{jobs} --jobserver-auth=fifo:{path}", (), stack.pop_all(), jobs - 1)


def join(named: Jobserver) -> TokenPipe | None:
    """The pipe that somebody else has made for us to use; None where it cannot be reached."""
    with ExitStack() as stack:
        try:
            if named.fifo:
                if not stat.S_ISFIFO(os.stat(named.fifo).st_mode):
                    return None
                ours = os.open(named.fifo, _OURS)
                stack.callback(os.close, ours)
                return TokenPipe(ours, ours, named.words, (), stack.pop_all())
            if not (_is_given(named.reader, os.O_RDONLY) and _is_given(named.writer, os.O_WRONLY)):
                return None
        except OSError:
            return None
        shared = (named.reader, named.writer)
        found = _reopened(named.reader)
        if found is None:
            return TokenPipe(named.reader, named.writer, named.words, shared, stack.pop_all())
        stack.callback(os.close, found)
        return TokenPipe(found, found, named.words, shared, stack.pop_all())


def _is_given(descriptor: int, mode: int) -> bool:
    """Whether we were started with a pipe there, to be used that way: what we have opened ourselves no program inherits."""
    return (
        descriptor >= 0
        and os.get_inheritable(descriptor)
        and stat.S_ISFIFO(os.fstat(descriptor).st_mode)
        and fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_ACCMODE in (mode, os.O_RDWR)
    )


def _reopened(descriptor: int) -> int | None:
    """The same pipe by a description of our own, for both ends; None where the system, or whose pipe it is, does not let us."""
    if sys.platform == "linux":
        with suppress(OSError):
            return os.open(f"/proc/self/fd/{descriptor}", _OURS)
    return None


def _lifted(descriptor: int, stack: ExitStack) -> int:
    """The descriptor, by a number out of the way, if there is one."""
    try:
        lifted = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, _HIGH)
    except OSError:
        lifted = descriptor
    else:
        os.close(descriptor)
    stack.callback(os.close, lifted)
    return lifted


def _nameless(stack: ExitStack) -> tuple[int, int, int]:
    """A pipe by three descriptions: one of our own, and its two ends. It has a name only as long as these are opened."""
    with ExitStack() as for_now:
        path = f"{_private_folder(for_now)}/jobserver"
        os.mkfifo(path, 0o600)
        for_now.callback(_removed, path)
        ours = os.open(path, _OURS)
        reader = _lifted(os.open(path, os.O_RDONLY | os.O_CLOEXEC), stack)
        return ours, reader, _lifted(os.open(path, os.O_WRONLY | os.O_CLOEXEC), stack)


def _private_folder(stack: ExitStack) -> str:
    import tempfile

    folder = tempfile.mkdtemp(prefix="exarp-")
    stack.callback(os.rmdir, folder)
    return folder


def _removed(path: str) -> None:
    with suppress(OSError):
        os.unlink(path)


def _can_be_said(path: str) -> bool:
    """Whether a path is one word of MAKEFLAGS, which make reads as it reads a makefile."""
    return all(char.isalnum() or char in "/._-+@~:," for char in path) and path.isascii()
