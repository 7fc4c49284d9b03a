from __future__ import annotations

import pytest

from exarp.views.color import in_ci, paint, wants_color, wants_live

NAMES = ("NO_COLOR", "FORCE_COLOR", "CI", "TERM")


@pytest.mark.parametrize(
    ("flag", "environ", "terminal", "wanted"),
    [
        ("auto", {}, True, True),
        ("auto", {}, False, False),
        ("auto", {"NO_COLOR": "1"}, True, False),
        ("auto", {"NO_COLOR": ""}, True, True),
        ("auto", {"FORCE_COLOR": "1"}, False, True),
        ("auto", {"FORCE_COLOR": "0"}, True, False),
        ("auto", {"NO_COLOR": "1", "FORCE_COLOR": "1"}, True, False),
        ("auto", {"CI": "true"}, True, False),
        ("auto", {"CI": "false"}, True, True),
        ("auto", {"CI": "true", "FORCE_COLOR": "1"}, False, True),
        ("auto", {"TERM": "dumb"}, True, False),
        ("auto", {"TERM": "dumb", "FORCE_COLOR": "1"}, True, True),
        ("always", {"NO_COLOR": "1", "TERM": "dumb"}, False, True),
        ("never", {"FORCE_COLOR": "1"}, True, False),
    ],
)
def test_the_option_wins_then_the_environment_then_the_terminal(flag, environ, terminal, wanted):
    assert wants_color(flag, environ, terminal) is wanted


@pytest.mark.parametrize(
    ("value", "inside"), [("true", True), ("1", True), ("", False), ("0", False), ("False", False)]
)
def test_ci_is_a_service_unless_it_says_no(value, inside):
    assert in_ci({"CI": value}) is inside


def test_nothing_moves_in_ci_or_on_a_dumb_terminal_but_without_colour_it_may():
    assert wants_live({"NO_COLOR": "1"}, True)
    assert not wants_live({"CI": "1"}, True)
    assert not wants_live({"TERM": "dumb"}, True)
    assert not wants_live({}, False)


def test_only_what_means_something_is_painted():
    assert paint("x", "failed", True) == "\x1b[31mx\x1b[0m"
    assert paint("x", "", True) == "x"
    assert paint("", "failed", True) == ""
    assert paint("x", "failed", False) == "x"
