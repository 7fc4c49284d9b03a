"""Contents from one file into another, with their digest, sharing the space on the disk where the file system can.

Knows reflinks (FICLONE on Linux) and plain copies. Never makes a hard link: a task that writes to its output in place would
write into the store. Does not know what the files are for.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable

from blake3 import blake3

_CHUNK = 1 << 20
# _IOW(0x94, 9, int); some machines number their ioctls otherwise, and there a copy must do.
_FICLONE = 0x40049409
_CANNOT = frozenset({errno.EOPNOTSUPP, errno.ENOTTY, errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EBADF, errno.EPERM})


def copied(source: int, target: int, size: int, breathe: Callable[[], None]) -> bytes:
    """Fill the empty file ``target`` with the content of ``source`` (both open); the digest of what is in it now.

    ``size``: of the source, roughly. ``breathe`` is called between slices; what it raises ends the copying. Raises OSError.
    """
    if size > _CHUNK and _cloned(source, target):
        # The clone keeps what it is, whoever writes to the source meanwhile.
        return digest_of(target, breathe)
    hasher = blake3()
    while chunk := os.read(source, min(max(size + 1, 4096), _CHUNK)):
        hasher.update(chunk)
        write_all(target, chunk)
        breathe()
    return hasher.digest()


def digest_of(descriptor: int, breathe: Callable[[], None]) -> bytes:
    """The digest of an open file's content, from its beginning. Raises OSError."""
    hasher = blake3()
    os.lseek(descriptor, 0, os.SEEK_SET)
    while chunk := os.read(descriptor, _CHUNK):
        hasher.update(chunk)
        breathe()
    return hasher.digest()


def write_all(descriptor: int, data: bytes) -> None:
    """Write everything. Raises OSError."""
    while data:
        data = data[os.write(descriptor, data) :]


def _cloned(source: int, target: int) -> bool:
    if sys.platform != "linux":
        return False
    import fcntl

    try:
        fcntl.ioctl(target, _FICLONE, source)
    except OSError as error:
        if error.errno in _CANNOT:
            return False
        raise
    return True
