"""Several files become one manifest: names get their prefix, and are looked up as each file means them.

Pure, over the model. Knows which fields hold names of tasks (a new one belongs into ``USED``, or ``USED_ALONE``); paths are
relative to the workspace root already. Does not know whether the names exist (``references``).
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Mapping, MutableMapping, Sequence
from typing import Any, cast

from msgspec.structs import replace

from exarp.manifests.document import is_stand_in
from exarp.manifests.inclusion.scope import DEFAULT, Scope
from exarp.manifests.naming import named, named_tasks, named_wave, with_sources
from exarp.model.manifest import Manifest, WaveSpec
from exarp.model.task import Task

# Fields of a task that hold names of tasks, and those that hold one.
USED = ("needs", "after", "sources")
USED_ALONE = ("parent",)


def join(files: Sequence[tuple[Scope, Manifest]], pools: Mapping[str, int]) -> Manifest:
    """One manifest of several; the first is the root, whose settings and variables are those of the whole.

    ``pools``: all that any file declares.
    """
    scope, root = files[0]
    memory = max(manifest.resources.get("memory", 0) for _, manifest in files)
    variables: dict[str, Mapping[str, str]] = {"": root.vars}
    for inner, manifest in files[1:]:
        variables[inner.prefix] = _around(variables[inner.around[1]], manifest.vars)
    joined = replace(
        root,
        tasks=tuple([_task(task, inner) for inner, manifest in files for task in manifest.tasks]),
        waves=tuple([_wave(wave, inner) for inner, manifest in files for wave in manifest.waves]),
        settings=replace(root.settings, default=tuple(map(scope.task, root.settings.default))),
        resources={"memory": memory} | dict(pools),
        instances={
            inner.prefix + name: tuple([inner.prefix + each for each in names])
            for inner, manifest in files
            for name, names in manifest.instances.items()
        },
        inner_vars={prefix: found for prefix, found in variables.items() if prefix},
    )
    return _named(joined)


def _named(manifest: Manifest) -> Manifest:
    """The manifest with the tasks of a matrix for its name, and outputs for ``{ from = … }``, also between files."""
    instances = manifest.instances
    tasks: Sequence[Task] = manifest.tasks
    if instances:
        settings = replace(manifest.settings, default=named(manifest.settings.default, instances))
        waves = tuple([named_wave(wave, instances) for wave in manifest.waves])
        manifest, tasks = replace(manifest, settings=settings, waves=waves), named_tasks(tasks, instances)
    return replace(manifest, tasks=with_sources(tasks))


def _around(outer: Mapping[str, str], own: Mapping[str, str]) -> Mapping[str, str]:
    """Variables, and below them those of the file around."""
    if not own:
        return outer
    if isinstance(own, dict) and isinstance(outer, dict):
        return outer | own
    # Some are commands, which are run only when somebody asks.
    return ChainMap(*(cast("MutableMapping[str, str]", each) for each in (own, outer)))


def _task(task: Task, scope: Scope) -> Task:
    changes: dict[str, Any] = {}
    for field in USED:
        names = getattr(task, field)
        if names:
            found = tuple(map(scope.task, names))
            if found != names:
                changes[field] = found
    for field in USED_ALONE:
        if (name := getattr(task, field)) and scope.task(name) != name:
            changes[field] = scope.task(name)
    if scope.prefix:
        changes["name"] = scope.prefix + task.name
        if task.aliases:
            changes["aliases"] = tuple([scope.prefix + alias for alias in task.aliases])
        if task.name == DEFAULT and scope.task(f":{scope.prefix[:-1]}") == changes["name"]:
            # On the command line, too, the prefix alone is enough.
            changes["aliases"] = (*changes.get("aliases", ()), scope.prefix[:-1])
    return replace(task, **changes) if changes else task


def _wave(wave: WaveSpec, scope: Scope) -> WaveSpec:
    marking = wave.parallel
    return replace(
        wave,
        name=f"{wave.name} of {scope.prefix[:-1]!r}"
        if is_stand_in(wave.name) and scope.prefix
        else scope.prefix + wave.name,
        tasks=tuple(map(scope.task, wave.tasks)),
        parallel=marking if isinstance(marking, bool) else tuple(map(scope.wave, marking)),
    )
