"""``key=value`` of a command line: whether the tasks that are taken have such parameters, and all that they must be given.

Knows that a parameter counts for every task that runs and has it, named or needed. Their values are filled in already.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Mapping

from exarp.app.opening.project import Project
from exarp.app.selection.unknown_names import SHOWN
from exarp.errors import Problem, UsageError
from exarp.graph.reachability import closure
from exarp.model.name import did_you_mean
from exarp.model.param import Param
from exarp.model.task import Task
from exarp.planning.selection import Chosen


def check_parameters(project: Project, chosen: Chosen, given: Mapping[str, str], running: bool) -> None:
    """Raises UsageError for what no task has that is taken, for values that are no choice, and, where tasks are ``running``,
    for what must be given."""
    graph, tasks = project.graph, project.manifest.tasks
    if not given and not any(task.params for task in tasks):
        return
    taken = sorted(closure(chosen.graph, [graph.ids[name] for name in chosen.targets]))
    having = [tasks[task] for task in taken if tasks[task].params]
    problems = list(_unknown(project, having, given))
    problems += [
        _no_choice(task, param) for task in having for param in task.params if param.given and not _is_choice(param)
    ]
    # What is misspelt is missing, too: that need not be told.
    if running and not problems:
        problems = list(_all_missing(project, chosen, having))
    if problems:
        raise UsageError(*dict.fromkeys(problems))


def _is_choice(param: Param) -> bool:
    return not param.choices or param.value in param.choices


def _unknown(project: Project, having: Iterable[Task], given: Mapping[str, str]) -> Iterator[Problem]:
    known = {param.name: task.name for task in having for param in task.params}
    for name in given:
        if name in known:
            continue
        message = f"no task that is taken has a parameter {name!r}"
        step = did_you_mean(name, known)
        if not step and name in project.manifest.vars:
            message, step = (
                f"{name!r} is a variable, and no parameter",
                f"write --set {name}={shlex.quote(given[name])}",
            )
        elif not step and known:
            step = f"there is {', '.join(list(known)[:SHOWN])}"
        elif not step:
            owners = [task.name for task in project.manifest.tasks if any(param.name == name for param in task.params)]
            step = f"task {owners[0]!r} has it" if owners else "they have none; a variable is set with --set NAME=VALUE"
        yield Problem("unknown-parameter", message, None, step)


def _no_choice(task: Task, param: Param) -> Problem:
    message = f"{param.name}={param.value}: parameter {param.name!r} of task {task.name!r} cannot be that"
    step = did_you_mean(param.value or "", param.choices) or f"choose one: {', '.join(param.choices)}"
    return Problem("bad-parameter", message, None, step)


def _all_missing(project: Project, chosen: Chosen, having: Iterable[Task]) -> Iterator[Problem]:
    """What must be given, told of the first that wants it, those that are asked for before those that they need."""
    told: set[str] = set()
    targets = set(chosen.targets)
    for task in sorted(having, key=lambda task: task.name not in targets):
        missing = [param.name for param in task.params if param.value is None and param.name not in told]
        told.update(missing)
        if missing:
            yield _missing(chosen, task, missing)


def _missing(chosen: Chosen, task: Task, names: list[str]) -> Problem:
    graph = chosen.graph
    what = f"parameter {names[0]!r}" if len(names) == 1 else f"parameters {', '.join(map(repr, names))}"
    message = f"task {task.name!r} must be given {what}"
    targets = set(chosen.targets)
    if task.name not in targets:
        users = [graph.names[user] for user in graph.dependents[graph.ids[task.name]]]
        user = next((name for name in users if name in targets), users[0] if users else "")
        message += f"; task {user!r} needs it"
    told = chosen.targets[0] if len(targets) == 1 else task.name
    step = f"type it behind the task: exarp run {shlex.quote(told)} {' '.join(f'{name}=…' for name in names)}"
    return Problem("missing-parameter", message, None, step)
