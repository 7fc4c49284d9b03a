"""What may stand on a command line next to what stands there already.

Knows tasks, their parameters, tags, groups and waves. Does not know shells.
"""

from __future__ import annotations

from collections.abc import Sequence

from exarp.app.opening.project import Project
from exarp.app.selection.targets import completions
from exarp.graph.reachability import closure
from exarp.model.manifest import Manifest
from exarp.model.param import Param
from exarp.planning.planner import make_plan
from exarp.planning.selection import Catalogue, all_targets, default_targets

# Of a larger manifest nobody waits for the plan when a key is pressed.
_MOST_TASKS = 10_000


def words(project: Project, typed: Sequence[str], incomplete: str) -> list[str]:
    """Names of tasks, and parameters of those that are ``typed`` and of all that they need."""
    return [*completions(project.manifest, incomplete), *_parameters(project, typed, incomplete)]


def tasks_and_waves(project: Project, incomplete: str) -> list[str]:
    """Names of tasks, and of declared waves."""
    declared = [wave.name for wave in project.manifest.waves]
    return list(dict.fromkeys([*completions(project.manifest, incomplete), *declared]))


def _parameters(project: Project, typed: Sequence[str], incomplete: str) -> list[str]:
    catalogue = Catalogue(project.manifest, project.graph)
    named = [task for word in typed for task in catalogue.named(word) or ()]
    given = {word.partition("=")[0] for word in typed if "=" in word}
    taken = sorted(closure(project.graph, [project.graph.ids[name] for name in named]))
    params: dict[str, Param] = {}
    for task in taken:
        for param in project.manifest.tasks[task].params:
            params.setdefault(param.name, param)
    name, equals, _ = incomplete.partition("=")
    if equals:
        choices = params[name].choices if name in params else ()
        found = [f"{name}={choice}" for choice in choices]
    else:
        found = [f"{each}=" for each in params if each not in given]
    return [word for word in found if word.startswith(incomplete)]


def tags(manifest: Manifest) -> list[str]:
    """The tags that tasks have."""
    return list(dict.fromkeys(tag for task in manifest.tasks for tag in task.tags))


def groups(manifest: Manifest) -> list[str]:
    """The numbers of the groups of declared waves."""
    return [str(group) for group in sorted({wave.group for wave in manifest.waves if wave.group is not None})]


def waves(project: Project) -> list[str]:
    """The numbers of the waves that are planned where nothing is named."""
    manifest = project.manifest
    if len(manifest.tasks) > _MOST_TASKS:
        return []
    targets = default_targets(manifest) or all_targets(manifest)
    return [str(wave.number) for wave in make_plan(manifest, project.graph, targets, told=False).waves]
