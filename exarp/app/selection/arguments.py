"""What follows ``--`` on the command line, given to the tasks that are asked for.

Knows that only targets get it, and what to say where none of them takes it. What taking means, ``planning.arguments`` knows.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from exarp.app.opening.project import Project
from exarp.errors import Problem, UsageError
from exarp.graph.reachability import with_dependents
from exarp.model.task import Task
from exarp.planning.arguments import takes_arguments
from exarp.planning.selection import Chosen

_NAMES = 3


def with_arguments(project: Project, chosen: Chosen, arguments: Sequence[str]) -> Project:
    """The project whose targets have ``arguments``. Raises UsageError where none of them takes any."""
    if not arguments:
        return project
    targets = [project.graph.ids[name] for name in chosen.targets]
    taking = {task for task in targets if takes_arguments(project.manifest.tasks[task])}
    if not taking and targets:
        raise UsageError(_refusal(project, [project.manifest.tasks[task] for task in targets]))
    tasks = tuple(
        [
            replace(task, arguments=tuple(arguments)) if number in taking else task
            for number, task in enumerate(project.manifest.tasks)
        ]
    )
    return replace(project, manifest=replace(project.manifest, tasks=tasks))


def words_behind(project: Project, chosen: Chosen) -> dict[str, tuple[str, ...]]:
    """What follows the name of each task that is run again as it was: its parameters, and its arguments where it is a target."""
    tasks, graph = project.manifest.tasks, chosen.graph
    having: dict[str, list[int]] = {}
    for number, task in enumerate(tasks):
        for param in task.params:
            if param.given:
                having.setdefault(f"{param.name}={param.value}", []).append(number)
    found: dict[str, tuple[str, ...]] = {}
    for word, owners in having.items():
        # Alone a task may need others that take it.
        for number in with_dependents(graph, owners):
            found[tasks[number].name] = (*found.get(tasks[number].name, ()), word)
    for name in chosen.targets:
        if arguments := tasks[graph.ids[name]].arguments:
            found[name] = (*found.get(name, ()), "--", *arguments)
    return found


def _refusal(project: Project, targets: Sequence[Task]) -> Problem:
    names = [repr(task.name) for task in targets[:_NAMES]]
    more = f" and {len(targets) - _NAMES} more" if len(targets) > _NAMES else ""
    whose = "task" if len(targets) == 1 else "tasks"
    takes = "takes" if len(targets) == 1 else "take"
    message = f"{whose} {', '.join(names)}{more} {takes} no arguments"
    graph, tasks = project.graph, project.manifest.tasks
    inside = [
        tasks[need].name
        for task in targets
        if task.is_group
        for need in graph.needs[graph.ids[task.name]]
        if takes_arguments(tasks[need])
    ]
    if inside:
        return Problem("no-arguments", message, None, f"arguments go to tasks that are named: name {inside[0]!r}")
    step = 'write "$@" in the script where they belong, or leave out what follows --'
    return Problem("no-arguments", message, None, step)
