from __future__ import annotations

from exarp.errors import Place
from exarp.manifests.notations import toml
from exarp.manifests.problems.place import Locator, here_first
from exarp.manifests.problems.positions import KeyPath
from exarp.manifests.variables.definitions import Variables

TEXT = '''\
[vars]
dir = "build"

[task.cc]
run = """
  first ${a.b} ${e.f}
  cc \\"${c.d}\\" ${a.b}
"""  # ${z.z}
inputs = ["./a//b", "!x/", { from = "gen" }, "x", "${dir}/out/", "x"]
outputs = ['lit"eral', "esc\\u0061pe"]
env = { A = "${a.b} ${c.d}" }
'''
INPUTS: KeyPath = ("task", "cc", "inputs")


def locator(text: str = TEXT) -> Locator:
    found = Locator("m.toml", text, toml)
    found.expand = Variables({"dir": "build"}).expand
    return found


def marked(place: Place) -> str:
    return place.text[place.column - 1 :][: place.length]


def test_keys_and_values_have_their_places() -> None:
    assert locator().key("task", "cc", "run") == Place("m.toml", 5, 1, 3, 'run = """')
    assert marked(locator().value("task", "cc", "inputs", 0)) == '"./a//b"'


def test_what_was_not_written_stands_where_its_table_does() -> None:
    assert marked(locator().value("task", "cc", "needs", 3)) == "cc"
    assert locator().value("nowhere") == Place("m.toml", 1, 1, 1, "[vars]")
    assert locator("").value("nowhere") == Place("m.toml", 1, 1, 1, "")


def test_an_entry_is_found_by_what_it_means() -> None:
    for wanted, text in (
        ("a/b", '"./a//b"'),
        ("gen", '{ from = "gen" }'),
        ("x", '"x"'),
        ("build/out/", '"${dir}/out/"'),
        ("build/out", '"${dir}/out/"'),
    ):
        assert marked(locator().entry(INPUTS, wanted)) == text
    outputs: KeyPath = ("task", "cc", "outputs")
    assert marked(locator().entry(outputs, 'lit"eral')) == "'lit\"eral'"
    assert marked(locator().entry(outputs, "escape")) == '"esc\\u0061pe"'


def test_an_entry_that_is_taken_away_is_found_where_nothing_else_is() -> None:
    text = '[task.t]\ninputs = ["!src/old/", "src/"]\n'
    assert marked(locator(text).entry(("task", "t", "inputs"), "src/old/")) == '"!src/old/"'


def test_an_entry_that_stands_twice_is_found_twice() -> None:
    columns = [locator().entry(INPUTS, "x", nth=nth).column for nth in (0, 1)]
    assert columns == [46, 66]
    assert [locator().value(*INPUTS, index).column for index in (3, 5)] == columns


def test_an_entry_that_is_not_there_stands_where_its_list_does() -> None:
    assert marked(locator().entry(INPUTS, "nope")).startswith('["./a//b"')
    assert marked(locator().entry(("task", "cc", "run"), "nope")) == '"""'


def test_a_part_of_a_string_has_its_own_place() -> None:
    place = locator().within(("task", "cc", "env", "A"), "${c.d}")
    assert (place.line, marked(place)) == (11, "${c.d}")


def test_a_part_of_a_string_of_several_lines_has_its_own_line() -> None:
    place = locator().within(("task", "cc", "run"), "${c.d}")
    assert (place.line, place.column, marked(place)) == (7, 8, "${c.d}")


def test_parts_may_be_asked_for_in_any_order() -> None:
    both = locator()
    path: KeyPath = ("task", "cc", "run")
    lines = [both.within(path, part).line for part in ("${c.d}", "${e.f}", "${c.d}")]
    assert lines == [7, 6, 7]


def test_a_part_is_not_looked_for_behind_the_end_of_its_string() -> None:
    assert marked(locator().within(("task", "cc", "run"), "${z.z}")) == '"""'
    assert marked(locator().within(("vars", "dir"), "[task.cc]")) == '"build"'


def test_a_part_that_is_written_otherwise_has_the_place_of_the_whole() -> None:
    text = 'a = "\\u0024{x}"\n'
    assert marked(locator(text).within(("a",), "${x}")) == '"\\u0024{x}"'
    assert marked(locator(text).within(("a",), "")) == '"\\u0024{x}"'


def test_what_was_meant_has_the_place_of_what_was_written() -> None:
    found = locator('[tasks.a.b]\nneeds = ["c"]\n')
    found.move(("task",), ("tasks",))
    found.move(("task", "a.b"), ("task", "a", "b"))
    assert marked(found.entry(("task", "a.b", "needs"), "c")) == '"c"'
    assert marked(found.key("task", "a.b")) == "b"


def test_a_table_with_a_header_is_told_from_one_without() -> None:
    found = locator("[a.b]\nc = { d = 1 }\ne.f = 1\n")
    assert found.has_header("a", "b")
    assert not found.has_header("a")
    assert not found.has_header("a", "b", "c")
    assert not found.has_header("a", "b", "e")
    assert not found.has_header("nowhere")


def test_lines_end_where_an_editor_ends_them() -> None:
    """str.splitlines() knows more ends than a file has lines: a form feed, U+2028."""
    found = locator('a = "x\u2028y\x85z" # \x0c\r\nb = 1\r\n')
    assert found.key("b") == Place("m.toml", 2, 1, 1, "b = 1")


def test_twins_in_one_line_are_shown_once() -> None:
    first, second = Place("m.toml", 1, 1), Place("m.toml", 1, 9)
    assert here_first(second, first) == ()
    assert here_first(Place("m.toml", 2, 1), first)[0].place == first
