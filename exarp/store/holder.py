"""Who is at work in a workspace.

Knows how a process is named, to a person and to who asks whether it lives still. Does not know what it holds.
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from exarp.store.state_folder import printable
from exarp.store.text import from_json, to_json

# Characters and words of a command that are kept.
_SHOWN = 200
_SHOWN_PARTS = 40


class Holder(msgspec.Struct, frozen=True):
    """A process at work in a workspace: its id, when it began there (RFC 3339 in UTC), its command line. All empty where nobody
    could tell.

    ``process``: what tells the process from a later one of the same id, as the host has it. ``signal``: the number of the
    one that ends its run as Ctrl-C does. ``mark``: how the marks of all that it starts begin.
    """

    pid: int = 0
    started: str = ""
    command: tuple[str, ...] = ()
    process: str = ""
    signal: int = 2
    mark: str = ""

    def __str__(self) -> str:
        """``pid 12: exarp run test, since today 14:02`` (here), safe for a terminal."""
        if not self.pid:
            return "an unknown process"
        command = f": {' '.join(self.command)}" if self.command else ""
        since = f", since {_time_of_day(self.started)}" if self.started else ""
        return printable(f"pid {self.pid}{command}{since}")


def _time_of_day(time: str) -> str:
    """A moment as somebody here would say it; what is none is left as it is."""
    try:
        moment = datetime.fromisoformat(time).astimezone()
    except (ValueError, OverflowError):
        return time
    today = moment.date() == datetime.now().astimezone().date()
    return f"{'today' if today else moment.date().isoformat()} {moment:%H:%M}"


def encoded(holder: Holder) -> bytes:
    """A holder as a column has it; a long command is cut."""
    command = tuple(part[:_SHOWN].encode("utf-8", "replace").decode() for part in holder.command[:_SHOWN_PARTS])
    return to_json(msgspec.structs.replace(holder, command=command))


def decoded(data: bytes) -> Holder:
    """The holder of a column; an empty one where that says none."""
    try:
        return from_json(data, msgspec.json.Decoder(Holder))
    except (msgspec.DecodeError, ValueError):
        return Holder()
