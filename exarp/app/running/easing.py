"""Waiting for the load of the machine to fall.

Knows how often it is looked at. Does not know how it is measured, or what starts then.
"""

from __future__ import annotations

from collections.abc import Callable

from exarp.app.ports import Clock
from exarp.engine.stimulus import Eased

# How often the load is looked at while it is too high, in seconds.
EVERY = 0.25


class Easing:
    """Of one run; true while somebody waits. ``has_ease``: whether the machine has little enough to do for one more task."""

    def __init__(self, clock: Clock, has_ease: Callable[[], bool]) -> None:
        self._clock = clock
        self._has_ease = has_ease
        # When it is looked at next.
        self._at: float | None = None

    def __bool__(self) -> bool:
        return self._at is not None

    def wait(self) -> list[Eased]:
        """Somebody waits from now on, if not in vain."""
        self._at = self._clock.monotonic()
        return self.due()

    def hurry(self) -> None:
        """There is less to do by now."""
        if self._at is not None:
            self._at = self._clock.monotonic()

    def due(self) -> list[Eased]:
        """What whoever waits has waited for, once."""
        if self._at is None or self._clock.monotonic() < self._at:
            return []
        if not self._has_ease():
            self._at = self._clock.monotonic() + EVERY
            return []
        self._at = None
        return [Eased()]

    def patience(self) -> float | None:
        """Seconds until it is looked at again; None for never."""
        return max(0.0, self._at - self._clock.monotonic()) if self._at is not None else None
