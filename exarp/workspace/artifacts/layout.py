"""Where things lie in an artifact store, and how a file comes there whole or not at all.

``entries/a/bcdef…``: one file a key. ``blobs/a/bcdef…``: contents that are too large for it, by digest. ``drafts/``: files that
are being written; they get their place by a rename. (An entry that is new needs none: it says itself how long it is.)
``size``: roughly how much there is. ``lock``: who tidies up holds it.

Knows paths and modes. Does not know what is in the files.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

# Another layout, or another meaning of keys, gets another folder, so that exarps of two versions can share a store.
_VERSION = "v1"
_TAG = (
    "Signature: 8a477f597d28d172789f06886806bc55\n"
    "# These are artifacts of exarp, which can do without them. See https://bford.info/cachedir/\n"
)


class Layout:
    """Paths in the store at ``folder`` (absolute)."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.root = f"{folder}/{_VERSION}"
        self.entries = f"{self.root}/entries"
        self.blobs = f"{self.root}/blobs"
        self.drafts = f"{self.root}/drafts"
        self.size = f"{self.root}/size"
        self.lock = f"{self.root}/lock"
        self._number = 0
        self._mark = ""

    def entry(self, key: bytes) -> str:
        """The file of a key."""
        return _spread(self.entries, key.hex())

    def blob(self, digest: bytes) -> str:
        """The file of a content."""
        return _spread(self.blobs, digest.hex())

    def draft(self) -> str:
        """A name that nobody else uses, for a file that is not complete yet."""
        if not self._mark:
            self._mark = f"{os.getpid()}-{os.urandom(6).hex()}"
        self._number += 1
        return f"{self.drafts}/{self._mark}-{self._number}"

    def prepare(self) -> None:
        """Make the folders of the store. Raises OSError."""
        for folder in (self.folder, self.root, self.entries, self.blobs, self.drafts):
            _make(folder)
        tag = f"{self.folder}/CACHEDIR.TAG"
        if not os.path.exists(tag):
            draft = self.draft()
            with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "w") as file:
                file.write(_TAG)
            os.rename(draft, tag)

    def create(self) -> tuple[int, str]:
        """A new draft: its descriptor and its path. Raises OSError."""
        draft = self.draft()
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        try:
            return os.open(draft, flags, 0o600), draft
        except FileNotFoundError:
            self.prepare()
            return os.open(draft, flags, 0o600), draft

    def create_at(self, path: str) -> int:
        """A new file at its place: its descriptor. Raises FileExistsError, OSError."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        try:
            return os.open(path, flags, 0o600)
        except FileNotFoundError:
            if not os.path.isdir(self.drafts):
                self.prepare()
            _make(os.path.dirname(path))
            return os.open(path, flags, 0o600)

    def publish(self, draft: str, path: str) -> None:
        """Give a draft its place. Raises OSError."""
        try:
            os.rename(draft, path)
        except FileNotFoundError:
            _make(os.path.dirname(path))
            os.rename(draft, path)

    def all_entries(self) -> Iterator[os.DirEntry[str]]:
        """The files of all keys."""
        return _files(self.entries)

    def all_blobs(self) -> Iterator[os.DirEntry[str]]:
        """The files of all contents."""
        return _files(self.blobs)

    def all_drafts(self) -> Iterator[os.DirEntry[str]]:
        """Files that are being written, or were when their writer was killed."""
        with contextlib.suppress(FileNotFoundError), os.scandir(self.drafts) as found:
            yield from found


def name_of(entry: os.DirEntry[str]) -> bytes | None:
    """The key or digest that a file of the store is named for; None for a file that is not the store's."""
    try:
        return bytes.fromhex(os.path.basename(os.path.dirname(entry.path)) + entry.name)
    except ValueError:
        return None


def space(size: int) -> int:
    """The space on a disk that a file of ``size`` bytes takes."""
    return -(-size // 4096) * 4096


def _spread(folder: str, name: str) -> str:
    # A folder costs as much as ten files; those of today's file systems may hold very many.
    return f"{folder}/{name[:1]}/{name[1:]}"


def _make(folder: str) -> None:
    """Make a folder for its owner alone; one that is there stays as it is, so that a group may share a store."""
    try:
        os.mkdir(folder, 0o700)
    except FileExistsError:
        return
    except FileNotFoundError:
        os.makedirs(os.path.dirname(folder), exist_ok=True)
        with contextlib.suppress(FileExistsError):
            os.mkdir(folder, 0o700)


def _files(folder: str) -> Iterator[os.DirEntry[str]]:
    with contextlib.suppress(FileNotFoundError), os.scandir(folder) as parts:
        for part in parts:
            # Somebody may clear the store meanwhile.
            with contextlib.suppress(FileNotFoundError, NotADirectoryError), os.scandir(part.path) as files:
                yield from files
