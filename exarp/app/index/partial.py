"""The part of a run that is left when an index says what is up to date.

Knows how the tasks that may have to run become a project of their own, and how the index goes on afterwards: what was not
looked at stays as the index had it. Does not know how it was found out which tasks these are (``exarp.glance`` does).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import msgspec

from exarp.app.freshness.memory import Selection
from exarp.app.index.makings import Makings, Share, read_makings, share
from exarp.app.opening.project import Project
from exarp.errors import Place
from exarp.index import Part
from exarp.model.plan import Plan
from exarp.planning.selection import Chosen, without

if TYPE_CHECKING:
    from exarp.app.freshness.checker import Checker
    from exarp.app.wiring import Session
    from exarp.manifests.problems.place import Places
    from exarp.manifests.problems.positions import KeyPath


class Partial:
    """A run of a part. ``project`` and ``chosen``: what is to be run."""

    def __init__(self, part: Part, makings: Makings, share: Share, environ: Mapping[str, str]) -> None:
        self._part = part
        self._makings = makings
        self._share = share
        graph = share.graph
        wanted = [task for task in range(len(graph)) if share.plan.position[task] >= 0]
        others = [task for task in range(len(graph)) if share.plan.position[task] < 0]
        places: Places = LaterPlaces(part.root, environ)
        self.project = Project(part.root, share.manifest, graph, places)
        self.chosen = Chosen(tuple([graph.names[task] for task in wanted]), without(graph, others))
        self.plan: Plan = share.plan
        self.declared: Sequence[str] = makings.outputs
        names = frozenset(graph.names)
        self.selected = Selection(names, most=2 * len(names) > len(part.back.states), whole=False)

    def holds(self, index: bytes | None) -> bool:
        """Whether the index is still the one that was looked at."""
        return index is not None and index.startswith(self._part.head)

    def index(self, checker: Checker, session: Session) -> bytes | None:
        """The index, with what is known of the part by now; None where somebody must look at everything first."""
        from exarp.app.index.renewal import renewed

        return renewed(self._part, self._makings, self._share, checker, session.began_ns)


def partial(part: Part, environ: Mapping[str, str]) -> Partial | None:
    """The run of what is left, or None where that has to be a run of everything."""
    try:
        makings = read_makings(part.makings)
        shared = share(makings, part.back.names, part.back.needs, part.tasks, part.jobs)
    except (ValueError, msgspec.DecodeError):
        return None
    return Partial(part, makings, shared, environ) if shared is not None else None


class LaterPlaces:
    """Places in a manifest that nobody has read: it is read where somebody asks."""

    def __init__(self, root: str, environ: Mapping[str, str]) -> None:
        self._root = root
        self._environ = environ

    # How messages name the manifest.
    file: str = cached_property(lambda self: self._places.file)  # type: ignore[assignment]

    @cached_property
    def _places(self) -> Places:
        from exarp.app.opening.examining import examine

        return examine(self._root, None, self._environ, commands=False)[0].locator

    def key(self, *path: str | int) -> Place:
        """See ``Places``."""
        return self._places.key(*path)

    def value(self, *path: str | int) -> Place:
        """See ``Places``."""
        return self._places.value(*path)

    def entry(self, path: KeyPath, wanted: str, nth: int = 0) -> Place:
        """See ``Places``."""
        return self._places.entry(path, wanted, nth)

    def advice(self, text: str) -> str:
        """See ``Places``."""
        return self._places.advice(text)
