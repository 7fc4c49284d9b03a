"""Time, where a test can only tell by it that no step compares all pairs."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

# Far more than such a step takes on a busy machine, far less than one that grows with the square: whoever uses this chooses
# numbers for which it does.
ENOUGH = 5.0


@contextmanager
def grows_slowly() -> Iterator[None]:
    """What is done inside takes no time to speak of."""
    begun = time.perf_counter()
    yield
    assert time.perf_counter() - begun < ENOUGH
