from __future__ import annotations

import yaml
from hypothesis import given
from hypothesis import strategies as st

from exarp.manifests.plans.frontmatter import Field, Frontmatter, Text
from exarp.manifests.plans.source import Source, decoded


def front(text: str, *wanted: str) -> Frontmatter:
    return Frontmatter(Source("a.md", text), wanted or ("wave", "depends_on", "files_modified", "todos"))


def warnings(found: Frontmatter) -> list[str]:
    return [
        f"{remark.place.line}:{remark.place.column} {remark.message}" for remark in found.source.remarks if remark.place
    ]


def texts(found: list[Text]) -> list[str]:
    return [text.text for text in found]


def test_it_ends_at_a_line_that_is_exactly_three_hyphens() -> None:
    found = front("---\nwave: 2\ntitle: a --- b\n----\n --- \n---\nbody\n---\n")
    assert found.number("wave") == 2
    assert found.source.text[found.body :] == "\nbody\n---\n"
    assert warnings(found) == []


def test_numbers_keep_their_zeros_and_windows_its_line_ends() -> None:
    found = front("---\r\nwave: 01\r\ndepends_on:\r\n  - 01\r\n  - '02'\r\n---\r\n")
    assert (found.number("wave"), texts(found.texts("depends_on"))) == (1, ["01", "02"])
    assert warnings(found) == []


def test_a_byte_order_mark_and_what_is_no_utf_8_do_not_keep_anybody_from_reading() -> None:
    source = decoded(b"\xef\xbb\xbf---\nwave: 1\nx: \xff\n---\n", "a.md")
    assert Frontmatter(source, {"wave"}).number("wave") == 1
    assert [(remark.slug, str(remark.place)) for remark in source.remarks] == [("not-utf8", "a.md:3:4")]


def test_what_is_odd_is_told_with_its_line() -> None:
    assert warnings(front("# Plan\n\nwave: 1\n")) == ["1:1 there is no frontmatter"]
    assert warnings(front("Text\n---\nmore text\n---\n")) == ["1:1 there is no frontmatter"]
    late = front("Text\n---\nwave: 1\n---\n")
    assert (late.number("wave"), warnings(late)) == (1, ["1:1 there is text before the frontmatter"])
    endless = front("---\nwave: 1\n\n# Title\nwave: 3\n")
    assert (endless.number("wave"), warnings(endless)) == (1, ["1:1 the frontmatter has no end"])
    twice = front("---\nwave: 1\nwave: 2\n---\n")
    assert (twice.number("wave"), warnings(twice)) == (1, ["3:1 the key 'wave' stands twice: the first one counts"])


def test_a_key_that_is_no_yaml_costs_only_itself() -> None:
    found = front("---\nwave: 1\ndepends_on: [a, b\nfiles_modified:\n  - src/a.ts\n---\n")
    assert (found.number("wave"), texts(found.texts("files_modified"))) == (1, ["src/a.ts"])
    assert found.texts("depends_on") == []
    (warning,) = warnings(found)
    assert "the value of 'depends_on' is no YAML" in warning


def test_values_of_another_kind_are_told_and_left_out() -> None:
    found = front("---\nwave: first\ndepends_on: {a: b}\nfiles_modified:\n---\n")
    assert (found.number("wave"), found.texts("depends_on"), found.texts("files_modified")) == (None, [], [])
    assert warnings(found) == [
        "2:1 wave is no whole number",
        "3:1 depends_on holds something that is no text: it is left out",
    ]


def test_aliases_do_not_blow_up() -> None:
    lists = "\n".join(f"  - &l{n} [{', '.join([f'*l{n - 1}'] * 50 if n else ['a'] * 50)}]" for n in range(12))
    assert front(f"---\ntodos:\n{lists}\n---\n").fields["todos"].value


def test_deep_nesting_is_no_crash() -> None:
    assert front(f"---\ntodos: {'[' * 5000}\n---\n").fields["todos"].value is None


WORDS = st.from_regex(r"[A-Za-z0-9_.][A-Za-z0-9_./@+-]{0,6}", fullmatch=True) | st.sampled_from(["null", "a b", "ä"])
ITEMS = st.lists(WORDS | WORDS.map(lambda word: f'"{word}"'), max_size=4)


@given(ITEMS, st.booleans(), st.sampled_from(["\n", "\r\n"]), st.sampled_from(["", "  "]))
def test_lists_are_read_as_yaml_reads_them(items: list[str], flow: bool, end: str, indent: str) -> None:
    written = f" [{', '.join(items)}]{end}" if flow else end + "".join(f"{indent}- {item}{end}" for item in items)
    found = front(f"---{end}todos:{written}other: 1{end}---{end}")
    expected = yaml.load(f"todos:{written}", Loader=yaml.BaseLoader)["todos"] or []
    value = found.fields["todos"].value
    written_again = [each.text for each in value] if isinstance(value, list) else []
    assert written_again == expected
    for each in value if isinstance(value, list) else ():
        assert found.source.text[each.start : each.end].strip('"') == each.text
        assert each.plain == (found.source.text[each.start] != '"')


def test_fields_inside_know_their_places() -> None:
    found = front('---\ntodos:\n  - id: a\n    content: "x: y"\n---\n')
    (todo,) = found.fields["todos"].value
    field: Field = todo["content"]
    assert (field.key, field.value.text) == ("content", "x: y")
    assert found.source.text[field.value.start : field.value.end] == '"x: y"'
