"""The upkeep of an artifact store: how much there is, what is damaged, what makes way.

Knows how files are counted and removed while others write. Does not know how they are made (``store``), nor which are the
least worth keeping (``planning.artifacts``).
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Callable, Iterator

import msgspec

from exarp.planning.artifacts import Holding, evicted
from exarp.workspace.artifacts.copying import digest_of
from exarp.workspace.artifacts.entry import DamagedEntry, UnfinishedEntry, decoded
from exarp.workspace.artifacts.layout import Layout, name_of, space

# A content that nothing needs, and a draft, may belong to what is just being kept: so old they must be, in seconds.
GRACE = 3600.0
# What runs added is summed up in one number when there are so many of them.
_MOST_LINES = 4096


class Contents(msgspec.Struct, frozen=True):
    """What is in a store. Bytes are those of the disk. ``oldest_use``, ``latest_use``: seconds since the epoch, 0 for an empty
    one. ``drafts``: files that were never completed, or are just being written."""

    artifacts: int = 0
    blobs: int = 0
    bytes: int = 0
    drafts: int = 0
    oldest_use: float = 0.0
    latest_use: float = 0.0


class Collected(msgspec.Struct, frozen=True):
    """What was removed, and what is left. ``busy``: somebody else tidies up already, and nothing was done."""

    artifacts: int = 0
    bytes: int = 0
    left: int = 0
    busy: bool = False


class Verified(msgspec.Struct, frozen=True):
    """What was looked at, and what of it was damaged and is removed. ``incomplete``: artifacts of which a part was missing."""

    artifacts: int = 0
    blobs: int = 0
    damaged: tuple[str, ...] = ()
    incomplete: int = 0


def add_size(layout: Layout, added: int) -> None:
    """Tell the others how much was written. Raises OSError."""
    descriptor = os.open(layout.size, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        os.write(descriptor, f"{added}\n".encode())
    finally:
        os.close(descriptor)


def collect_if_full(layout: Layout, limit: int) -> Collected | None:
    """Make room where the store is, as far as runs have told, larger than ``limit`` bytes. Raises OSError."""
    try:
        with open(layout.size, "rb") as file:
            lines = file.read().split()
    except FileNotFoundError:
        return None
    told = sum(int(line) for line in lines if line.isdigit())
    return collect(layout, limit) if told > limit or len(lines) > _MOST_LINES else None


def collect(layout: Layout, limit: int, grace: float = GRACE) -> Collected:
    """Remove what was least recently used until there is room, and what nothing needs. Raises OSError."""
    try:
        os.stat(layout.root)
    except FileNotFoundError:
        return Collected()
    with _alone(layout) as alone:
        if not alone:
            return Collected(busy=True)
        return _collect(layout, limit, grace)


def _collect(layout: Layout, limit: int, grace: float) -> Collected:
    # What is written from here on may be counted twice: too much makes another look, too little would never be seen.
    with contextlib.suppress(FileNotFoundError):
        os.unlink(layout.size)
    young = time.time() - grace
    for draft in list(layout.all_drafts()):
        _remove_old(draft.path, young)
    holdings = list(_holdings(layout, young))
    files: dict[bytes, os.DirEntry[str]] = {}
    sizes: dict[bytes, int] = {}
    for file in layout.all_blobs():
        if (digest := name_of(file)) is not None and (size := _size(file)) is not None:
            files[digest], sizes[digest] = file, size
    gone, idle = evicted(holdings, sizes, limit)
    of_entry = {holding.name: holding.size for holding in holdings}
    freed = 0
    for name in gone:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name)
            freed += of_entry[name]
    for digest in idle:
        freed += _remove_old(files[digest].path, young)
    left = sum(of_entry.values()) + sum(sizes.values()) - freed
    add_size(layout, max(0, left))
    return Collected(len(gone), freed, max(0, left))


def _holdings(layout: Layout, young: float) -> Iterator[Holding]:
    """What is kept under each key; a file that is damaged is removed, one that is not complete if it is not ``young``."""
    for file in layout.all_entries():
        try:
            with open(file.path, "rb") as opened:
                data, used = opened.read(), os.fstat(opened.fileno()).st_mtime
            variants = decoded(data, name_of(file))
        except FileNotFoundError:
            continue
        except UnfinishedEntry:
            _remove_old(file.path, young)
            continue
        except DamagedEntry:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(file.path)
            continue
        blobs = [blob for variant in variants for blob in variant.blobs]
        yield Holding(file.path, used, space(len(data)), blobs)


def contents(layout: Layout) -> Contents:
    """What is in the store, without reading it. Raises OSError."""
    uses: list[float] = []
    total = blobs = 0
    for file in layout.all_entries():
        with contextlib.suppress(FileNotFoundError):
            found = file.stat()
            uses.append(found.st_mtime)
            total += space(found.st_size)
    for file in layout.all_blobs():
        if (size := _size(file)) is not None:
            blobs += 1
            total += size
    drafts = sum(1 for _ in layout.all_drafts())
    return Contents(len(uses), blobs, total, drafts, min(uses, default=0.0), max(uses, default=0.0))


def verify(layout: Layout, breathe: Callable[[], None] = lambda: None) -> Verified:
    """Read all that is in the store; what is damaged, and what cannot do without that, is removed. Raises OSError."""
    damaged: list[str] = []
    sound: set[bytes] = set()
    for file in layout.all_blobs():
        digest = name_of(file)
        with contextlib.suppress(FileNotFoundError):
            if digest is None or _digest(file.path, breathe) != digest:
                os.unlink(file.path)
                damaged.append(file.path)
            else:
                sound.add(digest)
    artifacts = incomplete = 0
    for file in layout.all_entries():
        with contextlib.suppress(FileNotFoundError):
            artifacts += 1
            try:
                with open(file.path, "rb") as opened:
                    variants = decoded(opened.read(), name_of(file))
            except UnfinishedEntry:
                incomplete += bool(_remove_old(file.path, time.time() - GRACE))
                continue
            except DamagedEntry:
                os.unlink(file.path)
                damaged.append(file.path)
                continue
            wanted = {blob for variant in variants for blob in variant.blobs}
            # Written while this looked, it may need what came after the blobs were read.
            if any(blob not in sound and not os.path.exists(layout.blob(blob)) for blob in wanted):
                os.unlink(file.path)
                incomplete += 1
    return Verified(artifacts, len(sound) + sum("/blobs/" in path for path in damaged), tuple(damaged), incomplete)


def clear(layout: Layout) -> int:
    """Remove all that is in the store; how many bytes that was. What others are writing meanwhile is lost to them, and no
    more than that. Raises OSError."""
    freed = contents(layout).bytes
    for folder in (layout.entries, layout.blobs):
        import shutil

        shutil.rmtree(folder, ignore_errors=True)
    # What is being written stays: it is put into folders that are made again.
    for draft in list(layout.all_drafts()):
        _remove_old(draft.path, time.time() - GRACE)
    with contextlib.suppress(FileNotFoundError):
        os.unlink(layout.size)
    return freed


def _digest(path: str, breathe: Callable[[], None]) -> bytes:
    with open(path, "rb", buffering=0) as file:
        return digest_of(file.fileno(), breathe)


def _size(file: os.DirEntry[str]) -> int | None:
    try:
        return space(file.stat().st_size)
    except FileNotFoundError:
        return None


def _remove_old(path: str, before: float) -> int:
    """Remove a file that nobody has touched since ``before``; the space that is free now."""
    try:
        found = os.stat(path)
        if found.st_mtime >= before:
            return 0
        os.unlink(path)
    except FileNotFoundError:
        return 0
    return space(found.st_size)


@contextlib.contextmanager
def _alone(layout: Layout) -> Iterator[bool]:
    """Whether nobody else tidies up, for as long as this lasts."""
    descriptor = os.open(layout.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True
    finally:
        os.close(descriptor)
