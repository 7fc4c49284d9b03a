"""What a task made, as the pieces of an artifact.

Knows how files, folders and links are looked at, and what cannot be put back. Does not store anything.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from blake3 import blake3

from exarp.model.artifact import PERMISSIONS, Piece
from exarp.model.path import normalise

# Files up to this size are kept in the entry itself, as long as all of them together are no larger than the other.
INLINE = 4096
_ALL_INLINE = 64 * 1024


class NotGathered(Exception):
    """Something that a task made cannot be put back as it is; the message says what, as a clause."""


class Gathered(NamedTuple):
    """Pieces, folders before what is in them; and where the contents of blobs are, by digest."""

    pieces: tuple[Piece, ...]
    files: dict[bytes, str]


class Gathering:
    """Gathers what is at ``root`` (absolute, the workspace's). ``known``: contents of small files that were read already, by
    path: those whose digests are asked for."""

    def __init__(self, root: str, known: Mapping[str, bytes]) -> None:
        self._root = root
        self._known = known
        self._room = _ALL_INLINE
        self._pieces: list[Piece] = []
        self._files: dict[bytes, str] = {}

    def gather(self, outputs: Mapping[str, bytes], folders: Sequence[str], depfile: str) -> Gathered:
        """The pieces of all ``outputs`` (digests by path), of what else is in the output ``folders``, and of the depfile.

        Raises NotGathered, OSError.
        """
        for folder in folders:
            self._folder(folder.rstrip("/"), outputs)
        for path, digest in outputs.items():
            if not path.endswith("/"):
                self._take(path, digest, outputs)
        if depfile:
            self._take(depfile, b"", outputs)
        return Gathered(tuple(self._pieces), self._files)

    def printed(self, log: str) -> Piece | None:
        """What is in a log (absolute path), as a piece without a path; None where it holds nothing. Raises OSError."""
        with open(log, "rb", buffering=0) as file:
            size = os.fstat(file.fileno()).st_size
            if size <= INLINE:
                data = file.read(size + 1)
                return Piece("", stat.S_IFREG, b"", data) if data else None
            hasher = blake3()
            while data := file.read(1 << 20):
                hasher.update(data)
        digest = hasher.digest()
        self._files[digest] = log
        return Piece("", stat.S_IFREG, digest)

    def _take(self, path: str, digest: bytes, outputs: Collection[str]) -> None:
        """A file or link; ``digest``: what the record has for it, empty where it has none."""
        absolute = f"{self._root}/{path}"
        found = os.lstat(absolute)
        mode = stat.S_IFMT(found.st_mode) | found.st_mode & PERMISSIONS
        if stat.S_ISLNK(mode):
            self._pieces.append(Piece(path, mode, digest, self._target(path, absolute, outputs)))
            return
        if not stat.S_ISREG(mode):
            raise NotGathered(f"{path} is no ordinary file")
        data = self._known.get(path) if digest else None
        if data is None and (found.st_size <= INLINE or not digest):
            with open(absolute, "rb", buffering=0) as file:
                data = file.readall()
            content = blake3(data).digest()
            if digest and content != digest:
                raise NotGathered(f"{path} was changed after the task had ended")
            digest = content
        if data is not None and len(data) <= min(INLINE, self._room):
            self._room -= len(data)
            self._pieces.append(Piece(path, mode, digest, data))
        else:
            self._files[digest] = absolute
            self._pieces.append(Piece(path, mode, digest))

    def _target(self, path: str, absolute: str, outputs: Collection[str]) -> bytes:
        target = os.readlink(absolute)
        if os.path.isfile(absolute) and normalise(target, path.rpartition("/")[0]) not in outputs:
            # Put back elsewhere it would be another file, and who writes to the output would write to that.
            raise NotGathered(f"the link {path} leads to what the task does not make")
        if target == self._root or target.startswith(f"{self._root}/"):
            raise NotGathered(f"the link {path} names this workspace, and would do so in any other")
        return os.fsencode(target)

    def _folder(self, folder: str, outputs: Mapping[str, bytes]) -> None:
        """A folder and all folders in it; links that the record does not name, as they lead to nothing that is hashed."""
        absolute = f"{self._root}/{folder}"
        mode = os.lstat(absolute).st_mode
        if not stat.S_ISDIR(mode):
            raise NotGathered(f"the output folder {folder} is a link")
        self._pieces.append(Piece(f"{folder}/", stat.S_IFDIR | mode & PERMISSIONS))
        stack = [folder]
        while stack:
            here = stack.pop()
            with os.scandir(f"{self._root}/{here}") as entries:
                for entry in entries:
                    path = f"{here}/{entry.name}"
                    if path in outputs:
                        continue
                    if entry.name in (".git", ".exarp") or not entry.is_dir(follow_symlinks=False):
                        raise NotGathered(f"{path} is in an output folder, but is not looked at")
                    mode = entry.stat(follow_symlinks=False).st_mode
                    self._pieces.append(Piece(f"{path}/", stat.S_IFDIR | mode & PERMISSIONS))
                    stack.append(path)
