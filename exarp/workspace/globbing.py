"""From patterns to the files that are there.

Knows the contract's rules under "Files": ``*`` matches no leading dot and no ``/``, ``.git`` and ``.exarp`` never match,
what git ignores matches only where a task declares it as an output, results are sorted. Folder listings are remembered as
long as the folders' own time stamps say that they hold (they are asked again after ``forget``: a task may have changed
anything).
"""

from __future__ import annotations

import os
import time
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from exarp.model.path import is_glob, literal_prefix, matcher, matches, parents
from exarp.workspace.ignore import Ignore

_NEVER = frozenset({".git", ".exarp"})


# A folder's time stamp may not move for a second change within one tick of its clock.
_TICK_NS = 20_000_000


class _Entry(NamedTuple):
    name: str
    is_folder: bool
    is_link: bool


class _Listing:
    """A folder's entries by name, and when they were read. ``names`` are sorted."""

    __slots__ = ("entries", "mtime_ns", "names", "read_at_ns")

    def __init__(self, entries: list[_Entry], mtime_ns: int, read_at_ns: int) -> None:
        self.entries = sorted(entries)
        self.names = [entry.name for entry in self.entries]
        self.mtime_ns = mtime_ns
        self.read_at_ns = read_at_ns

    def is_settled(self, mtime_ns: int) -> bool:
        """Whether the folder surely is as it was read: same stamp, and not as young as the reading."""
        return self.mtime_ns == mtime_ns and mtime_ns + _TICK_NS < self.read_at_ns

    def starting(self, prefix: str) -> list[_Entry]:
        """Entries whose names start with ``prefix``."""
        if not prefix:
            return self.entries
        start = bisect_left(self.names, prefix)
        end = bisect_left(self.names, prefix + "\U0010ffff", start)
        return self.entries[start:end]


class _Found(NamedTuple):
    """What a pattern stood for, and the listings it was found in."""

    paths: tuple[str, ...]
    listings: dict[str, _Listing]


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
        self._listings: dict[str, _Listing] = {}
        self._current: set[str] = set()
        self._found: dict[str, _Found] = {}
        self._visited: dict[str, _Listing] = {}

    def forget(self) -> None:
        """Folders may have changed since they were listed: each is looked at again before it is relied on."""
        self._current.clear()

    def files(self, pattern: str, excluded: Sequence[str] = ()) -> list[str]:
        """Files that a glob or folder pattern stands for, sorted, without what ``excluded`` covers."""
        known = self._found.get(pattern)
        if known is None or any(self._list(folder) is not listing for folder, listing in known.listings.items()):
            self._visited = {}
            known = self._found[pattern] = _Found(tuple(sorted(self._search(pattern))), self._visited)
        if not excluded:
            return list(known.paths)
        return [path for path in known.paths if not any(matches(out, path) for out in excluded)]

    def _search(self, pattern: str) -> set[str]:
        found: set[str] = set()
        if not is_glob(pattern):
            if not _NEVER.isdisjoint(pattern.split("/")):
                return found
            self._walk("" if pattern == "./" else pattern, found, hidden=True)
            return found
        prefix = literal_prefix(pattern)
        rest = pattern[len(prefix) :]
        if not _NEVER.isdisjoint(prefix.split("/")):
            return found
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
            for entry in self._visit(folder).entries:
                if entry.is_folder and not entry.is_link and entry.name[0] != ".":
                    self._descend(f"{folder}{entry.name}/", parts, whole, found)
            return
        match = matcher(part).match
        for entry in self._visit(folder).starting(_literal_start(part)):
            if match(entry.name):
                self._take(folder + entry.name, entry, rest, whole, found)

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
            for entry in self._visit(here).entries:
                if not hidden and entry.name[0] == ".":
                    continue
                if not entry.is_folder:
                    found.add(here + entry.name)
                elif not entry.is_link:
                    stack.append(f"{here}{entry.name}/")

    def _list(self, folder: str) -> _Listing:
        listing = self._listings.get(folder)
        if listing is None or folder not in self._current:
            listing = self._listings[folder] = self._look(folder, listing)
            self._current.add(folder)
        return listing

    def _visit(self, folder: str) -> _Listing:
        """A listing that the search under way rests on."""
        listing = self._visited[folder] = self._list(folder)
        return listing

    def _look(self, folder: str, known: _Listing | None) -> _Listing:
        """The folder's listing, read again unless it surely is as it was."""
        absolute = self._absolute(folder)
        try:
            mtime_ns = os.stat(absolute).st_mtime_ns
        except OSError:
            mtime_ns = -1
        if known is not None and known.is_settled(mtime_ns):
            return known
        entries = self._read(folder, absolute)
        if known is not None and known.entries == sorted(entries):
            # The same entries: what was found with them still holds.
            known.mtime_ns, known.read_at_ns = mtime_ns, time.time_ns()
            return known
        return _Listing(entries, mtime_ns, time.time_ns())

    def _absolute(self, folder: str) -> str:
        return (folder.rstrip("/") if folder.startswith("/") else f"{self._root}/{folder}".rstrip("/")) or "/"

    def _read(self, folder: str, absolute: str) -> list[_Entry]:
        try:
            with os.scandir(absolute) as listing:
                entries = [(entry.name, entry.is_dir(), entry.is_symlink()) for entry in listing]
        except OSError:
            return []
        return [
            _Entry(name, is_folder, is_link)
            for name, is_folder, is_link in entries
            if name not in _NEVER and not self._is_hidden_by_git(folder, absolute, name, is_folder)
        ]

    def _is_hidden_by_git(self, folder: str, absolute: str, name: str, is_folder: bool) -> bool:
        path = folder + name
        inside_ignored = self._under_ignored(folder)
        if not inside_ignored and not self._ignore.ignores(absolute, name, is_folder):
            return False
        if self._outputs.has(path) or (is_folder and self._outputs.leads_to(f"{path}/")):
            return False
        return not self._ignore.tracks(f"{absolute}/{name}")

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


def _literal_start(part: str) -> str:
    """What every name that matches ``part`` starts with."""
    return part[: next((at for at, char in enumerate(part) if char in "*?["), len(part))]
