"""``status --json`` and ``history --json``: runs and attempts as one document.

Knows the fields; they are those of the rows. Does not read the store.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from exarp.views.json_line import json_line


def runs_document(rows: Sequence[msgspec.Struct]) -> bytes:
    """Runs, newest first."""
    return json_line({"version": 1, "runs": [msgspec.to_builtins(row) for row in rows]})


def attempts_document(rows: Sequence[msgspec.Struct]) -> bytes:
    """Attempts of one task, newest first."""
    return json_line({"version": 1, "attempts": [msgspec.to_builtins(row) for row in rows]})
