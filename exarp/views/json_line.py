"""A JSON document as bytes, the way every ``--json`` of exarp is written.

Knows: UTF-8, one document, one line, a newline at its end. Does not know what a document says.
"""

from __future__ import annotations

import msgspec

from exarp.model.expression import late

_SURROGATE = late("[\ud800-\udfff]")


def json_line(value: object) -> bytes:
    """``value`` (anything that msgspec can write) as one line of JSON."""
    try:
        return msgspec.json.encode(value) + b"\n"
    except UnicodeEncodeError:
        return msgspec.json.encode(_mended(msgspec.to_builtins(value))) + b"\n"


def _mended(value: object) -> object:
    """``value`` without lone surrogates, which stand for bytes that are no UTF-8 and that JSON cannot carry."""
    if isinstance(value, str):
        return _SURROGATE.sub("\ufffd", value)
    if isinstance(value, dict):
        return {_mended(key): _mended(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_mended(item) for item in value]
    return value
