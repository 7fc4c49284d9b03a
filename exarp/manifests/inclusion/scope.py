"""Names of tasks and waves as one file writes them, and as the whole workspace knows them.

Knows the order of looking: in the file itself, then in those that include it, outwards; ``:name`` starts at the root. A prefix
alone is the task ``default`` behind it. Does not know what the names stand for.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import cached_property

DEFAULT = "default"


class Scope:
    """The names that a file can use. ``prefix``: its own (``ui:``, empty for the root); ``tasks``, ``waves``: full names."""

    def __init__(self, prefix: str, tasks: Collection[str], waves: Collection[str]) -> None:
        self.prefix = prefix
        self._tasks = tasks
        self._waves = waves
        self._full: dict[str, str] = {}

    @cached_property
    def around(self) -> tuple[str, ...]:
        """The file's own prefix, then those of the files around it; the root's, which is empty, last."""
        found = [self.prefix]
        while found[-1]:
            found.append(outer_prefix(found[-1]))
        return tuple(found)

    def task(self, name: str) -> str:
        """The full name of the task that is meant by ``name``; as it is written where there is none."""
        full = self._full.get(name)
        if full is None:
            full = self._full[name] = next(filter(None, map(self._known_task, self._candidates(name))), name)
        return full

    def wave(self, name: str) -> str:
        """The full name of the wave that is meant by ``name``; as it is written where there is none."""
        return next((full for full in self._candidates(name) if full in self._waves), name)

    def either(self, name: str) -> str:
        """As ``task``, or as ``wave`` where no task is meant."""
        full = self.task(name)
        return self.wave(name) if full == name else full

    def _candidates(self, name: str) -> list[str]:
        return [name[1:]] if name.startswith(":") else [prefix + name for prefix in self.around]

    def _known_task(self, full: str) -> str:
        family, at, instance = full.partition("@")
        if family in self._tasks:
            return full
        default = f"{family}:{DEFAULT}"
        return f"{default}{at}{instance}" if default in self._tasks else ""


def outer_prefix(prefix: str) -> str:
    """The prefix of the file around one: ``a:`` for ``a:b:``."""
    return prefix[: prefix.rfind(":", 0, -1) + 1]
