"""What a task made, put back into its workspace.

Knows how a file, a link or a whole folder appears at once or not at all: it is made aside, verified, and renamed to its place.
Does not know whether it may be put back, nor where contents come from.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Callable, Iterable, Sequence

from exarp.model.artifact import FILE, FOLDER, LINK, PERMISSIONS, Piece

# Makes the file of a content with these permissions at a path; False where the content is not there, or damaged.
Bring = Callable[[bytes, int, str], bool]


class NotRestored(Exception):
    """A piece cannot be put back; the message says why, as a clause. The task is to run instead."""


class Restoring:
    """Puts pieces back into the workspace at ``root``. ``aside``: a folder of exarp's own, both absolute; what a killed exarp
    left there is removed when something is restored for the first time."""

    def __init__(self, root: str, aside: str, bring: Bring) -> None:
        self._root = root
        self._aside = aside
        self._bring = bring
        self._is_prepared = False
        self._number = 0
        self._mask = _mask()
        self._devices: dict[str, int] = {}

    def fetch(self, pieces: Iterable[Piece]) -> dict[str, str]:
        """Make the files of all pieces aside: where they are, by path. Nothing of the workspace is touched.

        Raises NotRestored, OSError; then nothing is left of them.
        """
        drafts: dict[str, str] = {}
        try:
            for piece in pieces:
                if piece.kind == FILE:
                    drafts[piece.path] = self._fetched(piece)
        except BaseException:
            self.drop(drafts)
            raise
        return drafts

    def _fetched(self, piece: Piece) -> str:
        draft = self._draft(piece.path)
        if piece.content is None:
            if not self._bring(piece.digest, piece.mode & PERMISSIONS, draft):
                raise NotRestored(f"the content of {piece.path} is not in the store any more, or is damaged there")
            return draft
        permissions = piece.mode & PERMISSIONS
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, permissions)
        try:
            data = piece.content
            while data:
                data = data[os.write(descriptor, data) :]
            if permissions & self._mask:
                os.fchmod(descriptor, permissions)
        finally:
            os.close(descriptor)
        return draft

    def drop(self, drafts: dict[str, str]) -> None:
        """Let go of what was fetched."""
        for draft in drafts.values():
            with contextlib.suppress(OSError):
                os.unlink(draft)

    def place(self, pieces: Sequence[Piece], drafts: dict[str, str], empty: Sequence[str]) -> None:
        """Put everything in its place. ``empty``: output folders (with their slashes) that are there and hold nothing.

        Each folder of those appears with all that is in it. Raises NotRestored, OSError: some pieces may be in place then,
        each of them whole.
        """
        whole: tuple[str, ...] = ()
        for folder in empty:
            if self._is_plain_here(folder.rstrip("/")):
                self._place_folder(folder, [piece for piece in pieces if piece.path.startswith(folder)], drafts)
                whole += (folder,)
        rest = [piece for piece in pieces if not piece.path.startswith(whole)] if whole else pieces
        folders = [piece for piece in rest if piece.kind == FOLDER]
        for piece in folders:
            os.makedirs(f"{self._root}/{piece.path}".rstrip("/"), exist_ok=True)
        for piece in rest:
            if piece.kind == FILE:
                os.rename(drafts.pop(piece.path), f"{self._root}/{piece.path}")
            elif piece.kind == LINK:
                draft = self._draft(piece.path)
                os.symlink(os.fsdecode(piece.content or b""), draft)
                os.rename(draft, f"{self._root}/{piece.path}")
        for piece in reversed(folders):
            os.chmod(f"{self._root}/{piece.path}", piece.mode & PERMISSIONS)

    def _place_folder(self, folder: str, pieces: Sequence[Piece], drafts: dict[str, str]) -> None:
        made = f"{self._aside}/{self._next()}"
        os.mkdir(made, 0o700)
        try:
            inner = [piece for piece in pieces if piece.kind == FOLDER and piece.path != folder]
            for piece in inner:
                os.mkdir(f"{made}/{piece.path[len(folder) :]}".rstrip("/"), 0o700)
            for piece in pieces:
                path = f"{made}/{piece.path[len(folder) :]}"
                if piece.kind == FILE:
                    os.rename(drafts.pop(piece.path), path)
                elif piece.kind == LINK:
                    os.symlink(os.fsdecode(piece.content or b""), path)
            for piece in reversed(inner):
                os.chmod(f"{made}/{piece.path[len(folder) :]}", piece.mode & PERMISSIONS)
            place = f"{self._root}/{folder}".rstrip("/")
            os.rename(made, place)
        except BaseException:
            import shutil

            shutil.rmtree(made, ignore_errors=True)
            raise
        for piece in pieces:
            if piece.path == folder:
                # Last: one that may not be written to cannot be moved.
                os.chmod(place, piece.mode & PERMISSIONS)

    def _is_plain_here(self, folder: str) -> bool:
        """Whether a folder is a folder itself, on the file system of what is made aside."""
        found = os.lstat(f"{self._root}/{folder}")
        return stat.S_ISDIR(found.st_mode) and found.st_dev == self._device_of(self._aside)

    def _draft(self, path: str) -> str:
        """A name for a file that is to become ``path``, on its file system."""
        self._prepare()
        folder = f"{self._root}/{path.rpartition('/')[0]}"
        if self._device_of(folder) == self._device_of(self._aside):
            return f"{self._aside}/{self._next()}"
        return f"{folder}/.exarp-{os.getpid()}-{self._next()}"

    def _device_of(self, folder: str) -> int:
        """The file system of a folder, or of the nearest above it that is there."""
        known = self._devices.get(folder)
        while known is None:
            try:
                known = self._devices[folder] = os.stat(folder).st_dev
            except OSError as error:
                if error.errno not in (errno.ENOENT, errno.ENOTDIR) or not folder.strip("/"):
                    raise
                folder = os.path.dirname(folder.rstrip("/"))
        return known

    def _prepare(self) -> None:
        if not self._is_prepared:
            import shutil

            self._is_prepared = True
            shutil.rmtree(self._aside, ignore_errors=True)
            os.makedirs(self._aside, mode=0o700, exist_ok=True)

    def _next(self) -> int:
        self._number += 1
        return self._number


def _mask() -> int:
    """The permissions that no file is made with. There is no asking without setting."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
