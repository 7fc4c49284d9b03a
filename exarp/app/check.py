"""The use case ``check``: everything about a manifest that is wrong or in doubt.

Knows how verdicts become doubts with places. Decides nothing itself.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from exarp.app import reasons
from exarp.app.opening.examining import examine
from exarp.app.opening.faults import FaultPlaces
from exarp.app.opening.project import Project, in_file_order
from exarp.errors import ManifestError, Place, Problem, Related
from exarp.manifests.discover import unread_beside
from exarp.manifests.problems.place import reworded
from exarp.model.task import Task
from exarp.model.verdict import Reason, Verdict
from exarp.planning.planner import make_plan
from exarp.planning.recipe import literal_words
from exarp.planning.selection import all_targets
from exarp.workspace.ignore import Ignore

if TYPE_CHECKING:
    from exarp.manifests.problems.positions import KeyPath

# More names than this in one message help nobody.
_NAMES = 3
_IN_TURN = "run one after the other"


def check(directory: str, file: str | None) -> list[Problem]:
    """Errors if there are any, else doubts and warnings, in the order of the file; those of plans beside errors, too."""
    try:
        project, problems = examine(directory, file, os.environ)
    except ManifestError as error:
        return list(error.problems)
    found = problems or [reworded(doubt, project.locator) for doubt in _Doubts(project).found()]
    unread = [] if file else _unread(project, directory)
    return in_file_order([*found, *project.remarks, *unread], project.locator.file)


def _unread(project: Project, directory: str) -> list[Problem]:
    """Manifests that somebody may think are read."""
    read, step = project.locator.file, "keep one of them, or name this one with --file"
    others = unread_beside(project.root, project.manifest.file, directory)
    return [
        Problem("unread-manifest", f"{other} is not read, because {read} is", Place(other, 1, 1), step, (), "warning")
        for other in others
    ]


class _Doubts:
    def __init__(self, project: Project) -> None:
        self.project = project
        self.locator = project.locator
        self.tasks = project.manifest.tasks
        self.by_name = {task.name: task for task in self.tasks}
        self.ids = project.graph.ids
        self.faults = FaultPlaces(project.manifest, project.locator)
        self.groups = {wave.name: wave.group for wave in project.manifest.waves}

    def found(self) -> Iterable[Problem]:
        plan = make_plan(self.project.manifest, self.project.graph, all_targets(self.project.manifest), told="marked")
        yield from self.faults.late_waves(plan.late)
        yield from self.empty()
        yield from _once(self.undeclared())
        yield from _once(self.run_once())
        yield from _once(self.literal())
        yield from self.missing_dotenv()
        yield from self.idle_pass_env()
        for verdict in plan.verdicts:
            if verdict.runs == "sequential" and (verdict.kind != "waves" or verdict.marked):
                yield from (self.doubt(verdict, reason) for reason in verdict.reasons if self.is_told(verdict, reason))

    def is_told(self, verdict: Verdict, reason: Reason) -> bool:
        """Whether a reason is a doubt of its own. Between plans of one number order follows from a contradiction, and a third
        plan comes between by one or by a file that all of them change: those are told."""
        if verdict.kind == "waves" and reason.code in ("dependency", "ordered-through") and self.are_numbered(verdict):
            return False
        return is_doubt(reason)

    def are_numbered(self, verdict: Verdict) -> bool:
        return all(self.groups.get(name) is not None for name in verdict.between or ())

    def doubt(self, verdict: Verdict, reason: Reason) -> Problem:
        kind = "waves" if verdict.kind == "waves" else "tasks"
        names = verdict.between or verdict.among
        apart = f"run beside none of {_listing(verdict.against)}" if verdict.kind == "groups" else _IN_TURN
        message = f"{kind} {_listing(names)} {apart}: {reasons.sentence(reason, self.by_name, names)}"
        step = "take the marking back, or the cause away" if kind == "waves" else "order them with needs or after"
        if kind == "waves" and self.are_numbered(verdict):
            step = "give one of them another wave number, or take the cause away"
        related = self.edges(reason) if reason.code == "dependency" else self.touches(reason)
        place = self.marking(verdict) if kind == "waves" else None
        if place is None:
            touches = related or self.touches(reason, (names[0], (*names, *verdict.against)[-1]))
            place, related = touches[-1].place, touches[:-1]
        return Problem(reason.code, message, place, step, related, "doubt")

    def marking(self, verdict: Verdict) -> Place:
        """Where the later of two waves says that they may run side by side."""
        names = [wave.name for wave in self.project.manifest.waves]
        return self.locator.key("wave", max(names.index(name) for name in verdict.between or ()), "parallel")

    def edges(self, reason: Reason) -> tuple[Related, ...]:
        """The words that make each edge of a dependency's path."""
        path = [self.ids[name] for name in reason.via]
        return tuple(self.faults.edge(earlier, later) for earlier, later in pairwise(path))

    def touches(self, reason: Reason, names: Sequence[str] = ()) -> tuple[Related, ...]:
        """What each task says of the path that a reason is about."""
        return tuple(self.touch(self.tasks[self.ids[name]], reason) for name in names or reason.tasks)

    def touch(self, task: Task, reason: Reason) -> Related:
        found = reasons.claim(task, reason)
        if found is None:
            return Related(self.locator.key("task", task.name), task.name)
        place = self.locator.entry(("task", task.name, found.field), found.pattern)
        return Related(place, f"{task.name} {'reads' if found.field in ('inputs', 'tools') else 'changes'} it")

    def empty(self) -> Iterable[Problem]:
        """Waves without tasks, which are in no plan."""
        for number, wave in enumerate(self.project.manifest.waves):
            if not wave.tasks:
                place = self.locator.value("wave", number, "tasks")
                step = "give it a task, or take it out"
                yield Problem("empty-wave", f"wave {wave.name!r} has no tasks", place, step, severity="warning")

    def undeclared(self) -> Iterable[Problem]:
        """Tasks whose files nobody can check: of waves that are marked parallel, or, where proof is asked for, any."""
        if self.project.manifest.settings.trust == "proof":
            for task in self.tasks:
                if not task.is_declared:
                    message = (
                        f'task {task.name!r} does not say what it reads and writes: with trust = "proof" it runs alone'
                    )
                    step = "declare inputs and outputs ([] for none)"
                    yield Problem("undeclared", message, self.locator.key("task", task.name), step, severity="doubt")
            return
        for wave in self.project.manifest.waves:
            for name in wave.tasks if wave.parallel is not False else ():
                if not self.tasks[self.ids[name]].is_declared:
                    message = f"task {name!r} of the parallel wave {wave.name!r} does not say what it reads and writes"
                    step = (
                        'declare inputs and outputs ([] for none); until then its marking is trusted (trust = "plan")'
                    )
                    yield Problem("undeclared", message, self.locator.key("task", name), step, severity="doubt")

    def run_once(self) -> Iterable[Problem]:
        """Tasks that change files in place and that nothing could make run again: what they modify does not count."""
        for task in self.tasks:
            always = task.inputs is None and task.outputs is None
            reads = task.inputs or task.sources or task.tools or task.depfile
            reasons = reads or task.outputs or task.needs or task.parent or task.track_env
            if task.modifies and not always and not reasons:
                field = "inputs" if task.inputs is not None else "outputs"
                message = (
                    f"task {task.name!r} runs once and is then up to date for good: what it modifies does not count"
                )
                step = f"take {field} out, and it runs every time; or list what it depends on"
                yield Problem("runs-once", message, self.locator.key("task", task.name, field), step, severity="doubt")

    def literal(self) -> Iterable[Problem]:
        """Words of ``argv`` that only a shell would fill in."""
        for task in self.tasks:
            for word in literal_words(task.argv) if task.argv else ():
                name = word.removeprefix("$")
                whole = name.isidentifier()
                message = f"{word!r} in argv of task {task.name!r} stays as it is: there is no shell to fill it in"
                step = (
                    f"write ${{{name}}} for a variable, ${{env.{name}}} for the environment's; or use run, with a shell"
                )
                if not whole:
                    message = f"{word!r} in argv of task {task.name!r} stays as it is: only a whole element is replaced"
                    step = "make it an element of its own; or use run, with a shell"
                place = self.locator.entry(("task", task.name, "argv"), word)
                yield Problem("literal-word", message, place, step, severity="warning")

    def idle_pass_env(self) -> Iterable[Problem]:
        """Names of variables to be passed, where all are passed anyway."""
        settings = self.project.manifest.settings
        if settings.pass_env and not settings.clean_env:
            message = "pass_env does nothing without clean_env: the whole environment reaches the tasks"
            step = "add clean_env = true, or take pass_env out"
            place = self.locator.key("settings", "pass_env")
            yield Problem("idle-pass-env", message, place, step, severity="warning")

    def missing_dotenv(self) -> Iterable[Problem]:
        """Dotenv files that are not there although git does not ignore them: those that it ignores are often nowhere else."""
        manifest, ignore = self.project.manifest, Ignore(self.project.root)
        named: dict[str, KeyPath] = dict.fromkeys(manifest.settings.dotenv, ("settings", "dotenv"))
        for task in self.tasks if len(manifest.dotenv) > 1 else ():
            for path in task.dotenv:
                named.setdefault(path, ("task", task.name, "dotenv"))
        for path, at in named.items():
            folder, name = os.path.split(os.path.join(self.project.root, path))
            if not os.path.lexists(os.path.join(folder, name)) and not ignore.ignores(folder, name, False):
                message = f"the dotenv file {path} is not there: it is taken for empty"
                step = "correct the name, or write the file"
                yield Problem("missing-dotenv", message, self.locator.entry(at, path), step, severity="warning")


def _once(problems: Iterable[Problem]) -> Iterable[Problem]:
    """One problem a place: tasks of a matrix, and those that extend a template, stand at the same ones."""
    told: set[Place | None] = set()
    for problem in problems:
        if problem.place not in told:
            told.add(problem.place)
            yield problem


def is_doubt(reason: Reason) -> bool:
    """Whether a reason is told by itself.

    A mutex, a pool and a missing marking are what the author asked for; an undeclared task is told once, for all pairs.
    """
    return reason.code not in ("mutex", "resource", "unmarked", "undeclared")


def _listing(names: Sequence[str]) -> str:
    shown = [repr(name) for name in names[:_NAMES]]
    if len(names) > _NAMES:
        shown.append(f"{len(names) - _NAMES} more")
    return " and ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)
