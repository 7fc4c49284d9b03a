"""The event stream as NDJSON: one JSON object a line.

Knows the encoding. Does not know what the events mean.
"""

from __future__ import annotations

from typing import BinaryIO

from exarp.model.event import Event
from exarp.views.follower import Follower
from exarp.views.json_line import json_line


class EventWriter(Follower):
    """Writes every event to ``stream`` as it comes, flushed by line, so that a reader never waits for half of one.

    Raises OSError where the stream does.
    """

    wants_output = True

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def on_event(self, event: Event) -> None:
        """Writes one event."""
        self._stream.write(json_line(event))
        self._stream.flush()
