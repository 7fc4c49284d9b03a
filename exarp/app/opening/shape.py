"""What a project was read from: everything outside its manifest's own text that could make it another project.

Knows files and folders that were looked at, links that were asked for, variables of the caller's environment. Does not know what
any of it means. Whoever keeps something about the project (``index``) keeps its shape with it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, KeysView, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from exarp.app.opening.outside import Outside

# mtime_ns, ctime_ns, size, inode
Stamp = tuple[int, int, int, int]


class Shape:
    """Filled while a project is read; ``root`` is its workspace, absolute.

    ``files``: stamps of files by path (absolute), None for those that are not there. ``began_ns``: by the machine's clock,
    before any of them was looked at. ``outside``: what found files for matrices and includes, and ran commands of variables,
    whose output nobody can foresee.
    """

    def __init__(self, root: str, environ: Mapping[str, str]) -> None:
        self.root = root
        self.began_ns = time.time_ns()
        self.environ = SeenEnvironment(environ)
        self.files: dict[str, Stamp | None] = {}
        self.outside: Outside | None = None

    def look(self, path: str) -> None:
        """A file is about to be read, or asked for."""
        if path not in self.files:
            self.files[path] = stamp_of(path)

    def reading(self, read: Callable[[str, str], bytes]) -> Callable[[str, str], bytes]:
        """``read``, which gives the content of a manifest by its path; that, and what would be one in its folder, is noted."""

        from exarp.manifests.discover import NAMES

        def noting(path: str, shown: str) -> bytes:
            self.look(path)
            folder, name = os.path.split(path)
            for other in NAMES if name in NAMES else ():
                self.look(f"{folder}/{other}")
            return read(path, shown)

        return noting


def stamp_of(path: str) -> Stamp | None:
    """What tells whether a file is as it was; None where none is."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino


class SeenEnvironment(dict[str, str]):
    """The caller's environment, which notes the ``names`` that it is asked for; ``whole``: or that all of it was."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        super().__init__(environ)
        self.names: set[str] = set()
        self.whole = False

    def __getitem__(self, name: str) -> str:
        self.names.add(name)
        return super().__getitem__(name)

    def __contains__(self, name: object) -> bool:
        self.names.add(str(name))
        return super().__contains__(name)

    def get(self, name: str, default: str | None = None) -> str | None:  # type: ignore[override]
        """As a dict's."""
        self.names.add(name)
        return super().get(name, default)

    def __iter__(self) -> Iterator[str]:
        self.whole = True
        return super().__iter__()

    def keys(self) -> KeysView[str]:  # type: ignore[override]
        """As a dict's. ``{**environ}`` asks for them."""
        self.whole = True
        return super().keys()

    def items(self) -> object:  # type: ignore[override]
        """As a dict's."""
        self.whole = True
        return super().items()
