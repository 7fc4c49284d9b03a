from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exarp.views.cells import cut, listing, pad, width, wrap


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


def test_lines_are_broken_between_words_and_go_on_further_to_the_right():
    assert wrap("one two three\n  four five six seven", 14).split("\n") == [
        "one two three",
        "  four five",
        "      six",
        "      seven",
    ]
    assert wrap("one two three", None) == wrap("one two three", 13) == "one two three"


def test_colours_take_no_room_and_spaces_between_columns_stay():
    assert wrap("\x1b[33mone  two\x1b[0m three", 14) == "\x1b[33mone  two\x1b[0m three"
    assert wrap("\x1b[33mone two\x1b[0m three", 10) == "\x1b[33mone two\x1b[0m\n    three"


def test_a_line_of_a_manifest_goes_on_behind_its_bar():
    assert wrap("   12 | needs = []      a needs b", 26) == "   12 | needs = []      a\n      |     needs b"


@given(st.text("ab \u65e5", max_size=80), st.integers(1, 40))
def test_wrapping_loses_no_word_and_nothing_but_words_is_too_wide(text, columns):
    lines = wrap(text, columns).split("\n")
    assert " ".join(lines).split() == text.split()
    assert all(width(line) <= columns or len(line.split()) <= 1 for line in lines)
