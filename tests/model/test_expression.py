"""An expression that is compiled late does what it would have done at once."""

from __future__ import annotations

import re

import pytest

from exarp.model import expression
from exarp.model.expression import late

TEXT = "one two, three"


@pytest.mark.parametrize(
    ("method", "arguments"),
    [
        ("match", (TEXT,)),
        ("search", (TEXT, 4)),
        ("fullmatch", ("one",)),
        ("sub", ("-", TEXT)),
        ("split", (TEXT,)),
        ("findall", (TEXT,)),
    ],
)
def test_it_does_what_a_compiled_one_does(method: str, arguments: tuple[object, ...]) -> None:
    found = late(r"[A-Z]+", re.IGNORECASE)
    for _ in range(2):
        assert _plain(getattr(found, method)(*arguments)) == _plain(
            getattr(re.compile(r"[A-Z]+", re.IGNORECASE), method)(*arguments)
        )
    assert [each[0] for each in found.finditer(TEXT)] == ["one", "two", "three"]


def _plain(value: object) -> object:
    return (value.span(), value[0]) if isinstance(value, re.Match) else value


def test_it_is_compiled_once_and_only_when_it_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled: list[str] = []

    class Counting:
        @staticmethod
        def compile(text: str, flags: int) -> re.Pattern[str]:
            compiled.append(text)
            return re.compile(text, flags)

    monkeypatch.setattr(expression, "re", Counting)
    found = late("a")
    assert compiled == []
    assert found.match("a") and found.sub("b", "a") == "b" and found.match("a")
    assert compiled == ["a"]
