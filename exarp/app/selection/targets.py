"""From what a command line asks for to the tasks that are meant.

Knows the order: names, else the manifest's default; then what narrows them down; then what is left out. What the words mean is
``planning.selection``'s to know; what is said of those that mean nothing, ``unknown_names``'s.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from exarp.app.opening.project import Project
from exarp.app.selection.unknown_names import SHOWN, UnknownNames, listed, matrix_problem
from exarp.errors import Problem, UsageError
from exarp.manifests.problems.place import reworded
from exarp.model.manifest import Manifest
from exarp.model.plan import Plan
from exarp.model.task import Task
from exarp.planning.planner import make_plan
from exarp.planning.selection import (
    Catalogue,
    Chosen,
    Wanted,
    all_targets,
    default_targets,
    in_groups,
    is_pattern,
    picked,
    without,
)

Unnamed = Literal["default", "default or all", "all"]
"""What is taken where nothing is named: the manifest's default or a refusal (``run``), else all that is not manual (``plan``),
or every task (``list``)."""


def choose(
    project: Project,
    wanted: Wanted,
    unnamed: Unnamed = "default",
    commands: Sequence[str] = (),
    environ: Mapping[str, str] | None = None,
) -> Chosen:
    """What ``wanted`` means. ``commands``: those that the first name may have been meant as. ``environ``: git's.

    Raises UsageError for names, patterns, tags, groups and waves that there are not, and where nothing is named at all.
    """
    return _Choice(project, wanted, unnamed, environ or {}).chosen(commands)


def known_targets(project: Project, names: Sequence[str]) -> tuple[str, ...]:
    """``names``, each of which must be a task. Raises UsageError."""
    catalogue = Catalogue(project.manifest, project.graph)
    words = UnknownNames(project.manifest)
    _refuse([words.problem(name) for name in names if catalogue.named(name) is None])
    return tuple([task for name in names for task in catalogue.named(name) or ()])


def cleaned_targets(project: Project, names: Sequence[str]) -> tuple[str, ...]:
    """The tasks that ``names`` and patterns stand for, all where none is given; for a task that gathers others, those.

    Raises UsageError.
    """
    manifest, graph = project.manifest, project.graph
    if not names:
        return tuple([task.name for task in manifest.tasks])
    found: dict[str, None] = {}
    stack = [graph.ids[name] for name in reversed(choose(project, Wanted(tuple(names)), "all").targets)]
    seen: set[int] = set()
    while stack:
        task = stack.pop()
        if task not in seen:
            seen.add(task)
            found[graph.names[task]] = None
            if manifest.tasks[task].is_group:
                stack.extend(reversed(graph.needs[task]))
    return tuple(found)


def single_task(project: Project, name: str) -> str:
    """``name``, which must be one task. Raises UsageError; of a matrix it says which tasks it has."""
    instances = project.manifest.instances
    if name in instances:
        raise UsageError(matrix_problem(name, instances[name]))
    found = known_targets(project, [name])
    if len(found) > 1:
        raise UsageError(matrix_problem(name, found))
    return found[0]


def completions(manifest: Manifest, incomplete: str) -> list[str]:
    """Names that begin like ``incomplete``; instances only once their matrix stands there, which may have very many."""
    wants_instances = "@" in incomplete or incomplete in manifest.instances
    found: dict[str, None] = {}
    for task in manifest.tasks:
        if not task.internal:
            matrix = task.name.partition("@")[0]
            found.update(dict.fromkeys((matrix, *task.aliases)))
            if wants_instances:
                found[task.name] = None
    return [name for name in found if name.startswith(incomplete)]


def _refuse(problems: Iterable[Problem]) -> None:
    problems = list(problems)
    if problems:
        raise UsageError(*problems)


class _Choice:
    def __init__(self, project: Project, wanted: Wanted, unnamed: Unnamed, environ: Mapping[str, str]) -> None:
        self.project = project
        self.environ = environ
        self.manifest: Manifest = project.manifest
        self.locator = project.locator
        self.graph = project.graph
        self.wanted = wanted
        self.unnamed = unnamed
        self.catalogue = Catalogue(project.manifest, project.graph)

    def chosen(self, commands: Sequence[str]) -> Chosen:
        wanted = self.wanted
        targets = self.named(commands) if wanted.names else self.usual()
        left_out = self.excluded()
        if wanted.tags or wanted.groups:
            targets = self.narrowed(targets)
        if wanted.affected is not None:
            targets, since = self.affected(targets, wanted.affected)
            if not targets:
                whose = "named tasks" if wanted.names else "tasks"
                return Chosen(
                    (), self.graph, f"nothing is selected: what changed since {since} affects none of the {whose}"
                )
        targets = self.remaining(targets, left_out)
        graph = without(self.graph, [self.graph.ids[name] for name in left_out]) if left_out else self.graph
        if wanted.waves:
            targets = self.of_waves(make_plan(self.manifest, graph, targets, told=False))
        if wanted.only:
            asked = {graph.ids[name] for name in targets}
            graph = without(graph, [task for task in range(len(graph)) if task not in asked])
        return Chosen(targets, graph)

    # -- names -------------------------------------------------------------------------------------------------

    def named(self, commands: Sequence[str]) -> tuple[str, ...]:
        """The tasks that names and patterns stand for, each once."""
        words = UnknownNames(self.manifest, commands, self.wanted.names)
        found: dict[str, None] = {}
        problems = []
        for name in self.wanted.names:
            tasks = self.stands_for(name)
            if isinstance(tasks, Problem):
                problems.append(tasks)
            elif tasks is not None:
                found.update(dict.fromkeys(tasks))
            else:
                problems.append(words.problem(name, first=name == self.wanted.names[0]))
        _refuse(problems)
        return tuple(found)

    def stands_for(self, name: str) -> Sequence[str] | Problem | None:
        """The tasks that one name or pattern stands for; None where it stands for nothing."""
        found = self.catalogue.named(name)
        if found is not None and self.unnamed != "all" and len(self.catalogue.listed(found)) < len(found):
            return self.internal(name, found[0])
        if found is not None or not is_pattern(name):
            return found
        matching = self.catalogue.listed(self.catalogue.matching(name))
        offered = matching if self.unnamed == "all" else self.catalogue.offered(matching)
        if matching and not offered:
            message = f"{name!r} matches only tasks that are manual: {', '.join(matching[:SHOWN])}"
            return Problem("manual-task", message, None, "a manual task runs when its own name is given")
        return offered or None

    def internal(self, name: str, task: str) -> Problem:
        message = f"task {name!r} is internal: it runs only where another task needs it"
        users = [self.graph.names[user] for user in self.graph.dependents[self.graph.ids[task]]]
        named = self.catalogue.listed(users)
        step = f"run one that needs it: {listed(named)}" if named else "take internal = true out to run it by its name"
        return Problem("internal-task", message, None, step)

    def usual(self) -> tuple[str, ...]:
        """What is taken where nothing is named."""
        manifest, wanted = self.manifest, self.wanted
        if self.unnamed == "all" and not wanted.waves:
            return tuple([task.name for task in manifest.tasks if not task.internal])
        if wanted.every or wanted.tags or wanted.groups:
            return all_targets(manifest)
        found = default_targets(manifest)
        if found is not None:
            return found
        if self.unnamed != "default" or wanted.narrows:
            return all_targets(manifest)
        names = [task.name for task in manifest.tasks if not task.internal]
        more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
        step = (
            f"name one: {', '.join(names[:SHOWN])}{more}; or set default in [settings]; or say --all"
            if names
            else "add a [task.NAME] first"
        )
        problem = Problem("no-target", "no task is named, and the manifest has no default", None, step)
        raise UsageError(reworded(problem, self.locator))

    # -- what narrows them down --------------------------------------------------------------------------------

    def narrowed(self, targets: tuple[str, ...]) -> tuple[str, ...]:
        """Those of them with one of the tags, in one of the groups."""
        wanted, manifest = self.wanted, self.manifest
        known = {tag for task in manifest.tasks for tag in task.tags}
        words = UnknownNames(manifest)
        groups = {wave.group for wave in manifest.waves if wave.group is not None}
        _refuse(
            [
                *(words.tag(tag) for tag in wanted.tags if tag not in known),
                *(_unknown_group(group, groups) for group in wanted.groups if group not in groups),
            ]
        )
        tags, members = frozenset(wanted.tags), in_groups(manifest, wanted.groups)

        def is_wanted(task: Task) -> bool:
            return (not tags or not tags.isdisjoint(task.tags)) and (not wanted.groups or task.name in members)

        found = picked(manifest, self.graph, targets, is_wanted)
        if not found:
            whose = "of the named tasks" if wanted.names else "that is not manual"
            asked = [f"tag {tag}" for tag in wanted.tags] + [f"group {group}" for group in wanted.groups]
            raise _empty(f"no task {whose} has {' or '.join(asked)}", "`exarp list` with the same options shows more")
        return found

    def affected(self, targets: tuple[str, ...], revision: str) -> tuple[tuple[str, ...], str]:
        """Those of them that changes since a revision affect, and the revision."""
        from exarp.app.selection.affected import affected_tasks

        found = affected_tasks(self.project, revision, self.environ)

        def is_wanted(task: Task) -> bool:
            # A task that gathers others would bring along also those that are not affected.
            return not task.is_group and task.name in found.names

        return picked(self.manifest, self.graph, targets, is_wanted), found.since

    def of_waves(self, plan: Plan) -> tuple[str, ...]:
        """The tasks of the waves that are asked for."""
        count = len(plan.waves)
        numbers = dict.fromkeys(self.wanted.waves)
        _refuse(
            Problem("unknown-wave", f"there is no wave {number}: the plan has {count}", None, _PLAN)
            for number in numbers
            if not 1 <= number <= count
        )
        return tuple([plan.names[task] for number in numbers for task in plan.waves[number - 1].tasks])

    # -- what is left out --------------------------------------------------------------------------------------

    def excluded(self) -> frozenset[str]:
        """The tasks that are not run whoever needs them."""
        words = UnknownNames(self.manifest)
        found: set[str] = set()
        problems = []
        for name in self.wanted.excluded:
            tasks: Sequence[str] | None = self.catalogue.named(name)
            if tasks is None and is_pattern(name):
                tasks = self.catalogue.matching(name) or None
            if tasks is None:
                problems.append(words.problem(name))
            found.update(tasks or ())
        _refuse(problems)
        return frozenset(found)

    def remaining(self, targets: tuple[str, ...], left_out: frozenset[str]) -> tuple[str, ...]:
        if not left_out:
            return targets
        found = tuple([name for name in targets if name not in left_out])
        if targets and not found:
            raise _empty("--exclude leaves nothing to run", "exclude less, or name another task")
        return found


_PLAN = "`exarp plan` with the same options shows the waves"


def _empty(message: str, step: str) -> UsageError:
    return UsageError(Problem("nothing-selected", message, None, step))


def _unknown_group(group: int, known: set[int]) -> Problem:
    if not known:
        step = "write group = 1 in a [[wave]]; plans have the number of their wave"
        return Problem("unknown-group", "no wave of this manifest has a group number", None, step)
    step = f"the groups are: {', '.join(map(str, sorted(known)))}"
    return Problem("unknown-group", f"no wave is in group {group}", None, step)
