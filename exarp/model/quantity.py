"""Durations and sizes as people write them.

Knows the units of the manifest's contract. Does not know which field a quantity belongs to.
"""

from __future__ import annotations

import re

from exarp.model.expression import late

# More digits than these are a slip, and would overflow what the numbers are used for.
_NUMBER = r"\d{1,15}(?:\.\d{1,15})?"
_DURATION_PART = late(rf"({_NUMBER})(ms|s|m|h|d)", re.ASCII)
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_SIZE = late(rf"({_NUMBER})\s*([KMGTP]i?B|B)?", re.ASCII)
_POWERS = {"K": 1, "M": 2, "G": 3, "T": 4, "P": 5}


def parse_duration(text: str) -> float:
    """Seconds in ``"1h30m"``, ``"500ms"``, ``"0s"``.

    Raises ValueError for anything else; a bare number has no unit and is refused.
    """
    total, end = 0.0, 0
    for part in _DURATION_PART.finditer(text):
        if part.start() != end:
            break
        total += float(part[1]) * _SECONDS[part[2]]
        end = part.end()
    if end == 0 or end != len(text):
        raise ValueError(f"{text!r} is not a duration")
    return total


def parse_size(text: str) -> int:
    """Bytes in ``"8GiB"`` (powers of 1024), ``"8GB"`` (powers of 1000) or ``"512"``.

    Raises ValueError for anything else, a number of more than fifteen digits among it.
    """
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is not a size")
    unit = match[2] or "B"
    factor = int((1024 if "i" in unit else 1000) ** _POWERS.get(unit[0], 0))
    whole, _, fraction = match[1].partition(".")
    return int(whole + fraction) * factor // int(10 ** len(fraction))


def format_duration(seconds: float) -> str:
    """``0.6s``, ``12s``, ``3m05s``, ``2h04m``: short enough for a column of a live display."""
    if seconds < 9.95:
        return f"{seconds:.1f}s"
    if seconds < 60:
        return f"{seconds:.0f}s" if seconds < 59.5 else "1m00s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02d}s"
    return f"{whole // 3600}h{whole % 3600 // 60:02d}m"


def exact_duration(seconds: float) -> str:
    """``1m30s``, ``50ms``, ``0s``: a duration as a manifest would write it, to the millisecond."""
    left = round(seconds * 1000)
    parts = []
    for unit, length in (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)):
        count, left = divmod(left, length)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"


def amount(number: int) -> str:
    """``2``, ``16GiB``, ``1500MB``: what a task asks of a pool, as a manifest would write it.

    A pool holds a count or bytes, and does not say which; nobody counts to a million.
    """
    if number < 1_000_000:
        return str(number)
    for power in "PTGM":
        for unit, base in ((f"{power}iB", 1024), (f"{power}B", 1000)):
            factor = base ** _POWERS[power]
            if number % factor == 0:
                return f"{number // factor}{unit}"
    return str(number)
