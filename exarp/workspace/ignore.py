"""What git ignores, folder by folder.

Knows ``.gitignore`` files (of the folder itself and of all above it up to the git root) and how rules of several files
work together. Does not know which further files there are (``repository`` does), nor what a task declares. Loads pathspec
only when there is something to ignore.
"""

from __future__ import annotations

import os
import re
from typing import NamedTuple

from exarp.workspace.repository import find_repository


class _Rule(NamedTuple):
    """One line of an ignore file. ``below``: it speaks of all that is in a folder (``a/**``), not of the folder."""

    expression: re.Pattern[str]
    ignores: bool
    below: bool

    def matches(self, path: str) -> bool:
        """Whether the rule speaks of this very entry (folders end in a slash).

        pathspec's expressions also match what lies below; git never asks about that, because it does not enter a folder
        that is ignored, and takes back what the line says of a parent only for the parent.
        """
        found = self.expression.match(path)
        if found is None:
            return False
        return found.end() < len(path) if self.below else found.end() == len(path)


class _Rules(NamedTuple):
    """One ignore file: the absolute folder it speaks of, with a trailing slash, and its lines, the last first."""

    folder: str
    lines: tuple[_Rule, ...]


class Ignore:
    """Answers whether git ignores a path. Outside a git work tree nothing is ignored."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._rules: dict[str, tuple[_Rules, ...]] = {}
        self._repository = find_repository(root)
        self._top = self._repository.top if self._repository is not None else None
        self._tracked: frozenset[str] | None = None

    def ignores(self, folder: str, name: str, is_folder: bool) -> bool:
        """Whether git ignores the entry ``name`` of ``folder`` (absolute); its parents are not ignored themselves."""
        if self._top is None:
            return False
        path = f"{folder}/{name}"
        for rules in reversed(self._rules_of(folder)):
            inside = path[len(rules.folder) :] + ("/" if is_folder else "")
            for rule in rules.lines:
                if rule.matches(inside):
                    return rule.ignores
        return False

    def tracks(self, path: str) -> bool:
        """Whether git tracks ``path`` (absolute), or something in it, although a rule would ignore it."""
        if self._tracked is None:
            self._tracked = _tracked_although_ignored(self._top) if self._top is not None else frozenset()
        return path in self._tracked

    def sources(self) -> set[str]:
        """Files (absolute) that the answers so far rest on, whether they are there or not."""
        found = {f"{folder}/.gitignore" for folder in self._rules}
        # Where a repository begins; another one that begins further in would have its own say.
        above = self._root
        while above != self._top and above != os.path.dirname(above):
            found.add(f"{above}/.git")
            above = os.path.dirname(above)
        if self._repository is not None and self._rules:
            found.update(self._repository.sources())
            if self._tracked is not None:
                found.add(self._repository.index)
        return found

    def _rules_of(self, folder: str) -> tuple[_Rules, ...]:
        """Rules that speak of a folder's entries, outermost first."""
        if folder not in self._rules:
            above: tuple[_Rules, ...] = ()
            if folder != self._top and folder.startswith(f"{self._top}/"):
                above = self._rules_of(os.path.dirname(folder))
            elif self._repository is not None and folder == self._top:
                above = tuple([rules for file in self._repository.exclude_files() for rules in _read(file, folder)])
            self._rules[folder] = above + _read(f"{folder}/.gitignore", folder)
        return self._rules[folder]


def _tracked_although_ignored(top: str) -> frozenset[str]:
    """Files that were added by force, and all folders above them; asked of git itself, once, when a rule first hides
    something: only its index knows."""

    import subprocess

    command = ["git", "ls-files", "-z", "--cached", "--ignored", "--exclude-standard"]
    try:
        done = subprocess.run(command, cwd=top, capture_output=True, check=False, stdin=subprocess.DEVNULL)
    except OSError:
        return frozenset()
    found: set[str] = set()
    for name in os.fsdecode(done.stdout).split("\0") if done.returncode == 0 else ():
        while name and f"{top}/{name}" not in found:
            found.add(f"{top}/{name}")
            name = os.path.dirname(name)
    return frozenset(found)


def _read(path: str, folder: str) -> tuple[_Rules, ...]:
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            lines = file.read().splitlines()
    except OSError:
        return ()
    from pathspec import GitIgnoreSpec
    from pathspec.pattern import RegexPattern

    found = [
        _Rule(pattern.regex, bool(pattern.include), str(pattern.pattern).rstrip().endswith("/**"))
        for pattern in GitIgnoreSpec.from_lines(lines).patterns
        if isinstance(pattern, RegexPattern) and pattern.regex is not None
    ]
    return (_Rules(f"{folder}/", tuple(reversed(found))),)
