"""From patterns to the files that are there.

Knows the contract's rules under "Files": ``*`` matches no leading dot and no ``/``, ``.git`` and ``.exarp`` never match,
what git ignores matches only where a task declares it as an output, results are sorted. Folder listings are remembered as
long as the folders' own stat data say that they hold (they are asked again after ``forget``: a task may have changed
anything).
"""

from __future__ import annotations

import os
from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from typing import NamedTuple, Protocol

from exarp.graph.pattern_index import PatternIndex
from exarp.model.path import is_glob, literal_prefix, matcher, matches, parents
from exarp.workspace.ignore import Ignore

_NEVER = frozenset({".git", ".exarp"})


# A folder's time stamps may not move for a second change within one tick of their clock.
_TICK_NS = 20_000_000


class FilesClock(Protocol):
    """Tells the time as a file system stamps its files with it (see ``fingerprints.FileClock``)."""

    def now(self) -> int:
        """Nanoseconds since the epoch."""


class _Stamp(NamedTuple):
    """A folder's stat data. The time of change counts too: ``tar -x`` and ``cp -a`` set the other one as they like."""

    mtime_ns: int
    ctime_ns: int
    inode: int


_NOWHERE = _Stamp(-1, -1, -1)


class _Entry(NamedTuple):
    name: str
    is_folder: bool
    is_link: bool
    is_ignored: bool


class Listing:
    """A folder's entries by name, its stamp, and a moment before both were taken. ``entries`` are those that git does not
    ignore, ``names`` theirs; all are sorted."""

    __slots__ = ("_holds_links", "_stamp", "_taken_ns", "entries", "every", "names")

    def __init__(self, entries: list[_Entry], stamp: _Stamp, taken_ns: int) -> None:
        self.every = sorted(entries)
        self.entries = [entry for entry in self.every if not entry.is_ignored]
        self.names = [entry.name for entry in self.entries]
        # What a link leads to may become a folder, or none, without a trace in the folder that holds the link.
        self._holds_links = any(entry.is_link for entry in entries)
        self.confirm(stamp, taken_ns)

    @property
    def seen(self) -> list[tuple[str, bool, bool]]:
        """All that is in it: name, whether it is or leads to a folder, whether it is a link."""
        return [(entry.name, entry.is_folder, entry.is_link) for entry in self.every]

    @property
    def stamp(self) -> tuple[int, int, int]:
        """mtime, ctime (ns) and inode, as they were when it was read."""
        return self._stamp

    @property
    def settled(self) -> bool:
        """Whether its stamp proves that it is as it was read."""
        return self.is_settled(self._stamp)

    def confirm(self, stamp: _Stamp, taken_ns: int) -> None:
        """The folder was read again, and the entries are the same."""
        self._stamp = stamp
        self._taken_ns = taken_ns

    def is_settled(self, stamp: _Stamp) -> bool:
        """Whether the folder surely is as it was read: same stamp, and not as young as the reading."""
        youngest = max(stamp.mtime_ns, stamp.ctime_ns)
        return self._stamp == stamp and youngest + _TICK_NS < self._taken_ns and not self._holds_links

    def starting(self, prefix: str) -> list[_Entry]:
        """Entries whose names start with ``prefix``."""
        if not prefix:
            return self.entries
        start = bisect_left(self.names, prefix)
        end = bisect_left(self.names, prefix + "\U0010ffff", start)
        return self.entries[start:end]


class _Found(NamedTuple):
    """What a pattern stood for, the listings it was found in, and when (in ``forget``s) they were last known to hold."""

    paths: tuple[str, ...]
    listings: dict[str, Listing]
    epoch: int


class Outputs:
    """All declared outputs of a manifest, asked whether a path is one of them or leads to one."""

    def __init__(self, patterns: Iterable[str]) -> None:
        self._patterns = patterns

    @cached_property
    def _unique(self) -> set[str]:
        # Nobody asks as long as git ignores nothing of what is found.
        return set(self._patterns)

    @cached_property
    def _exact(self) -> set[str]:
        return {pattern.rstrip("/") for pattern in self._unique if not is_glob(pattern)}

    @cached_property
    def _folders(self) -> set[str]:
        return {pattern for pattern in self._unique if pattern.endswith("/") and not is_glob(pattern)}

    @cached_property
    def _globs(self) -> list[str]:
        return sorted(pattern for pattern in self._unique if is_glob(pattern))

    @cached_property
    def _sorted(self) -> list[str]:
        return sorted(self._exact | {literal_prefix(glob) for glob in self._globs})

    def has(self, path: str) -> bool:
        """Whether ``path`` is an output, lies in an output folder, or matches an output glob."""
        if path in self._exact or any(folder in self._folders for folder in parents(path)):
            return True
        return bool(self._globs) and any(matches(glob, path) for glob in self._index.overlapping(path))

    @cached_property
    def _index(self) -> PatternIndex:
        return PatternIndex(self._globs)

    def leads_to(self, folder: str) -> bool:
        """Whether some output lies below ``folder`` (with its slash)."""
        if any(above in self._folders for above in parents(folder)):
            return True
        at = bisect_left(self._sorted, folder)
        return at < len(self._sorted) and self._sorted[at].startswith(folder)


def _on_and_on() -> None:
    """Nobody wants to be let in between."""


class Globbing:
    """Finds files in one workspace. Paths are relative to ``root`` (or absolute where the pattern is).

    Without a ``clock`` every folder is read again after ``forget``. ``breathe`` is called before each folder that is looked
    at; what it raises ends the looking.
    """

    def __init__(self, root: str, outputs: Outputs, clock: FilesClock | None = None) -> None:
        self.breathe: Callable[[], None] = _on_and_on
        self._root = root
        self._outputs = outputs
        self._clock = clock
        self._ignore = Ignore(root)
        self._listings: dict[str, Listing] = {}
        self._current: set[str] = set()
        self._found: dict[str, _Found] = {}
        self._visited: dict[str, Listing] = {}
        self._epoch = 0
        self._moment_ns: int | None = None

    def forget(self) -> None:
        """Folders may have changed since they were listed: each is looked at again before it is relied on."""
        self._current.clear()
        self._epoch += 1
        self._moment_ns = None

    def files(self, pattern: str, excluded: Sequence[str] = ()) -> list[str]:
        """Files that a glob or folder pattern stands for, sorted, without what ``excluded`` covers."""
        known = self._found.get(pattern)
        if known is None or known.epoch != self._epoch:
            known = self._found[pattern] = self._find(pattern, known)
        if not excluded:
            return list(known.paths)
        return [path for path in known.paths if not any(matches(out, path) for out in excluded)]

    def listings(self, pattern: str) -> dict[str, Listing]:
        """By folder, the listings that what ``pattern`` stands for was found in."""
        self.files(pattern)
        return self._found[pattern].listings

    def listings_again(self) -> dict[str, Listing] | None:
        """By folder, all that patterns were found in, looked at anew; None where some pattern stands for other files now."""
        before = dict(self._found)
        self.forget()
        if any(tuple(self.files(pattern)) != found.paths for pattern, found in before.items()):
            return None
        return {folder: each for found in self._found.values() for folder, each in found.listings.items()}

    @property
    def ignore_files(self) -> set[str]:
        """Files (absolute) that say what git ignores, there or not, as far as anybody was to know."""
        return self._ignore.sources()

    def _find(self, pattern: str, known: _Found | None) -> _Found:
        """What a pattern stands for now; found anew unless every listing that it was found in still holds."""
        if known is not None and all(self._list(folder) is listing for folder, listing in known.listings.items()):
            return known._replace(epoch=self._epoch)
        self._visited = {}
        return _Found(tuple(sorted(self._search(pattern))), self._visited, self._epoch)

    def _search(self, pattern: str) -> set[str]:
        found: set[str] = set()
        if not is_glob(pattern):
            if not _NEVER.isdisjoint(pattern.split("/")):
                return found
            named = "" if pattern == "./" else pattern
            self._walk(named, found, hidden=True)
            if not found:
                # Who names a folder of which git ignores everything means what is in it.
                self._walk(named, found, hidden=True, ignored=True)
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

    def _walk(self, folder: str, found: set[str], hidden: bool, ignored: bool = False) -> None:
        """Every file below a folder; linked folders are not entered (they may lead back up).

        Of a folder that is meant whole (``hidden``) such a link is a part, as a file is; no glob stands for one.
        """
        stack = [folder]
        while stack:
            here = stack.pop()
            listing = self._visit(here)
            for entry in listing.every if ignored else listing.entries:
                if not hidden and entry.name[0] == ".":
                    continue
                if not entry.is_folder or (entry.is_link and hidden):
                    found.add(here + entry.name)
                elif not entry.is_link:
                    stack.append(f"{here}{entry.name}/")

    def _list(self, folder: str) -> Listing:
        listing = self._listings.get(folder)
        if listing is None or folder not in self._current:
            self.breathe()
            listing = self._listings[folder] = self._look(folder, listing)
            self._current.add(folder)
        return listing

    def _visit(self, folder: str) -> Listing:
        """A listing that the search under way rests on."""
        listing = self._visited[folder] = self._list(folder)
        return listing

    def _look(self, folder: str, known: Listing | None) -> Listing:
        """The folder's listing, read again unless it surely is as it was."""
        absolute = self._absolute(folder)
        taken_ns = self._now()
        try:
            found = os.stat(absolute)
            stamp = _Stamp(found.st_mtime_ns, found.st_ctime_ns, found.st_ino)
        except OSError:
            stamp = _NOWHERE
        if known is not None and known.is_settled(stamp):
            return known
        entries = self._read(folder, absolute)
        if known is not None and known.every == sorted(entries):
            # What was found with them still holds.
            known.confirm(stamp, taken_ns)
            return known
        return Listing(entries, stamp, taken_ns)

    def _now(self) -> int:
        """A moment before anything that was seen since ``forget``."""
        if self._moment_ns is None:
            self._moment_ns = self._clock.now() if self._clock is not None else 0
        return self._moment_ns

    def _absolute(self, folder: str) -> str:
        return (folder.rstrip("/") if folder.startswith("/") else f"{self._root}/{folder}".rstrip("/")) or "/"

    def _read(self, folder: str, absolute: str) -> list[_Entry]:
        try:
            with os.scandir(absolute) as listing:
                entries = [(entry.name, entry.is_dir(), entry.is_symlink()) for entry in listing]
        except OSError:
            return []
        # Of the folder, and asked once: it may hold very many entries, and lie deep.
        inside_ignored = self._under_ignored(folder)
        return [
            _Entry(name, is_folder, is_link, self._is_hidden_by_git(folder, absolute, name, is_folder, inside_ignored))
            for name, is_folder, is_link in entries
            if name not in _NEVER
        ]

    def _is_hidden_by_git(self, folder: str, absolute: str, name: str, is_folder: bool, inside_ignored: bool) -> bool:
        path = folder + name
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
