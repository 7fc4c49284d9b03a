"""Choices out of a string of bytes: fast to draw, and simpler as its bytes turn to zero."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from hypothesis import strategies as st

Value = TypeVar("Value")


class Dice:
    """Gives one choice a byte; where the bytes have run out, the first of what there is."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def below(self, count: int) -> int:
        """A number from 0 to ``count - 1``."""
        byte = self._data[self._at] if self._at < len(self._data) else 0
        self._at += 1
        return byte % count

    def of(self, *values: Value) -> Value:
        """One of ``values``."""
        return values[self.below(len(values))]

    def some(self, values: Sequence[Value], most: int) -> tuple[Value, ...]:
        """Up to ``most`` of ``values``, each once; often none."""
        if not values:
            return ()
        return tuple(dict.fromkeys(values[self.below(len(values))] for _ in range(max(0, self.below(most + 3) - 2))))

    def shuffled(self, values: Sequence[Value]) -> list[Value]:
        """All ``values``, in any order."""
        left, found = list(values), []
        while left:
            found.append(left.pop(self.below(len(left))))
        return found


def dice(size: int) -> st.SearchStrategy[Dice]:
    """Dice for ``size`` choices."""
    return st.binary(min_size=size, max_size=size).map(Dice)
