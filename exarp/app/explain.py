"""The use case ``explain``: would a task run now, and why; why it ran the last time.

Knows where each part of the answer is found. Changes nothing, and words nothing.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from exarp.app.freshness.checker import Checker
from exarp.app.freshness.resolution import FileFault
from exarp.app.history import ask, attempts
from exarp.app.opening.project import Project
from exarp.app.plan import Preview, preview
from exarp.app.selection.targets import single_task
from exarp.model.event import IDLE, FreshnessReason
from exarp.model.task import Task
from exarp.planning.freshness import ARGUMENTS, Record, differences
from exarp.planning.recipe import changed_parts
from exarp.planning.selection import Chosen
from exarp.store.runs import AttemptRow


class Since(msgspec.Struct, frozen=True):
    """The run that recorded a success: its number, and when it began (RFC 3339), empty where that is forgotten."""

    run: str
    time: str = ""


class First(msgspec.Struct, frozen=True):
    """A task that would run before the one that is asked about, and why. ``root``: who makes it run, where that is another.
    ``restored``: it would not run, but be restored."""

    task: str
    reason: FreshnessReason
    root: str = ""
    restored: bool = False


class Unchanged(msgspec.Struct, frozen=True):
    """What is as it was: how many commands or prompts, inputs (with what the depfile lists), outputs and needs, and which
    variables."""

    commands: int = 0
    prompts: int = 0
    variables: tuple[str, ...] = ()
    inputs: int = 0
    outputs: int = 0
    needs: int = 0


class Explanation(msgspec.Struct, frozen=True):
    """Whether a task would run now, and why.

    ``reason``: as a run would have it; None where nothing speaks against it being up to date. ``reasons``: all that does.
    ``first``: what it needs, directly or through groups, and would run before. ``blocked``: what it waits for that nobody may
    do now. ``since``: what it is compared with. ``faults``: what is wrong with what runs left, as texts to show.
    ``restored``: it would not run, for what it makes is kept and would be put back.
    """

    task: Task
    reason: FreshnessReason | None
    reasons: tuple[FreshnessReason, ...] = ()
    first: tuple[First, ...] = ()
    unchanged: Unchanged = Unchanged()
    since: Since | None = None
    blocked: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()
    restored: bool = False

    @property
    def would_run(self) -> bool:
        """Whether anything would be executed for it."""
        if self.reason is None or self.task.is_group or self.blocked or self.restored:
            return False
        return self.reason.code not in IDLE


def explain(project: Project, name: str, environ: Mapping[str, str]) -> Explanation:
    """Whether a task would run now, and why. Raises UsageError if there is none of that name."""
    name = single_task(project, name)
    number = project.graph.ids[name]
    task = project.manifest.tasks[number]
    if name in project.manifest.blocked:
        return Explanation(task, FreshnessReason("prose"), blocked=project.manifest.blocked[name])
    found = preview(project, Chosen((name,), project.graph), environ)
    assert found.checker is not None, "it was asked to look"
    reason = found.freshness[number]
    first = tuple(_before(project, number, found))
    plain = Explanation(task, reason, first=first, faults=found.faults, restored=number in found.restored)
    record = found.checker.record(number)
    if task.is_group or task.always_runs or task.prose is not None:
        return plain
    if record is None:
        return msgspec.structs.replace(plain, reasons=(FreshnessReason("never-ran"),))
    now = _now(found.checker, number)
    if now is None:
        return msgspec.structs.replace(plain, since=_since(project.root, record))
    reasons = tuple(dict.fromkeys(differences(task, record, now)))
    if reason is not None and not reasons and reason.code == "made-later":
        reasons = (reason,)
    return msgspec.structs.replace(
        plain, reasons=reasons, unchanged=_unchanged(task, record, now), since=_since(project.root, record)
    )


def last_run(project: Project, name: str) -> AttemptRow | None:
    """The attempt with which a task began the last time that it ran. Raises UsageError if there is no such task."""
    name = single_task(project, name)
    newest = next(iter(attempts(project.root, name, 1)), None)
    if newest is None:
        return None
    nothing: list[AttemptRow] = []
    of_run = ask(project.root, lambda _, history: history.attempts_in(newest.run, name), nothing)
    # The others are retries, whose reason is the failure before them.
    return msgspec.structs.replace(newest, reason=of_run[-1].reason) if of_run else newest


def _now(checker: Checker, task: int) -> Record | None:
    """Digests as they are; None where a file of its inputs is missing, or cannot be read."""
    try:
        return checker.looked(task)
    except FileFault:
        return None


def _since(root: str, record: Record) -> Since | None:
    if not record.run:
        return None
    run = ask(root, lambda _, history: history.find(record.run), None)
    return Since(record.run, run.started if run is not None else "")


def _before(project: Project, task: int, preview: Preview) -> list[First]:
    """What a task needs, directly or through groups, and would run or be restored."""
    freshness = preview.freshness
    graph, tasks = project.graph, project.manifest.tasks
    found: dict[int, First] = {}
    seen = set()
    stack = [*reversed(graph.needs[task])]
    while stack:
        need = stack.pop()
        if need in seen:
            continue
        seen.add(need)
        reason = freshness.get(need)
        if tasks[need].is_group:
            stack.extend(reversed(graph.needs[need]))
        elif reason is not None and reason.code != "prose" and tasks[need].service is None:
            root, cause = _root(project, need, reason, freshness)
            named = "" if root == need else graph.names[root]
            found[need] = First(graph.names[need], cause, named, need in preview.restored)
    return list(found.values())


def _root(
    project: Project, task: int, reason: FreshnessReason, freshness: Mapping[int, FreshnessReason | None]
) -> tuple[int, FreshnessReason]:
    """Who makes a task run that would run because of another, and why that one runs."""
    ids, seen = project.graph.ids, {task}
    while reason.code in ("need-runs", "blocked-by") and reason.subject in ids:
        above = ids[reason.subject]
        other = freshness.get(above)
        if other is None or above in seen:
            break
        seen.add(above)
        task, reason = above, other
    return task, reason


def _unchanged(task: Task, record: Record, now: Record) -> Unchanged:
    same = record.recipe == now.recipe
    changed = set(changed_parts(record.parts, now.parts)) if record.parts and not same else set()
    is_known = same or bool(record.parts)
    return Unchanged(
        commands=(len(task.commands) or 1) if is_known and "command" not in changed and not task.prompt else 0,
        prompts=1 if is_known and "prompt" not in changed and task.prompt else 0,
        variables=tuple(
            [
                name
                for name, digest in sorted(now.variables.items())
                if name != ARGUMENTS and record.variables.get(name) == digest
            ]
        ),
        inputs=_equal(record.inputs, now.inputs) + _equal(record.found, now.found),
        outputs=_equal(record.outputs, now.outputs),
        needs=_equal(record.needs, now.needs),
    )


def _equal(then: Mapping[str, bytes], now: Mapping[str, bytes]) -> int:
    return sum(now.get(name) == digest for name, digest in then.items())
