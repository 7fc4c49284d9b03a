"""The door: what is answered before click and everything behind it is loaded.

Knows the version and which platforms and interpreters exarp runs on. Imports no layer until the door is passed.
"""

from __future__ import annotations

import os
import sys


def main() -> None:
    """Entry point of ``exarp``; ends the process with the command's exit code."""
    if sys.platform == "win32":
        sys.exit(
            "exarp does not run on Windows yet: it owns process trees through POSIX sessions and signals.\n"
            "Use it inside WSL: https://learn.microsoft.com/windows/wsl/install"
        )
    _open_streams()
    if sys.argv[1:] in (["--version"], ["-V"]):
        from exarp import __version__

        sys.stdout.write(f"exarp {__version__}\n")
        return
    from exarp.cli.entry import run_cli

    sys.exit(run_cli(sys.argv[1:]))


def _open_streams() -> None:
    """A closed stdin, stdout or stderr becomes /dev/null: else the next file that is opened would take its place."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    if sys.stdout is None:
        sys.stdout = os.fdopen(1, "w")
    if sys.stderr is None:
        sys.stderr = os.fdopen(2, "w")
