"""What ``exarp cache`` says of an artifact store: as lines, and as documents.

Knows the words. Does not read the store: any object with these attributes will do.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Protocol

from exarp.views import escape
from exarp.views.json_line import json_line
from exarp.views.words import when

_NAMED = 10


class ContentsLike(Protocol):
    """What is in a store; bytes are those of the disk, times seconds since the epoch."""

    @property
    def artifacts(self) -> int: ...
    @property
    def blobs(self) -> int: ...
    @property
    def bytes(self) -> int: ...
    @property
    def drafts(self) -> int: ...
    @property
    def oldest_use(self) -> float: ...
    @property
    def latest_use(self) -> float: ...


class InfoLike(Protocol):
    """A store and what is in it."""

    @property
    def folder(self) -> str: ...
    @property
    def enabled(self) -> bool: ...
    @property
    def max_size(self) -> int: ...
    @property
    def contents(self) -> ContentsLike: ...


class CollectedLike(Protocol):
    """What was removed, and what is left."""

    @property
    def artifacts(self) -> int: ...
    @property
    def bytes(self) -> int: ...
    @property
    def left(self) -> int: ...
    @property
    def busy(self) -> bool: ...


class VerifiedLike(Protocol):
    """What was looked at, and what was damaged."""

    @property
    def artifacts(self) -> int: ...
    @property
    def blobs(self) -> int: ...
    @property
    def damaged(self) -> Sequence[str]: ...
    @property
    def incomplete(self) -> int: ...


def size(count: int) -> str:
    """``812 bytes``, ``1.5 KiB``, ``2.3 GiB``."""
    amount = float(count)
    for unit in ("bytes", "KiB", "MiB", "GiB", "TiB"):
        if amount < 1000 or unit == "TiB":
            break
        amount /= 1024
    return f"{count} {unit}" if unit == "bytes" else f"{amount:.1f} {unit}"


def artifacts(count: int) -> str:
    """``1 artifact``, ``2 artifacts``."""
    return f"{count} artifact" if count == 1 else f"{count} artifacts"


def info(found: InfoLike, now: datetime) -> Iterator[str]:
    """Where the store is, and what is in it."""
    contents = found.contents
    yield f"{escape.name(found.folder)}{'' if found.enabled else '  (runs do not use it)'}"
    files = f", {contents.blobs} large {'file' if contents.blobs == 1 else 'files'}" if contents.blobs else ""
    yield f"  {artifacts(contents.artifacts)}{files}: {size(contents.bytes)} of at most {size(found.max_size)}"
    if contents.artifacts:
        yield f"  last used {_when(contents.latest_use, now)}, longest unused since {_when(contents.oldest_use, now)}"


def info_document(found: InfoLike) -> bytes:
    """The same as a document."""
    contents = found.contents
    return json_line(
        {
            "version": 1,
            "dir": found.folder,
            "enabled": found.enabled,
            "max_size": found.max_size,
            "artifacts": contents.artifacts,
            "blobs": contents.blobs,
            "bytes": contents.bytes,
            "oldest_use": _time(contents.oldest_use),
            "latest_use": _time(contents.latest_use),
        }
    )


def collected(found: CollectedLike) -> Iterator[str]:
    """What made way."""
    if found.busy:
        yield "another process is tidying up"
    else:
        yield f"removed {artifacts(found.artifacts)}, {size(found.bytes)}; {size(found.left)} are left"


def collected_document(found: CollectedLike) -> bytes:
    """The same as a document."""
    return json_line(
        {
            "version": 1,
            "removed": found.artifacts,
            "freed_bytes": found.bytes,
            "bytes": found.left,
            "busy": found.busy,
        }
    )


def verified(found: VerifiedLike) -> Iterator[str]:
    """What was damaged."""
    files = f" and {found.blobs} large {'file' if found.blobs == 1 else 'files'}" if found.blobs else ""
    looked = f"{artifacts(found.artifacts)}{files}"
    if not found.damaged and not found.incomplete:
        yield f"{looked}: all as they were written"
        return
    for path in found.damaged[:_NAMED]:
        yield f"damaged, and removed: {escape.name(path)}"
    if len(found.damaged) > _NAMED:
        yield f"and {len(found.damaged) - _NAMED} more"
    if found.incomplete:
        yield f"{artifacts(found.incomplete)} of which a part was missing, removed"
    yield f"{looked} were read: {len(found.damaged)} damaged"


def verified_document(found: VerifiedLike) -> bytes:
    """The same as a document."""
    return json_line(
        {
            "version": 1,
            "artifacts": found.artifacts,
            "blobs": found.blobs,
            "damaged": list(found.damaged),
            "incomplete": found.incomplete,
        }
    )


def _when(seconds: float, now: datetime) -> str:
    return when(datetime.fromtimestamp(seconds, UTC).isoformat(), now)


def _time(seconds: float) -> str | None:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if seconds else None
