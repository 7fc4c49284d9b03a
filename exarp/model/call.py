"""What a user types to come back to the same manifest, with the same variables.

Knows the options that choose them. Does not know what the commands do.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping

import msgspec


class Call(msgspec.Struct, frozen=True):
    """How exarp was called. ``where``: ``-C`` and ``-f`` with their values; ``variables``: NAME=VALUE of each ``--set``;
    ``options``: others that count for any task of the run. ``behind``: words behind the name of a task, by task.

    Every text it gives can be pasted into a shell, but holds what names hold: views make it safe for a terminal.
    """

    where: tuple[str, ...] = ()
    variables: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    behind: Mapping[str, tuple[str, ...]] = {}

    def of(self, command: str, *words: str) -> str:
        """``exarp -f other.toml log test``."""
        return shlex.join(("exarp", *self.where, command, *words))

    def run(self, *words: str) -> str:
        """``exarp -f other.toml run --set arch=arm64 test``."""
        variables = (word for pair in self.variables for word in ("--set", pair))
        return self.of("run", *variables, *self.options, *words, *(self.behind.get(words[-1], ()) if words else ()))
