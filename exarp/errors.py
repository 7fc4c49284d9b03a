"""Problems with a place, and the exceptions that carry them to the exit code.

Knows: what an error is (slug, message, place, next step) and which exit code each kind has
(the table "Exit codes" of the command line's contract).
Does not know: how problems are found, or how a view words them beyond their own text.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Literal

import msgspec


class ExitCode(IntEnum):
    """Every exit status of the ``exarp`` command."""

    OK = 0
    FAILED = 1
    USAGE = 2
    MANIFEST = 3
    WAITING = 4
    BUSY = 5
    DEFECT = 70
    HANGUP = 129
    INTERRUPT = 130
    TERMINATED = 143


class Place(msgspec.Struct, frozen=True):
    """A span in a file: 1-based line and column, length in characters, and the line's own text."""

    file: str
    line: int
    column: int
    length: int = 1
    text: str = ""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


class Related(msgspec.Struct, frozen=True):
    """A second place that explains a problem, with a note beside it (an edge of a cycle, a twin)."""

    place: Place
    note: str


class Edit(msgspec.Struct, frozen=True):
    """What stands at ``start`` to ``end`` of a file, offsets into its text without a byte order mark, becomes ``text``."""

    start: int
    end: int
    text: str


class Fix(msgspec.Struct, frozen=True):
    """How a problem is surely mended: edits of the file of its place, and in a few words what they make of it."""

    edits: tuple[Edit, ...]
    words: str


Severity = Literal["error", "doubt", "warning"]


class Problem(msgspec.Struct, frozen=True):
    """One thing that is wrong, where, and what to do next.

    ``slug`` is a heading of ``docs/errors.md``; ``next`` is an instruction, or empty where the
    message already is one. ``fix``: set where it is certain what was meant, and how it is written.
    """

    slug: str
    message: str
    place: Place | None = None
    next: str = ""
    related: tuple[Related, ...] = ()
    severity: Severity = "error"
    fix: Fix | None = None


class ExarpError(Exception):
    """Ends a command with ``exit_code``; the command line prints ``problems``, never a traceback."""

    exit_code = ExitCode.DEFECT

    def __init__(self, *problems: Problem) -> None:
        super().__init__("; ".join(problem.message for problem in problems))
        self.problems = problems


class UsageError(ExarpError):
    """The command line asks for what cannot be done (exit 2)."""

    exit_code = ExitCode.USAGE


class ManifestError(ExarpError):
    """The manifest, or what it asks of this machine, is wrong (exit 3)."""

    exit_code = ExitCode.MANIFEST


class TaskError(ExarpError):
    """A task could not do what it was asked for (exit 1), outside a run."""

    exit_code = ExitCode.FAILED


class BusyError(ExarpError):
    """Another run holds what is needed (exit 5)."""

    exit_code = ExitCode.BUSY


class DefectError(ExarpError):
    """exarp broke one of its own rules (exit 70); its log tells the story."""

    exit_code = ExitCode.DEFECT
