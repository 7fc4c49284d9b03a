"""Verdicts on what may run side by side, and the reasons they rest on.

Knows the codes of the contract. Does not find evidence (``planning``) and does not word it (``app.reasons``).
"""

from __future__ import annotations

from typing import Literal

import msgspec

ReasonCode = Literal[
    "dependency",
    "unmarked",
    "ordered-through",
    "write-write",
    "read-write",
    "mutex",
    "resource",
    "undecided",
    "undeclared",
]
Evidence = Literal["declared", "traced", "history"]
Decision = Literal["upheld", "refuted", "unproven"]
VerdictKind = Literal["waves", "tasks", "group", "groups"]


class Reason(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """Why two things may not run side by side.

    ``tasks``: the two tasks the evidence is about, in manifest order. For ``read-write`` the one that
    writes is ``writer``. ``path``: what both touch (the narrower of the two patterns). ``name``: the
    mutex, the pool, or the wave that orders the two. ``via``: the tasks of a dependency's path, from
    first to last. ``written``: what each of ``tasks`` says, where only a symbolic link makes it the same.
    """

    code: ReasonCode
    tasks: tuple[str, ...] = ()
    path: str = ""
    name: str = ""
    via: tuple[str, ...] = ()
    writer: str = ""
    evidence: Evidence = "declared"
    written: tuple[str, ...] = ()


class Verdict(msgspec.Struct, frozen=True, gc=False):
    """What was decided of one pair (``between``) or of a group whose members exclude each other (``among``).

    ``against``: tasks that each member of ``among`` excludes too, while they do not exclude each other. Of ``groups``,
    neither those of ``among`` nor those of ``against`` exclude each other, but each of one list each other of the other.
    """

    kind: VerdictKind
    verdict: Decision
    runs: Literal["parallel", "sequential"]
    reasons: tuple[Reason, ...] = ()
    between: tuple[str, str] | None = None
    among: tuple[str, ...] = ()
    against: tuple[str, ...] = ()
    marked: bool = False
