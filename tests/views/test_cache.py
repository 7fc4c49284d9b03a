"""What is said of an artifact store."""

from __future__ import annotations

import pytest

from exarp.views.cache import collected, size, verified
from exarp.workspace.artifacts.upkeep import Collected, Verified


@pytest.mark.parametrize(
    ("count", "said"),
    [(0, "0 bytes"), (999, "999 bytes"), (1024, "1.0 KiB"), (10 * 1024**3, "10.0 GiB"), (5000 * 1024**4, "5000.0 TiB")],
)
def test_sizes(count: int, said: str) -> None:
    assert size(count) == said


def test_names_of_what_is_damaged_are_safe_and_few() -> None:
    lines = list(verified(Verified(30, 1, tuple(f"/s/\x1b{n}" for n in range(12)), 1)))
    assert len(lines) == 13
    assert not any("\x1b" in line for line in lines)
    assert lines[10:] == [
        "and 2 more",
        "1 artifact of which a part was missing, removed",
        "30 artifacts and 1 large file were read: 12 damaged",
    ]


def test_somebody_else_may_be_tidying_up() -> None:
    assert list(collected(Collected(busy=True))) == ["another process is tidying up"]
    assert list(collected(Collected(1, 5000, 4096))) == ["removed 1 artifact, 4.9 KiB; 4.0 KiB are left"]
