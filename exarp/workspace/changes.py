"""What somebody changed in a folder while nobody looked.

Knows every file of the workspace by its stat data, before and after. Does not know who changed what, nor what is in a file: one
that was written anew with what it had counts as changed.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from stat import S_ISDIR

# Nobody declares what is in these.
_LEFT_OUT = frozenset({".git", ".exarp"})

# Size, when it was last written and changed (ns), which file it is, and its mode.
Stamp = tuple[int, int, int, int, int]


def stamps(root: str) -> dict[str, Stamp]:
    """All files below ``root``, links as links, by their paths from it. What cannot be looked at is not there."""
    found: dict[str, Stamp] = {}
    stack = [""]
    while stack:
        folder = stack.pop()
        try:
            entries = os.scandir(f"{root}/{folder}")
        except OSError:
            continue
        with entries:
            for entry in entries:
                if entry.name in _LEFT_OUT:
                    continue
                try:
                    stat = entry.stat(follow_symlinks=False)
                except OSError:
                    continue
                if S_ISDIR(stat.st_mode):
                    stack.append(f"{folder}{entry.name}/")
                else:
                    found[folder + entry.name] = (
                        stat.st_size,
                        stat.st_mtime_ns,
                        stat.st_ctime_ns,
                        stat.st_ino,
                        stat.st_mode,
                    )
    return found


def changed(before: Mapping[str, Stamp], after: Mapping[str, Stamp]) -> list[str]:
    """The paths that are new, gone, or other than before, sorted."""
    return sorted(path for path in before.keys() | after.keys() if before.get(path) != after.get(path))
