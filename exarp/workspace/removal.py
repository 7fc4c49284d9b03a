"""Removing files and empty folders of one workspace, and nothing outside of it.

Knows links that lead out, and that a folder may be swapped for one meanwhile. Does not know what is to be removed.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager


class Removal:
    """In the workspace ``root`` (absolute); paths are relative to it."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._real = os.path.realpath(root)
        self._inside: dict[str, bool] = {}

    def leads_out(self, path: str) -> bool:
        """Whether a link among the folders above ``path`` leads out of the workspace."""
        folder = os.path.dirname(path.rstrip("/"))
        if folder not in self._inside:
            real = os.path.realpath(f"{self._root}/{folder}")
            self._inside[folder] = real == self._real or real.startswith(f"{self._real}/")
        return not self._inside[folder]

    def kind(self, path: str) -> str:
        """What stands at ``path``: ``file``, ``folder``, ``link`` or nothing (an empty text). Raises OSError."""
        try:
            mode = os.lstat(f"{self._root}/{path}".rstrip("/")).st_mode
        except (FileNotFoundError, NotADirectoryError):
            return ""
        if stat.S_ISLNK(mode):
            return "link"
        return "folder" if stat.S_ISDIR(mode) else "file"

    def names(self, folder: str) -> list[str]:
        """What is in a folder; nothing where it cannot be read."""
        try:
            return os.listdir(f"{self._root}/{folder}")
        except OSError:
            return []

    def below(self, folder: str) -> Iterator[tuple[str, bool]]:
        """All that is in a folder (with its slash), as (path, whether it is a folder); links are not followed."""
        stack = [folder]
        while stack:
            here = stack.pop()
            try:
                with os.scandir(f"{self._root}/{here}") as listing:
                    entries = [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in listing]
            except OSError:
                continue
            for name, is_folder in sorted(entries):
                yield here + name, is_folder
                if is_folder:
                    stack.append(f"{here}{name}/")

    def remove(self, path: str) -> None:
        """Remove a file or a link. Raises OSError."""
        with self._parent(path) as (parent, name):
            os.unlink(name, dir_fd=parent)

    def remove_folder(self, path: str) -> None:
        """Remove an empty folder. Raises OSError."""
        with self._parent(path) as (parent, name):
            os.rmdir(name, dir_fd=parent)

    @contextmanager
    def _parent(self, path: str) -> Iterator[tuple[int, str]]:
        """The folder that holds ``path``, opened by its real name, so that a link put there meanwhile leads nowhere."""
        folder, name = os.path.split(path.rstrip("/"))
        real = os.path.realpath(f"{self._root}/{folder}")
        if real != self._real and not real.startswith(f"{self._real}/"):
            raise PermissionError(1, "a link leads out of the workspace", path)
        descriptor = os.open(real, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            yield descriptor, name
        finally:
            os.close(descriptor)
