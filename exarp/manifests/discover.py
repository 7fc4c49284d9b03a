"""Finding the manifest: in the working directory, then its parents up to the git root.

Knows file names and where to stop. Does not read what it finds, but to see whether ``pyproject.toml`` has a manifest.
"""

from __future__ import annotations

import os
from collections.abc import Collection
from typing import TYPE_CHECKING

import msgspec

from exarp.errors import ManifestError, Place, Problem
from exarp.manifests.file import NO_FILE, read_bytes, unreadable
from exarp.manifests.problems.notation import Notation

if TYPE_CHECKING:
    from exarp.manifests.plans.files import Kind, PlanFile

NAMES = ("exarp.toml", "exarp.yaml", "exarp.yml", "exarp.json", "pyproject.toml")
_PROJECT = NAMES[-1]
# Larger files that a manifest names are refused by whoever reads them.


class Found(msgspec.Struct, frozen=True):
    """A manifest on disk: absolute path of the file and of its folder, the workspace root; how messages name it; what it
    is written in.
    """

    path: str
    root: str
    shown: str
    notation: Notation


class FoundPlans(msgspec.Struct, frozen=True):
    """Plans or a task state on disk: absolute path of what was named, a file or a folder; the workspace root; how messages name
    it, to somebody in ``directory``; what its ``files`` are.
    """

    path: str
    root: str
    shown: str
    kind: Kind
    files: tuple[PlanFile, ...]
    directory: str


def find_manifest(start: str) -> Found:
    """The nearest manifest at or above ``start`` (absolute). Raises ManifestError if there is none."""
    folder = start
    while True:
        path = manifest_in(folder, start)
        if path is not None:
            return _found(path, start)
        parent = os.path.dirname(folder)
        if parent == folder or os.path.exists(os.path.join(folder, ".git")):
            break
        folder = parent
    message = (
        "no manifest here or above (looked for exarp.toml, exarp.yaml, exarp.json, [tool.exarp] in pyproject.toml)"
    )
    step = f"write one with: {_init(start)}"
    import shlex

    from exarp.manifests.plans.files import plans_in

    if plans_in(start) is not None:
        step = f"there are plans: {shlex.join(('exarp', '-f', shown_from(start, _here(start)), 'plan'))}; or {step}"
    raise ManifestError(Problem("no-manifest", message, None, step))


def manifest_in(folder: str, start: str) -> str | None:
    """The file that is the manifest of a folder."""
    for name in NAMES:
        path = os.path.join(folder, name)
        if _is_manifest(path, start):
            return path
    return None


def included_manifest(path: str, directory: str) -> Found:
    """The manifest at ``path`` (absolute), a file or the folder of one, that another manifest names.

    Raises ManifestError, whose problems have no place: it is that of the entry which names the path.
    """
    shown = shown_from(path, directory)
    if os.path.isdir(path):
        inside = manifest_in(path, directory)
        if inside is None:
            message = f"{shown} is a folder without a manifest"
            raise ManifestError(Problem("no-manifest", message, None, f"write one with: {_init(path)}"))
        path = inside
    elif not os.path.isfile(path):
        if os.path.lexists(path):
            why = NO_FILE if os.path.exists(path) else "the link leads nowhere"
            raise ManifestError(
                Problem("unreadable", f"{shown} cannot be read: {why}", None, "name a file or a folder")
            )
        message, step = f"{shown} does not exist", "name the folder of a manifest, or its file"
        raise ManifestError(Problem("no-manifest", message, None, step))
    if notation_of(os.path.basename(path)) is None:
        raise _not_yet(shown)
    return _found(path, directory)


def unread_beside(root: str, file: str, start: str) -> list[str]:
    """Further manifests in the folder of the one that was found there, as messages name them: nobody reads them."""
    paths = [os.path.join(root, name) for name in NAMES if name != file]
    return [shown_from(path, start) for path in paths if _is_manifest(path, start)] if file in NAMES else []


def named_manifest(path: str, directory: str) -> Found | FoundPlans:
    """The manifest that the user named (absolute path), seen from ``directory``; or the plans, in a file or a folder.

    Raises ManifestError if it is not a file we read.
    """
    from exarp.manifests.plans.files import kind_of, phase_of, plans_in

    if os.path.isdir(path):
        inside = manifest_in(path, directory)
        if inside is None:
            if (plans := plans_in(path)) is not None:
                return _found_plans(path, directory, *plans)
            message = f"{shown_from(path, directory)} is a folder without a manifest"
            raise ManifestError(Problem("no-manifest", message, None, f"name a file, or write one with: {_init(path)}"))
        path = inside
    if not os.path.isfile(path):
        shown = shown_from(path, directory)
        if os.path.lexists(path):
            raise unreadable(shown, NO_FILE if os.path.exists(path) else "the link leads nowhere")
        message = f"{shown} does not exist"
        raise ManifestError(Problem("no-manifest", message, None, "check the path given with --file"))
    if (kind := kind_of(os.path.basename(path))) is not None:
        return _found_plans(path, directory, kind, [phase_of(path)])
    return _found(path, directory)


def named_plans(path: str, directory: str, kinds: Collection[Kind]) -> FoundPlans | None:
    """The plans of one of these kinds at ``path`` (absolute), a file or a folder, whatever else is there; None for none."""
    from exarp.manifests.plans.files import all_plans_in, kind_of, phase_of

    if os.path.isdir(path):
        for kind, files in all_plans_in(path):
            if kind in kinds:
                return _found_plans(path, directory, kind, files)
        return None
    found = kind_of(os.path.basename(path)) if os.path.isfile(path) else None
    return _found_plans(path, directory, found, [phase_of(path)]) if found is not None and found in kinds else None


def _found(path: str, start: str) -> Found:
    name, shown = os.path.basename(path), shown_from(path, start)
    notation = notation_of(name)
    if notation is None:
        raise _not_yet(name, Place(shown, 1, 1))
    return Found(path, os.path.dirname(path), shown, notation)


def _found_plans(path: str, directory: str, kind: Kind, files: list[PlanFile]) -> FoundPlans:
    """Plans, whose paths are relative to the git root above them, or else to the working directory."""
    root = path
    while not os.path.exists(os.path.join(root, ".git")):
        root, below = os.path.dirname(root), root
        if root == below:
            root = directory
            break
    return FoundPlans(path, root, shown_from(path, directory), kind, tuple(files), directory)


def _not_yet(name: str, place: Place | None = None) -> ManifestError:
    message = f"{name}: this kind of manifest is not supported yet"
    return ManifestError(Problem("not-supported-yet", message, place, "write it as exarp.toml"))


def notation_of(name: str) -> Notation | None:
    """What a manifest of this file name is written in; None if it is not supported. Imported by those who use it."""
    if name == _PROJECT:
        from exarp.manifests.notations import pyproject

        return pyproject
    if name.endswith(".toml"):
        from exarp.manifests.notations import toml

        return toml
    if name.endswith((".yaml", ".yml")):
        from exarp.manifests.notations import yaml

        return yaml
    if name.endswith(".json"):
        from exarp.manifests.notations import json

        return json
    return None


def _init(folder: str) -> str:
    """What to type to get a manifest in ``folder``, which may be reached from elsewhere."""
    import shlex

    here = _here(folder)
    where = () if os.path.realpath(folder) == here else ("-C", shown_from(folder, here))
    return shlex.join(("exarp", *where, "init"))


def _here(folder: str) -> str:
    """Where the user is; ``folder`` where that is gone."""
    try:
        return os.getcwd()
    except OSError:
        return folder


def shown_from(path: str, directory: str) -> str:
    """How messages name a file, for somebody in ``directory``: from there, or in full where that is shorter."""
    return min(os.path.relpath(path, directory), path, key=len)


def _is_manifest(path: str, start: str) -> bool:
    """Whether a file is there that ``NAMES`` names; a project's file only if it has the table."""
    if not os.path.isfile(path):
        return False
    if os.path.basename(path) != _PROJECT:
        return True
    data = read_bytes(path, shown_from(path, start))
    if b"exarp" not in data:
        return False
    from exarp.manifests.notations.pyproject import has_table

    return has_table(data.decode("utf-8-sig", "replace"))
