"""What is due when: stimuli that the clock brings.

Knows times of ``Clock.monotonic``. Does not know why anything is due.
"""

from __future__ import annotations

from collections.abc import Iterator
from heapq import heappop, heappush
from itertools import count

from exarp.app.ports import Clock
from exarp.engine.stimulus import Stimulus


class Deadlines:
    """Of one run; false while nothing is due."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._ticket = count()
        self._heap: list[tuple[float, int, Stimulus]] = []

    def __bool__(self) -> bool:
        return bool(self._heap)

    def arm(self, seconds: float, stimulus: Stimulus) -> None:
        """``stimulus`` is due in so many seconds."""
        heappush(self._heap, (self._clock.monotonic() + seconds, next(self._ticket), stimulus))

    def delay(self, seconds: float) -> None:
        """Time stood still for so long."""
        self._heap = [(at + seconds, ticket, stimulus) for at, ticket, stimulus in self._heap]

    def due(self) -> Iterator[Stimulus]:
        """What is due by now, once, the earliest first."""
        if not self._heap:
            return
        now = self._clock.monotonic()
        while self._heap and self._heap[0][0] <= now:
            yield heappop(self._heap)[2]

    def patience(self) -> float | None:
        """Seconds until something is due; None for never."""
        return max(0.0, self._heap[0][0] - self._clock.monotonic()) if self._heap else None
