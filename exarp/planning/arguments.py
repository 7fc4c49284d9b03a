"""``"$@"``: which tasks take what follows ``--`` on the command line, and how their commands get it.

Knows how a script says that it takes arguments, and where a shell wants them. Does not know what was typed.
"""

from __future__ import annotations

import re
from functools import lru_cache

from exarp.model.expression import late
from exarp.model.name import ARGUMENTS_WORD
from exarp.model.task import Task

# Shells whose first word behind the script is what the script sees as $0.
_SHELLS = frozenset({"sh", "bash", "dash", "ash", "zsh", "ksh", "mksh", "yash"})
# What a backslash or a dollar sign before it makes something else is looked at first.
_POSITIONAL = late(r"\\.|\$\$|(\$(?:[@*#1-9]|\{(?:[@*1-9]|#[}@*]|![@*1-9])))", re.DOTALL)


def takes_arguments(task: Task) -> bool:
    """Whether a task does something with arguments: it says ``"$@"`` or the like, or has a shell of which nobody knows."""
    if ARGUMENTS_WORD in task.argv:
        return True
    return any(_names_arguments(script) for script in task.commands) or bool(task.commands and not _knows_zero(task))


# The instances of a matrix have the same scripts, and all tasks the same few shells.
@lru_cache(maxsize=1024)
def _names_arguments(script: str) -> bool:
    return "$" in script and any(found[1] for found in _POSITIONAL.finditer(script))


def script_command(task: Task, script: str) -> tuple[str, ...]:
    """What is executed for one of a task's scripts."""
    if not takes_arguments(task):
        return (*task.shell, script)
    zero = (task.name,) if _knows_zero(task) else ()
    return (*task.shell, script, *zero, *task.arguments)


def _knows_zero(task: Task) -> bool:
    """Whether a task's shell takes the first word for ``$0``; other languages take it for an argument."""
    return _is_of_shell(task.shell)


@lru_cache(maxsize=64)
def _is_of_shell(command: tuple[str, ...]) -> bool:
    return any(word.rpartition("/")[2] in _SHELLS for word in command)
