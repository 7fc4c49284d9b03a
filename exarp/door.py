"""The door: what is answered before click and everything behind it is loaded.

Knows the version and which platforms and interpreters exarp runs on. Imports no layer until the door is passed.
"""

from __future__ import annotations

import sys


def main() -> None:
    """Entry point of ``exarp``; ends the process with the command's exit code."""
    if sys.platform == "win32":
        sys.exit(
            "exarp does not run on Windows yet: it owns process trees through POSIX sessions and signals.\n"
            "Use it inside WSL: https://learn.microsoft.com/windows/wsl/install"
        )
    if sys.argv[1:] in (["--version"], ["-V"]):
        from exarp import __version__

        sys.stdout.write(f"exarp {__version__}\n")
        return
    from exarp.cli.entry import run_cli

    sys.exit(run_cli(sys.argv[1:]))
