"""What ``exarp doctor`` found, as lines and as a document.

Knows how findings look. Does not know how they come about.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

import msgspec

from exarp.views import escape
from exarp.views.cells import pad, width
from exarp.views.color import Meaning, paint
from exarp.views.json_line import json_line

_MEANING: dict[str, Meaning] = {"ok": "done", "warning": "wait", "error": "failed"}


class FindingLike(Protocol):
    """One thing of the machine: ``state`` is ``ok``, ``warning`` or ``error``."""

    @property
    def name(self) -> str: ...
    @property
    def state(self) -> str: ...
    @property
    def message(self) -> str: ...
    @property
    def next(self) -> str: ...


def lines(findings: Sequence[FindingLike], color: bool, quiet: bool) -> Iterator[str]:
    """A line each, and below it what to do; with ``quiet`` only what is not well."""
    told = [finding for finding in findings if not quiet or finding.state != "ok"]
    column = max((width(finding.name) for finding in told), default=0)
    for finding in told:
        state = paint(pad(finding.state, 7), _MEANING[finding.state], color)
        yield f"{state}  {pad(finding.name, column)}  {escape.plain(finding.message)}"
        if finding.next:
            yield f"{' ' * (column + 11)}{escape.plain(finding.next)}"


def document(findings: Sequence[msgspec.Struct]) -> bytes:
    """All findings."""
    return json_line({"version": 1, "findings": [msgspec.to_builtins(finding) for finding in findings]})
