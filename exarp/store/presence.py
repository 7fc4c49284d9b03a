"""That a process is still there, told by the kernel: each that holds something keeps a file of its own locked.

Knows ``flock`` on files in ``.exarp/running``. Does not know what anybody holds.

The kernel lets a lock go when its process dies, however it dies, and whatever numbers processes have: who works in the same
workspace from within a container is seen, too. Children do not inherit the lock: the descriptor is closed on exec.
"""

from __future__ import annotations

import contextlib
import fcntl
import os

from exarp.store.state_folder import StateFolder, folder_fault, make_folder


class Presence:
    """The files of one workspace. A name is ``PID-NUMBER``."""

    def __init__(self, folder: StateFolder) -> None:
        self._folder = folder.running

    def take(self, name: str) -> int:
        """Keep the file of this name locked as long as the descriptor that is given is open. Raises UsageError
        ``state-folder``."""
        path = f"{self._folder}/{name}"
        try:
            if not os.path.isdir(self._folder):
                make_folder(self._folder)
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
            try:
                # Nobody has it but who just looks whether somebody has.
                fcntl.flock(descriptor, fcntl.LOCK_EX)
            except BaseException:
                os.close(descriptor)
                raise
        except OSError as error:
            raise folder_fault(path, error) from error
        return descriptor

    def leave(self, descriptor: int) -> None:
        """Nobody is there any more. The file is to be removed before."""
        try:
            # Closing alone would leave the lock with a forked process that has not yet called exec.
            fcntl.flock(descriptor, fcntl.LOCK_UN)
        finally:
            os.close(descriptor)

    def is_held(self, name: str) -> bool | None:
        """Whether somebody keeps the file locked; None where there is no such file."""
        try:
            descriptor = os.open(f"{self._folder}/{name}", os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
        except FileNotFoundError:
            return None
        except OSError:
            # Of another user, say: somebody is there until the opposite is known.
            return True
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError:
            return None
        finally:
            os.close(descriptor)
        return False

    def names(self) -> list[str]:
        """All names that have a file, in no order."""
        with contextlib.suppress(OSError):
            return os.listdir(self._folder)
        return []

    def remove(self, name: str) -> None:
        """Remove a file; one that cannot be removed is only an empty file."""
        with contextlib.suppress(OSError):
            os.unlink(f"{self._folder}/{name}")
