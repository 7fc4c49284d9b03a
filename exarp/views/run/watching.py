"""The lines of ``exarp watch`` between its runs.

Knows their words. Does not know what made them necessary.
"""

from __future__ import annotations

from collections.abc import Sequence

from exarp.views import escape
from exarp.views.cells import listing
from exarp.views.color import paint

_FILES = 3
_TASKS = 3

# To the beginning of an empty screen, with nothing to scroll back to.
CLEAR = "\x1b[H\x1b[2J\x1b[3J"


def waits(files: int, color: bool) -> str:
    """``watching 212 files, Ctrl-C ends``."""
    if not files:
        return paint("watching the manifest alone: no task here has inputs; Ctrl-C ends", "wait", color)
    return paint(f"watching {files} {'file' if files == 1 else 'files'}, Ctrl-C ends", "same", color)


def changed(files: Sequence[str], tasks: Sequence[str], manifest: str) -> str:
    """``changed: src/a.c (cc@src/a.c)``; of the manifest, that it is read again."""
    if manifest:
        return f"changed: {escape.name(manifest)}, the manifest is read again"
    whose = listing([escape.name(task) for task in tasks], _TASKS)
    return f"changed: {listing([escape.name(file) for file in files], _FILES)} ({whose})"


def stopped(service: str, how: str, color: bool) -> str:
    """``db has ended (exit 3); what needs it next starts it anew``."""
    told = f"{escape.name(service)} has ended ({escape.name(how)}); what needs it next starts it anew"
    return paint(told, "wait", color)


def ends(services: int, color: bool) -> str:
    """``ending 1 service (Ctrl-C again kills it at once)``."""
    what, them = ("1 service", "it") if services == 1 else (f"{services} services", "them")
    return paint(f"ending {what} (Ctrl-C again kills {them} at once)", "wait", color)


def goes_on(color: bool) -> str:
    """Why nothing runs although something has changed."""
    return paint("nothing was run; watching on, Ctrl-C ends", "wait", color)
