"""From patterns to the files that are there.

Knows the contract's rules under "Files": ``*`` matches no leading dot and no ``/``, ``.git`` and ``.exarp`` never match,
what git ignores matches only where a task declares it as an output, results are sorted. Folder listings are remembered
until ``forget`` is called (a task may have changed anything).
"""

from __future__ import annotations

import os
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from exarp.model.path import is_glob, literal_prefix, matches, parents
from exarp.workspace.ignore import Ignore

_NEVER = frozenset({".git", ".exarp"})


class _Entry(NamedTuple):
    name: str
    is_folder: bool
    is_link: bool


class Outputs:
    """All declared outputs of a manifest, asked whether a path is one of them or leads to one."""

    def __init__(self, patterns: Iterable[str]) -> None:
        unique = set(patterns)
        self._exact = {pattern.rstrip("/") for pattern in unique if not is_glob(pattern)}
        self._folders = {pattern for pattern in unique if pattern.endswith("/") and not is_glob(pattern)}
        self._globs = sorted(pattern for pattern in unique if is_glob(pattern))
        self._sorted = sorted(self._exact | {literal_prefix(glob) for glob in self._globs})

    def has(self, path: str) -> bool:
        """Whether ``path`` is an output, lies in an output folder, or matches an output glob."""
        if path in self._exact or any(folder in self._folders for folder in parents(path)):
            return True
        return any(matches(glob, path) for glob in self._globs)

    def leads_to(self, folder: str) -> bool:
        """Whether some output lies below ``folder`` (with its slash)."""
        if any(above in self._folders for above in parents(folder)):
            return True
        at = bisect_left(self._sorted, folder)
        return at < len(self._sorted) and self._sorted[at].startswith(folder)


class Globbing:
    """Finds files in one workspace. Paths are relative to ``root`` (or absolute where the pattern is)."""

    def __init__(self, root: str, outputs: Outputs) -> None:
        self._root = root
        self._outputs = outputs
        self._ignore = Ignore(root)
        self._listings: dict[str, list[_Entry]] = {}
        self._found: dict[str, tuple[str, ...]] = {}

    def forget(self) -> None:
        """Folders may have changed since they were listed."""
        self._listings.clear()
        self._found.clear()

    def files(self, pattern: str, excluded: Sequence[str] = ()) -> list[str]:
        """Files that a glob or folder pattern stands for, sorted, without what ``excluded`` covers."""
        if pattern not in self._found:
            self._found[pattern] = tuple(sorted(self._search(pattern)))
        found = self._found[pattern]
        if not excluded:
            return list(found)
        return [path for path in found if not any(matches(out, path) for out in excluded)]

    def _search(self, pattern: str) -> set[str]:
        found: set[str] = set()
        if not is_glob(pattern):
            self._walk("" if pattern == "./" else pattern, found, hidden=True)
            return found
        prefix = literal_prefix(pattern)
        rest = pattern[len(prefix) :]
        folder = rest.endswith("/")
        self._descend(prefix, rest.rstrip("/").split("/"), folder, found)
        return found

    def _descend(self, folder: str, parts: list[str], whole: bool, found: set[str]) -> None:
        """Match ``parts`` below ``folder``; ``whole``: the last part names folders, all they hold is meant."""
        part, rest = parts[0], parts[1:]
        if part == "**" and not rest and not whole:
            self._walk(folder, found, hidden=False)
            return
        if part == "**":
            self._descend(folder, rest or ["*"], whole, found)
        for entry in self._list(folder):
            path = folder + entry.name
            if part == "**":
                if entry.is_folder and not entry.is_link and entry.name[0] != ".":
                    self._descend(f"{path}/", parts, whole, found)
            elif matches(part, entry.name):
                self._take(path, entry, rest, whole, found)

    def _take(self, path: str, entry: _Entry, rest: list[str], whole: bool, found: set[str]) -> None:
        if rest and entry.is_folder:
            self._descend(f"{path}/", rest, whole, found)
        elif not rest and whole and entry.is_folder:
            self._walk(f"{path}/", found, hidden=True)
        elif not rest and not whole and not entry.is_folder:
            found.add(path)

    def _walk(self, folder: str, found: set[str], hidden: bool) -> None:
        """Every file below a folder; linked folders are not entered (they may lead back up)."""
        stack = [folder]
        while stack:
            here = stack.pop()
            for entry in self._list(here):
                if not hidden and entry.name[0] == ".":
                    continue
                if not entry.is_folder:
                    found.add(here + entry.name)
                elif not entry.is_link:
                    stack.append(f"{here}{entry.name}/")

    def _list(self, folder: str) -> list[_Entry]:
        if folder not in self._listings:
            self._listings[folder] = self._read(folder)
        return self._listings[folder]

    def _read(self, folder: str) -> list[_Entry]:
        absolute = folder.rstrip("/") if folder.startswith("/") else f"{self._root}/{folder}".rstrip("/")
        try:
            with os.scandir(absolute or "/") as listing:
                entries = [(entry.name, entry.is_dir(), entry.is_symlink()) for entry in listing]
        except OSError:
            return []
        kept = []
        for name, is_folder, is_link in entries:
            if name in _NEVER or not _is_text(name):
                continue
            if self._is_hidden_by_git(folder, absolute, name, is_folder):
                continue
            kept.append(_Entry(name, is_folder, is_link))
        return kept

    def _is_hidden_by_git(self, folder: str, absolute: str, name: str, is_folder: bool) -> bool:
        path = folder + name
        inside_ignored = self._under_ignored(folder)
        if not inside_ignored and not self._ignore.ignores(absolute, name, is_folder):
            return False
        return not (self._outputs.has(path) or (is_folder and self._outputs.leads_to(f"{path}/")))

    def _under_ignored(self, folder: str) -> bool:
        """Whether a folder above is ignored itself: then so is all in it, whatever its own rules say."""
        if not folder or folder.startswith(("/", "../")):
            return False
        for above in parents(folder):
            bare = above[:-1]
            at = bare.rfind("/")
            absolute = f"{self._root}/{bare[:at]}" if at > 0 else self._root
            if self._ignore.ignores(absolute, bare[at + 1 :], True):
                return True
        return False


def _is_text(name: str) -> bool:
    """File names that are not UTF-8 cannot be written in a manifest, an event or a database; they never match."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
