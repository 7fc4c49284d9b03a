"""Which programs are there.

Knows ``PATH`` and the workspace. Does not know who wants them.
"""

from __future__ import annotations

import os


class Programs:
    """Looks programs up, each at most once where it is there: one that is not may be made by a task of the run."""

    def __init__(self, root: str, path: str | None) -> None:
        self._root = root
        self._path = path
        self._there: set[tuple[str, str]] = set()

    def has(self, program: str, cwd: str) -> bool:
        """Whether a command of a task in ``cwd`` (relative to the workspace root) would find ``program``."""

        import shutil

        if (program, cwd) in self._there:
            return True
        # A shell takes a name with a slash for a path, seen from where it is.
        name = os.path.join(self._root, cwd, program) if "/" in program else program
        found = shutil.which(name, path=self._path) is not None
        if found:
            self._there.add((program, cwd))
        return found
