from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exarp.model.name import did_you_mean, name_fault, nearest, renamed, variable_fault


@pytest.mark.parametrize(
    "name", ["a", "build-all", "x_1", "ui/app", "v1.2", "überall", "日本", "🎉", "a-", "$x", "a b".replace(" ", "_")]
)
def test_names_of_tasks(name):
    assert name_fault(name) is None


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("", "a name cannot be empty"),
        ("-x", "a name cannot start with '-'"),
        (".x", "a name cannot start with '.'"),
        ("a@b", "a name cannot contain '@'"),
        ("a:b", "a name cannot contain ':'"),
        ("a,b", "a name cannot contain ','"),
        ("a b", "a name cannot contain white space"),
        ("a\u00a0b", "a name cannot contain white space"),
        ("a\nb", "a name cannot contain white space"),
        ("a\x1b[31m", "a name cannot contain the control character '\\x1b'"),
        ("a\u202eb", "a name cannot contain the control character '\\u202e'"),
        ("a\ud800", "a name cannot contain the control character '\\ud800'"),
    ],
)
def test_what_is_no_name(name, fault):
    assert name_fault(name) == fault


@given(st.text())
def test_what_is_a_name_can_be_printed_on_one_line(name):
    if name_fault(name) is None:
        assert name
        assert name.isprintable()
        assert name.splitlines() == [name]


@given(st.text(alphabet=st.sampled_from("a.-:@, \n\x1bé")))
def test_the_name_that_is_proposed_is_one(name):
    _, proposed, text = renamed(name).partition("for instance to ")
    assert not proposed or name_fault(text.strip("'")) is None
    assert proposed or not {"a", "é"} & set(name)


@pytest.mark.parametrize("name", ["A", "_", "a1", "exarp_x"])
def test_names_of_variables(name):
    assert variable_fault(name) is None


@pytest.mark.parametrize(
    "name", ["", "1a", "a-b", "é", "a b", "a\n", "in", "out", "depfile", "in_file", "PATH", "EXARP_RUN"]
)
def test_what_is_no_variable(name):
    assert variable_fault(name) is not None


def test_the_nearest_name_is_meant_if_it_is_near_enough():
    assert nearest("biuld", ["test", "build"]) == "build"
    assert nearest("xyz", ["test", "build"]) is None
    assert did_you_mean("need", ["needs"]) == "did you mean 'needs'?"
    assert did_you_mean("xyz", []) == ""
