"""Folders around a task's outputs: made before it starts, emptied where they are outputs themselves.

Knows the contract ("parent folders are made before the task starts"; "else an output folder is emptied first") and what
must never be emptied. Does not know when a task starts.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import NoReturn

from blake3 import blake3

from exarp.model.path import is_glob, literal_prefix, relative


class FolderFault(Exception):
    """A folder could not be made or must not be emptied; the message says what to do."""


class OutputFolders:
    """Makes and empties folders in one workspace.

    A folder is emptied only if it is exarp's: it was missing or empty when exarp first came to it, or held nothing but what
    git ignores. That is remembered by an empty file in ``claims`` (an absolute folder). ``breathe`` is called before each
    file that is removed: there may be many. What it raises ends the removing.
    """

    def __init__(self, root: str, claims: str) -> None:
        self.breathe: Callable[[], None] = _on_and_on
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
            if not os.path.isdir(f"{self._root}/{folder}"):
                os.makedirs(f"{self._root}/{folder}", exist_ok=True)
        except OSError as error:
            raise FolderFault(f"the folder {folder} cannot be made: {error.strerror}") from None
        self._made.add(folder)

    def empty(self, folder: str) -> None:
        """Remove all that is in an output folder. Raises FolderFault where somebody else's files may be among it."""
        absolute = f"{self._root}/{folder}".rstrip("/")
        try:
            names = os.listdir(absolute) if os.path.isdir(absolute) else []
            claim = self._claim(folder)
            if not os.path.exists(claim):
                if names and (stranger := _stranger(absolute, names)):
                    raise FolderFault(
                        f"the output folder {folder} would be emptied, but it holds {stranger}, which exarp did not make: "
                        "remove or move it, set keep_outputs = true, or declare another folder"
                    )
                os.makedirs(self._claims, mode=0o700, exist_ok=True)
                os.close(os.open(claim, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))
            for name in names:
                self._remove(f"{absolute}/{name}")
        except OSError as error:
            raise FolderFault(f"the output folder {folder} cannot be emptied: {error.strerror}") from None

    def owns(self, folder: str) -> bool:
        """Whether all that is in a folder is exarp's to remove."""
        absolute = f"{self._root}/{folder}".rstrip("/")
        if os.path.exists(self._claim(folder)):
            return True
        names = os.listdir(absolute)
        return not names or not _stranger(absolute, names)

    def release(self, folder: str) -> None:
        """A folder is gone: what somebody puts there is not exarp's."""
        with suppress(OSError):
            os.unlink(self._claim(folder))

    def _claim(self, folder: str) -> str:
        absolute = f"{self._root}/{folder}".rstrip("/")
        return f"{self._claims}/{blake3(_identity(folder, absolute)).hexdigest(16)}"

    def _remove(self, path: str) -> None:
        if os.path.islink(path) or not os.path.isdir(path):
            self.breathe()
            os.unlink(path)
            return
        # By descriptors, so that a folder that is swapped for a link meanwhile leads nowhere else.
        for _, folders, files, here in os.fwalk(path, topdown=False, onerror=_refuse):
            for name in files:
                self.breathe()
                os.unlink(name, dir_fd=here)
            for name in folders:
                _remove_folder(name, here)
        os.rmdir(path)


def _on_and_on() -> None:
    """Nobody wants to be let in between."""


def _identity(folder: str, absolute: str) -> bytes:
    """What a claim is about: the folder, and where it is a link the one that it leads to now."""
    target = os.path.realpath(absolute) if os.path.islink(absolute) else ""
    return os.fsencode(f"{folder}\0{target}" if target else folder)


def _refuse(error: OSError) -> NoReturn:
    raise error


def _remove_folder(name: str, parent: int) -> None:
    """Remove an empty folder, or a link to a folder, from the folder with the descriptor ``parent``."""
    try:
        os.rmdir(name, dir_fd=parent)
    except NotADirectoryError:
        os.unlink(name, dir_fd=parent)


def _stranger(folder: str, names: Sequence[str]) -> str:
    """The first file in a folder that git tracks or would track, or an empty string; without git any file at all."""
    import subprocess

    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", "."]
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, check=False, stdin=subprocess.DEVNULL)
    except OSError:
        return min(names)
    if done.returncode != 0:
        return min(names)
    return done.stdout.split(b"\0", 1)[0].decode(errors="backslashreplace")


def working_folder(root: str, cwd: str) -> str:
    """The folder in which a task's processes find themselves, where ``cwd`` leads them: relative to the workspace, or in full
    where a link leads out of it. ``..`` means the folder above this one to them, whatever ``cwd`` looks like."""
    if not cwd:
        return ""
    real, base = os.path.realpath(f"{root}/{cwd}"), os.path.realpath(root)
    if real == base:
        return ""
    return real[len(base) + 1 :] if real.startswith(f"{base}/") else real


def shell_folder(pwd: str | None, cwd: str) -> str:
    """What a shell that is started in ``cwd`` (absolute) has as ``$PWD``: the one that it inherits, if that leads there."""
    with suppress(OSError):
        if pwd and pwd.startswith("/") and os.path.samefile(pwd, cwd):
            return pwd
    return os.path.realpath(cwd)


def seen_from(folder: str, path: str, root: str) -> str:
    """``path`` (normalised) as processes in a ``working_folder`` have to call it."""
    if folder.startswith("/") and not path.startswith("/"):
        return f"{root}/{path}"
    return relative(path, folder)


def parent_folders(paths: Sequence[str]) -> list[str]:
    """The folders that must exist before a task can write ``paths`` (patterns: their literal folders)."""
    found: dict[str, None] = {}
    for path in paths:
        folder = literal_prefix(path) if is_glob(path) or not path.endswith("/") else path
        if folder:
            found[folder.rstrip("/")] = None
    return list(found)
