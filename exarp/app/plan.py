"""The use case ``plan``: what a run would be.

Knows what to recall and what to look at. Changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec

from exarp.app.foresight.conditions import unwanted
from exarp.app.foresight.depfile_order import found_in, found_problems
from exarp.app.foresight.forecast import forecast
from exarp.app.foresight.guards import DueGuard, due_guards
from exarp.app.freshness.checker import Checker
from exarp.app.freshness.memory import Memory, recall, selection
from exarp.app.opening.faults import plan_warnings
from exarp.app.opening.project import Project
from exarp.errors import Problem
from exarp.manifests.reading import not_collecting
from exarp.model.event import FreshnessReason
from exarp.model.plan import Plan
from exarp.planning.planner import make_plan
from exarp.planning.selection import Chosen
from exarp.workspace.fingerprints import Fingerprints

if TYPE_CHECKING:
    from exarp.app.foresight.restorable import Restorable


class Preview(msgspec.Struct, frozen=True):
    """A plan, what is odd about it, what would run of it and why, and measured durations in seconds.

    ``faults``: what is wrong with what runs left, as texts to show. ``checker``: what looked at the files, if anything did.
    ``restored``: those of the stale tasks that would not run, for what they make is kept and would be put back. ``guards``: what
    would be verified, and where a person would be asked.
    """

    plan: Plan
    warnings: tuple[Problem, ...]
    freshness: dict[int, FreshnessReason | None]
    expected: dict[str, float]
    faults: tuple[str, ...] = ()
    checker: Checker | None = None
    restored: frozenset[int] = frozenset()
    guards: tuple[DueGuard, ...] = ()


def preview(
    project: Project,
    chosen: Chosen,
    environ: Mapping[str, str],
    force: bool = False,
    look: bool = True,
    warn: bool = True,
    told: bool = False,
    cache: bool = True,
) -> Preview:
    """What a run of what is ``chosen`` would be. Changes nothing.

    ``look`` False: without asking what is up to date. ``warn`` False, too: without anything that earlier runs left.
    ``told``: with its verdicts. ``cache``: whether the run would restore anything.
    """
    with not_collecting():
        return _preview(project, chosen, environ, force, look, warn, told, cache)


def _preview(
    project: Project,
    chosen: Chosen,
    environ: Mapping[str, str],
    force: bool,
    look: bool,
    warn: bool,
    told: bool,
    cache: bool,
) -> Preview:
    recorded = look or (warn and any(task.depfile for task in project.manifest.tasks))
    wanted = look or warn
    memory = recall(project.root, selection(project, chosen), records=recorded) if wanted else Memory()
    plan = make_plan(project.manifest, chosen.graph, chosen.targets, memory.expected, told)
    warnings = tuple(plan_warnings(project.manifest, project.locator, plan))
    if not recorded:
        return Preview(plan, warnings, {}, memory.expected, memory.faults)
    fingerprints = Fingerprints(project.root, memory.known)
    checker = Checker(project.root, project.manifest, project.graph, environ, memory.records, fingerprints, force)
    found = found_in(plan, checker)
    warnings += tuple(found_problems(project, found))
    asked = [chosen.graph.ids[name] for name in chosen.targets]
    others = unwanted(plan, project.manifest.tasks)
    if not look:
        return Preview(plan, warnings, {}, memory.expected, memory.faults, checker)
    kept = _restorable(project, environ, memory) if cache and not force else None
    freshness = forecast(plan, project.manifest.tasks, checker, found.reads, others, asked, kept)
    restored = frozenset(kept.restored) if kept is not None else frozenset()
    guards = due_guards(project.root, plan, project.manifest, checker, freshness)
    return Preview(plan, warnings, freshness, memory.expected, memory.faults, checker, restored, guards)


def _restorable(project: Project, environ: Mapping[str, str], memory: Memory) -> Restorable | None:
    from exarp.app.foresight.restorable import restorable

    return restorable(project, environ, memory)
