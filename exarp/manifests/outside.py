"""What a manifest asks of the world while it is read, as a protocol.

Knows the shape only: readers touch neither disk nor processes. Who does is handed in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol


class Outside(Protocol):
    """Files and commands, in one workspace."""

    def files(self, pattern: str, excluded: Sequence[str]) -> Sequence[str]:
        """Files that a glob or folder stands for now, sorted, without what ``excluded`` patterns cover."""

    def printed(self, script: str, shell: Sequence[str], variables: Mapping[str, str], folder: str = "") -> str:
        """What a script prints that finds ``variables`` in its environment, run in ``folder`` (seen from the workspace root).

        Raises ``variables.CommandFailed``.
        """


class Nothing:
    """No files, and commands that print nothing."""

    def files(self, pattern: str, excluded: Sequence[str]) -> Sequence[str]:
        """See ``Outside``."""
        return ()

    def printed(self, script: str, shell: Sequence[str], variables: Mapping[str, str], folder: str = "") -> str:
        """See ``Outside``."""
        return ""
