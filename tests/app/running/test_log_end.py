"""The line that says what went wrong."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exarp.app.running.log_end import last_meaningful_line, meaningful


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("first\nconnection refused\n", "connection refused"),
        ("error: x\n\n  ^^^^\n----\n", "error: x"),
        ("\x1b[31merror\x1b[0m: \x1b]8;;http://x\x07y\x1b]8;;\x07\n", "error: y"),
        ("10 %\r 20 %\rdone: 3 errors\r\n", "done: 3 errors"),
        ("^^^\n!!\n", "!!"),
        ("", ""),
        (" \n\t\n", ""),
        ("é" * 300, "é" * 199 + "…"),
    ],
)
def test_the_last_line_that_means_something(text: str, line: str) -> None:
    assert meaningful(text) == line


@given(st.text())
def test_it_is_one_line_and_steers_nothing_that_is_known(text: str) -> None:
    line = meaningful(text)

    assert "\n" not in line
    assert len(line) <= 200


def test_of_a_long_log_only_the_end_is_read(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_text("x\n" * 100_000 + "the end\n")

    assert last_meaningful_line(str(path)) == "the end"
    assert last_meaningful_line(str(tmp_path / "none")) == ""
