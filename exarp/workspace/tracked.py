"""Which files git tracks.

Knows how to ask git, once for a whole workspace. Does not know what that means for anybody.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping

from exarp.errors import Problem, UsageError
from exarp.workspace.git_changes import OF_HOOKS
from exarp.workspace.repository import find_repository


class Tracked:
    """What git tracks in the workspace ``root`` (absolute); nothing where that is in no repository.

    Raises UsageError where git cannot say.
    """

    def __init__(self, root: str, environ: Mapping[str, str]) -> None:
        self._root = os.path.realpath(root)
        self._real: dict[str, str] = {}
        self._paths = _listed(self._root, environ) if find_repository(self._root) is not None else frozenset()

    def has(self, path: str) -> bool:
        """Whether git tracks what stands at ``path`` (relative to the workspace), or a repository inside of its own holds it."""
        if not self._paths:
            return False
        folder, name = os.path.split(f"{self._root}/{path}".rstrip("/"))
        if folder not in self._real:
            self._real[folder] = os.path.realpath(folder)
        real = os.path.relpath(f"{self._real[folder]}/{name}", self._root)
        while real and real != os.curdir:
            if real in self._paths:
                return True
            real = os.path.dirname(real)
        return False


def _listed(root: str, environ: Mapping[str, str]) -> frozenset[str]:
    env = {**{name: value for name, value in environ.items() if name not in OF_HOOKS}, "LC_ALL": "C"}
    command = ["git", "-c", "core.fsmonitor=false", "ls-files", "-z", "--cached", "--", "."]
    try:
        done = subprocess.run(command, cwd=root, env=env, capture_output=True, check=False, stdin=subprocess.DEVNULL)
    except OSError as error:
        raise _unknown(error.strerror or str(error)) from None
    if done.returncode == 0:
        return frozenset(os.fsdecode(path) for path in done.stdout.split(b"\0") if path)
    if b"not a git repository" in done.stderr:
        return frozenset()
    raise _unknown(next(iter(os.fsdecode(done.stderr).splitlines()), f"exit {done.returncode}"))


def _unknown(why: str) -> UsageError:
    message = f"git cannot say which files it tracks, and those are never removed: {why}"
    return UsageError(Problem("no-git", message, None, "let git work here: `git status` shows what is wrong"))
