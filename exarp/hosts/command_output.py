"""What a command prints, for who needs that before anything is run.

Knows how to start one and wait for it. Does not know what the text is for.
"""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from typing import NamedTuple


class CommandOutput(NamedTuple):
    """``printed`` on stdout, ``complained`` on stderr; ``status``: exit status, or the negative number of a signal."""

    printed: bytes
    complained: bytes
    status: int


def command_output(argv: Sequence[str], cwd: str, env: Mapping[str, str]) -> CommandOutput:
    """Run a command that reads nothing, and wait for it. Raises OSError where it cannot be started."""
    done = subprocess.run(argv, cwd=cwd, env=env, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    return CommandOutput(done.stdout, done.stderr, done.returncode)
