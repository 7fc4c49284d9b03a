"""The use case ``show``: one task as it would be run.

Knows how to gather what a task resolves to. Changes nothing.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

from exarp.app.freshness.checker import Checker
from exarp.app.freshness.resolution import FileFault
from exarp.app.opening.project import Project
from exarp.app.running.command_lines import LaunchFault, file_lists, file_variables, given_variables, vectors
from exarp.app.running.launcher import emptied_folders, made_folders
from exarp.app.secrets import Secrets
from exarp.app.selection.targets import single_task
from exarp.model.mask import masked
from exarp.model.overlap import overlap
from exarp.model.path import is_glob
from exarp.model.sheet import DotenvFile, Execution, TaskSheet
from exarp.model.task import Task
from exarp.planning.environment import FILE_WORDS, Environment
from exarp.planning.recipe import named_variables
from exarp.workspace.fingerprints import Fingerprints
from exarp.workspace.folders import seen_from, working_folder


def show(project: Project, name: str, environ: Mapping[str, str]) -> TaskSheet:
    """Everything about a task. Raises UsageError if there is none of that name."""
    name = single_task(project, name)
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
    lists = file_lists(task, inputs, project.root)
    variables = [
        name
        for name in named_variables(task.attempted)
        if name not in FILE_WORDS and name not in task.env and not environment.is_of_shell(name, task)
    ]
    variables += [name for name in environment.tracked(task) if name not in variables and name not in task.env]
    executed = _execution(project, task, environment, lists)
    reaching = {**environment.caller, **executed.env}
    files = (*project.manifest.settings.dotenv, *task.dotenv)
    folder = working_folder(project.root, task.cwd)

    def seen(paths: Iterable[str]) -> tuple[str, ...]:
        return tuple([seen_from(folder, path, project.root) for path in paths])

    sheet = TaskSheet(
        task=task,
        inputs=tuple(lists["in"]),
        missing=seen([missing])[0] if missing else "",
        missing_at=f"{place.file}:{place.line}" if place is not None else "",
        outputs=tuple(lists["out"]),
        matched=seen(path for path in task.outputs or () if is_glob(path)),
        depfile=seen([task.depfile])[0] if task.depfile else "",
        needs=tuple(names[need] for need in project.graph.needs[number]),
        after=tuple(names[edge] for edge in project.graph.after[number]),
        needed_by=tuple(names[dependent] for dependent in project.graph.dependents[number]),
        variables={name: reaching.get(name, "") for name in variables},
        sources={name: executed.sources.get(name, "caller") for name in variables if name in reaching},
        dotenv=tuple([DotenvFile(file, os.path.exists(os.path.join(project.root, file))) for file in files]),
        execution=executed,
        folders=made_folders(task),
        emptied=tuple(emptied_folders(task)),
        wave=next((wave.name for wave in project.manifest.waves if name in wave.tasks), None),
    )
    secrets = Secrets(project.manifest, environ)
    if not secrets:
        return sheet
    secrets.learn(executed.env)
    return masked(sheet, secrets.mask)


def _execution(project: Project, task: Task, environment: Environment, lists: Mapping[str, list[str]]) -> Execution:
    """What would be executed for a task."""
    around, caller = environment.around(task), environment.caller
    env = {name: value for name, value in around.items() if name not in caller}
    sources = dict.fromkeys(env, "dotenv")
    own, fault = {"EXARP_TASK": task.name, "EXARP_WORKSPACE": project.root}, ""
    try:
        files, given = file_variables(task, lists), given_variables(task, environment)
    except LaunchFault as error:
        files, given, fault = {}, environment.given(task), str(error)
    sources |= dict.fromkeys(own, "exarp") | dict.fromkeys(files, "files")
    sources |= {name: environment.source(name, task) for name in given}
    return Execution(
        commands=vectors(task, {**lists, "in_file": ["$in_file"]}),
        cwd=f"{project.root}/{task.cwd}" if task.cwd else project.root,
        env={**env, **own, **files, **given},
        sources=sources,
        inherited=tuple(sorted(caller)) if project.manifest.settings.clean_env else None,
        fault=fault,
    )


def _missing(project: Project, task: int, checker: Checker) -> str:
    """An input that is not there, and that nothing the task needs makes; empty where there is none."""
    tasks = project.manifest.tasks
    fault = checker.fault(tasks[task])
    if fault is None:
        return ""
    made = (path for need in project.graph.needs[task] for path in tasks[need].outputs or ())
    return "" if any(overlap(path, fault.subject) for path in made) else fault.subject
