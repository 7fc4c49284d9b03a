"""``exarp list`` and nothing else on the command line: answered without the machinery that parses options.

Knows when it is not the one to answer. Prints what ``cli.list`` would print, which a test holds it to.
"""

from __future__ import annotations

import gc
import os
import sys


def list_plainly() -> bool:
    """List the tasks; False, and nothing is printed, where that takes more: what is wrong is told by who can tell it."""
    if "_EXARP_COMPLETE" in os.environ:
        return False
    collecting = gc.isenabled()
    # What is loaded and read is kept until it is told: looking for garbage among it only costs.
    gc.disable()
    try:
        return _list()
    finally:
        if collecting:
            gc.enable()


def _list() -> bool:
    import exarp.cli.lean  # noqa: F401
    from exarp.app.opening.examining import examine

    try:
        project, problems = examine(os.getcwd(), None, os.environ)
    except Exception:
        return False
    manifest = project.manifest
    if problems or manifest.settings.secrets:
        return False
    from exarp.views.color import wants_color
    from exarp.views.tasks.list import lines

    terminal = sys.stdout.isatty()
    columns = os.get_terminal_size(sys.stdout.fileno()).columns or None if terminal else None
    color = wants_color("auto", os.environ, terminal)
    listed = [task for task in manifest.tasks if not task.internal]
    text = "".join(f"{line}\n" for line in lines(listed, columns, color, manifest.instances, manifest.blocked))
    try:
        sys.stdout.buffer.write(text.encode(sys.stdout.encoding or "utf-8", "backslashreplace"))
        sys.stdout.buffer.flush()
    except OSError:
        return False
    return True
