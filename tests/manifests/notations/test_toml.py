"""Bytes to text to TOML: encodings, line ends, and what is said where a text is no TOML."""

from __future__ import annotations

import gc

import pytest
import tomli
from hypothesis import given
from hypothesis import strategies as st

from exarp.errors import ManifestError, Place, Problem
from exarp.manifests.file import MAX_BYTES
from exarp.manifests.notations import toml
from exarp.manifests.notations.toml_syntax import syntax_problem
from exarp.manifests.reading import read_manifest
from tests.manifests.reading import marked, problems

BOM = b"\xef\xbb\xbf"


def refusal(data: bytes) -> Problem:
    with pytest.raises(ManifestError) as raised:
        read_manifest(data, "m.toml", toml, {})
    (problem,) = raised.value.problems
    return problem


def test_a_byte_order_mark_shifts_no_column() -> None:
    (problem,) = read_manifest(BOM + b"x = 1\n", "m.toml", toml, {}).problems
    assert problem.place == Place("m.toml", 1, 1, 1, "x = 1")


@pytest.mark.parametrize("before", [b"", BOM, b"[task.a]\n", BOM + "# é\n".encode(), b"[task.a]\r\n"])
def test_a_byte_that_is_no_text_is_marked_in_its_line(before: bytes) -> None:
    problem = refusal(before + 'description = "é'.encode() + b'\xff rest"\r\nrun = "x"\n')
    assert (problem.slug, problem.message) == ("not-utf8", "byte 0xff is not valid UTF-8")
    assert problem.place == Place("m.toml", before.count(b"\n") + 1, 17, 4, 'description = "é\\xff rest"')


def test_a_cut_character_at_the_end_is_marked() -> None:
    assert refusal(b"a = 1 # \xe2\x82").place == Place("m.toml", 1, 9, 4, "a = 1 # \\xe2\\x82")


@pytest.mark.parametrize("data", ["[task.a]".encode("utf-16"), "[task.a]".encode("utf-16-be")])
def test_utf_16_is_refused(data: bytes) -> None:
    assert refusal(data).slug in ("not-utf8", "syntax")


def test_too_much_is_refused() -> None:
    assert refusal(b" " * (MAX_BYTES + 1)).slug == "too-large"
    assert read_manifest(b" " * 1000, "m.toml", toml, {}).problems == []


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_line_ends_of_windows_shift_no_line(end: str) -> None:
    text = end.join(["[task.a]", "needs = [", '  "b",', "]", ""])
    (problem,) = read_manifest(text.encode(), "m.toml", toml, {}).problems
    assert problem.place == Place("m.toml", 3, 3, 3, '  "b",')


def test_toml_1_1_is_read() -> None:
    (problem,) = problems('[task.a]\nenv = {\n  A = "1",\n  B = true,\n}\nrun = "x"\n')
    assert (problem.place and problem.place.line, marked(problem)) == (4, "true")


@pytest.mark.parametrize(
    ("text", "message", "mark", "step"),
    [
        ("x = 'a\nb = 1", "the string that begins here has no end", "'a", "close it with '"),
        ('x = "a\\"', "the string that begins here has no end", '"a\\"', 'close it with "'),
        ('x = "" # "\ny = "a', "the string that begins here has no end", '"a', 'close it with "'),
        ('# c\n"a', "the string that begins here has no end", '"a', 'close it with "'),
        ("x = '''a", "the string that begins here has no end", "'''", "close it with '''"),
        ('y = """b"""\nx = """a\'\'\'', "the string that begins here has no end", '"""', 'close it with """'),
        ('x = ["a', "the string that begins here has no end", '"a', 'close it with "'),
        ("x = True", "'True' is not a value", "True", "write true"),
        ("x = Off", "'Off' is not a value", "Off", "write false"),
        ("x = null", "'null' is not a value", "null", "there is no such value"),
        ("x = .5", "'.5' is not a value", ".5", "put text in quotes"),
        ("x = [1,, 2]", "a value is missing here", ",", "write a value"),
        ("x =", "a value is missing here", "", "write a value"),
        ("x = [1,\n\n", "the file ends before the value does", "", "close the list"),
        ("x = 1 2", "nothing may follow a value but a comment", "2", "start a new line"),
        ("x = 0755", "nothing may follow a value but a comment", "755", "start a new line"),
        ("[a] b = 1 ", "nothing may follow a header but a comment", "b = 1", "start a new line"),
        ("x = 'a'b'c'", "nothing may follow a value but a comment", "b'c'", "quotes inside a string"),
        ("x", "'=' is missing after the key", "", "write key = value"),
        ("[task.a b]", "']' is missing here", "b", '[task."a b"]'),
        ("[a.b:c]", "']' is missing here", ":", "quote a name"),
        ("[[wave]", "']' is missing here", "]", "quote a name"),
        ("[]", "a key is missing here", "]", "quote a name"),
        ("a. = 1", "a key is missing here", "=", "quote a name"),
        ("a = 1\rb = 2", "a carriage return alone does not end a line", "\r", "save the file"),
        ("!", "a line is a [table], a key = value, or a # comment", "!", "mend or remove it"),
        ("x = [1 2]", "',' or ']' is missing before this", "2", "part values"),
        ("x = {a=1 b=2}", "',' or '}' is missing before this", "b", "part entries"),
        (r'x = "\q"', r"'\q' is no escape", r"\q", "write \\\\"),
        (r'x = "a\uZZZZ"', "this escape stands for no character", r"\u", "write \\u"),
        ("x = 'a\x00b'", "the control character U+0000 cannot stand here", "\x00", "take it out"),
        ("# a\x07", "the control character U+0007 cannot stand here", "\x07", "take it out"),
        ("x = 2020-02-30", "there is no such date or time as 2020-02-30", "2020-02-30", "put text in quotes"),
        ("x = [\n" + "9" * 5000, "a number with too many digits", "9" * 5000, "write a smaller number"),
        ("y = 1\nx = " + "[" * 500, "nested too deeply", "[", "flatten it"),
        ("y = 1\n" + ".".join("a" * 1200) + " = 1", "a key with too many parts", "a", "quote it"),
    ],
)
def test_what_is_wrong_is_said_and_marked(text: str, message: str, mark: str, step: str) -> None:
    problem = refusal(text.encode())
    assert (problem.slug, problem.message) == ("syntax", f"not valid TOML: {message}")
    assert marked(problem) == mark
    assert step in problem.next


@pytest.mark.parametrize(
    ("text", "message", "mark", "first"),
    [
        ("[task.a]\n[task.b]\n[task.a]", "task 'a' is declared twice", "[task.a]", 1),
        ("[settings]\n[settings] # x", "[settings] is declared twice", "[settings]", 1),
        ('[task.a]\n[ task . "a" ]', "task 'a' is declared twice", '[ task . "a" ]', 1),
        ("[task.a]\nrun = '1'\n\n\"x\" = 1\nrun = '2'", "key 'run' stands twice in [task.a]", "run", 2),
        ("run = 1\nx = '''\nrun = 1\n'''\nrun = [\n1\n]", "key 'run' stands twice", "run", 1),
        ("[t]\na.b = 1\na.b = 2", "key 'a.b' stands twice in [t]", "a.b", 2),
        ("[t]\na = { b = 1,\n b = 2 }", "key 'b' stands twice in one table", "b", 2),
        ("[t]\nb = {}\n[t.b]", "[t.b] is declared twice", "[t.b]", 2),
        ("[t]\nb = {}\nb.c = 1", "'t.b' is complete already, nothing can be added to it here", "b.c", None),
        ("[[t]]\n[t]", "[t] is declared twice", "[t]", 1),
        ("[t]\n[[t]]", "a part of this name has a value already, so it cannot be a table", "[[t]", None),
        ("t = []\n[[t]]", "'t' is complete already, nothing can be added to it here", "[[t", None),
        ("t = 1\n[t.a]", "a part of this name has a value already, so it cannot be a table", "[t.a]", None),
    ],
)
def test_what_stands_twice_is_told_with_the_first(text: str, message: str, mark: str, first: int | None) -> None:
    problem = refusal(text.encode())
    assert (problem.slug, problem.message) == ("duplicate-name", message)
    assert marked(problem) == mark
    assert [related.place.line for related in problem.related] == ([] if first is None else [first])


def test_a_message_of_tomli_that_is_not_known_is_passed_on() -> None:
    problem = syntax_problem(tomli.TOMLDecodeError("Some new complaint", "a = 1\nb", 6), "m.toml", "a = 1\nb")
    assert problem.message == "not valid TOML: some new complaint"
    assert problem.place == Place("m.toml", 2, 1, 1, "b")


@given(st.text(alphabet="[]{}=.,\"'\\\n# abtuv01_-", max_size=40) | st.text(max_size=20))
def test_any_text_is_read_or_refused_at_a_place_in_it(text: str) -> None:
    data = text.encode("utf-8", "replace")
    lines = data.decode("utf-8-sig").replace("\r\n", "\n").split("\n")
    try:
        found = read_manifest(data, "m.toml", toml, {}).problems
    except ManifestError as error:
        found = list(error.problems)
    for problem in found:
        assert problem.place is not None
        assert problem.place.text == lines[problem.place.line - 1]
        assert 1 <= problem.place.column <= len(problem.place.text) + 1


@pytest.mark.parametrize("collecting", [True, False])
def test_garbage_collection_is_left_as_it_was(collecting: bool) -> None:
    was = gc.isenabled()
    try:
        (gc.enable if collecting else gc.disable)()
        read_manifest(b"[task.a]", "m.toml", toml, {})
        with pytest.raises(ManifestError):
            read_manifest(b"[", "m.toml", toml, {})
        assert gc.isenabled() is collecting
    finally:
        (gc.enable if was else gc.disable)()
