from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from exarp.views.plan.matrix_names import MatrixNames

MATRICES = {"cc": ("cc@a", "cc@b", "cc@c"), "one": ("one@a",), "t": ("t@1", "t@2")}


def test_a_matrix_that_is_whole_is_one_name() -> None:
    names = MatrixNames(MATRICES)
    assert names.grouped(["cc@a", "x", "cc@c", "t@1", "cc@b", "one@a"]) == {"cc": 3, "x": 1, "t@1": 1, "one@a": 1}
    assert MatrixNames({}).grouped(["a", "b"]) == {"a": 1, "b": 1}


@given(st.permutations([*MATRICES["cc"], *MATRICES["t"], "x", "y"]), st.integers(0, 7))
def test_no_task_is_lost(order: list[str], count: int) -> None:
    some = order[:count]
    grouped = MatrixNames(MATRICES).grouped(some)
    assert sum(grouped.values()) == len(some)
    assert {each for name in grouped for each in MATRICES.get(name, (name,))} == set(some)
