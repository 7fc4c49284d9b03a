"""``exarp export``: what was written back.

Knows the lines and the document. Does not know how the statuses were found.
"""

from __future__ import annotations

from collections.abc import Iterator

from exarp.app.export_todo2 import Exported
from exarp.views import escape, words
from exarp.views.json_line import json_line


def lines(exported: Exported, dry_run: bool) -> Iterator[str]:
    """A line a task, and the sum."""
    for change in exported.changes:
        before = escape.name(change.before) or "no status"
        yield f"{escape.name(change.task)}  {before} → {escape.name(change.after)}"
    count = len(exported.changes)
    file = escape.name(exported.file)
    if not count:
        yield f"{file} says already what exarp knows"
    else:
        yield f"{words.tasks(count)} {'would be ' if dry_run else ''}changed in {file}"


def document(exported: Exported, dry_run: bool) -> bytes:
    """The same as one JSON document."""
    changes = [{"task": change.task, "before": change.before, "after": change.after} for change in exported.changes]
    return json_line(
        {"version": 1, "file": exported.file, "written": bool(changes) and not dry_run, "changes": changes}
    )
