"""Settings that take one of a few words.

Knows the words of the contract. Imports nothing: the command line offers them before anything else is loaded.
"""

from __future__ import annotations

from typing import Literal

JobserverStyle = Literal["pipe", "fifo", "none"]
OnFailure = Literal["fail", "ask", "skip", "abort"]
Order = Literal["parallel", "sequential"]
OutputMode = Literal["grouped", "prefixed", "stream", "quiet", "raw"]
Packing = Literal["levels", "tight"]
Schedule = Literal["waves", "flow"]
Trust = Literal["plan", "proof"]
GuardKind = Literal["verify", "checkpoint"]
