"""The places of keys and values: each feature of TOML by hand, then documents written at random."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from functools import partial
from random import Random
from typing import Any

import pytest
import tomli
from hypothesis import given, settings
from hypothesis import strategies as st

from exarp.manifests.notations.toml_positions import scan
from exarp.manifests.problems.positions import KeyPath, Positions, Span


def excerpt(positions: Positions, span: Span | None) -> str:
    assert span is not None
    return positions.line_text(span.line)[span.column - 1 : span.column - 1 + span.length]


def paths(value: object, path: KeyPath = ()) -> Iterator[tuple[KeyPath, object]]:
    """Every path inside a parsed value, the value's own left out."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for part, inner in items:
        yield (*path, part), inner
        yield from paths(inner, (*path, part))


def assert_complete(text: str) -> None:
    """Every path that tomli reads has places, each inside its line."""
    positions = scan(text)
    for path, _ in paths(tomli.loads(text)):
        for span in (positions.key(path), positions.value(path)):
            assert span is not None, path
            assert 1 <= span.length == len(excerpt(positions, span)), path


def test_bare_key_and_its_value() -> None:
    positions = scan("\n  jobs =  12  # twelve\n")
    assert positions.key(("jobs",)) == Span(2, 3, 4)
    assert positions.value(("jobs",)) == Span(2, 11, 2)


KEYS = [
    ('"a b"', "a b"),
    ("'a\\b'", "a\\b"),
    ('""', ""),
    ("''", ""),
    (r'"\"\\\b\t\n\f\r\e"', '"\\\b\t\n\f\r\x1b'),
    (r'"\x41\u00e9\U0001f600"', "A\u00e9\U0001f600"),
    (r'"\\x41"', "\\x41"),
    ("'a]=.#\"'", 'a]=.#"'),
    ("1-2_x", "1-2_x"),
]


@pytest.mark.parametrize(("raw", "name"), KEYS)
@pytest.mark.parametrize("form", ["@ = 1", "@=1", "[@]", "[ @\t]", "[[@]]", "[[ @ ]] # c"])
def test_every_kind_of_key_is_found_by_its_meaning(form: str, raw: str, name: str) -> None:
    text = form.replace("@", raw)
    assert list(tomli.loads(text)) == [name]
    assert scan(text).key((name,)) == Span(1, form.index("@") + 1, len(raw))


def test_dotted_key_with_white_space_around_its_dots() -> None:
    positions = scan("a . \"b.c\"\t.'d' = 1\na.e = 2")
    assert positions.key(("a",)) == positions.value(("a",)) == Span(1, 1, 1)
    assert positions.key(("a", "b.c")) == positions.value(("a", "b.c")) == Span(1, 5, 5)
    assert positions.key(("a", "b.c", "d")) == Span(1, 12, 3)
    assert positions.value(("a", "b.c", "d")) == Span(1, 18, 1)
    assert positions.key(("a", "e")) == Span(2, 3, 1)


def test_dotted_key_of_digits_is_no_number() -> None:
    assert scan("3.14 = 'pi'").key(("3", "14")) == Span(1, 3, 2)


SCALARS = [
    *("1", "+1_000", "-0", "0xDEAD_beef", "0o17", "0b1", "1.5", "-1e+3", "6.6_2E-3_4", "inf", "-inf", "+nan"),
    *("true", "false", "1979-05-27", "07:32:00", "07:32", "00:32:00.999999", "1979-05-27T07:32:00Z"),
    *("1979-05-27t07:32:00.5-07:00", "1979-05-27 07:32:00", "1979-05-27 07:32:00+01:00", "1979-05-27 07:32Z"),
    *('""', "''", '"a\\"b"', '"\\\\"', r'"\e\x41\u0041\U00000041"', '"#,]}=\'"', "'\\'", "'#,]}=\"'"),
    *('""""""', "''''''", '"""a"b""c"""', '"""""a"""""', "'''''a'''''", '"""\\""""', '"""a\\\\"""', "'''a\\'''"),
]
FORMS: list[tuple[str, KeyPath]] = [
    *(("x=@", ("x",)), ("x = @ \t# 1, ]", ("x",)), ("x = @#", ("x",)), ("x = @\t\r\ny = 1", ("x",))),
    *(("x = [@]", ("x", 0)), ("x = [ 0,@ , 2]", ("x", 1)), ("x = [[], [@,]]", ("x", 1, 0))),
    *(("x = { y = @ }", ("x", "y")), ("x={y=@,z=1}", ("x", "y")), ("x={z.y=[{w=@}]}", ("x", "z", "y", 0, "w"))),
]


@pytest.mark.parametrize("raw", SCALARS)
@pytest.mark.parametrize(("form", "path"), FORMS)
def test_scalar_ends_where_it_ends_for_tomli(form: str, path: KeyPath, raw: str) -> None:
    text = form.replace("@", raw)
    assert_complete(text)
    assert scan(text).value(path) == Span(1, form.index("@") + 1, len(raw))


@pytest.mark.parametrize("quotes", ['"""', "'''"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_multi_line_string_is_clipped_to_its_first_line(quotes: str, end: str) -> None:
    positions = scan(end.join([f"x = {quotes}one", "y = 2", f"] # {quotes[:2]} three{quotes}  # z = 3", "w = 4"]))
    assert positions.value(("x",)) == Span(1, 5, 6)
    assert positions.key(("y",)) is None
    assert positions.key(("z",)) is None
    assert positions.value(("w",)) == Span(4, 5, 1)


def test_escaped_line_end_in_a_multi_line_string() -> None:
    assert scan('x = """\\  \r\n  \\"""\\\n"""\ny = 1').value(("y",)) == Span(4, 5, 1)


def test_array_over_lines_with_comments() -> None:
    positions = scan('needs = [ # ] "no"\n  "a", # , "no"\n\n\t"b"\n  # ]\n  , 3,\n]\nx = 1')
    assert positions.key(("needs",)) == Span(1, 1, 5)
    assert positions.value(("needs",)) == Span(1, 9, 10)
    assert positions.key(("needs", 0)) == positions.value(("needs", 0)) == Span(2, 3, 3)
    assert positions.value(("needs", 1)) == Span(4, 2, 3)
    assert positions.value(("needs", 2)) == Span(6, 5, 1)
    assert positions.value(("needs", 3)) is None
    assert positions.key(("x",)) == Span(8, 1, 1)


def test_nested_arrays_are_measured_to_their_own_bracket() -> None:
    positions = scan("x = [[1, [ ]], [], [[2]]] # ]")
    assert positions.value(("x",)) == Span(1, 5, 21)
    assert positions.value(("x", 0)) == Span(1, 6, 8)
    assert positions.value(("x", 0, 1)) == Span(1, 10, 3)
    assert positions.value(("x", 1)) == Span(1, 16, 2)
    assert positions.value(("x", 2, 0, 0)) == Span(1, 22, 1)


def test_inline_table_over_lines_with_comments_and_a_trailing_comma() -> None:
    positions = scan("x = { # }\n  a.b = 1, # c\n  a.c\t= { d = [ 2 ] },\n}\ny = {}")
    assert positions.value(("x",)) == Span(1, 5, 5)
    assert positions.key(("x", "a")) == positions.value(("x", "a")) == Span(2, 3, 1)
    assert positions.key(("x", "a", "b")) == Span(2, 5, 1)
    assert positions.key(("x", "a", "c")) == Span(3, 5, 1)
    assert positions.value(("x", "a", "c")) == Span(3, 9, 13)
    assert positions.value(("x", "a", "c", "d", 0)) == Span(3, 17, 1)
    assert positions.value(("y",)) == Span(5, 5, 2)


def test_inline_tables_in_an_array() -> None:
    positions = scan('inputs = [{ from = "cc" }, "!old"]')
    assert positions.key(("inputs", 0)) == positions.value(("inputs", 0)) == Span(1, 11, 15)
    assert positions.key(("inputs", 0, "from")) == Span(1, 13, 4)
    assert positions.value(("inputs", 1)) == Span(1, 28, 6)


def test_table_header_is_the_value_and_its_last_part_the_key() -> None:
    positions = scan("  [ task . link ] # the end\nneeds = ['cc']\n[task.cc]")
    assert positions.key(("task",)) == positions.value(("task",)) == Span(1, 5, 4)
    assert positions.key(("task", "link")) == Span(1, 12, 4)
    assert positions.value(("task", "link")) == Span(1, 3, 15)
    assert positions.value(("task", "link", "needs", 0)) == Span(2, 10, 4)
    assert positions.key(("task", "cc")) == Span(3, 7, 2)


def test_table_with_a_late_header_stands_at_its_header() -> None:
    positions = scan("[a.b]\n[a]\nc = 1")
    assert positions.key(("a",)) == Span(2, 2, 1)
    assert positions.value(("a",)) == Span(2, 1, 3)
    assert positions.key(("a", "c")) == Span(3, 1, 1)


def test_array_of_tables_counts_its_headers() -> None:
    positions = scan("[[p.wave]]\nname = 'a'\n[[ p.wave ]]\nname = 'b'")
    assert positions.key(("p", "wave")) == Span(1, 5, 4)
    assert positions.value(("p", "wave")) == Span(1, 1, 10)
    assert positions.key(("p", "wave", 0)) == Span(1, 3, 6)
    assert positions.value(("p", "wave", 0)) == Span(1, 1, 10)
    assert positions.key(("p", "wave", 1)) == Span(3, 4, 6)
    assert positions.value(("p", "wave", 1)) == Span(3, 1, 12)
    assert positions.value(("p", "wave", 1, "name")) == Span(4, 8, 3)
    assert positions.key(("p", "wave", 2)) is None


def test_sub_tables_belong_to_the_last_element() -> None:
    positions = scan("[[a]]\n[a.b]\nx = 1\n[[a.c]]\n[[a.c]]\n[a.c.d]\n[[a]]\n[a.b]\n[[a.c]]\ny = 2")
    assert positions.key(("a", 0, "b")) == Span(2, 4, 1)
    assert positions.value(("a", 0, "b", "x")) == Span(3, 5, 1)
    assert positions.key(("a", 0, "c", 1, "d")) == Span(6, 6, 1)
    assert positions.value(("a", 1, "b")) == Span(8, 1, 5)
    assert positions.key(("a", 1, "b", "x")) is None
    assert positions.key(("a", 1, "c", 0)) == Span(9, 3, 3)
    assert positions.value(("a", 1, "c", 0, "y")) == Span(10, 5, 1)


def test_line_ends_of_either_kind_are_no_part_of_a_line() -> None:
    positions = scan("# \u2028 one\r\nx = [1,\r\n  2]\ny = 1")
    assert [positions.line_text(line) for line in range(6)] == ["", "# \u2028 one", "x = [1,", "  2]", "y = 1", ""]
    assert positions.value(("x",)) == Span(2, 5, 3)
    assert positions.value(("x", 1)) == Span(3, 3, 1)
    assert positions.key(("y",)) == Span(4, 1, 1)


def test_byte_order_mark_takes_no_column() -> None:
    positions = scan("\ufeffx = 1\ny = 2")
    assert positions.key(("x",)) == Span(1, 1, 1)
    assert positions.key(("y",)) == Span(2, 1, 1)
    assert positions.line_text(1) == "x = 1"


def test_columns_count_characters() -> None:
    assert scan("x = ['\U0001f600', 'é']").value(("x", 1)) == Span(1, 11, 3)


@pytest.mark.parametrize("path", [(), ("y",), ("x", 0), ("x", "y"), (0,), (-1,)])
def test_what_is_not_there_has_no_place(path: KeyPath) -> None:
    positions = scan("x = 1")
    assert positions.key(path) is None
    assert positions.value(path) is None


REFUSED = [
    *("x", "x =", "= 1", "[", "[[", "[]", "[a", "[a.", "x = ]", "x = [1", "x = [1}", "x = {a", "x = {a = ", "x = {1}"),
    *("x = 'a", 'x = "a', 'x = "\\', 'x = """a""', "x = '''a''", "x = '''", "x = 1\nx = 2", "x = 1\n[x.y]\n[[x]]"),
    *("[[x]]\n[x]\nx = 1", "x = [1]\n[[x]]", "\x00", "'\\x", '"\\UFFFFFFFF" = 1', '"\\xZ" = 1', "x = {,}", "\r", "#"),
]


@pytest.mark.parametrize("text", REFUSED)
def test_what_stands_before_a_mistake_is_found(text: str) -> None:
    assert scan("w = 1\n" + text).value(("w",)) == Span(1, 5, 1)


@pytest.mark.parametrize(
    "unit", ["x = [", "x = {y = ", "[", "a.", '"', "'''", '"""\\', "[[a]]\n[a.b]\n", "x = ''' #\n"]
)
def test_hostile_repetition_is_read_in_linear_time(unit: str) -> None:
    text = "w = 1\n" + unit * 100_000
    assert scan(text).key(("w",)) == Span(1, 1, 1)


def test_element_of_a_deep_array_is_found() -> None:
    positions = scan("x = " + "[" * 300 + "7" + "]" * 300)
    assert positions.value(("x", *[0] * 300)) == Span(1, 305, 1)
    assert positions.value(("x", 0)) == Span(1, 6, 599)


Trail = list[tuple[str, KeyPath]]
"""The parts of a dotted name, each beside the path it means (they differ under an array of tables)."""
CONTROL = "[\x00-\x08\x0a-\x1f\x7f]"
SHORT = dict(zip('\b\t\n\f\r\x1b"\\', 'btnfre"\\', strict=True))


class Writer:
    """Writes a document as TOML in one of its many forms, and notes where each key and value went."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.newline = random.choice(["\n", "\r\n"])
        self.text = ""
        self.keys: dict[KeyPath, tuple[int, int]] = {}
        self.values: dict[KeyPath, tuple[int, int]] = {}

    def chance(self, part: float = 0.5) -> bool:
        return self.random.random() < part

    def one_of(self, *texts: str) -> str:
        return self.random.choice(texts)

    def blank(self) -> str:
        return self.one_of("", "", " ", "\t ")

    def line_end(self) -> str:
        comment = self.one_of("", "", "#", "# ] } \" ''' x = 1", '# \u2028\U0001f600 """ [a]')
        return self.blank() + comment + self.newline

    def gap(self) -> str:
        return self.blank() + (self.line_end() + self.gap() if self.chance(0.3) else "")

    def section(self, trail: Trail, path: KeyPath, table: dict[str, Any], element: bool = False) -> None:
        """A table and all below it: under its header, before a late header, or without any."""
        below = {key: inner for key, inner in table.items() if self.chance() and has_headers(inner)}
        direct = {key: inner for key, inner in table.items() if key not in below}
        late = bool(trail) and not element and self.chance(0.3)
        if late:
            self.sections(trail, path, below)
        if trail and not (below and not direct and not element and self.chance()):
            self.header(trail, path, element)
        for names, inner in self.pairs((), direct):
            self.text += self.gap()
            self.pair(path, names, inner)
            self.text += self.line_end()
        if not late:
            self.sections(trail, path, below)

    def sections(self, trail: Trail, path: KeyPath, tables: dict[str, Any]) -> None:
        for key, inner in tables.items():
            inner_trail = [*trail, (key, (*path, key))]
            if isinstance(inner, dict):
                self.section(inner_trail, (*path, key), inner)
            else:
                for index, element in enumerate(inner):
                    self.section(inner_trail, (*path, key, index), element, element=True)

    def header(self, trail: Trail, path: KeyPath, element: bool) -> None:
        self.text += self.gap()
        start = len(self.text)
        self.text += ("[[" if element else "[") + self.blank()
        first = len(self.text)
        last, end = self.name(trail)
        self.text += self.blank() + ("]]" if element else "]")
        self.keys[path] = (first if element else last, end)
        self.values[path] = (start, len(self.text))
        self.values.setdefault(trail[-1][1], self.values[path])
        self.text += self.line_end()

    def pairs(self, names: tuple[str, ...], table: dict[str, Any]) -> Iterator[tuple[tuple[str, ...], Any]]:
        """Values beside their dotted names, with some of the inner tables taken apart."""
        for key, inner in table.items():
            if inner and isinstance(inner, dict) and self.chance():
                yield from self.pairs((*names, key), inner)
            else:
                yield (*names, key), inner

    def pair(self, path: KeyPath, names: tuple[str, ...], value: Any) -> None:
        self.name([(name, path + names[: index + 1]) for index, name in enumerate(names)])
        self.text += self.blank() + "=" + self.blank()
        self.value(path + names, value)

    def name(self, trail: Trail) -> tuple[int, int]:
        """A dotted name; where its last part stands."""
        start = end = len(self.text)
        for index, (part, path) in enumerate(trail):
            self.text += self.blank() + "." + self.blank() if index else ""
            start = len(self.text)
            self.text += self.key(part)
            end = len(self.text)
            self.keys.setdefault(path, (start, end))
        return start, end

    def value(self, path: KeyPath, value: Any) -> None:
        start = len(self.text)
        if isinstance(value, list):
            self.bracketed("[]", [partial(self.value, (*path, index), inner) for index, inner in enumerate(value)])
        elif isinstance(value, dict):
            self.bracketed("{}", [partial(self.pair, path, *pair) for pair in self.pairs((), value)])
        else:
            self.text += self.scalar(value)
        self.values[path] = (start, len(self.text))

    def bracketed(self, brackets: str, items: list[Callable[[], None]]) -> None:
        self.text += brackets[0]
        for index, write in enumerate(items):
            self.text += ("," if index else "") + self.gap()
            write()
            self.text += self.gap()
        self.text += ("," + self.gap() if items and self.chance(0.3) else self.gap()) + brackets[1]

    def key(self, part: str) -> str:
        forms = [self.basic(part)]
        if re.fullmatch("[A-Za-z0-9_-]+", part):
            forms += [part, part, part]
        if not re.search(CONTROL + "|'", part):
            forms.append(f"'{part}'")
        return self.one_of(*forms)

    def scalar(self, value: Any) -> str:
        if isinstance(value, bool):
            return str(value).lower()
        if isinstance(value, int):
            plain = [str(value), f"{value:_}"]
            return self.one_of(*plain, *([f"+{value}", f"0x{value:_x}", f"0o{value:o}", f"0b{value:b}"] * (value >= 0)))
        if isinstance(value, datetime):
            return value.isoformat(sep=self.one_of(*"Tt "))
        return self.string(value) if isinstance(value, str) else str(value)

    def string(self, value: str) -> str:
        forms = [self.basic(value), self.long_basic(value)]
        if not re.search(CONTROL + "|'", value):
            forms.append(f"'{value}'")
        if not re.search(CONTROL + "|'''", value.replace("\n", "")):
            forms.append("'''" + ("\n" + value).replace("\n", self.newline) + "'''")
        return self.one_of(*forms)

    def basic(self, value: str) -> str:
        return '"' + "".join(map(self.character, value)) + '"'

    def long_basic(self, value: str) -> str:
        written = [self.newline]
        for char in value:
            if char not in " \t\n" and self.chance(0.1):
                written.append(f"\\ {self.newline}\t")
            raw_quote = char == '"' and written[-2:] != ['"', '"'] and self.chance()
            raw = {'"': '"' * raw_quote, "\n": self.newline}.get(char)
            written.append(raw or self.character(char))
        return '"""' + "".join(written) + '"""'

    def character(self, char: str) -> str:
        """One character of a basic string: as it is where it may be, or escaped."""
        code = ord(char)
        forms = [f"\\U{code:08x}", *[f"\\u{code:04X}"] * (code <= 0xFFFF), *[f"\\x{code:02x}"] * (code <= 0xFF)]
        if char in SHORT:
            return self.one_of(*forms, "\\" + SHORT[char])
        return self.one_of(*forms, *[char] * (0 if re.match(CONTROL, char) else 9))


def has_headers(value: Any) -> bool:
    """Whether a value can be written as a table, or an array of tables, with headers."""
    if isinstance(value, list):
        return bool(value) and all(isinstance(element, dict) for element in value)
    return isinstance(value, dict)


def one_line(text: str, place: tuple[int, int]) -> Span:
    """The span of a slice of ``text``, by counting."""
    start, end = place
    length = len(re.split(r"\r?\n", text[start:end], maxsplit=1)[0])
    return Span(text.count("\n", 0, start) + 1, start - text.rfind("\n", 0, start), length)


ZONES = st.none() | st.integers(-1439, 1439).map(lambda minutes: timezone(timedelta(minutes=minutes)))
MOMENTS = st.builds(datetime.replace, st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1)), tzinfo=ZONES)
NUMBERS = st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False)
TEXTS = st.text(st.sampled_from("ab.,#=[]{} \"'\\\n\r\t\x1b\x7f\u2028é\U0001f600")) | st.text()
NAMES = st.text("abc-_1", min_size=1, max_size=4) | TEXTS


def containers(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    tables = st.dictionaries(NAMES, inner, max_size=4)
    return st.lists(inner, max_size=4) | tables | st.lists(tables, max_size=3)


VALUES = st.recursive(NUMBERS | TEXTS | MOMENTS | st.dates() | st.times(), containers, max_leaves=25)
DOCUMENTS = st.dictionaries(NAMES, VALUES, max_size=6)
RANDOM = st.randoms(use_true_random=True)


def written(document: dict[str, Any], random: Random) -> Writer:
    writer = Writer(random)
    writer.section([], (), document)
    return writer


@settings(deadline=None)  # a busy machine is no defect
@given(DOCUMENTS, RANDOM)
def test_every_path_of_a_written_document_is_where_it_was_written(document: dict[str, Any], random: Random) -> None:
    writer = written(document, random)
    parsed, positions = tomli.loads(writer.text), scan(writer.text)
    assert parsed == document
    for path, value in paths(parsed):
        key, place = writer.keys.get(path), writer.values.get(path)
        assert positions.key(path) == one_line(writer.text, key or writer.values[path])
        assert positions.value(path) == one_line(writer.text, place or writer.keys[path])
        if place and not isinstance(value, dict | list) and "\n" not in writer.text[slice(*place)]:
            assert tomli.loads("x = " + excerpt(positions, positions.value(path))) == {"x": value}


@settings(deadline=None)  # a busy machine is no defect
@given(
    DOCUMENTS, RANDOM, st.lists(st.sampled_from([*"[]{}=.,#'\"\\\n\r x1", "'''", '"""', ""]), min_size=1, max_size=3)
)
def test_damaged_document_never_raises(document: dict[str, Any], random: Random, damage: list[str]) -> None:
    text = written(document, random).text
    for piece in damage:
        place = random.randint(0, len(text))
        text = text[:place] + piece + text[place + random.randint(0, 2) :]
    text = "undamaged = 1\n" + text
    assert scan(text).value(("undamaged",)) == Span(1, 13, 1)
    with contextlib.suppress(tomli.TOMLDecodeError):  # damage that leaves it TOML must leave nothing unfound
        assert_complete(text)


@settings(deadline=None)  # a busy machine is no defect
@given(st.binary() | st.text("[]{}=.,#'\"\\\n\r x1", max_size=60).map(str.encode))
def test_any_bytes_never_raise(data: bytes) -> None:
    text = data.decode(errors="replace")
    assert scan(text).key(()) is None
    with contextlib.suppress(tomli.TOMLDecodeError):  # most of it is no TOML; what is must be found whole
        assert_complete(text)
