"""Who reads which task: those of declared waves, and prompts, have defaults of their own.

Knows that there are two kinds. Does not know what the defaults are.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import partial

from msgspec import UNSET

from exarp.manifests.document import TaskDocument
from exarp.manifests.tasks.fields import Fields
from exarp.manifests.tasks.task import Agents, Pool, TaskReader
from exarp.model.manifest import Settings


class Readers:
    """Readers of tasks: for those of declared waves (``planned`` names them) and prompts, which have defaults of their own, and
    others."""

    def __init__(
        self,
        fields: Fields,
        free: Settings,
        waves: Settings,
        pools: Mapping[str, Pool],
        agents: Agents,
        planned: Collection[str],
    ) -> None:
        make = partial(TaskReader, pools=pools, agents=agents)
        self._make = (partial(make, settings=free), partial(make, settings=waves))
        self._readers = self.with_fields(fields)
        self._planned = planned

    def with_fields(self, fields: Fields) -> tuple[TaskReader, TaskReader]:
        """Both readers, over other variables: for free tasks, and for those of waves."""
        free, waves = self._make
        return free(fields), waves(fields)

    def is_planned(self, name: str) -> bool:
        """Whether a declared wave names a task, or a matrix."""
        return name in self._planned

    def of(self, name: str, written: TaskDocument) -> TaskReader:
        """The reader of a task."""
        return self._readers[name in self._planned or is_prompt(written)]


def is_prompt(written: TaskDocument) -> bool:
    """Whether a task is carried out by an agent: what it comes to is not the same each time."""
    return written.prompt is not UNSET
