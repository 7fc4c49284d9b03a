"""What YAML says that other notations cannot: anchors, aliases, merge keys; and what words without quotes are."""

from __future__ import annotations

from typing import Any

import pytest

from exarp.manifests.notations import yaml
from exarp.manifests.problems.positions import Span


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: &x {b: 1, c: 2}\nd: {<<: *x, c: 3}", {"a": {"b": 1, "c": 2}, "d": {"b": 1, "c": 3}}),
        ("a: &x {b: 1}\nd: &y {b: 2, c: 3}\ne:\n  <<: [*x, *y]", {"a": {"b": 1}, "d": {"b": 2, "c": 3}, "e": {"b": 1, "c": 3}}),
        ("a: &x [b]\nc: *x\nd: &s text\ne: *s", {"a": ["b"], "c": ["b"], "d": "text", "e": "text"}),
        ('"<<": {a: b}', {"<<": {"a": "b"}}),
        ("on: yes\n1: 22:22\n3.10: 3.10\nnull: 010", {"on": "yes", "1": "22:22", "3.10": "3.10", "null": "010"}),
        ("a: 1_000\nb: 2026-01-01\nc: 0x1F\nd: .inf", {"a": "1_000", "b": "2026-01-01", "c": "0x1F", "d": ".inf"}),
        ("a: -3\nb: 1.5\nc: True\nd: ~\ne: !!str 1\nf: '1'", {"a": -3, "b": 1.5, "c": True, "d": None, "e": "1", "f": "1"}),
        ("---\n# nothing yet\n...\n", {}),
    ],
)  # fmt: skip
def test_what_it_says(text: str, value: dict[str, Any]) -> None:
    assert yaml.parse(text, "m") == value


def test_what_is_repeated_stands_where_it_is_written() -> None:
    positions = yaml.scan("a: &x\n  b: 1\nc: *x\nd:\n  <<: *x\n  e: 2\n")
    assert positions.key(("c", "b")) == positions.key(("d", "b")) == Span(2, 3, 1)
    assert positions.value(("c",)) == Span(3, 4, 2)
    assert positions.key(("d", "e")) == Span(6, 3, 1)
