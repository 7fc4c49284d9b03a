"""The event stream as NDJSON: one JSON object a line.

Knows the encoding. Does not know what the events mean.
"""

from __future__ import annotations

from typing import BinaryIO

from exarp.model.event import Event
from exarp.views.json_line import json_line
from exarp.views.run.follower import Follower


class EventWriter(Follower):
    """Writes every event to ``stream`` as it comes, flushed by line, so that a reader never waits for half of one.

    A run does not end for want of a reader: after the first error nothing more is written, and ``fault`` has it.
    """

    wants_output = True

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.fault: OSError | None = None

    def on_event(self, event: Event) -> None:
        """Writes one event."""
        if self.fault is not None:
            return
        try:
            self._stream.write(json_line(event))
            self._stream.flush()
        except OSError as error:
            self.fault = error
