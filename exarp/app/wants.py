"""What commands want of a workspace: which tasks, and what these touch.

Knows what is taken of a selection, and how it is found out which of it is up to date. Does not know who else is at work.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial

import msgspec

from exarp.app.freshness.memory import Selection
from exarp.app.holding import Wants
from exarp.app.opening.project import Project
from exarp.graph.reachability import closure
from exarp.planning.claims import Claim, claim_of, relying
from exarp.planning.selection import Chosen
from exarp.planning.through_links import real_folders
from exarp.store.database import Database


def wants_of_run(
    project: Project,
    chosen: Chosen,
    selected: Selection,
    environ: Mapping[str, str],
    force: bool,
    resumes: Collection[str],
) -> Wants:
    """All tasks of a run, but for those that only gather others."""
    settled = None if force else partial(_settled, project, chosen, selected, environ, resumes)
    claims = claims_of(project, _names(project, chosen, selected))
    return Wants([*claims, *_verified(project, claims)], is_run=True, settled=settled)


def wants_of_part(project: Project, chosen: Chosen) -> Wants:
    """What an index has left of a run: nothing else may have to run."""
    return Wants(claims_of(project, chosen.targets), is_run=True)


def wants_of_removal(project: Project, names: Iterable[str]) -> Wants:
    """Tasks whose files are to be removed: what they read is left alone."""
    found = claims_of(project, names)
    return Wants([Claim(claim.task, writes=claim.writes, mutex=claim.mutex) for claim in found])


def claims_of(project: Project, names: Iterable[str]) -> list[Claim]:
    """What the tasks of these names touch; nothing for those that only gather others."""
    ids, tasks = project.graph.ids, project.manifest.real_tasks
    shared = real_folders(project.manifest)
    # As listed: tasks that were made one after the other are found sooner so.
    found = [tasks[task] for task in sorted([ids[name] for name in names])]
    return [claim_of(task, shared) for task in found if not task.is_group]


def _verified(project: Project, claims: Sequence[Claim]) -> Iterator[Claim]:
    """What is to stay as it is until a run has ended, because a verification looks at it after its task has."""
    manifest = project.manifest
    guarded = {name for wave in manifest.waves if wave.verify for name in wave.tasks}
    for claim in claims:
        if manifest.settings.verify or claim.task in guarded:
            # No task ever has such a name, so that no end of one lets it go.
            yield msgspec.structs.replace(relying(claim), task=f"verify {claim.task}")


def _names(project: Project, chosen: Chosen, selected: Selection) -> Collection[str]:
    if chosen.graph is project.graph:
        return selected.names
    # What is left out counts with its last success, and is not run.
    graph = chosen.graph
    return [graph.names[task] for task in closure(graph, [graph.ids[name] for name in chosen.targets])]


def _settled(
    project: Project,
    chosen: Chosen,
    selected: Selection,
    environ: Mapping[str, str],
    resumes: Collection[str],
    database: Database,
) -> set[str]:
    """The tasks of a run that are up to date as things are, and will be if nothing changes."""
    from exarp.app.foresight.conditions import unwanted
    from exarp.app.foresight.depfile_order import found_in
    from exarp.app.foresight.forecast import forecast
    from exarp.app.freshness.checker import Checker
    from exarp.app.freshness.memory import remembered
    from exarp.planning.planner import make_plan
    from exarp.workspace.fingerprints import Fingerprints

    memory = remembered(database, selected)
    manifest = project.manifest
    plan = make_plan(manifest, chosen.graph, chosen.targets, told=False)
    prints = Fingerprints(project.root, memory.known)
    checker = Checker(
        project.root,
        manifest,
        project.graph,
        environ,
        memory.records,
        prints,
        named=project.named,
        resumes=resumes,
    )
    asked = [chosen.graph.ids[name] for name in chosen.targets]
    reads = found_in(plan, checker).reads
    reasons = forecast(plan, manifest.tasks, checker, reads, unwanted(plan, manifest.tasks), asked)
    return {plan.names[task] for task, reason in reasons.items() if reason is None}
