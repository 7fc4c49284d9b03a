"""Figures as lines of text: columns, medians, ratios.

Knows numbers and widths. Does not know what was measured.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median


def seconds(value: float) -> str:
    """Three digits that matter: ``12.3 s``, ``1.23 s``, ``45 ms``."""
    if value >= 10:
        return f"{value:.1f} s"
    return f"{value:.2f} s" if value >= 1 else f"{value * 1000:.0f} ms"


def paired_ratio(ours: Sequence[float], theirs: Sequence[float]) -> str:
    """Median over the rounds of ours by theirs: what slowed one round down slowed both."""
    return f"{median(a / b for a, b in zip(ours, theirs, strict=True)):.2f}"


def spread(values: Sequence[float]) -> str:
    """Lowest to highest, where there is more than one."""
    return f"{seconds(min(values))} … {seconds(max(values))}" if len(values) > 1 else ""


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Rows under their heads; the first column to the left, the others to the right."""
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    ruled = [head, ["-" * width for width in widths], *rows]
    return "\n".join(_line(row, widths) for row in ruled)


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    first, *others = (
        cell.rjust(width) if column else cell.ljust(width)
        for column, (cell, width) in enumerate(zip(row, widths, strict=True))
    )
    return "  ".join((first, *others)).rstrip()


def markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """The same as Markdown has it."""
    ruled = [head, ["---", *("---:" for _ in head[1:])], *rows]
    return "\n".join(f"| {' | '.join(row)} |" for row in ruled)
