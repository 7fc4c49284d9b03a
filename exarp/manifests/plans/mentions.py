"""Files that people mention in prose: between commas and white space, in backticks, with notes in parentheses.

Knows how to find the paths in such a text, and where each stands. Does not know whether they exist.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from exarp.errors import Problem
from exarp.manifests.plans.source import Source
from exarp.manifests.problems.place import from_root
from exarp.model.path import exactly, is_outside, normalise

# Parentheses inside a path belong to it, as in app/(auth)/page.tsx.
_NOTE = re.compile(r"(?:(?<=[\s,`])|^)\([^()]*\)")
_WORD = re.compile(r"[^\s,]+")
_QUOTES = "`\"'"
_NOTHING = frozenset({"", "none", "n/a", "na", "-", "tbd", "nothing"})


class Mention(NamedTuple):
    """A pattern (brackets are a part of names, wildcards are none of them), and where it stands."""

    path: str
    start: int
    end: int


def mentions(text: str, at: int, source: Source, root: str) -> Iterator[Mention]:
    """The paths in ``text``, which stands at ``at`` in its file, each as often as it stands there.

    Paths that leave the workspace (``root``, absolute or empty) are remarked on and left out.
    """
    if text.strip().strip(_QUOTES).lower() in _NOTHING:
        return
    bare = _NOTE.sub(lambda note: " " * len(note[0]), text)
    for word in _WORD.finditer(bare):
        quoted = word[0].strip(_QUOTES)
        if not re.search(r"[\w*]", quoted):
            continue
        start = at + word.start() + word[0].index(quoted)
        found = mention(quoted, start, source, root)
        if found is not None:
            yield found


def mention(written: str, start: int, source: Source, root: str) -> Mention | None:
    """One path as it is written; None, and a remark, where it leaves the workspace or is no path."""
    path = from_root(normalise(written), root) if written else ""
    if path and "\0" not in path and not is_outside(path):
        return Mention(exactly(path), start, start + len(written))
    message = f"{written!r} lies outside of the workspace: it is left out"
    step = "name files by their paths from the git root"
    source.remark(Problem("outside-workspace", message, None, step, severity="warning"), start, start + len(written))
    return None
