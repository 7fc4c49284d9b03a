"""The use case ``plan``: what a run would be.

Knows what to recall and what to look at. Changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from exarp.app.checker import Checker
from exarp.app.faults import plan_warnings
from exarp.app.forecast import forecast
from exarp.app.found import found_in
from exarp.app.memory import recall, selection
from exarp.app.project import Project
from exarp.errors import Problem
from exarp.model.event import FreshnessReason
from exarp.model.plan import Plan
from exarp.planning.planner import make_plan
from exarp.workspace.fingerprints import Fingerprints


class Preview(msgspec.Struct, frozen=True):
    """A plan, what is odd about it, what would run of it and why, and measured durations in seconds."""

    plan: Plan
    warnings: tuple[Problem, ...]
    freshness: dict[int, FreshnessReason | None]
    expected: dict[str, float]


def preview(
    project: Project, targets: Sequence[str], environ: Mapping[str, str], force: bool = False, look: bool = True
) -> Preview:
    """What a run of ``targets`` would be. Changes nothing. ``look`` False: without asking what is up to date."""
    memory = recall(project.root, selection(project, targets), records=look)
    plan = make_plan(project.manifest, project.graph, targets, memory.expected)
    warnings = tuple(plan_warnings(project.manifest, project.locator, plan))
    if not look:
        return Preview(plan, warnings, {}, memory.expected)
    fingerprints = Fingerprints(project.root, memory.known)
    checker = Checker(project.root, project.manifest, project.graph, environ, memory.records, fingerprints, force)
    reads = found_in(plan, checker).reads
    return Preview(plan, warnings, forecast(plan, project.manifest.tasks, checker, reads), memory.expected)
