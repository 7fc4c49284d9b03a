"""Starting a process in a session or a group of its own: the quick way where it does, else not at all.

Knows ``posix_spawn``, which costs half of what ``subprocess`` does, and how to make up for what it lacks: it neither looks
programs up in a given PATH, nor enters folders, nor closes descriptors; and where it opens a pipe with a name, nothing else is
done here until somebody opens the other end. Does not know attempts, and words no refusal: what does
not succeed here is tried again by ``subprocess``, which tells why.
"""

from __future__ import annotations

import os
import signal
import stat
import sys
from collections.abc import Mapping
from contextlib import suppress
from functools import lru_cache
from typing import Literal

from exarp.model.launch import Redirection

Apart = Literal["session", "group"]
# Python ignores them; no program is to inherit that.
_RESTORED = (signal.SIGPIPE, signal.SIGXFSZ)
# Not what is in it, which may not be asked.
_FOLDER_ALONE = getattr(os, "O_PATH", os.O_RDONLY)
_OPENED = {
    "<": os.O_RDONLY, ">": os.O_WRONLY | os.O_CREAT | os.O_TRUNC, ">>": os.O_WRONLY | os.O_CREAT | os.O_APPEND,
}  # fmt: skip
_FOR_ALL = 0o666
_encoded = lru_cache(maxsize=4096)(os.fsencode)
# What os.fsencode takes a dozen steps to ask for.
_ENCODING, _ON_ERROR = sys.getfilesystemencoding(), sys.getfilesystemencodeerrors()


class Spawner:
    """Starts processes for one host.

    What this process itself was given (a lock, a job server) is kept from all programs from now on, as all that Python opens is.
    """

    def __init__(self) -> None:
        _keep_descriptors()
        # Where this process stands may be gone, or not be readable: then nothing is started elsewhere from here.
        self._folder, self._here = "", -1
        self._around: Mapping[str, str] = {}
        self._encoded_around: dict[bytes, bytes] = {}
        # What is kept from some programs only.
        self.shared: tuple[int, ...] = ()
        # The highest descriptor that was given to a process so far, with room for more.
        self._highest = -1
        with suppress(OSError):
            self._folder = os.getcwd()
            self._here = os.open(".", _FOLDER_ALONE | os.O_DIRECTORY | os.O_CLOEXEC)

    def share(self, descriptors: tuple[int, ...]) -> None:
        """Hand these on, but to programs that are to have none of it."""
        self.shared = descriptors
        for descriptor in descriptors:
            os.set_inheritable(descriptor, True)

    def close(self) -> None:
        """Let go of the folder."""
        if self._here >= 0:
            os.close(self._here)

    def spawn(
        self,
        argv: tuple[str, ...],
        around: Mapping[str, str],
        env: Mapping[str, str],
        cwd: str,
        stdin: int,
        output: int | None,
        program: str | None = None,
        redirections: tuple[Redirection, ...] = (),
        apart: Apart = "session",
        shares: bool = False,
    ) -> int | None:
        """The number of the process; None where it could not be started. ``output``: stdout and stderr, None for our own.

        ``env``: its environment, on top of what is ``around``. ``program``: where it is, if that is known.
        ``redirections``: what becomes of its streams then, as a shell would have it. ``apart``: what it has of its own.
        ``shares``: it inherits what is shared.
        """
        elsewhere = cwd != self._folder
        if self._here < 0 and elsewhere:
            return None
        if program is None:
            program = find_program(argv[0], env["PATH"] if "PATH" in env else around.get("PATH", ""))
            if program is None:
                return None
        streams: list[tuple[object, ...]] = [(os.POSIX_SPAWN_DUP2, stdin, 0)]
        if output is not None:
            streams += [(os.POSIX_SPAWN_DUP2, output, 1), (os.POSIX_SPAWN_DUP2, output, 2)]
        if self.shared and not shares:
            streams += [(os.POSIX_SPAWN_CLOSE, descriptor) for descriptor in self.shared]
        encoded = self._encoded(around, env)
        try:
            self._see_to_room(output)
            if elsewhere:
                # It stands where this process stands, which nothing else does meanwhile: there is one thread.
                os.chdir(cwd)
            if redirections and not _redirect(streams, redirections):
                return None
            # Two calls, for a dictionary of what differs would be made for each.
            if apart == "group":
                return os.posix_spawn(program, argv, encoded, file_actions=streams, setpgroup=0, setsigdef=_RESTORED)
            return os.posix_spawn(program, argv, encoded, file_actions=streams, setsid=True, setsigdef=_RESTORED)
        except (OSError, ValueError, NotImplementedError):
            return None
        finally:
            if elsewhere:
                os.fchdir(self._here)

    def _encoded(self, around: Mapping[str, str], env: Mapping[str, str]) -> dict[bytes, bytes]:
        if around is not self._around:
            self._around = around
            self._encoded_around = {os.fsencode(name): os.fsencode(value) for name, value in around.items()}
        found = self._encoded_around.copy()
        for name, value in env.items():
            found[_encoded(name)] = value.encode(_ENCODING, _ON_ERROR)
        return found

    def _see_to_room(self, output: int | None) -> None:
        """Raises OSError where there is no room for two more descriptors, by which the processes of what is started are found
        when it is to end: nothing is started that could not be."""
        if output is not None and output <= self._highest:
            # The lowest that is free is given first: no more are open than when there was room.
            return
        for spare in os.pipe():
            os.close(spare)
        if output is not None:
            self._highest = output


def _redirect(streams: list[tuple[object, ...]], redirections: tuple[Redirection, ...]) -> bool:
    """Add what is to be done with streams, files seen from where this process stands; False where that might take long, or
    fail, which a shell tells better."""
    for redirection in redirections:
        stream, operator, target = redirection.stream, redirection.operator, redirection.target
        if operator == ">&":
            streams.append((os.POSIX_SPAWN_DUP2, int(target), stream))
            continue
        try:
            ordinary = target == os.devnull or stat.S_ISREG(os.stat(target).st_mode)
        except FileNotFoundError:
            ordinary = operator != "<"
        if not ordinary:
            return False
        streams.append((os.POSIX_SPAWN_OPEN, stream, target, _OPENED[operator], _FOR_ALL))
    return True


def find_program(name: str, search: str) -> str | None:
    """The file that is executed for ``name``, as a shell with this PATH (``search``) would find it.

    None where it is not there, or only a shell knows: where PATH is not set, or leads to folders relative to its own.
    """
    if "/" in name:
        return name
    for path in _candidates(name, search):
        if os.access(path, os.X_OK) and not os.path.isdir(path):
            return path
    return None


@lru_cache(maxsize=256)
def _candidates(name: str, search: str) -> tuple[str, ...]:
    """Where PATH says that a program may be. Looked at each time: a task may have made one there meanwhile."""
    folders = search.split(":")
    if not name or not all(folder.startswith("/") for folder in folders):
        return ()
    return tuple([f"{folder}/{name}" for folder in folders])


def _keep_descriptors() -> None:
    with suppress(OSError):
        for name in os.listdir("/dev/fd"):
            with suppress(OSError):  # the listing's own is closed by now
                if int(name) > 2:
                    os.set_inheritable(int(name), False)
