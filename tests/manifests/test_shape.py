"""What is told of the shape of a manifest, beyond the words in ``tests/bad_manifests``."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exarp.manifests.document import Document, SettingsDocument, TaskDocument, WaveDocument
from exarp.manifests.notations import toml
from exarp.manifests.problems.place import Locator
from exarp.manifests.problems.type_words import field_kinds
from exarp.manifests.shape import sound_part
from tests.manifests.reading import marked, problems, read, slugs

SCALARS = (
    st.text(max_size=6)
    | st.sampled_from(["plan", "waves", "high", "true", "30s"])
    | st.integers(-(2**70), 2**70)
    | st.sampled_from([-(2**63) - 1, -(2**63), -1, 0, 1, 2**31 - 1, 2**31, 2**63 - 1, 2**63])
    | st.booleans()
    | st.floats()
    | st.dates()
    | st.times()
    | st.datetimes()
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
)


def table(struct: type[msgspec.Struct]) -> st.SearchStrategy[dict[str, Any]]:
    return st.dictionaries(st.sampled_from(struct.__struct_encode_fields__), VALUES, max_size=4)


DOCUMENTS = st.fixed_dictionaries(
    {},
    optional={
        "vars": VALUES | st.dictionaries(st.text(max_size=4), SCALARS),
        "settings": VALUES | table(SettingsDocument),
        "resources": VALUES | st.dictionaries(st.text(max_size=4), SCALARS),
        "task": VALUES | st.dictionaries(st.text(max_size=4), VALUES | table(TaskDocument), max_size=3),
        "wave": VALUES | st.lists(VALUES | table(WaveDocument), max_size=3),
    },
)


@given(DOCUMENTS | table(Document))
def test_what_msgspec_refuses_is_told_and_what_it_takes_is_not(raw: dict[str, Any]) -> None:
    """The two must not drift apart: a fault that only one of them sees would be a defect, or go untold."""
    found: list[Any] = []
    sound = sound_part(raw, Locator("m.toml", "", toml), found)
    assert isinstance(sound.document, Document)
    try:
        msgspec.convert(raw, Document)
    except msgspec.ValidationError:
        assert found
    else:
        assert found == []


@pytest.mark.parametrize("struct", [Document, SettingsDocument, TaskDocument, WaveDocument])
def test_every_kind_of_value_has_words(struct: type[msgspec.Struct]) -> None:
    for key, kind in field_kinds(struct).items():
        assert kind.words and "None" not in kind.words, key


def test_what_is_sound_is_checked_further() -> None:
    text = '[task.a]\nbogus = 1\nneeds = ["b", 3, "c"]\n[task.b]'
    assert slugs(text) == ["unknown-key", "wrong-type", "unknown-task"]


def test_each_element_and_entry_is_told() -> None:
    text = "[task.a]\nneeds = [1, 'a', 2]\nenv = { A = true, B = 'x', C = [] }"
    assert [marked(each) for each in problems(text) if each.slug == "wrong-type"] == ["1", "2", "true", "[]"]


def test_a_list_without_sound_elements_is_left_out() -> None:
    assert slugs("[task.a]\nargv = [1]\noutputs = [2]") == ["wrong-type"] * 2
    assert read("[task.a]\nargv = [1]\noutputs = [2]").manifest.tasks[0].outputs is None


def test_a_refused_variable_is_not_also_unknown() -> None:
    text = '[vars]\na = true\nb = [true]\nc = { ran = "x" }\n[task.t]\nrun = "t"\noutputs = ["${a}/${b}/${c}"]'
    assert slugs(text) == ["wrong-type", "wrong-type", "unknown-key"]


def test_the_variables_of_a_refused_matrix_are_not_also_unknown() -> None:
    text = '[task.t]\nmatrix = { src = [true] }\noutputs = ["${src}.o"]\nneeds = ["x@${src}"]\nrun = "cc ${src.stem}"'
    assert slugs(text) == ["wrong-type", "script-substitution"]


@pytest.mark.parametrize("header", ["tasks", "taks", "Task"])
def test_a_misspelt_table_is_read_as_what_was_meant(header: str) -> None:
    found = problems(f'[{header}.a]\nneeds = ["b"]\n[[wave]]\nname = "w"\ntasks = ["a", "c"]')
    assert [(each.slug, marked(each)) for each in found] == [
        ("unknown-key", header),
        ("unknown-task", '"b"'),
        ("unknown-task", '"c"'),
    ]


def test_a_table_that_only_sounds_like_one_is_not_read_as_it() -> None:
    assert slugs('[test]\ncommand = "pytest"\n') == ["unknown-key"]


def test_dotted_names_are_read_as_the_tasks_that_were_meant() -> None:
    text = '[task.a.b]\nrun = "x"\n[task.a.b.c]\nrun = "x"\n[task.d]\nneeds = ["a.b", "a.b.c", "a"]'
    assert slugs(text) == ["dotted-name"] * 2


def test_a_dotted_name_that_is_also_quoted_keeps_the_place_of_the_quoted_one() -> None:
    text = '[task.a.b]\nrun = "x"\n[task."a.b"]\nneeds = ["nope"]'
    assert [(each.slug, each.place and each.place.line) for each in problems(text)] == [
        ("dotted-name", 1),
        ("unknown-task", 4),
    ]


def test_an_inline_table_in_a_task_is_an_unknown_key() -> None:
    assert slugs('[task.a]\nb = { run = "x" }') == ["unknown-key"]


@pytest.mark.parametrize("table_name", ["env", "resources"])
def test_the_tables_of_a_task_may_have_headers(table_name: str) -> None:
    assert slugs(f"[resources]\nX = 1\n[task.a]\nrun = 'x'\n[task.a.{table_name}]\nX = 1") == []


@pytest.mark.parametrize("command", ['prompt = "x"', 'cmd = "x"', "run = 1", "argv = []"])
def test_a_task_whose_command_is_refused_is_not_also_told_that_it_runs_nothing(command: str) -> None:
    assert len(slugs(f'[task.a]\n{command}\noutputs = ["x"]')) == 1


def test_a_wave_without_a_name_is_told_once() -> None:
    text = '[[wave]]\ntasks = ["a"]\n[[wave]]\ntasks = ["b"]\n[task.a]\n[task.b]'
    assert slugs(text) == ["missing-key"] * 2


def test_the_same_unknown_key_in_many_tasks_is_told_each_time_with_its_suggestion() -> None:
    found = problems("".join(f"[task.t{n}]\nneedz = []\n" for n in range(10_000)))
    assert len(found) == 10_000
    assert {each.next for each in found} == {"did you mean 'needs'?"}


def test_a_wave_without_a_name_is_told_by_its_number() -> None:
    text = '[[wave]]\ntasks = ["a", "a", "nn"]\n[[wave]]\nname = "w"\ntasks = ["a"]\n[task.a]'
    assert [each.message for each in problems(text)] == [
        "wave 1 has no 'name'",
        "wave 1 lists task 'a' twice",
        "wave 1 lists 'nn', which does not exist",
        "task 'a' is in two waves: 1 and 'w'",
    ]


def test_a_number_too_large_to_be_written_out_is_told_as_any_other() -> None:
    for number in ("0x" + "f" * 5000, "0b" + "1" * 20000):
        assert slugs(f'[task.a]\ndescription = {number}\nrun = "true"\n') == ["wrong-type"]
