"""Waiting for what the outside says of one more task: that the load of the machine has fallen, that there is a token.

Knows how often the load is looked at, and that the tokens' pipe is watched only while somebody waits for one. Does not know how
either is measured, or what starts then.
"""

from __future__ import annotations

from collections.abc import Callable

from exarp.app.ports import Clock, Tokens
from exarp.engine.command import Draw, GiveBack, Recount, Weigh
from exarp.engine.stimulus import Drawn, Eased

# What is wanted of the outside, in the order of how often it is.
OUTWARD = (Draw, GiveBack, Recount, Weigh)
# How often the load is looked at while it is too high, in seconds.
EVERY = 0.25


class Easing:
    """Of one run; true while somebody waits for the load. ``has_ease``: whether the machine has little enough to do for one more
    task. ``tokens``: None where job slots are nobody else's; ``watch``: as of a host."""

    def __init__(
        self,
        clock: Clock,
        has_ease: Callable[[], bool] = lambda: True,
        tokens: Tokens | None = None,
        watch: Callable[[int], None] = lambda descriptor: None,
    ) -> None:
        self._clock = clock
        self._has_ease = has_ease
        self._tokens = tokens
        self._watch = watch
        # When the load is looked at next.
        self._at: float | None = None

    def __bool__(self) -> bool:
        return self._at is not None

    def carry_out(self, command: Weigh | Draw | GiveBack | Recount) -> list[Eased | Drawn]:
        """What the machine wants; what there is to be told at once."""
        if isinstance(command, Weigh):
            self._at = self._clock.monotonic()
            return [*self.due()]
        assert self._tokens is not None, "nobody else wants any"
        if isinstance(command, Draw):
            return self.look()
        if isinstance(command, GiveBack):
            self._tokens.give(command.count)
        else:
            self._tokens.recount()
        return []

    def look(self) -> list[Eased | Drawn]:
        """Take a token for whoever waits for one, or wait for it."""
        assert self._tokens is not None, "somebody waits for one"
        if self._tokens.take():
            return [Drawn()]
        self._watch(self._tokens.descriptor)
        return []

    def hurry(self) -> None:
        """There is less to do by now."""
        if self._at is not None:
            self._at = self._clock.monotonic()

    def due(self) -> list[Eased]:
        """What whoever waits for the load has waited for, once."""
        if self._at is None or self._clock.monotonic() < self._at:
            return []
        if not self._has_ease():
            self._at = self._clock.monotonic() + EVERY
            return []
        self._at = None
        return [Eased()]

    def patience(self) -> float | None:
        """Seconds until the load is looked at again; None for never."""
        return max(0.0, self._at - self._clock.monotonic()) if self._at is not None else None
