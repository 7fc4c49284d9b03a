"""Which words are surely slips of others: what is told here is changed in somebody's file."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exarp.manifests import document as doc
from exarp.manifests.problems.slips import meant_by

TASK = [*doc.TaskDocument.__struct_encode_fields__, *doc.LATER_TASK]
SETTINGS = [*doc.SettingsDocument.__struct_encode_fields__]
WAVE = [*doc.WaveDocument.__struct_encode_fields__, *doc.LATER_WAVE]
TOP = [*doc.Document.__struct_encode_fields__]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("need", "needs"), ("input", "inputs"), ("Outputs", "outputs"), ("evn", "env"), ("envs", "env"), ("runs", "run"),
        ("ran", None), ("rn", None), ("args", None), ("arg", None), ("cmd", None), ("end", None), ("timeuot", "timeout"),
        ("on-failure", "on_failure"), ("onFailure", "on_failure"), ("descrption", "description"), ("discripton", "description"),
        ("desc", None), ("file", None), ("name", None), ("promt", "prompt"), ("deps", None), ("type", None),
        ("retires", "retries"),
        ("external", None), ("notifies", None), ("nputs", "inputs"), ("niputs", "inputs"), ("imputs", "inputs"), ("unputs", None),
        ("shelf", "shell"), ("tool", "tools"), ("pool", None), ("", None), ("s", None), ("interval", "internal"),
    ],
)  # fmt: skip
def test_slips_for_keys_of_tasks(written: str, meant: str | None) -> None:
    assert meant_by(written, TASK) == meant


def test_a_slip_for_two_words_is_a_slip_for_none() -> None:
    assert meant_by("abcdx", ["abcde", "abcdf"]) is None
    assert meant_by("light", ["tight", "levels"]) is None
    assert meant_by("Abcde", ["abcde", "abcdf"]) == "abcde"


@pytest.mark.parametrize("known", [TASK, SETTINGS, WAVE, TOP], ids=["task", "settings", "wave", "top"])
def test_no_known_key_is_a_slip_for_another_of_its_table(known: list[str]) -> None:
    for word in known:
        assert meant_by(word, known) == word
        assert meant_by(word, [other for other in known if other != word]) is None


@given(st.sampled_from(TASK), st.data())
def test_two_neighbours_in_each_others_place_are_a_slip(word: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(word) - 2))
    written = word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    assert meant_by(written, TASK) in (word, None)
    assert meant_by(written, [word]) == (word if len(word.replace("_", "")) > 2 else None)
