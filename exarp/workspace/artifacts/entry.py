"""The file that holds the artifacts of one key: what is in it, and whether it is whole.

Knows bytes. Does not know where the file lies.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from blake3 import blake3

from exarp.model.artifact import Artifact

_DIGEST_BYTES = 32


class _Entry(msgspec.Struct, frozen=True, array_like=True, gc=False):
    key: bytes
    variants: tuple[Artifact, ...]


_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(_Entry)


class DamagedEntry(Exception):
    """The bytes are not those that were written."""


def encoded(key: bytes, variants: Sequence[Artifact]) -> bytes:
    """The content of the file of a key. ``variants``: newest first."""
    body = _ENCODER.encode(_Entry(key, tuple(variants)))
    return blake3(body).digest() + body


def decoded(data: bytes, key: bytes | None = None) -> tuple[Artifact, ...]:
    """The artifacts in a file, newest first. Raises DamagedEntry, also where it is the file of another ``key``."""
    body = data[_DIGEST_BYTES:]
    if blake3(body).digest() != data[:_DIGEST_BYTES]:
        raise DamagedEntry
    try:
        entry = _DECODER.decode(body)
    except msgspec.DecodeError as error:
        raise DamagedEntry from error
    if key is not None and entry.key != key:
        raise DamagedEntry
    return entry.variants
