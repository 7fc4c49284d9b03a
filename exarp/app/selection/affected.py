"""The tasks that git says are affected by what has changed.

Knows what to ask for: the changes, and what earlier runs saw tasks read. What a change concerns, ``planning.affected`` knows.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import msgspec

from exarp.app.freshness.memory import Selection, recall
from exarp.app.freshness.records import Records
from exarp.app.opening.project import Project
from exarp.graph.reachability import with_dependents
from exarp.manifests.problems.place import Locator
from exarp.planning.affected import affected
from exarp.workspace.git_changes import changes_since


class Affected(msgspec.Struct, frozen=True):
    """The names of affected tasks, and ``since`` which revision."""

    names: frozenset[str]
    since: str


def affected_tasks(project: Project, revision: str, environ: Mapping[str, str]) -> Affected:
    """The tasks that changes since ``revision`` concern (empty: the usual one), and all that need these.

    A changed manifest, or dotenv file of its settings, concerns every task; a file that it includes, its tasks.
    Raises UsageError where git cannot tell.
    """
    manifest, graph = project.manifest, project.graph
    changes = changes_since(project.root, revision, environ)
    names = graph.names
    changed = frozenset((*changes.tracked, *changes.untracked))
    if not changed.isdisjoint((manifest.file, *manifest.settings.dotenv)):
        found = {number for number, task in enumerate(manifest.tasks) if not task.is_group}
    else:
        found = affected(manifest.tasks, graph, changes.tracked, changes.untracked, found_read(project))
        files = project.locator.included() if isinstance(project.locator, Locator) else {}
        prefixes = tuple([prefix for prefix, file in files.items() if file in changed])
        if prefixes:
            found |= with_dependents(graph, [number for number, name in enumerate(names) if name.startswith(prefixes)])
    return Affected(frozenset([names[task] for task in found]), changes.since)


def found_read(project: Project) -> dict[int, Collection[str]]:
    """What tasks with a depfile were seen to read when they last succeeded."""
    tasks = project.manifest.tasks
    depending = [number for number, task in enumerate(tasks) if task.depfile]
    if not depending:
        return {}
    selected = Selection(frozenset([tasks[task].name for task in depending]), most=False, whole=False)
    records = Records(project.graph.names, recall(project.root, selected).records)
    kept = {task: records.success(task) for task in depending}
    return {task: record.found.keys() for task, record in kept.items() if record is not None}
