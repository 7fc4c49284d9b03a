"""The use case ``check``: everything about a manifest that is wrong or in doubt.

Knows how verdicts become doubts with places. Decides nothing itself.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

from exarp.app.project import Project, examine
from exarp.errors import ManifestError, Place, Problem
from exarp.model.verdict import Reason, Verdict
from exarp.planning.planner import make_plan
from exarp.planning.selection import all_targets


def check(directory: str, file: str | None) -> list[Problem]:
    """Errors if there are any, else doubts and warnings, in the order of the file."""
    try:
        project, problems = examine(directory, file, os.environ)
    except ManifestError as error:
        return list(error.problems)
    return problems or list(_doubts(project))


def _doubts(project: Project) -> Iterable[Problem]:
    plan = make_plan(project.manifest, project.graph, all_targets(project.manifest))
    found = [*plan.warnings, *_undeclared(project)]
    for verdict in plan.verdicts:
        if verdict.runs == "sequential" and (verdict.kind != "waves" or verdict.marked):
            found += [_doubt(project, verdict, reason) for reason in verdict.reasons if _is_doubt(reason)]
    return sorted(found, key=lambda problem: (problem.place.line, problem.place.column) if problem.place else (0, 0))


def _is_doubt(reason: Reason) -> bool:
    """A mutex or a pool is what the author asked for; an undeclared task is told once, by itself."""
    return reason.code not in ("mutex", "resource", "undeclared")


def _doubt(project: Project, verdict: Verdict, reason: Reason) -> Problem:
    names = verdict.between or verdict.among
    who = " and ".join(repr(name) for name in names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    kind = "waves" if verdict.kind == "waves" else "tasks"
    what = {
        "dependency": f"{reason.tasks[-1]!r} needs {reason.tasks[0]!r}" if reason.tasks else "one needs the other",
        "ordered-through": f"{reason.name!r} comes between them",
        "write-write": f"both change {reason.path}",
        "read-write": f"{reason.writer!r} changes {reason.path}, which the other reads",
    }.get(reason.code, reason.code)
    step = "take the marking back, or the cause away" if verdict.kind == "waves" else "order them with needs or after"
    message = f"{kind} {who} run one after the other: {what}"
    return Problem(reason.code, message, _place(project, verdict, reason), step, severity="doubt")


def _place(project: Project, verdict: Verdict, reason: Reason) -> Place:
    """Where the later of the two says what makes the doubt."""
    if verdict.kind == "waves":
        names = [wave.name for wave in project.manifest.waves]
        index = max(names.index(name) for name in verdict.between or ())
        return project.locator.key("wave", index, "parallel")
    later = (reason.tasks or verdict.between or verdict.among)[-1]
    task = project.manifest.tasks[project.graph.ids[later]]
    field = "modifies" if task.modifies else "outputs" if reason.writer in (later, "") else "inputs"
    return project.locator.entry(("task", later, field), reason.path)


def _undeclared(project: Project) -> Iterable[Problem]:
    """Tasks of waves that are marked parallel, whose files nobody can check."""
    for wave in project.manifest.waves:
        if wave.parallel is False:
            continue
        for name in wave.tasks:
            if not project.manifest.tasks[project.graph.ids[name]].is_declared:
                message = f"task {name!r} of the parallel wave {wave.name!r} does not say what it reads and writes"
                step = "declare inputs and outputs ([] for none), or its marking stays unproven"
                yield Problem("undeclared", message, project.locator.key("task", name), step, severity="doubt")
