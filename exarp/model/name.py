"""What a task, wave or variable may be called.

Knows the contract's characters. Does not know which names exist.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from exarp.model.expression import late

_PART = late(r"[\w./+=-]+", re.ASCII)
_VARIABLE = late(r"[A-Za-z_]\w*", re.ASCII)
# Whole elements of argv that stand for paths.
LAUNCH_WORDS = ("$in", "$out", "$depfile", "$in_file")
# The one that stands for what follows -- on the command line.
ARGUMENTS_WORD = "$@"
RESERVED_VARIABLES = frozenset({"in", "out", "depfile", "in_file", "PATH"})


def name_fault(name: str) -> str | None:
    """Why ``name`` cannot be a task's or a wave's name, or None if it can."""
    if not name:
        return "a name cannot be empty"
    if name[0] in "-.":
        return f"a name cannot start with {name[0]!r}"
    return part_fault(name)


def part_fault(part: str) -> str | None:
    """Why ``part`` cannot stand in the name of an instance, behind its ``@``, or None if it can."""
    if _PART.fullmatch(part):
        return None
    if not part:
        return "a name cannot be empty"
    for char in part:
        if char in "@:,":
            return f"a name cannot contain {char!r}"
        if char.isspace():
            return "a name cannot contain white space"
        if not char.isprintable():
            return f"a name cannot contain the control character {char!r}"
    return None


def renamed(name: str) -> str:
    """What to do about a name that cannot be one, with one that can."""
    parts = ("".join([char if part_fault(char) is None else " " for char in name])).split()
    sound = "-".join(parts).lstrip("-.")
    return f"rename it, for instance to {sound!r}" if sound else "rename it"


def variable_fault(name: str) -> str | None:
    """Why ``name`` cannot be exported to a task's environment, or None if it can."""
    if not _VARIABLE.fullmatch(name):
        return f"{name!r} is not a variable's name ([A-Za-z_][A-Za-z0-9_]*)"
    if name in RESERVED_VARIABLES or name.startswith("EXARP_"):
        return f"{name!r} is reserved"
    return None


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name most like ``name``, if one is alike enough to be meant."""
    from difflib import get_close_matches

    found = get_close_matches(name, list(known), n=1, cutoff=0.6)
    return found[0] if found else None


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """``did you mean 'needs'?``, or an empty string where nothing is like it."""
    found = nearest(name, known)
    return f"did you mean {found!r}?" if found else ""


def prefix_of(task: str) -> str:
    """What the manifest that a task comes from is included as (``ui:``); empty for the root's own."""
    family = task.partition("@")[0]
    return family[: family.rfind(":") + 1]
