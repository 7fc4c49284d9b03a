"""Files that hold manifests: their bytes and their text, within limits.

Knows how a file is opened without waiting for anybody, how large one may be, and that it is UTF-8. Does not know what is in it.
"""

from __future__ import annotations

import errno
import os
import stat
from codecs import BOM_UTF8

from exarp.errors import ManifestError, Place, Problem

MAX_BYTES = 64 * 1024 * 1024
NO_FILE = "it is not a regular file"
_SMALL = 1024 * 1024


def read_bytes(path: str, shown: str) -> bytes:
    """The bytes of a manifest that messages name ``shown``.

    Raises ManifestError if the file cannot be read, or is larger than a manifest may be.
    """
    try:
        with open(path, "rb", opener=_open) as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise unreadable(shown, NO_FILE)
            if status.st_size > MAX_BYTES:
                raise too_large(status.st_size, shown)
            return file.read()
    except OSError as error:
        raise unreadable(shown, error.strerror or str(error)) from None


def read_beside(root: str, path: str) -> bytes:
    """The bytes of a small file that a manifest in ``root`` names, at most as many as show that it is too large.

    Raises OSError.
    """
    with open(os.path.join(root, path), "rb", opener=_open) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(errno.EINVAL, NO_FILE)
        return file.read(_SMALL + 1)


def replace_bytes(path: str, before: bytes, after: bytes) -> bool:
    """Put new content in the place of a file at once, with its mode, unless it is not what it was; whether it was.

    Of a link, the file that it leads to. Raises OSError.
    """
    import tempfile

    real = os.path.realpath(path)
    descriptor, name = tempfile.mkstemp(dir=os.path.dirname(real), prefix=".exarp-")
    try:
        with open(descriptor, "wb") as file:
            file.write(after)
            file.flush()
            os.fsync(file.fileno())
            os.fchmod(file.fileno(), os.stat(real).st_mode & 0o7777)
        with open(real, "rb") as file:
            if file.read() != before:
                os.unlink(name)
                return False
        os.replace(name, real)
    except BaseException:
        if os.path.exists(name):
            os.unlink(name)
        raise
    return True


def _open(path: str, flags: int) -> int:
    # What was a file a moment ago may be a pipe by now: opening it must not wait for somebody to write.
    return os.open(path, flags | os.O_NONBLOCK)


def unreadable(shown: str, why: str) -> ManifestError:
    """The refusal of a file that cannot be read; ``why`` is a clause."""
    message, step = f"{shown} cannot be read: {why}", "name a file that can be read, with --file"
    return ManifestError(Problem("unreadable", message, Place(shown, 1, 1), step))


def decode(data: bytes, file: str) -> str:
    """The text of ``file``. Raises ManifestError where it is too large, or not UTF-8."""
    if len(data) > MAX_BYTES:
        raise too_large(len(data), file)
    try:
        # As "utf-8-sig" has it, which Python would have to load.
        return data.removeprefix(BOM_UTF8).decode()
    except UnicodeDecodeError as error:
        raise ManifestError(_encoding_problem(error, file)) from None


def too_large(size: int, file: str) -> ManifestError:
    """The refusal of a manifest of ``size`` bytes."""
    message = f"the manifest has {size / 1024**2:.1f} MiB; the limit is {MAX_BYTES // 1024**2} MiB"
    step = "keep data in files of its own, or split the project"
    return ManifestError(Problem("too-large", message, Place(file, 1, 1), step))


def _encoding_problem(error: UnicodeDecodeError, file: str) -> Problem:
    data = error.object
    start = data.rfind(b"\n", 0, error.start) + 1
    line = data[start:].split(b"\n", 1)[0].rstrip(b"\r").decode("utf-8", "backslashreplace")
    column = len(data[start : error.start].decode("utf-8")) + 1
    place = Place(file, data.count(b"\n", 0, error.start) + 1, column, 4, line)
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return Problem("not-utf8", "the file is UTF-16", place, "save the file as UTF-8")
    return Problem("not-utf8", f"byte 0x{data[error.start]:02x} is not valid UTF-8", place, "save the file as UTF-8")
