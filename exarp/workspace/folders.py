"""Folders around a task's outputs: made before it starts, emptied where they are outputs themselves.

Knows the contract ("parent folders are made before the task starts"; "else an output folder is emptied first") and what
must never be emptied. Does not know when a task starts.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence


class FolderFault(Exception):
    """A folder could not be made or must not be emptied; the message says what to do."""


class OutputFolders:
    """Makes and empties folders in one workspace."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._made: set[str] = set()

    def forget(self) -> None:
        """A task may have removed folders."""
        self._made.clear()

    def make(self, folder: str) -> None:
        """Make a folder (workspace-relative) and all above it. Raises FolderFault."""
        if folder in self._made:
            return
        try:
            os.makedirs(f"{self._root}/{folder}", exist_ok=True)
        except OSError as error:
            raise FolderFault(f"the folder {folder} cannot be made: {error.strerror}") from None
        self._made.add(folder)

    def empty(self, folder: str, is_ours: bool) -> None:
        """Remove all that is in an output folder.

        ``is_ours``: the task made it before. Else nothing that git tracks may be in it. Raises FolderFault.
        """
        absolute = f"{self._root}/{folder}".rstrip("/")
        if os.path.islink(absolute) or not os.path.isdir(absolute):
            return
        try:
            names = os.listdir(absolute)
            if names and not is_ours and (tracked := _tracked(absolute)):
                raise FolderFault(
                    f"the output folder {folder} would be emptied, but git tracks {tracked} in it: "
                    "set keep_outputs = true, or declare another folder"
                )
            for name in names:
                _remove(f"{absolute}/{name}")
        except OSError as error:
            raise FolderFault(f"the output folder {folder} cannot be emptied: {error.strerror}") from None


def _remove(path: str) -> None:
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    else:
        os.unlink(path)


def _tracked(folder: str) -> str:
    """The first file that git tracks in a folder, or an empty string."""
    try:
        done = subprocess.run(
            ["git", "ls-files", "-z", "--", "."], cwd=folder, capture_output=True, check=False, stdin=subprocess.DEVNULL
        )
    except OSError:
        return ""
    return done.stdout.split(b"\0", 1)[0].decode(errors="replace") if done.returncode == 0 else ""


def parent_folders(paths: Sequence[str]) -> list[str]:
    """The folders that must exist before a task can write ``paths`` (patterns: their literal folders)."""
    from exarp.model.path import is_glob, literal_prefix

    found: dict[str, None] = {}
    for path in paths:
        folder = literal_prefix(path) if is_glob(path) or not path.endswith("/") else path
        if folder:
            found[folder.rstrip("/")] = None
    return list(found)
