"""The use case ``check --fix``: what is surely meant is written into the files of a manifest.

Knows that a fix counts only if, read again, the manifest is without that problem and has no other instead; that is tried in
memory, and files are written at the end. Does not know what is certain: problems carry their fixes.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence

from exarp.app.opening.examining import examine
from exarp.app.opening.project import in_file_order
from exarp.errors import Edit, ManifestError, Problem, UsageError
from exarp.manifests.file import read_bytes, replace_bytes

# One fix may make room for another; not for many.
_ROUNDS = 8
# Each takes as long as a check.
_READINGS = 100
_MARK = "\ufeff".encode()

_Key = tuple[str, str, str]


def fix(directory: str, file: str | None) -> list[Problem]:
    """Mend the manifest's files, and tell the problems that were mended (places as they were before), in the order of the files.

    Raises UsageError where a file cannot be written, or was changed meanwhile.
    """
    mending = _Mending(directory, file, os.environ)
    mending.mend()
    mending.write()
    return in_file_order(mending.mended, mending.first)


def fixable(directory: str, file: str | None) -> int:
    """How many problems ``fix`` would mend."""
    mending = _Mending(directory, file, os.environ)
    mending.mend()
    return len(mending.mended)


class _Files:
    """The files of a manifest in memory: as they were first read, and as they are to be."""

    def __init__(self) -> None:
        self.before: dict[str, bytes] = {}
        self.now: dict[str, bytes] = {}
        self.real: dict[str, str] = {}
        self.paths: dict[str, str] = {}

    def read(self, path: str, shown: str) -> bytes:
        """As ``read_bytes``."""
        real = self.real[shown] = os.path.realpath(path)
        if real not in self.before:
            self.before[real] = self.now[real] = read_bytes(path, shown)
        self.paths.setdefault(real, shown)
        return self.now[real]

    def file_of(self, problem: Problem) -> str | None:
        """The file that a problem stands in; None where it is none of the manifest's."""
        return self.real.get(problem.place.file) if problem.place is not None else None

    def with_fixes(self, problems: Sequence[Problem]) -> dict[str, bytes]:
        """All files, with what mends the problems."""
        edits: dict[str, set[Edit]] = {}
        for problem in problems:
            assert problem.fix is not None, "only those with a fix are mended"
            edits.setdefault(self.file_of(problem) or "", set()).update(problem.fix.edits)
        return self.now | {real: _edited(self.now[real], found) for real, found in edits.items()}


class _Mending:
    """``mended``: the problems that are without what they were; ``first``: the file that is told first."""

    def __init__(self, directory: str, file: str | None, environ: Mapping[str, str]) -> None:
        self.mended: list[Problem] = []
        self.first = ""
        self._files = _Files()
        self._where = directory, file, environ
        self._left = _READINGS
        self._refused: set[_Key] = set()

    def mend(self) -> None:
        """Mend in memory what can be."""
        problems = self._problems()
        for _ in range(_ROUNDS):
            wanted = self._wanted(problems or ())
            if problems is None or not wanted:
                return
            kept, after = self._kept(wanted, problems)
            self._refused |= set(map(_key, wanted)) - set(map(_key, kept))
            self._files.now = self._files.with_fixes(kept)
            self.mended += kept
            problems = after

    def write(self) -> None:
        """Write the files that are mended. Raises UsageError."""
        faults = []
        for real, data in self._files.now.items():
            before, shown = self._files.before[real], self._files.paths[real]
            try:
                if data == before or replace_bytes(real, before, data):
                    continue
                message = f"{shown} was changed meanwhile: it is left as it is"
                faults.append(Problem("changed-meanwhile", message, None, "do it again"))
            except OSError as error:
                message = f"{shown} cannot be written: {error.strerror}"
                faults.append(Problem("unwritable", message, None, "make it, and its folder, writable"))
        if faults:
            raise UsageError(*faults)

    def _problems(self) -> list[Problem] | None:
        """What is wrong with the files as they are in memory; None where they cannot be read."""
        self._left -= 1
        directory, file, environ = self._where
        try:
            # Whoever mends a manifest does not mean to run what is in it, and not once for each time that it is read.
            project, problems = examine(directory, file, environ, commands=False, read=self._files.read)
        except ManifestError:
            return None
        self.first = project.locator.file
        return problems

    def _wanted(self, problems: Sequence[Problem]) -> list[Problem]:
        """Those of ``problems`` with a fix that can be made at the same time as the others."""
        taken: dict[str, dict[int, Edit]] = {}
        found = []
        for problem in dict.fromkeys(problems):
            file = self._files.file_of(problem)
            if problem.fix is None or file is None or _key(problem) in self._refused:
                continue
            edits = problem.fix.edits
            if all(taken.setdefault(file, {}).get(edit.start, edit) == edit for edit in edits):
                taken[file].update((edit.start, edit) for edit in edits)
                found.append(problem)
        return found

    def _kept(self, wanted: list[Problem], problems: Sequence[Problem]) -> tuple[list[Problem], list[Problem]]:
        """Those of ``wanted`` whose fixes do well, and what is wrong then. All are tried at once, then halves of them."""
        before = Counter(map(_key, problems))
        kept: list[Problem] = []
        after = list(problems)
        waiting = [wanted]
        while waiting and self._left > 0:
            group = waiting.pop()
            found = self._without([*kept, *group], before)
            if found is not None:
                kept += group
                after = found
            elif len(group) > 1:
                half = len(group) // 2
                waiting += [group[half:], group[:half]]
        return kept, after

    def _without(self, mended: Sequence[Problem], before: Counter[_Key]) -> list[Problem] | None:
        """What is wrong once these are mended; None where one of them still is, or anything that was not before."""
        kept, self._files.now = self._files.now, self._files.with_fixes(mended)
        found = self._problems()
        self._files.now = kept
        if found is None:
            return None
        left = before - Counter(map(_key, mended))
        return found if Counter(map(_key, found)) <= left else None


def _key(problem: Problem) -> _Key:
    """What a problem is, wherever it stands by now."""
    return problem.slug, problem.message, problem.place.file if problem.place is not None else ""


def _edited(data: bytes, edits: set[Edit]) -> bytes:
    """``data`` with ``edits``, no two of which overlap."""
    mark = _MARK if data.startswith(_MARK) else b""
    text = data[len(mark) :].decode()
    ordered = sorted(edits, key=lambda edit: edit.start)
    parts, at = [], 0
    for edit in ordered:
        parts += [text[at : edit.start], edit.text]
        at = edit.end
    return mark + "".join([*parts, text[at:]]).encode()
