"""What every view of a run has, for those that only listen.

Knows nothing; it spares views that neither show time nor own a terminal four empty methods each.
"""

from __future__ import annotations

from exarp.model.event import Event


class Follower:
    """A view that only takes events. ``wants_output``: also those that carry a task's output."""

    wants_output = False
    ticking = False

    def on_event(self, event: Event) -> None:
        """Take the next event."""
        raise TypeError(f"{type(self).__name__} takes no events")

    def tick(self, now: float) -> None:
        """Time has passed; nothing to show."""

    def interrupted(self, signum: int, running: int) -> None:
        """The run's own end will tell."""

    def suspend(self) -> None:
        """Nothing is shown on the terminal."""

    def resume(self) -> None:
        """Nothing is shown on the terminal."""

    def close(self) -> None:
        """Nothing is held."""
