"""Notices of changes in folders, from the system (inotify, FSEvents), by watchfiles.

Knows how changes are waited for, and what keeps a system from telling. Does not know which of them matter.
"""

from __future__ import annotations

import os
from collections.abc import Collection
from time import monotonic

from watchfiles import watch

from exarp.errors import Problem, UsageError

# An editor saves in several steps, and several files at once: changes so close together (seconds) are one.
_TOGETHER, _AT_MOST = 0.05, 2.0
_STEP_MS = 5
# What systems say that have no more room for folders to watch.
_LIMITS = ("limit", "no space left", "too many open files")


class Notices:
    """Tells of changes directly in ``folders`` (absolute) from now on, not of those further below.

    Raises UsageError where the system cannot watch them.
    """

    def __init__(self, folders: Collection[str]) -> None:
        there = sorted(filter(os.path.isdir, folders))
        self._changes = watch(
            *there,
            watch_filter=None,
            debounce=4 * _STEP_MS,
            step=_STEP_MS,
            rust_timeout=_STEP_MS,
            yield_on_timeout=True,
            raise_interrupt=True,
            recursive=False,
            ignore_permission_denied=True,
        )
        try:
            # It begins to watch when it is first asked.
            self._first = self._taken()
        except (OSError, RuntimeError) as error:
            raise _fault(error, len(there)) from None

    def close(self) -> None:
        """Watch no longer."""
        self._changes.close()

    def take(self) -> set[str]:
        """Paths that have changed since the last time; waits for no more than some milliseconds."""
        first, self._first = self._first, set()
        return first | self._taken()

    def take_all(self) -> set[str]:
        """As ``take``; where something has changed, with all that changes right after it."""
        found = self.take()
        last = begun = monotonic()
        while found and (now := monotonic()) - last < _TOGETHER and now - begun < _AT_MOST:
            if more := self.take():
                found |= more
                last = now
        return found

    def _taken(self) -> set[str]:
        return {path for _, path in next(self._changes, ())}


def _fault(error: Exception, count: int) -> UsageError:
    said = (isinstance(error, OSError) and error.strerror) or str(error)
    step = "WATCHFILES_FORCE_POLLING=1 looks at the files instead of waiting to be told"
    if any(word in said.lower() for word in _LIMITS):
        step = f"let the system watch more: sudo sysctl fs.inotify.max_user_watches=524288; or {step}"
    return UsageError(Problem("cannot-watch", f"{count} folders cannot be watched: {said}", None, step))
