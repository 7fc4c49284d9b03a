from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exarp.views import escape

SGR = re.compile(r"\x1b\[[0-9;:]*m")
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
# Random text seldom holds a sequence: pieces of them, whole and broken, are mixed in.
PIECES = st.sampled_from(
    ["\x1b", "[", "31", ";", "m", "\x1b[31m", "\x1b[0m", "\x1b[2J", "\x1b]0;t", "\x07", "\x1b\\", "\x9b", "\x9d", "\r",
     "\b", "\n", "\r\n", "\x1bP", "\x1b[K", "\x1b[2K", "a", "ü", "日", "\x1b[38:2:1:2:3m", "\udc80", "\u202e"]
)  # fmt: skip
OUTPUT = st.lists(PIECES | st.text(max_size=5), max_size=40).map("".join)


@given(OUTPUT)
def test_plain_text_has_no_control_character_but_newline_and_tab(text):
    assert not CONTROL.search(escape.plain(text))


@given(OUTPUT)
def test_a_name_stays_on_its_line_and_in_its_direction(text):
    shown = escape.name(text)
    assert not CONTROL.search(shown)
    assert len(shown.splitlines()) <= 1
    assert not re.search(r"[\t\u202a-\u202e\u2066-\u2069]", shown)


@given(OUTPUT)
def test_styled_text_has_no_control_but_newline_tab_and_colours(text):
    assert not CONTROL.search(SGR.sub("", escape.styled(text)))


@given(OUTPUT)
def test_styled_text_leaves_no_colour_on(text):
    colours = SGR.findall(escape.styled(text))
    assert not colours or colours[-1] in ("\x1b[0m", "\x1b[m")


@given(OUTPUT)
def test_styling_twice_changes_nothing(text):
    once = escape.styled(text)
    assert escape.styled(once) == once


@given(OUTPUT)
def test_bare_text_has_no_colour_either(text):
    assert not CONTROL.search(escape.bare(text))


@given(st.text(st.characters(exclude_categories=["Cc", "Cs"])))
def test_text_without_controls_is_untouched(text):
    assert escape.styled(text) == text


@given(st.lists(PIECES | st.text(max_size=5), max_size=40))
def test_flowing_text_holds_only_colours_and_the_moves_of_a_progress_line(pieces):
    flow = escape.Flow()
    shown = "".join([flow.feed(piece) for piece in pieces]) + flow.end()
    assert not CONTROL.search(SGR.sub("", shown).replace("\r", "").replace("\b", ""))
    colours = SGR.findall(shown)
    assert not colours or colours[-1] in ("\x1b[0m", "\x1b[m")


@given(OUTPUT.filter(lambda text: "\r" not in text and "\b" not in text))
def test_flowing_text_is_the_same_however_it_is_cut(text):
    whole, cut = escape.Flow(), escape.Flow()
    one = whole.feed(text) + whole.end()
    other = "".join([cut.feed(char) for char in text]) + cut.end()
    assert one == other


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\x1bb", r"a\x1bb"),
        ("\r", r"\r"),
        ("a\tb\nc", "a\tb\nc"),
        ("\u202eevil", r"\u202eevil"),
        ("\udc80", r"\udc80"),
        ("\x9b31m", r"\x9b31m"),
    ],
)
def test_plain_shows_what_was_hidden(text, shown):
    assert escape.plain(text) == shown


def test_a_name_shows_newlines_tabs_and_line_separators():
    assert escape.name("a\nb\tc\u2028d") == r"a\nb\tc\u2028d"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "\x1b[31mred\x1b[0m"),
        ("\x1b[31mred", "\x1b[31mred\x1b[0m"),
        ("a\x1b[2Jb\x1b[10;10Hc", "abc"),
        ("\x1b]0;title\x07a", "a"),
        ("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1bP1$r0m\x1b\\a", "a"),
        ("\x1b]0;never ends\nnext", "0;never ends\nnext"),
        ("a\r\nb", "a\nb"),
        ("10%\r100%", "100%"),
        ("100%\r50", "500%"),
        ("100%\r\x1b[K50", "50"),
        ("100%\x1b[2K\r50", "50"),
        ("\x1b[32m100%\r\x1b[31m50", "\x1b[32m\x1b[31m50\x1b[0m\x1b[32m0%\x1b[0m"),
        ("|\b/\b-", "-"),
        ("done\r", "done"),
        ("a\x07", r"a\x07"),
        ("one\n10%\r20%\ntwo", "one\n20%\ntwo"),
    ],
)
def test_styled_is_what_a_terminal_would_show(text, shown):
    assert escape.styled(text) == shown


def test_bare_drops_colours():
    assert escape.bare("\x1b[1;31mred\x1b[0m") == "red"


def test_a_sequence_cut_in_two_is_held_until_it_is_whole():
    flow = escape.Flow()
    assert flow.feed("a\x1b[3") == "a"
    assert flow.feed("1mb") == "\x1b[31mb"
    assert flow.feed("\x1b]0;ti") == ""
    assert flow.feed("tle\x1b") == ""
    assert flow.feed("\\c") == "c"
    assert flow.end() == "\x1b[0m"


def test_a_progress_line_of_megabytes_is_shown_by_its_end():
    text = "".join(f"\r{number}" for number in range(300_000)) + "\rdone"
    assert escape.styled(text) == "done99"


def test_hostile_output_takes_linear_time():
    for piece in ("\x1b]", "\x9d", "\x1b[", "\x1b[1", "\r\x1b[31m", "\x1bP;"):
        assert "\x1b]" not in escape.styled(piece * 100_000)
