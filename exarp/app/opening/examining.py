"""Opening a project: its manifest read, its graph built, or all that is wrong with it.

Knows the order: find, read, build, check waves. Does not plan, nor does it know what is made of a project (``project``).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from typing import Any

import msgspec

from exarp.app.opening.limits import CONFIG, limits_of
from exarp.app.opening.outside import Outside
from exarp.app.opening.project import Overrides, Project, in_file_order
from exarp.app.opening.shape import Shape
from exarp.errors import ManifestError, Problem
from exarp.graph.build import GraphFaults, as_written, build_graph
from exarp.graph.task_graph import TaskGraph
from exarp.manifests.discover import Found, FoundPlans, find_manifest, manifest_in, named_manifest
from exarp.manifests.file import read_beside, read_bytes
from exarp.manifests.inclusion.included import Included
from exarp.manifests.problems.place import Places
from exarp.manifests.reading import not_collecting, read_manifest
from exarp.model.links import patterns_of, resolved
from exarp.model.manifest import Manifest
from exarp.model.path import folders_of
from exarp.workspace.links import found_links

# The content of a manifest, by its path and how messages name it; raises ManifestError.
ReadManifest = Callable[[str, str], bytes]


def find_root(directory: str, file: str | None) -> str:
    """The workspace root (absolute) of the manifest that would be read. Raises ManifestError if there is none."""
    return _find(directory, file).root


def _find(directory: str, file: str | None) -> Found | FoundPlans:
    return named_manifest(os.path.abspath(file), directory) if file else find_manifest(directory)


def open_project(
    directory: str, file: str | None, environ: Mapping[str, str], overrides: Overrides | None = None
) -> Project:
    """The project at ``directory`` (absolute), or of the manifest ``file``. Raises ManifestError with all problems."""
    project, problems = examine(directory, file, environ, overrides)
    if problems:
        raise ManifestError(*problems)
    return project


def examine(
    directory: str,
    file: str | None,
    environ: Mapping[str, str],
    overrides: Overrides | None = None,
    commands: bool = True,
    read: ReadManifest = read_bytes,
) -> tuple[Project, list[Problem]]:
    """The project as far as it can be read, and everything that is wrong with it, in the order of the file.

    ``commands`` False: variables that are commands are taken for empty, and nothing is run. ``read``: gives the content of the
    manifest's files.
    Raises ManifestError where nothing can be read.
    """
    found = _find(directory, file)
    with not_collecting():
        outside = Outside(found.root, environ, commands)
        project, problems = _examine(found, directory, environ, overrides or Overrides(), outside, read)
    if file and isinstance(found, Found) and manifest_in(found.root, directory) != found.path:
        project = msgspec.structs.replace(project, named=os.path.relpath(found.path, found.root))
    return project, problems


def _examine(
    found: Found | FoundPlans,
    directory: str,
    environ: Mapping[str, str],
    overrides: Overrides,
    outside: Outside,
    read_file: ReadManifest,
) -> tuple[Project, list[Problem]]:
    shape = Shape(found.root, environ)
    shape.look(os.path.join(found.root, CONFIG))
    limits, told = limits_of(found.root, directory)
    if isinstance(found, FoundPlans):
        from exarp.app.opening.plans import read_plans

        plans = read_plans(found, overrides.variables)
        manifest = _overridden(overrides, limits, plans.manifest)
        return _checked(found.root, manifest, plans.places, [*plans.problems, *told])
    read_file = shape.reading(read_file)
    data, memory = read_file(found.path, found.shown), physical_memory()

    def read(path: str) -> bytes:
        shape.look(os.path.join(found.root, path))
        return read_beside(found.root, path)

    opener = Included(found, directory, lambda pattern: outside.files(pattern, ()), read_file)
    reading = read_manifest(
        data,
        found.shown,
        found.notation,
        shape.environ,
        memory,
        overrides.variables,
        found.root,
        read,
        outside,
        overrides.parameters,
        opener,
    )
    file = os.path.relpath(found.path, found.root)
    manifest = msgspec.structs.replace(reading.manifest, file=file, digest=reading.digest)
    written = msgspec.structs.replace(overrides, jobs=None, retries=None, on_failure=None)
    jobs = _overridden(written, limits, manifest, reading.settings_written).settings.jobs
    manifest = _overridden(overrides, limits, manifest, reading.settings_written)
    project, problems = _checked(found.root, manifest, reading.locator, [*reading.problems, *told])
    chosen = "schedule" in reading.settings_written or overrides.schedule is not None
    shape.outside = outside
    return msgspec.structs.replace(project, schedule_chosen=chosen, shape=shape, jobs=jobs), problems


def _checked(root: str, manifest: Manifest, locator: Places, told: Sequence[Problem]) -> tuple[Project, list[Problem]]:
    """The project, with what is wrong with its graph and waves beside what was ``told`` already."""
    manifest = _through_links(root, manifest)
    graph, faults = build_graph(manifest.real_tasks)
    if manifest.seen:
        faults = as_written(faults, manifest.tasks)
    problems = [problem for problem in told if problem.severity == "error"]
    remarks = tuple(in_file_order((problem for problem in told if problem.severity != "error"), locator.file))
    if manifest.waves or faults:
        problems += _faults(manifest, graph, locator, faults)
    return Project(root, manifest, graph, locator, remarks), in_file_order(problems, locator.file)


def _faults(manifest: Manifest, graph: TaskGraph, locator: Places, faults: GraphFaults) -> list[Problem]:
    """What is wrong with a graph, and with the waves on it."""
    from exarp.app.opening.faults import FaultPlaces
    from exarp.planning.grouping import Grouping

    places = FaultPlaces(manifest, locator)
    problems = places.graph_problems(faults)
    if manifest.waves:
        cycles, sequences = Grouping(graph, set(range(len(graph))), manifest.waves).faults()
        problems += places.wave_problems(cycles, sequences, faults)
    return problems


def _through_links(root: str, manifest: Manifest) -> Manifest:
    """The manifest, with what is known of folders that have two names."""
    folders = pattern_folders(manifest)
    links = found_links(root, folders) if folders else {}
    if not links:
        return manifest
    return msgspec.structs.replace(
        manifest, links=links, seen=tuple([resolved(task, links) for task in manifest.tasks])
    )


def pattern_folders(manifest: Manifest) -> set[str]:
    """Folders that the tasks' patterns lie in, with a slash each: any of them may be a link."""
    speaking = [
        task for task in manifest.tasks if task.inputs or task.outputs or task.modifies or task.tools or task.depfile
    ]
    return folders_of(chain.from_iterable(map(patterns_of, speaking)))


def _overridden(
    overrides: Overrides, limits: Mapping[str, int], manifest: Manifest, written: frozenset[str] = frozenset()
) -> Manifest:
    """What the command line says counts before what the manifest has ``written`` down, and the workspace's limits after it."""
    settings: dict[str, Any] = {name: value for name, value in limits.items() if name not in written}
    settings |= {
        name: getattr(overrides, name)
        for name in ("max_tasks_per_wave", "schedule", "jobs", "output")
        if getattr(overrides, name) is not None
    }
    if settings.get("max_tasks_per_wave") and "schedule" not in settings and "schedule" not in written:
        settings["schedule"] = "waves"
    of_tasks: dict[str, Any] = {
        name: getattr(overrides, name) for name in ("retries", "on_failure") if getattr(overrides, name) is not None
    }
    tasks, recovery = manifest.tasks, manifest.recovery
    if overrides.on_failure is not None:
        settings["on_failure_of_verify"] = overrides.on_failure
    if recovery is not None and overrides.retries is not None:
        # What the agent does comes before a retry.
        attempts = min(overrides.retries, recovery.attempts)
        recovery = msgspec.structs.replace(recovery, attempts=attempts) if attempts else None
    if of_tasks:
        tasks = tuple([msgspec.structs.replace(task, **of_tasks) for task in tasks])
    return msgspec.structs.replace(
        manifest, tasks=tasks, settings=msgspec.structs.replace(manifest.settings, **settings), recovery=recovery
    )


def physical_memory() -> int:
    """Bytes of memory that the machine has; 0 where it does not tell."""
    try:
        return max(0, os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    except (OSError, ValueError):
        return 0
