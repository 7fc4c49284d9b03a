"""The line of an output that says what went wrong, as far as a line does: the last one that means something.

Knows what a line that means something looks like. Does not know tasks.
"""

from __future__ import annotations

import os

from exarp.model.expression import late

_READ = 8192
_READ_WHOLE = 65536
_LONGEST = 200
_STEERING = late(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[ -/]*[0-~])")


def last_meaningful_line(path: str) -> str:
    """Of the file ``path``; empty where there is none. Colours are taken out; of a line that was written over, its last state."""
    try:
        with open(path, "rb", buffering=0) as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - _READ))
            data = file.read(_READ)
    except OSError:
        return ""
    return meaningful(data.decode("utf-8", "replace"))


def meaningful(text: str) -> str:
    """The last line of ``text`` with a letter or a digit in it, else the last that is not blank, at most 200 characters of it."""
    bare = _STEERING.sub("", text)
    lines = [line.rstrip("\r").rsplit("\r", 1)[-1].strip() for line in bare.split("\n")]
    spoken = (line for line in reversed(lines) if any(map(str.isalnum, line)))
    found = next(spoken, None) or next((line for line in reversed(lines) if line), "")
    return found if len(found) <= _LONGEST else f"{found[: _LONGEST - 1]}…"


def end_of_log(path: str, lines: int) -> list[str]:
    """The last ``lines`` lines of the file ``path`` that are not blank at its end, bare of colours; none where it is gone."""
    try:
        with open(path, "rb", buffering=0) as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - _READ_WHOLE))
            data = file.read(_READ_WHOLE)
    except OSError:
        return []
    text = _STEERING.sub("", data.decode("utf-8", "replace")).rstrip()
    return [line.rstrip("\r").rsplit("\r", 1)[-1] for line in text.split("\n")[-lines:]] if text else []
