"""What is masked, in pieces as in one, against the plain rule."""

from __future__ import annotations

import time

from hypothesis import given
from hypothesis import strategies as st

from exarp.model.event import FreshnessReason
from exarp.model.mask import Mask, MaskStream, masked, parts_of

PARTS = st.lists(st.text("ab", min_size=1, max_size=5).map(str.encode), min_size=1, max_size=4)
PIECES = st.lists(st.text("abc", max_size=8).map(str.encode), max_size=8)


def plain(data: bytes, parts: list[bytes]) -> bytes:
    """From left to right, at each place the longest part that is there."""
    done, at = b"", 0
    while at < len(data):
        found = max((part for part in parts if data.startswith(part, at)), key=len, default=b"")
        done += b"***" if found else data[at : at + 1]
        at += len(found) or 1
    return done


@given(PARTS, PIECES)
def test_pieces_are_masked_as_if_they_came_in_one(parts: list[bytes], pieces: list[bytes]) -> None:
    mask, data = Mask(parts), b"".join(pieces)
    stream = MaskStream(mask)
    found = b"".join([*map(stream.feed, pieces), stream.end()])
    assert found == plain(data, parts) == mask.data(data)
    assert stream.masked == any(part in data for part in parts)
    assert mask.text(data.decode()).encode() == found


def test_a_value_of_several_lines_is_masked_line_by_line_and_short_ones_are_not() -> None:
    assert parts_of("-----BEGIN-----\n  abcdef\r\nx\n") == [b"-----BEGIN-----", b"abcdef"]
    assert parts_of("abc") == []
    assert Mask(()).data(b"anything") == b"anything"


def test_texts_inside_of_values_are_masked_and_keys_are_not() -> None:
    mask = Mask((b"token",))
    reason = FreshnessReason("start-failed", "a token", "tokens")
    assert masked({"token": ["token", 1, (reason,)]}, mask) == {
        "token": ["***", 1, (FreshnessReason("start-failed", "a ***", "***s"),)]
    }


def test_it_costs_little_however_long_the_secrets() -> None:
    mask = Mask([b"a" * 4000 + bytes([65 + number]) for number in range(20)])
    stream = MaskStream(mask)
    begun = time.process_time()
    for _ in range(40):
        stream.feed(b"b" * 60_000 + b"a" * 500)
    assert time.process_time() - begun < 5
