"""The use cases of ``exarp cache``: what the artifact store of a workspace holds, and its upkeep.

Knows which store that is, and how it is asked. Words nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

import msgspec

from exarp.app.opening.project import Project
from exarp.app.wiring import artifact_folder
from exarp.errors import Problem, UsageError
from exarp.workspace.artifacts import upkeep
from exarp.workspace.artifacts.layout import Layout
from exarp.workspace.artifacts.upkeep import Collected, Contents, Verified

Answer = TypeVar("Answer")


class StoreInfo(msgspec.Struct, frozen=True):
    """An artifact store and what is in it. ``enabled``: whether runs use it; ``max_size``: bytes."""

    folder: str
    enabled: bool
    max_size: int
    contents: Contents


class ArtifactUpkeep:
    """Of the store that runs of a project use, or would if they used any. All raise UsageError where it cannot be used."""

    def __init__(self, project: Project, environ: Mapping[str, str]) -> None:
        self._cache = project.manifest.cache
        used = artifact_folder(project.root, self._cache, environ)
        self._is_enabled = used is not None
        always = msgspec.structs.replace(self._cache, enabled=True)
        said = {} if environ.get("EXARP_CACHE") == "off" else environ
        self.folder = used or artifact_folder(project.root, always, said) or ""
        self._layout = Layout(self.folder)

    def info(self) -> StoreInfo:
        """What there is; changes nothing."""
        contents = self._ask(lambda: upkeep.contents(self._layout))
        return StoreInfo(self.folder, self._is_enabled, self._cache.max_size, contents)

    def collect(self, max_size: int | None = None) -> Collected:
        """Remove what nothing needs, and what was used longest ago where there is more than ``max_size`` bytes (None: the
        manifest's)."""
        return self._ask(lambda: upkeep.collect(self._layout, self._cache.max_size if max_size is None else max_size))

    def verify(self) -> Verified:
        """Read everything; what is damaged is removed."""
        return self._ask(lambda: upkeep.verify(self._layout))

    def clear(self) -> int:
        """Remove everything; how many bytes that was."""
        return self._ask(lambda: upkeep.clear(self._layout))

    def _ask(self, query: Callable[[], Answer]) -> Answer:
        try:
            return query()
        except OSError as error:
            message = f"the artifact store {self.folder} cannot be used: {error.strerror or error}"
            step = "let yourself read and write it, or choose another folder: dir in [cache], or EXARP_CACHE"
            raise UsageError(Problem("cache-folder", message, None, step)) from None
