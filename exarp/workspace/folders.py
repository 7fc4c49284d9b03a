"""Folders around a task's outputs: made before it starts, emptied where they are outputs themselves.

Knows the contract ("parent folders are made before the task starts"; "else an output folder is emptied first") and what
must never be emptied. Does not know when a task starts.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence

from blake3 import blake3


class FolderFault(Exception):
    """A folder could not be made or must not be emptied; the message says what to do."""


class OutputFolders:
    """Makes and empties folders in one workspace.

    A folder is emptied only if it is exarp's: it was missing or empty when exarp first came to it, or held nothing but what
    git ignores. That is remembered by an empty file in ``claims`` (an absolute folder).
    """

    def __init__(self, root: str, claims: str) -> None:
        self._root = root
        self._claims = claims
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

    def empty(self, folder: str) -> None:
        """Remove all that is in an output folder. Raises FolderFault where somebody else's files may be among it."""
        absolute = f"{self._root}/{folder}".rstrip("/")
        try:
            names = os.listdir(absolute) if os.path.isdir(absolute) and not os.path.islink(absolute) else []
            claim = f"{self._claims}/{blake3(folder.encode()).hexdigest(16)}"
            if not os.path.exists(claim):
                if names and (stranger := _stranger(absolute, names)):
                    raise FolderFault(
                        f"the output folder {folder} would be emptied, but it holds {stranger}, which exarp did not make: "
                        "remove or move it, set keep_outputs = true, or declare another folder"
                    )
                os.makedirs(self._claims, mode=0o700, exist_ok=True)
                os.close(os.open(claim, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))
            for name in names:
                _remove(f"{absolute}/{name}")
        except OSError as error:
            raise FolderFault(f"the output folder {folder} cannot be emptied: {error.strerror}") from None


def _remove(path: str) -> None:
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    else:
        os.unlink(path)


def _stranger(folder: str, names: Sequence[str]) -> str:
    """The first file in a folder that git tracks or would track, or an empty string; without git any file at all."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", "."]
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, check=False, stdin=subprocess.DEVNULL)
    except OSError:
        return min(names)
    if done.returncode != 0:
        return min(names)
    return done.stdout.split(b"\0", 1)[0].decode(errors="backslashreplace")


def parent_folders(paths: Sequence[str]) -> list[str]:
    """The folders that must exist before a task can write ``paths`` (patterns: their literal folders)."""
    from exarp.model.path import is_glob, literal_prefix

    found: dict[str, None] = {}
    for path in paths:
        folder = literal_prefix(path) if is_glob(path) or not path.endswith("/") else path
        if folder:
            found[folder.rstrip("/")] = None
    return list(found)
