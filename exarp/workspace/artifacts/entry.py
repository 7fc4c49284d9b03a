"""The file that holds the artifacts of one key: what is in it, and whether it is whole.

Knows bytes. Does not know where the file lies.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from blake3 import blake3

from exarp.model.artifact import Artifact

_DIGEST_BYTES = 32
_LENGTH_BYTES = 8
_HEAD_BYTES = _LENGTH_BYTES + _DIGEST_BYTES


class _Entry(msgspec.Struct, frozen=True, array_like=True, gc=False):
    key: bytes
    variants: tuple[Artifact, ...]


_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(_Entry)


class DamagedEntry(Exception):
    """The bytes are not those that were written."""


class UnfinishedEntry(DamagedEntry):
    """Not all is there: it is just being written, or its writer was killed."""


def encoded(key: bytes, variants: Sequence[Artifact]) -> bytes:
    """The content of the file of a key. ``variants``: newest first."""
    body = _ENCODER.encode(_Entry(key, tuple(variants)))
    return len(body).to_bytes(_LENGTH_BYTES, "little") + blake3(body).digest() + body


def decoded(data: bytes, key: bytes | None = None) -> tuple[Artifact, ...]:
    """The artifacts in a file, newest first. ``key``: whose it must be.

    Raises UnfinishedEntry, DamagedEntry.
    """
    body = data[_HEAD_BYTES:]
    if len(data) < _HEAD_BYTES or len(body) < int.from_bytes(data[:_LENGTH_BYTES], "little"):
        raise UnfinishedEntry
    if blake3(body).digest() != data[_LENGTH_BYTES:_HEAD_BYTES]:
        raise DamagedEntry
    try:
        entry = _DECODER.decode(body)
    except msgspec.DecodeError as error:
        raise DamagedEntry from error
    if key is not None and entry.key != key:
        raise DamagedEntry
    return entry.variants
