"""How it is said what another run has.

Knows the words. Names of tasks and patterns are made safe for a terminal where they are shown.
"""

from __future__ import annotations

from exarp.planning.claims import Conflict
from exarp.store.holder import Holder
from exarp.store.state_folder import printable


def said_of(conflict: Conflict | None) -> str:
    """What comes behind the name of who has it: ``: it has task link``; empty where it is the whole workspace."""
    return f": it {_verb(conflict)}" if conflict is not None else ""


def busy_message(holder: Holder, conflict: Conflict | None) -> str:
    """What is in the way: ``another run has task link (pid 12: exarp, since today 14:02)``."""
    if conflict is None:
        return f"another run is at work here ({holder})"
    if conflict.code == "task":
        return f"another run {_verb(conflict)} ({holder})"
    why = {"mutex": "needs it, too", "read-write": "writes there"}.get(conflict.code, "reads or writes there")
    return f"another run {_verb(conflict)} ({holder}), and task {printable(conflict.wanted)} {why}"


def _verb(conflict: Conflict) -> str:
    task, what = printable(conflict.held), printable(conflict.what)
    if conflict.code == "task":
        return f"has task {task}"
    if conflict.code == "mutex":
        return f"has the mutex {what}, in task {task}"
    return f"{'reads' if conflict.code == 'read-write' else 'writes'} {what}, in task {task}"
