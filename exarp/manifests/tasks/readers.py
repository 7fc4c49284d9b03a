"""Who reads which task: those of declared waves have defaults of their own.

Knows that there are two kinds. Does not know what the defaults are.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import partial

from exarp.manifests.tasks.fields import Fields
from exarp.manifests.tasks.task import Pool, TaskReader
from exarp.model.manifest import Settings


class Readers:
    """Readers of tasks: for those of declared waves (``planned`` names them), which have defaults of their own, and others."""

    def __init__(
        self, fields: Fields, free: Settings, waves: Settings, pools: Mapping[str, Pool], planned: Collection[str]
    ) -> None:
        self._make = (partial(TaskReader, settings=free, pools=pools), partial(TaskReader, settings=waves, pools=pools))
        self._readers = self.with_fields(fields)
        self._planned = planned

    def with_fields(self, fields: Fields) -> tuple[TaskReader, TaskReader]:
        """Both readers, over other variables: for free tasks, and for those of waves."""
        free, waves = self._make
        return free(fields), waves(fields)

    def is_planned(self, name: str) -> bool:
        """Whether a declared wave names a task, or a matrix."""
        return name in self._planned

    def of(self, name: str) -> TaskReader:
        """The reader of a task."""
        return self._readers[name in self._planned]
