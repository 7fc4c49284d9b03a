"""How a run is told: the output mode, how much is said, and what the two streams can show.

Knows the choices a caller makes. Does not know how they are carried out.
"""

from __future__ import annotations

import msgspec

from exarp.model.call import Call
from exarp.model.choice import OutputMode


class Manner(msgspec.Struct, frozen=True):
    """``verbosity``: -1 only failures, 0, 1 everything. ``terminal``: stdout is a terminal, so output is made safe
    for one; otherwise its bytes pass unaltered. ``sparing``: a task that passed without output gets no line.
    ``by_line``: streamed output is shown a line at a time, because something is drawn below it. ``call``: how to reach
    the same manifest again.
    """

    mode: OutputMode = "grouped"
    verbosity: int = 0
    color_words: bool = False
    color_output: bool = False
    terminal: bool = False
    sparing: bool = False
    by_line: bool = False
    call: Call = Call()

    @property
    def quiet(self) -> bool:
        """Whether only failures are told."""
        return self.verbosity < 0

    @property
    def verbose(self) -> bool:
        """Whether also what did not run is told."""
        return self.verbosity > 0
