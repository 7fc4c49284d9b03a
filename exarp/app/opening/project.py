"""A project: a manifest without faults, and its graph.

Knows what belongs to it. Does not know how it is read (``examining``).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import msgspec

from exarp.errors import Place, Problem
from exarp.graph.task_graph import TaskGraph
from exarp.model.manifest import Manifest

if TYPE_CHECKING:
    from exarp.app.opening.shape import Shape
    from exarp.manifests.problems.place import Places


class Overrides(msgspec.Struct, frozen=True):
    """What the command line says instead of the manifest. None: the manifest's word stands."""

    variables: dict[str, str] = {}
    parameters: dict[str, str] = {}
    max_tasks_per_wave: int | None = None
    schedule: str | None = None
    retries: int | None = None
    on_failure: str | None = None
    jobs: int | None = None
    output: str | None = None


class Project(msgspec.Struct, frozen=True):
    """A manifest without faults, and its graph. ``root``: the workspace root, absolute. ``remarks``: doubts and
    warnings of whoever read it. ``schedule_chosen``: somebody wrote down which schedule holds. ``named``: the manifest's file
    (relative to the root), where whoever looks for the manifest of this folder finds another one, or none. ``shape``: what
    it was read from; None for plans and task states. ``jobs``: how many commands at once, as it is written down.
    """

    root: str
    manifest: Manifest
    graph: TaskGraph
    locator: Places
    remarks: tuple[Problem, ...] = ()
    schedule_chosen: bool = False
    named: str = ""
    shape: Shape | None = None
    jobs: int = 0

    @property
    def warnings(self) -> list[Problem]:
        """The remarks that a plan or a run tells too: what was not read as it is written."""
        return [
            remark for remark in self.remarks if remark.severity == "warning" or remark.slug == "unknown-dependency"
        ]


def in_file_order(problems: Iterable[Problem], first: str = "") -> list[Problem]:
    """Problems as a reader of the files meets them, each once: those without a place go first, then those of ``first``."""
    return sorted(dict.fromkeys(problems), key=lambda problem: _position(problem.place, first))


def _position(place: Place | None, first: str) -> tuple[str, int, int]:
    return ("" if place.file == first else place.file, place.line, place.column) if place else ("", 0, 0)
