"""``did you mean 'needs'?``, as long as that is cheap.

Knows that comparing a name with many others takes time, and that nobody reads thousands of suggestions. Does not know what the
names are for.
"""

from __future__ import annotations

from collections.abc import Collection

from exarp.manifests.problems.slips import meant_by
from exarp.model.name import nearest

# One comparison takes some ten microseconds, thirty where names are much alike.
_COMPARISONS = 200_000


class Suggestions:
    """Suggests names for unknown ones; the first get a suggestion, further ones do without, once ``comparisons`` are made."""

    def __init__(self, comparisons: int = _COMPARISONS) -> None:
        self._left = comparisons

    def nearest(self, name: str, known: Collection[str]) -> str | None:
        """The known name most like ``name``, if one is alike enough and there was still time to look."""
        if self._left <= 0:
            return None
        self._left -= len(known)
        return nearest(name, known)

    def slip(self, name: str, known: Collection[str]) -> str | None:
        """The known name that ``name`` is surely a slip of, if there is one and still time to look."""
        if self._left <= 0:
            return None
        self._left -= len(known)
        return meant_by(name, known)

    def did_you_mean(self, name: str, known: Collection[str]) -> str:
        """``did you mean 'needs'?``, or an empty string."""
        found = self.nearest(name, known)
        return f"did you mean {found!r}?" if found else ""
