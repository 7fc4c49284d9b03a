"""The files that manifests include, on disk.

Knows how paths of a workspace become files, and when two are one. Does not know what includes what (``inclusion``).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable

from msgspec.structs import replace

from exarp.errors import ManifestError
from exarp.manifests.discover import NAMES, Found, included_manifest, manifest_in
from exarp.manifests.file import read_bytes
from exarp.manifests.inclusion.part import Source

# Files of the workspace that a pattern stands for, as paths relative to its root.
Glob = Callable[[str], Iterable[str]]


class Included:
    """Opens what the manifest ``root`` includes, for somebody in ``directory`` (absolute). ``read``: as ``read_bytes``."""

    def __init__(self, root: Found, directory: str, glob: Glob, read: Callable[[str, str], bytes] = read_bytes) -> None:
        self.itself = os.path.realpath(root.path)
        self._root = root.root
        self._directory = directory
        self._glob = glob
        self._read = read

    def folders(self, pattern: str) -> list[str]:
        """Folders that a glob stands for and that hold a manifest, sorted."""
        pattern = pattern.rstrip("/")
        found = {os.path.dirname(file) for name in NAMES for file in self._glob(f"{pattern}/{name}")}
        # A pyproject.toml is one only if it has a table for exarp.
        return sorted(folder for folder in found if manifest_in(self._absolute(folder), self._directory))

    def open(self, path: str) -> Source:
        """The manifest at ``path``, a file or a folder. Raises ManifestError; its problems may have no place."""
        found = included_manifest(self._absolute(path), self._directory)
        base = os.path.relpath(found.root, self._root)
        try:
            data = self._read(found.path, found.shown)
        except ManifestError as error:
            # Where it is named, somebody can do something about it.
            step = "make it readable, or take the entry out"
            raise ManifestError(*(replace(each, place=None, next=step) for each in error.problems)) from None
        folder = "" if base == os.curdir else base
        return Source(data, found.shown, found.notation, folder, os.path.realpath(found.path))

    def identity(self, path: str) -> str:
        """What tells the folder of ``path`` from all others, by whatever name it is reached."""
        absolute = os.path.realpath(self._absolute(path))
        return absolute if os.path.isdir(absolute) else os.path.dirname(absolute)

    def _absolute(self, path: str) -> str:
        return os.path.normpath(os.path.join(self._root, path))
