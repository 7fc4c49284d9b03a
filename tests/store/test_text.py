from __future__ import annotations

import sqlite3

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exarp.store.text import from_column, from_json, to_column, to_json

from .stream import HOSTILE

ANY_TEXT = st.text(st.characters(exclude_categories=[]), max_size=20) | HOSTILE


@given(text=ANY_TEXT)
def test_every_text_goes_through_a_column(text: str) -> None:
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE t (name TEXT PRIMARY KEY)")
    connection.execute("INSERT INTO t VALUES (?)", (to_column(text),))
    found = connection.execute("SELECT name FROM t WHERE name = ?", (to_column(text),)).fetchone()[0]
    connection.close()
    assert from_column(found) == text


@given(one=ANY_TEXT, two=ANY_TEXT)
def test_two_texts_never_share_a_key(one: str, two: str) -> None:
    assert (to_column(one) == to_column(two)) == (one == two)


def test_ordinary_text_stays_readable_in_the_database() -> None:
    assert to_column("größe") == "größe"


@given(value=st.dictionaries(HOSTILE, st.lists(HOSTILE, max_size=3), max_size=3))
def test_every_file_name_goes_through_json(value: dict[str, list[str]]) -> None:
    decoder = msgspec.json.Decoder(dict[str, list[str]])
    assert from_json(to_json(value), decoder) == value


def test_json_of_another_shape_is_refused() -> None:
    with pytest.raises(msgspec.ValidationError):
        from_json(b'["a"]', msgspec.json.Decoder(dict[str, int]))
