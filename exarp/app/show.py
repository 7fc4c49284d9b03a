"""The use case ``show``: one task as it would be run.

Knows how to gather what a task resolves to. Changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from exarp.app.checker import Checker
from exarp.app.project import Project
from exarp.app.resolution import FileFault
from exarp.app.targets import known_targets
from exarp.model.overlap import overlap
from exarp.model.path import is_glob
from exarp.model.sheet import TaskSheet
from exarp.planning.environment import Environment
from exarp.planning.recipe import named_variables, out_paths
from exarp.workspace.fingerprints import Fingerprints
from exarp.workspace.folders import seen_from, working_folder


def show(project: Project, name: str, environ: Mapping[str, str]) -> TaskSheet:
    """Everything about a task. Raises UsageError if there is none of that name."""
    name = known_targets(project, [name])[0]
    number = project.graph.ids[name]
    task = project.manifest.tasks[number]
    checker = Checker(project.root, project.manifest, project.graph, environ, {}, Fingerprints(project.root, {}))
    try:
        inputs = checker.inputs_of(task)
    except FileFault:
        inputs = ()
    missing = _missing(project, number, checker)
    field = "tools" if missing in task.tools else "inputs"
    place = project.locator.entry(("task", name, field), missing) if missing else None
    names = project.graph.names
    environment = Environment(project.manifest, environ)
    variables = {
        variable: environment.value(variable, task) or ""
        for variable in named_variables(task.commands)
        if variable not in ("in", "out", "depfile", "in_file") and variable not in task.env
    }
    folder = working_folder(project.root, task.cwd)

    def seen(paths: Iterable[str]) -> tuple[str, ...]:
        return tuple([seen_from(folder, path, project.root) for path in paths])

    return TaskSheet(
        task=task,
        inputs=seen(inputs),
        missing=seen([missing])[0] if missing else "",
        missing_at=f"{place.file}:{place.line}" if place is not None else "",
        outputs=seen(out_paths(task)),
        matched=seen(path for path in task.outputs or () if is_glob(path)),
        depfile=seen([task.depfile])[0] if task.depfile else "",
        needs=tuple(names[need] for need in project.graph.needs[number]),
        after=tuple(names[edge] for edge in project.graph.after[number]),
        needed_by=tuple(names[dependent] for dependent in project.graph.dependents[number]),
        variables=variables,
        wave=next((wave.name for wave in project.manifest.waves if name in wave.tasks), None),
    )


def _missing(project: Project, task: int, checker: Checker) -> str:
    """An input that is not there, and that nothing the task needs makes; empty where there is none."""
    tasks = project.manifest.tasks
    fault = checker.fault(tasks[task])
    if fault is None:
        return ""
    made = (path for need in project.graph.needs[task] for path in tasks[need].outputs or ())
    return "" if any(overlap(path, fault.subject) for path in made) else fault.subject
