"""Limits of a workspace, which hold where its manifest and the command line say nothing.

Knows where they are written down. Does not know what they limit.
"""

from __future__ import annotations

import os

from exarp.errors import Place, Problem
from exarp.manifests.discover import shown_from
from exarp.manifests.file import read_beside

CONFIG = ".exarp/config.yaml"


def limits_of(root: str, directory: str) -> tuple[dict[str, int], list[Problem]]:
    """The limits by the names of the manifest's settings, and what is wrong with them, told to somebody in ``directory``."""
    path = os.path.join(root, CONFIG)
    if not os.path.lexists(path):
        return {}, []
    from exarp.manifests.config import read_config

    shown = shown_from(path, directory)
    try:
        data = read_beside(root, CONFIG)
    except OSError as error:
        message = f"{shown} cannot be read: {error.strerror}"
        return {}, [
            Problem("unreadable", message, Place(shown, 1, 1), "make it a file that can be read, or take it away")
        ]
    return read_config(data, shown)
