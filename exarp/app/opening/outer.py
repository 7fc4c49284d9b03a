"""The manifest above that includes the one that is read: who works in the folder of a package may miss the whole.

Knows where to look. Does not say anything about it.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from typing import NamedTuple

from exarp.app.opening.examining import examine
from exarp.errors import ExarpError, Problem
from exarp.manifests.discover import Found, find_manifest, manifest_in, named_manifest, shown_from
from exarp.manifests.problems.place import Locator

# What a manifest that stands alone may lack, and one that is included find around it.
_AROUND = frozenset(f"unknown-{what}" for what in "task wave variable template resource tag group".split())
_AROUND |= {"outside-workspace"}


class Outer(NamedTuple):
    """A manifest, as messages name it, its folder, absolute, and the prefix (``ui:``) that another has in it."""

    shown: str
    folder: str
    prefix: str


def lack(problems: Collection[Problem]) -> bool:
    """Whether some of what is wrong could be right where another manifest includes this one."""
    return any(problem.slug in _AROUND for problem in problems)


def outer_of(directory: str, file: str | None, environ: Mapping[str, str]) -> Outer | None:
    """The outermost manifest, up to the git root, that includes the one that is read in ``directory`` (absolute)."""
    try:
        found = named_manifest(os.path.abspath(file), directory) if file else find_manifest(directory)
        return _outermost(found, directory, environ) if isinstance(found, Found) else None
    except ExarpError:
        return None


def _outermost(found: Found, directory: str, environ: Mapping[str, str]) -> Outer | None:
    itself, folder, outer = os.path.realpath(found.path), found.root, None
    while not os.path.exists(os.path.join(folder, ".git")) and os.path.dirname(folder) != folder:
        folder = os.path.dirname(folder)
        path = manifest_in(folder, folder)
        prefix = _prefix(path, itself, environ) if path is not None else None
        if path is not None and prefix is not None:
            outer = Outer(shown_from(path, directory), folder, prefix)
    return outer


def _prefix(path: str, inner: str, environ: Mapping[str, str]) -> str | None:
    """What names of ``inner`` begin with in the manifest at ``path``."""
    folder = os.path.dirname(path)
    try:
        # However wrong that is, it says what it includes.
        locator = examine(folder, path, environ, commands=False)[0].locator
    except ExarpError:
        return None
    files = locator.included() if isinstance(locator, Locator) else {}
    return next((prefix for prefix, file in files.items() if os.path.realpath(f"{folder}/{file}") == inner), None)
