"""Starting a process in a session of its own: the quick way where it does, else not at all.

Knows ``posix_spawn``, which costs half of what ``subprocess`` does, and how to make up for what it lacks: it neither looks
programs up in a given PATH, nor enters folders, nor closes descriptors. Does not know attempts, and words no refusal: what does
not succeed here is tried again by ``subprocess``, which tells why.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping
from contextlib import suppress
from functools import lru_cache

# Python ignores them; no program is to inherit that.
_RESTORED = (signal.SIGPIPE, signal.SIGXFSZ)
# Not what is in it, which may not be asked.
_FOLDER_ALONE = getattr(os, "O_PATH", os.O_RDONLY)
# Nearly all of an environment is the same for every task.
_encoded = lru_cache(maxsize=4096)(os.fsencode)


class Spawner:
    """Starts processes for one host.

    What this process itself was given (a lock, a job server) is kept from all programs from now on, as all that Python opens is.
    """

    def __init__(self) -> None:
        _keep_descriptors()
        # Where this process stands may be gone, or not be readable: then nothing is started elsewhere from here.
        self._folder, self._here = "", -1
        with suppress(OSError):
            self._folder = os.getcwd()
            self._here = os.open(".", _FOLDER_ALONE | os.O_DIRECTORY | os.O_CLOEXEC)

    def close(self) -> None:
        """Let go of the folder."""
        if self._here >= 0:
            os.close(self._here)

    def spawn(
        self, argv: tuple[str, ...], env: Mapping[str, str], cwd: str, stdin: int, output: int | None
    ) -> int | None:
        """The number of the process; None where it could not be started. ``output``: stdout and stderr, None for our own."""
        elsewhere = cwd != self._folder
        program = find_program(argv[0], env) if self._here >= 0 or not elsewhere else None
        if program is None:
            return None
        streams = [(os.POSIX_SPAWN_DUP2, stdin, 0)]
        if output is not None:
            streams += [(os.POSIX_SPAWN_DUP2, output, 1), (os.POSIX_SPAWN_DUP2, output, 2)]
        encoded = {_encoded(name): _encoded(value) for name, value in env.items()}
        try:
            # Room for two more, by which its processes are found when it is to end: nothing is started that could not be.
            for spare in os.pipe():
                os.close(spare)
            if elsewhere:
                # It stands where this process stands, which nothing else does meanwhile: there is one thread.
                os.chdir(cwd)
            return os.posix_spawn(program, argv, encoded, file_actions=streams, setsid=True, setsigdef=_RESTORED)
        except (OSError, ValueError, NotImplementedError):
            return None
        finally:
            if elsewhere:
                os.fchdir(self._here)


def find_program(name: str, env: Mapping[str, str]) -> str | None:
    """The file that is executed for ``name``, as a shell with this environment would find it.

    None where it is not there, or only a shell knows: where PATH is not set, or leads to folders relative to its own.
    """
    if "/" in name:
        return name
    for path in _candidates(name, env.get("PATH", "")):
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
