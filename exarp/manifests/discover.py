"""Finding the manifest: in the working directory, then its parents up to the git root.

Knows file names and where to stop. Does not read what it finds, but for the table header in ``pyproject.toml``.
"""

from __future__ import annotations

import os
import re
from typing import NamedTuple

from exarp.errors import ManifestError, Place, Problem

NAMES = ("exarp.toml", "exarp.yaml", "exarp.json", "pyproject.toml")
_TOOL_TABLE = re.compile(rb"^\s*\[\s*tool\s*\.\s*exarp\b", re.MULTILINE)


class Found(NamedTuple):
    """A manifest on disk: absolute path of the file, and of its folder, the workspace root."""

    path: str
    root: str


def find_manifest(start: str) -> Found:
    """The nearest manifest at or above ``start`` (absolute). Raises ManifestError if there is none."""
    folder = start
    while True:
        for name in NAMES:
            path = os.path.join(folder, name)
            if os.path.isfile(path) and (name != "pyproject.toml" or _has_table(path)):
                return _supported(Found(path, folder))
        parent = os.path.dirname(folder)
        if parent == folder or os.path.exists(os.path.join(folder, ".git")):
            break
        folder = parent
    looked = ", ".join(NAMES[:3]) + ", [tool.exarp] in pyproject.toml"
    message = f"no manifest here or above (looked for {looked})"
    raise ManifestError(Problem("no-manifest", message, None, "write one with: exarp init"))


def named_manifest(path: str) -> Found:
    """The manifest that the user named (absolute path). Raises ManifestError if it is not a file we read."""
    if os.path.isdir(path):
        inside = [name for name in NAMES[:3] if os.path.isfile(os.path.join(path, name))]
        if not inside:
            message = f"{path} is a folder without a manifest"
            raise ManifestError(Problem("no-manifest", message, None, "name a file, or write one with: exarp init"))
        path = os.path.join(path, inside[0])
    if not os.path.isfile(path):
        raise ManifestError(Problem("no-manifest", f"{path} does not exist", None, "check the path given with --file"))
    return _supported(Found(path, os.path.dirname(path)))


def _supported(found: Found) -> Found:
    if os.path.basename(found.path) == "pyproject.toml" or not found.path.endswith(".toml"):
        message = f"{os.path.basename(found.path)}: this kind of manifest is not supported yet"
        raise ManifestError(Problem("not-supported-yet", message, Place(found.path, 1, 1), "write it as exarp.toml"))
    return found


def _has_table(path: str) -> bool:
    with open(path, "rb") as file:
        return _TOOL_TABLE.search(file.read()) is not None


def read_bytes(found: Found) -> bytes:
    """The manifest's bytes. Raises ManifestError if the file cannot be read."""
    try:
        with open(found.path, "rb") as file:
            return file.read()
    except OSError as error:
        message = f"{found.path} cannot be read: {error.strerror}"
        raise ManifestError(Problem("unreadable", message, Place(found.path, 1, 1))) from None
