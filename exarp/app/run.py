"""The use case ``run``: bring tasks and what they need up to date.

Knows the order: lock, recall, plan, drive, remember. Prints nothing; views are given.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence

import msgspec

from exarp.app.checker import Checker
from exarp.app.driver import Driver
from exarp.app.faults import FaultPlaces
from exarp.app.forecast import forecast
from exarp.app.found import found_in, found_problems
from exarp.app.launcher import Launcher
from exarp.app.memory import recall, selection
from exarp.app.ports import View
from exarp.app.project import Project
from exarp.app.stream import Stream
from exarp.app.targets import run_targets
from exarp.app.wiring import Session, usable_cpus
from exarp.engine.machine import Limits, Machine
from exarp.errors import Problem, TaskError
from exarp.model.call import Call
from exarp.model.event import FreshnessReason, PlannedRun, PlannedWave, RunStarted
from exarp.model.plan import Plan
from exarp.planning.planner import make_plan
from exarp.workspace.fingerprints import Fingerprints


class RunRequest(msgspec.Struct, frozen=True):
    """What the command line asks of a run. ``targets`` empty: the manifest's default. ``command``: as it was typed;
    ``call``: how to reach the same manifest again."""

    targets: tuple[str, ...] = ()
    every: bool = False
    keep_going: bool = False
    fail_fast: bool = False
    force: bool = False
    wait: bool = True
    command: tuple[str, ...] = ("exarp", "run")
    call: Call = Call()


class Voice(msgspec.Struct, frozen=True):
    """How a run speaks outside its events: ``note`` says a line at once; ``views`` are made when the run begins."""

    note: Callable[[str], None]
    views: Callable[[], Sequence[View]]


def run(project: Project, request: RunRequest, environ: Mapping[str, str], voice: Voice) -> int:
    """Run, and give the exit code. Raises UsageError, BusyError; the world is tidied up in every case."""
    targets = run_targets(project.manifest, request.targets, request.every)
    selected = selection(project, targets)
    with _session(project, request, environ, voice) as session:
        session.recall(selected)
        plan = make_plan(project.manifest, project.graph, targets, session.memory.expected, told=False)
        for problem in _warnings(project, plan):
            voice.note(f"warning: {problem.place}: {problem.message} ({problem.slug})")
        number = session.new_run()
        views = voice.views()
        try:
            status = _drive(project, request, environ, session, plan, number, views, voice)
            if status == 0 and selected.whole:
                session.forget_unseen()
            return status
        finally:
            for view in views:
                view.close()


def _session(project: Project, request: RunRequest, environ: Mapping[str, str], voice: Voice) -> Session:
    return Session(project.root, request.command, environ, request.wait, voice.note)


def _drive(
    project: Project,
    request: RunRequest,
    environ: Mapping[str, str],
    session: Session,
    plan: Plan,
    number: str,
    views: Sequence[View],
    voice: Voice,
) -> int:
    manifest = project.manifest
    stream = Stream(number, session.clock, session.ledger, views)
    checker = Checker(
        project.root,
        manifest,
        project.graph,
        environ,
        session.memory.records,
        session.fingerprints,
        request.force,
        session.file_clock,
    )
    found = found_in(plan, checker)
    for problem in found_problems(project, found):
        voice.note(f"warning: {problem.place}: {problem.message}: {problem.next} ({problem.slug})")
    plan = found.added_to(plan)
    raw = manifest.settings.output == "raw"
    launcher = Launcher(
        project.root,
        manifest,
        session.environment(number),
        number,
        session.folder.log_folder(number),
        f"{session.folder.path}/folders",
        raw,
    )
    jobs = manifest.settings.jobs or usable_cpus()
    limits = Limits(
        jobs, manifest.settings.max_parallel_waves, manifest.resources, request.keep_going, request.fail_fast
    )
    machine = Machine(plan, manifest.tasks, limits)
    stream.tell(_started(plan, jobs, request.command, session.memory.expected))
    host = session.host(number)
    try:
        for limit in host.limits:
            voice.note(f"note: {limit}")
        return Driver(
            machine,
            host,
            session.clock,
            stream,
            checker,
            launcher,
            lambda task, attempt: session.log_path(number, task, attempt),
            ticking=any(view.ticking for view in views),
        ).run()
    finally:
        left = host.close()
        if left:
            voice.note(f"warning: ended what was left running: {', '.join(left)}")
        for fault in host.faults:
            voice.note(f"warning: {fault}")


def _started(plan: Plan, jobs: int, command: tuple[str, ...], expected: Mapping[str, float]) -> RunStarted:
    names = plan.names
    waves = tuple(
        PlannedWave(
            number=wave.number,
            name=wave.name,
            tasks=tuple([names[task] for task in wave.tasks]),
            part=wave.part,
            order=wave.order,
            after=wave.after,
            beside=wave.beside,
        )
        for wave in plan.waves
    )
    selected = [name for wave in waves for name in wave.tasks]
    return RunStarted(
        plan=PlannedRun(task_count=plan.task_count, waves=waves, schedule=plan.schedule, jobs=jobs),
        command=command,
        pid=os.getpid(),
        expected_ms={name: round(expected[name] * 1000) for name in selected if name in expected},
    )


class Preview(msgspec.Struct, frozen=True):
    """A plan, what is odd about it, what would run of it and why, and measured durations in seconds."""

    plan: Plan
    warnings: tuple[Problem, ...]
    freshness: dict[int, FreshnessReason | None]
    expected: dict[str, float]


def preview(
    project: Project, targets: Sequence[str], environ: Mapping[str, str], force: bool = False, look: bool = True
) -> Preview:
    """What a run of ``targets`` would be. Changes nothing. ``look`` False: without asking what is up to date."""
    memory = recall(project.root, selection(project, targets), records=look)
    plan = make_plan(project.manifest, project.graph, targets, memory.expected)
    warnings = tuple(_warnings(project, plan))
    if not look:
        return Preview(plan, warnings, {}, memory.expected)
    fingerprints = Fingerprints(project.root, memory.known)
    checker = Checker(project.root, project.manifest, project.graph, environ, memory.records, fingerprints, force)
    reads = found_in(plan, checker).reads
    return Preview(plan, warnings, forecast(plan, project.manifest.tasks, checker, reads), memory.expected)


def _warnings(project: Project, plan: Plan) -> list[Problem]:
    return FaultPlaces(project.manifest, project.locator).late_waves(plan.late) if plan.late else []


class Touched(msgspec.Struct, frozen=True):
    """How many tasks were recorded, and which of those asked for run all the same, since they declare nothing."""

    count: int
    vain: tuple[str, ...]


def touch(project: Project, request: RunRequest, environ: Mapping[str, str], voice: Voice) -> Touched:
    """Record tasks and what they need as done, with their files as they are. Runs and writes nothing else.

    Raises TaskError naming every task whose inputs or outputs are missing; then nothing is recorded.
    """
    targets = run_targets(project.manifest, request.targets, request.every)
    selected = selection(project, targets)
    with _session(project, request, environ, voice) as session:
        session.recall(selected)
        plan = make_plan(project.manifest, project.graph, targets, told=False)
        checker = Checker(
            project.root, project.manifest, project.graph, environ, session.memory.records, session.fingerprints
        )
        records: list[tuple[str, bytes, int | None]] = []
        problems: list[Problem] = []
        for task in (task for wave in plan.waves for task in wave.tasks if not project.manifest.tasks[task].is_group):
            record, complaint = checker.touch(task)
            name = plan.names[task]
            if record is None:
                message = f"task {name!r}: {complaint}"
                problems.append(
                    Problem(
                        "touch-missing", message, project.locator.key("task", name), f"run it: {request.call.run(name)}"
                    )
                )
            else:
                records.append((name, msgspec.msgpack.encode(record), None))
        if problems:
            raise TaskError(*problems)
        session.ledger.write([], records)
        vain = [task for task, _, _ in records if project.manifest.tasks[project.graph.ids[task]].always_runs]
        return Touched(len(records), tuple(vain))
