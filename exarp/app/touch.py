"""The use case ``run --touch``: take tasks as done with their files as they are.

Knows what must be there for that. Runs nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from exarp.app.freshness.checker import Checker
from exarp.app.freshness.memory import selection
from exarp.app.holding import Wants
from exarp.app.opening.project import Project
from exarp.app.run import RunRequest
from exarp.app.secrets import shown_command
from exarp.app.selection.prose import refuse_prose
from exarp.app.wants import claims_of
from exarp.app.wiring import Session
from exarp.errors import Problem, TaskError
from exarp.planning.guards import has_guards
from exarp.planning.planner import make_plan


class Touched(msgspec.Struct, frozen=True):
    """How many tasks were recorded, and which of those asked for run all the same, since they declare nothing."""

    count: int
    vain: tuple[str, ...]


def touch(project: Project, request: RunRequest, environ: Mapping[str, str], note: Callable[[str], None]) -> Touched:
    """Record tasks and what they need as done, with their files as they are. Runs and writes nothing else.

    Raises TaskError naming every task whose inputs or outputs are missing; then nothing is recorded.
    """
    refuse_prose(project.manifest, request.call)
    chosen = request.chosen
    selected = selection(project, chosen)
    wants = Wants(claims_of(project, selected.names))
    command = shown_command(request.command, project.manifest, environ)
    with Session(project.root, command, environ, request.wait, note, wants) as session:
        session.recall(selected)
        plan = make_plan(project.manifest, chosen.graph, chosen.targets, told=False)
        checker = Checker(
            project.root,
            project.manifest,
            project.graph,
            environ,
            session.memory.records,
            session.fingerprints,
            named=project.named,
        )
        records: list[tuple[str, bytes, int | None]] = []
        problems: list[Problem] = []
        for task in (
            task
            for wave in plan.waves
            for task in wave.tasks
            if not (project.manifest.tasks[task].is_group or project.manifest.tasks[task].service)
        ):
            record, complaint = checker.touch(task)
            name = plan.names[task]
            if record is not None:
                records.append((name, msgspec.msgpack.encode(record), None))
            else:
                place = project.locator.key("task", name)
                step = f"run it: {request.call.run(name)}"
                problems.append(Problem("touch-missing", f"task {name!r}: {complaint}", place, step))
        if problems:
            raise TaskError(*problems)
        session.ledger.write([], records)
        if has_guards(project.manifest):
            # Nobody has verified, or looked at, what is taken as done.
            session.ledger.forget_guards()
        vain = [task for task, _, _ in records if project.manifest.tasks[project.graph.ids[task]].always_runs]
        return Touched(len(records), tuple(vain))
