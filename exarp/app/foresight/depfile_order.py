"""What depfiles of earlier runs were found to list of other tasks' files.

Knows how a read that nothing orders is told, and where in the manifest it is mended. Does not decide what can be ordered
(``planning.depfile_order`` does).
"""

from __future__ import annotations

from exarp.app.freshness.checker import Checker
from exarp.app.opening.project import Project
from exarp.errors import Problem
from exarp.model.plan import Plan
from exarp.planning.depfile_order import DepfileOrder, depfile_order

# One missing line in a manifest may concern every task of it.
_SHOWN = 3


def found_in(plan: Plan, checker: Checker) -> DepfileOrder:
    """The order that earlier runs ask for; what cannot have it is distrusted by the checker."""
    selected = (task for wave in plan.waves for task in wave.tasks)
    found = depfile_order(plan, checker.manifest.tasks, checker.found(selected))
    for read in found.late:
        checker.distrust(read.reader, read.path)
    return found


def found_problems(project: Project, found: DepfileOrder) -> list[Problem]:
    """A warning for each of the first few reads; the last one counts the others."""
    if not found.reads:
        return []
    from exarp.manifests.problems.place import reworded

    names = project.graph.names
    problems = []
    more = len(found.reads) - _SHOWN
    for number, read in enumerate(found.reads[:_SHOWN], 1):
        reader, maker = names[read.reader], names[read.maker]
        message = f"{reader}'s depfile lists {read.path}, which {maker} makes, but {reader} does not need {maker}"
        step = f'add needs = ["{maker}"], or the file to inputs'
        if read in found.late:
            step += f", and take away what makes {reader} go first"
        if more > 0 and number == _SHOWN:
            step += f"; and {more} more like it"
        place = project.locator.key("task", reader)
        problem = Problem("depfile-need", message, place, step, severity="warning")
        problems.append(reworded(problem, project.locator))
    return problems
