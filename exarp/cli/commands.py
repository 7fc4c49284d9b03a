"""The names of commands.

Knows them all, also those of a later version. Does not know what they do.
"""

from __future__ import annotations

# In the order of the documentation.
COMMANDS = (
    "run",
    "watch",
    "plan",
    "why-not",
    "explain",
    "graph",
    "list",
    "show",
    "check",
    "init",
    "import",
    "export",
    "schema",
    "status",
    "history",
    "log",
    "events",
    "wait",
    "stop",
    "answer",
    "resume",
    "clean",
    "cache",
    "doctor",
    "completion",
)
# The contract has them, and this version has not.
LATER_COMMANDS = frozenset(
    "tui ui dashboard task locks handoff report analyze automation learn trace allow mcp".split()
)


def taken_words() -> frozenset[str]:
    """Words that mean a command, unless ``run`` stands before them."""
    return LATER_COMMANDS.union(COMMANDS)
