"""The page of reasons has every reason, once."""

from __future__ import annotations

import re
from pathlib import Path

from exarp.views import words

PAGE = Path(__file__).parents[2] / "docs/reasons.md"


def test_every_reason_is_in_the_page_once() -> None:
    rows = [line.split("|")[1] for line in PAGE.read_text().splitlines() if line.startswith("| `")]
    told = [code for row in rows for code in re.findall(r"`([a-z0-9-]+)`", row)]
    assert sorted(told) == sorted(words.REASONS)
