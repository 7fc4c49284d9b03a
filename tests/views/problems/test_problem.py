from __future__ import annotations

import json

from hypothesis import example, given
from hypothesis import strategies as st

from exarp.errors import Place, Problem, Related
from exarp.views.cells import width
from exarp.views.problems.problem import WIDTH, as_json, render, render_all

UNKNOWN_KEY = Problem(
    "unknown-key",
    "unknown key 'need' in task 'link'",
    Place("exarp.toml", 12, 1, 4, 'need = ["cc"]'),
    "did you mean 'needs'?",
)
UNKNOWN_TASK = Problem(
    "unknown-task",
    "task 'test' needs 'biuld', which does not exist",
    Place("exarp.toml", 20, 10, 7, 'needs = ["biuld"]'),
    "did you mean 'build'?",
)
EDGES = ((5, '"c"', "a needs c"), (9, '"a"', "b needs a"), (13, '"b"', "c needs b"))
CYCLE = Problem(
    "cycle",
    "a → b → c → a is a cycle",
    Place("exarp.toml", 5, 1, 5, 'needs = ["c"]'),
    related=tuple(Related(Place("exarp.toml", line, 1, 5, f"needs = [{need}]"), note) for line, need, note in EDGES),
)

PICTURE = """\
exarp.toml:12:1: unknown key 'need' in task 'link' (unknown-key)
   12 | need = ["cc"]
      | ^^^^ did you mean 'needs'?
exarp.toml:20:10: task 'test' needs 'biuld', which does not exist (unknown-task)
   20 | needs = ["biuld"]
      |          ^^^^^^^ did you mean 'build'?
exarp.toml:5:1: a → b → c → a is a cycle (cycle)
    5 | needs = ["c"]      a needs c
    9 | needs = ["a"]      b needs a
   13 | needs = ["b"]      c needs b
3 errors, nothing was run"""


def at(text: str, column: int, length: int, step: str = "do this", file: str = "e.toml") -> Problem:
    return Problem("slug", "message", Place(file, 7, column, length, text), step)


def test_a_manifest_with_mistakes_looks_like_the_picture():
    assert render_all([UNKNOWN_KEY, UNKNOWN_TASK, CYCLE], False, "nothing was run") == PICTURE


def test_a_problem_without_a_place_has_its_next_step_below():
    lines = render(Problem("no-manifest", "no manifest here or above", next="write one with: exarp init"))
    assert lines == "no manifest here or above (no-manifest)\n      write one with: exarp init"


def test_a_place_without_its_line_has_no_excerpt():
    assert render(at("", 3, 2)) == "e.toml:7:3: message (slug)\n      do this"


def test_doubts_and_warnings_say_what_they_are():
    doubt = Problem("slug", "message", Place("e.toml", 7, 1), severity="doubt")
    assert render(doubt) == "e.toml:7:1: doubt: message (slug)"
    warning = Problem("slug", "message", severity="warning")
    assert render(warning) == "warning: message (slug)"
    assert render_all([doubt, warning, warning], closing="").endswith("\n1 doubt, 2 warnings")


def test_the_closing_line_can_be_left_out():
    assert render_all([UNKNOWN_KEY]) == render(UNKNOWN_KEY)


def test_tabs_become_spaces_and_the_mark_stays_below_what_is_meant():
    lines = render(at("\tneed = 1", 2, 4)).split("\n")
    assert lines[1] == "    7 |     need = 1"
    assert lines[2] == "      |     ^^^^ do this"


def test_the_mark_is_as_wide_as_wide_characters():
    lines = render(at('日本 = "語"', 6, 3)).split("\n")
    assert lines[2] == "      |        ^^^^ do this"


def test_control_characters_are_shown_as_escapes_and_counted():
    lines = render(at("a\x1b[31mb", 2, 1)).split("\n")
    assert lines[1] == r"    7 | a\x1b[31mb"
    assert lines[2] == "      |  ^^^^ do this"


def test_a_message_with_control_characters_is_safe():
    assert "\x1b" not in render(Problem("slug", "bad \x1b[31m name", Place("\x1b.toml", 1, 1), "run \x1b"))


def test_a_long_line_is_cut_around_what_is_meant():
    line = "x" * 500 + "needle" + "y" * 500
    shown, mark = render(at(line, 501, 6)).split("\n")[1:]
    assert width(shown) <= WIDTH
    assert shown.startswith("    7 | …x") and shown.endswith("y…")
    start = mark.index("^^^^^^")
    assert shown[start : start + 6] == "needle"


def test_a_span_past_the_end_of_its_line_is_marked_at_the_end():
    assert render(at("abc", 10, 2)).split("\n")[2] == "      |    ^ do this"


def test_further_lines_of_a_next_step_stand_below_the_first():
    assert render(at("abc", 1, 1, "do this\nor that")).split("\n")[2:] == ["      | ^ do this", "      | or that"]


def test_a_related_place_in_another_file_says_so_and_the_own_line_is_shown_too():
    problem = Problem(
        "twice",
        "declared twice",
        Place("a.toml", 3, 1, 3, "out"),
        related=(Related(Place("b.toml", 9, 1, 3, "out"), "here, too"),),
    )
    assert render(problem).split("\n") == [
        "a.toml:3:1: declared twice (twice)",
        "    3 | out",
        "      | ^^^",
        "      in b.toml:",
        "    9 | out      here, too",
    ]


def test_colour_marks_only_what_is_wrong():
    colored = render(UNKNOWN_KEY, color=True)
    assert "\x1b[31m^^^^\x1b[0m did you mean" in colored
    plain = colored.replace("\x1b[31m", "").replace("\x1b[2m", "").replace("\x1b[0m", "")
    assert plain == render(UNKNOWN_KEY)


@given(st.text(max_size=300), st.integers(0, 320), st.integers(0, 320))
@example("0" * 92, 93, 0)
def test_any_line_is_shown_within_the_width_with_a_mark_below(text, column, length):
    text = text.replace("\n", "").replace("\r", "")
    lines = render(at(text, column, length, "")).split("\n")
    assert len(lines) == (3 if text else 1)
    assert all(width(line) <= WIDTH for line in lines)
    assert not text or "^" in lines[2]


def test_a_line_of_megabytes_is_cut_quickly():
    assert width(render(at("\t" * 10_000_000, 5_000_000, 4)).split("\n")[1]) <= WIDTH


def test_the_document_has_the_fields_of_the_contract():
    document = json.loads(as_json([UNKNOWN_KEY, Problem("x", "y", severity="doubt")], 3))
    assert document == {
        "version": 1,
        "error": {
            "exit_code": 3,
            "problems": [
                {
                    "slug": "unknown-key",
                    "message": "unknown key 'need' in task 'link'",
                    "file": "exarp.toml",
                    "line": 12,
                    "column": 1,
                    "next": "did you mean 'needs'?",
                    "severity": "error",
                },
                {
                    "slug": "x",
                    "message": "y",
                    "file": None,
                    "line": None,
                    "column": None,
                    "next": "",
                    "severity": "doubt",
                },
            ],
        },
    }


def test_a_file_name_that_is_no_text_does_not_break_the_document():
    document = json.loads(as_json([Problem("x", "y", Place("a\udc80.toml", 1, 1))], 3))
    assert document["error"]["problems"][0]["file"] == "a\ufffd.toml"
