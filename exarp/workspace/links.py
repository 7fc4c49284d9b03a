"""Which folders of a workspace are symbolic links.

Knows how to ask once for each folder, and not at all below one that is not there. Does not know who named the folders.
"""

from __future__ import annotations

import os
from collections.abc import Iterable


def found_links(root: str, folders: Iterable[str]) -> dict[str, str]:
    """Those of ``folders`` (relative to ``root``, with a slash each) that are links, and where they lead.

    Both without a slash at the end; the root is "", and what lies outside begins with "../".
    """
    # Where each folder really is; None where it is not there.
    real: dict[str, str | None] = {"": ""}
    links: dict[str, str] = {}
    for folder in sorted(folders):
        path = folder[:-1]
        if path.startswith(("/", "..")) or path in (".", ""):
            continue
        above, _, name = path.rpartition("/")
        place = real.get(above)
        if place is None:
            continue
        here = f"{place}/{name}" if place else name
        try:
            os.readlink(os.path.join(root, here))
        except FileNotFoundError:
            continue
        except OSError:
            # No link, which is what nearly all folders are.
            real[path] = here
        else:
            real[path] = links[path] = _relative(root, here)
    return links


def _relative(root: str, path: str) -> str:
    led = os.path.relpath(os.path.realpath(os.path.join(root, path)), os.path.realpath(root))
    return "" if led == "." else led
