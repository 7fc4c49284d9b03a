"""Text that SQLite and JSON cannot hold as it is, and the way around.

Knows that ``os.fsdecode`` turns bytes that are not UTF-8 into lone surrogates, and that neither an SQLite
TEXT nor msgspec's JSON takes those. Does not know what the text means.

A column holds such a text as a BLOB (UTF-8 with the surrogates left in) and every other text as TEXT; SQLite
never takes one for the other. JSON holds it with ``\\udc80`` escapes, written and read by the ``json`` module,
which is slower and needed only then.
"""

from __future__ import annotations

from typing import TypeVar

import msgspec

_T = TypeVar("_T")
_ENCODER = msgspec.json.Encoder()


def to_column(text: str) -> str | bytes:
    """What to bind for ``text``; the same text always gives the same value, so it can be a key."""
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")
    return text


def from_column(value: str | bytes) -> str:
    """The text that :func:`to_column` was given."""
    return value if isinstance(value, str) else value.decode("utf-8", "surrogatepass")


def to_json(value: object) -> bytes:
    """``value`` (msgspec structs and builtins) as JSON bytes."""
    try:
        return _ENCODER.encode(value)
    except UnicodeEncodeError:
        import json

        return json.dumps(msgspec.to_builtins(value), separators=(",", ":")).encode()


def from_json(data: bytes, decoder: msgspec.json.Decoder[_T]) -> _T:
    """The value whose JSON is ``data``. Raises ``msgspec.ValidationError`` where it is of another shape."""
    try:
        return decoder.decode(data)
    except msgspec.DecodeError:
        import json

        return msgspec.convert(json.loads(data), decoder.type)
