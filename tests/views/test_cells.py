from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exarp.views.cells import cut, listing, pad, width


@pytest.mark.parametrize(
    ("text", "columns"), [("abc", 3), ("日本", 4), ("e\u0301", 1), ("é", 1), ("", 0), ("a\u200db", 2)]
)
def test_width_counts_columns_of_a_terminal(text, columns):
    assert width(text) == columns


@given(st.text("ab日e\u0301"), st.integers(1, 12))
def test_what_is_cut_fits_and_says_so(text, columns):
    shown = cut(text, columns)
    assert width(shown) <= columns
    assert shown == text or shown.endswith("…")


def test_nothing_fits_into_no_room():
    assert cut("abc", 0) == ""


def test_padding_counts_columns():
    assert pad("日", 4) == "日  "
    assert pad("abcd", 2) == "abcd"


def test_a_listing_tells_how_many_it_leaves_out():
    assert listing(["a", "b", "c"], 3) == "a, b, c"
    assert listing(["a", "b", "c"], 2) == "a, b and 1 more"
