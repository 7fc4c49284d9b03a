"""``exarp clean``: what was removed, and what was left and why.

Knows the words. Does not know what may be removed.
"""

from __future__ import annotations

from exarp.app.clean import Cleaned, Left
from exarp.views import escape
from exarp.views.color import paint
from exarp.views.json_line import json_line

# More lines about what is left alone than this help nobody who did not ask for all.
_LEFT = 20
_REASONS = {
    "tracked": "git tracks it",
    "outside": "a link leads out of the workspace",
    "linked": "it is no folder, or a link to one, and outputs name a folder",
    "is-folder": "it is a folder, and outputs name a file",
    "repository": "it holds a git repository of its own",
    "own-input": "it is among the inputs of {task}, too",
    "unrecorded": "{task} was not seen to make it",
    "changed": "it is not as {task} made it",
    "read": "{detail} reads it",
    "failed": "{detail}",
}


def lines(cleaned: Cleaned, dry_run: bool, color: bool = False, every: bool = False, failed: bool = False) -> list[str]:
    """What was removed in sum, in a dry run or with ``every`` by name; then what was left. ``failed``: only what could not be
    removed."""
    if failed:
        return [_left(left, color) for left in cleaned.left if left.reason == "failed"]
    verb = "would remove" if dry_run else "removed"
    shown = [f"{verb} {escape.name(path)}" for path in (*cleaned.files, *cleaned.folders)] if every or dry_run else []
    most = None if every else _LEFT
    shown += [_left(left, color) for left in cleaned.left[:most]]
    if most is not None and len(cleaned.left) > most:
        shown.append(f"left {len(cleaned.left) - most} more (-v shows all)")
    parts = [
        part
        for number, part in (
            (len(cleaned.files), _count(len(cleaned.files), "file")),
            (len(cleaned.folders), _count(len(cleaned.folders), "empty folder")),
        )
        if number
    ]
    return [*shown, f"{verb} {' and '.join(parts)}" if parts else "nothing to remove"]


def _left(left: Left, color: bool) -> str:
    why = _REASONS[left.reason].format(task=escape.name(left.task), detail=escape.name(left.detail))
    word = paint("left", "failed" if left.reason == "failed" else "wait", color)
    return f"{word} {escape.name(left.path)}: {why}"


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"


def document(cleaned: Cleaned, dry_run: bool) -> bytes:
    """The same as one JSON document, with every path."""
    return json_line(
        {
            "version": 1,
            "dry_run": dry_run,
            "files": cleaned.files,
            "folders": cleaned.folders,
            "left": cleaned.left,
            "forgotten": cleaned.forgotten,
        }
    )
