"""The use case ``run``: bring tasks and what they need up to date.

Knows the order: lock, recall, plan, drive, remember. Prints nothing; views are given.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Protocol

import msgspec

from exarp.app.foresight.conditions import listed, missing_programs, unwanted
from exarp.app.foresight.depfile_order import found_in, found_problems
from exarp.app.freshness.checker import Checker
from exarp.app.freshness.memory import Selection, selection
from exarp.app.holding import Wants
from exarp.app.opening.project import Project
from exarp.app.ports import Onlooker, Person, View
from exarp.app.running.artifacts import Artifacts
from exarp.app.running.asides import Asides
from exarp.app.running.driver import Driver
from exarp.app.running.easing import Easing
from exarp.app.running.fitting import fitting
from exarp.app.running.guards import Guards
from exarp.app.running.launcher import Launcher
from exarp.app.running.outset import called_in, outset
from exarp.app.running.recoveries import Recoveries
from exarp.app.running.sharing import Sharing, sharing
from exarp.app.running.stream import Stream
from exarp.app.secrets import Secrets, shown_command
from exarp.app.selection.prose import refuse_prose
from exarp.app.wants import wants_of_part, wants_of_run
from exarp.app.wiring import Session, is_open, machine_load, platform, usable_cpus
from exarp.engine.machine import Machine
from exarp.engine.progress import Limits
from exarp.errors import Problem
from exarp.model.call import Call
from exarp.model.event import RunStarted
from exarp.model.plan import Plan
from exarp.model.task import Task
from exarp.planning.dependents import dependents
from exarp.planning.entanglement import entangled
from exarp.planning.guards import guarded, has_guards
from exarp.planning.selection import Chosen

if TYPE_CHECKING:
    from exarp.app.resume import Resumed
    from exarp.app.watching.lasting import Lasting
    from exarp.app.watching.standing import Standing

_NOTES = 10
# So many tasks are ready to start when a slot becomes free.
_AHEAD = 48


class RunRequest(msgspec.Struct, frozen=True):
    """What the command line asks of a run. ``command``: as it was typed; ``call``: how to reach the same manifest again."""

    chosen: Chosen
    keep_going: bool = False
    fail_fast: bool = False
    force: bool = False
    wait: bool = True
    yes: bool = False
    # Whether it was said how many commands run at once: then no job slots are shared with who called exarp.
    own_jobs: bool = False
    # Above which load of the machine nothing starts beside what runs; None: load does not count.
    load: float | None = None
    # Nobody need be asked at checkpoints.
    past_checkpoints: bool = False
    # Whether successes are restored and kept, where the manifest wants that.
    cache: bool = True
    # Whether services that were asked for, and that nothing uses, stay until they are ended.
    stay: bool = True
    command: tuple[str, ...] = ("exarp", "run")
    # The run that this one goes on with, if any.
    resumed: Resumed | None = None
    call: Call = Call()
    # What the index is to know, see ``indexing.Ran``.
    asked: tuple[str, ...] | None = None
    plain: bool = False
    told: tuple[str, ...] = ()
    commands: frozenset[str] = frozenset()


class Voice(msgspec.Struct, frozen=True):
    """How a run speaks outside its events: ``note`` says a line at once; ``views`` are made when the run begins;
    ``person``: who can be asked, if anybody can."""

    note: Callable[[str], None]
    views: Callable[[], Sequence[View]]
    person: Person | None = None


class Foreseen(Protocol):
    """What an index foresaw of a run, so that only a part of it is left (``index.partial``)."""

    plan: Plan
    selected: Selection
    declared: Sequence[str]

    def holds(self, index: bytes | None) -> bool:
        """Whether what was foreseen still holds, now that nobody else runs anything; ``index``: what was there until now."""

    def index(self, checker: Checker, session: Session) -> bytes | None:
        """The index after the run, or None where that is not known without a look at everything."""


class OutdatedError(Exception):
    """What was foreseen of a run does not hold any more. Nothing was done."""


def run(
    project: Project,
    request: RunRequest,
    environ: Mapping[str, str],
    voice: Voice,
    foreseen: Foreseen | None = None,
    onlooker: Onlooker | None = None,
    standing: Standing | None = None,
) -> int:
    """Run, and give the exit code. Raises UsageError, BusyError; the world is tidied up in every case.

    ``foreseen``: ``project`` is only the part of one that is left to be looked at. Raises OutdatedError where that does not hold.
    ``onlooker``: has the run ended when what it works on changes. ``standing``: services that are up, and where
    those that are ready are kept for the next run.
    """
    refuse_prose(project.manifest, request.call)
    chosen = request.chosen
    selected = foreseen.selected if foreseen is not None else selection(project, chosen)
    if foreseen is None:
        from exarp.app.opening.outside import evaluate

        # Before the workspace is held: a command may be a call of exarp.
        evaluate(project.manifest, (project.graph.ids[name] for name in selected.names))
    wants = _wants(project, request, selected, environ, foreseen)
    command = shown_command(request.command, project.manifest, environ)
    with Session(project.root, command, environ, request.wait, voice.note, wants) as session:
        if foreseen is not None and not foreseen.holds(session.index):
            raise OutdatedError
        for line in request.told if foreseen is not None else ():
            voice.note(line)
        session.recall(selected)
        plan = foreseen.plan if foreseen is not None else planned(project, chosen, session.memory.expected)
        if request.resumed is not None:
            from exarp.app.resume import differences

            for line in differences(request.resumed, project.manifest.digest, plan):
                voice.note(line)
        told_here = _told_of(project, plan) if plan.late else []
        for line in told_here:
            voice.note(line)
        number = session.new_run(standing.runs if standing is not None else ())
        views = voice.views()
        try:
            carried_out = _Run(project, request, environ, session, number, voice, foreseen, onlooker, standing)
            status = carried_out.drive(plan, views)
            if status == 0 and selected.whole:
                session.forget_unseen()
            carried_out.leave_index(plan, selected, told_here)
            return status
        finally:
            for view in views:
                view.close()


def _wants(
    project: Project, request: RunRequest, selected: Selection, environ: Mapping[str, str], foreseen: Foreseen | None
) -> Wants:
    if foreseen is not None:
        return wants_of_part(project, request.chosen)
    resumes = request.resumed.runs if request.resumed is not None else ()
    return wants_of_run(project, request.chosen, selected, environ, request.force, resumes)


def faults_of(faults: list[str], left: Sequence[str]) -> list[str]:
    """What is to be told of a host that was closed, once: its ``faults``, and what was ``left`` and had to be ended then."""
    told = [f"ended what was left running: {', '.join(left)}"] if left else []
    told += faults
    faults.clear()
    return told


def planned(project: Project, chosen: Chosen, expected: Mapping[str, float]) -> Plan:
    """The plan of a run of all that is chosen."""
    from exarp.planning.planner import make_plan

    return make_plan(project.manifest, chosen.graph, chosen.targets, expected, told=False)


class _Run:
    """One run in its session: puts together what drives it."""

    def __init__(
        self,
        project: Project,
        request: RunRequest,
        environ: Mapping[str, str],
        session: Session,
        number: str,
        voice: Voice,
        foreseen: Foreseen | None = None,
        onlooker: Onlooker | None = None,
        standing: Standing | None = None,
    ) -> None:
        self.project = project
        self.foreseen = foreseen
        self.request = request
        self.environ = environ
        self.session = session
        self.number = number
        self.note = voice.note
        self.person = voice.person
        self.secrets = Secrets(project.manifest, environ)
        self.onlooker = onlooker
        self.sharing = Sharing()
        self.lasting = _lasting(standing, project, self.secrets, number) if standing is not None else None
        self.checker: Checker | None = None
        self.guards: Guards | None = None
        # Whether something was said that only holds for this moment.
        self.told_once = False

    def drive(self, plan: Plan, views: Sequence[View]) -> int:
        """Carry the plan out, and give the exit code."""
        limits, style, own = self.limits(), self.project.manifest.settings.jobserver, self.request.own_jobs
        folder = self.session.folder.log_folder(self.number)
        # Before there is a host, which keeps from programs what this process was given.
        self.sharing = sharing(style, limits.jobs, own, self.environ, folder, self.note)
        try:
            return self.drive_by(
                msgspec.structs.replace(limits, by_tokens=self.sharing.tokens is not None), plan, views
            )
        finally:
            self.sharing.close()

    def drive_by(self, limits: Limits, plan: Plan, views: Sequence[View]) -> int:
        """Carry the plan out within these limits."""
        session = self.session
        stream = Stream(self.number, session.clock, session.ledger, views, self.secrets)
        checker = self.checker = self.make_checker()
        plan = self.with_found(plan, checker)
        tasks = self.project.manifest.tasks
        others = unwanted(plan, tasks)
        for program, wanting in missing_programs(plan, tasks, checker, others):
            self.told_once = True
            self.note(f"warning: {program} is not in PATH, and {listed(wanting)} will fail without it")
        lasting = self.lasting
        standing = lasting.standing if lasting is not None else None
        borrowed = self.borrowed(plan, checker, standing)
        whole, members = guarded(plan, self.project.manifest)
        near = partial(entangled, whole, members)
        machine = Machine(whole, members, limits, others, self.asked(), standing, borrowed, near)
        guards = self.guards = self.make_guards(whole, members, checker)
        staying = tuple(plan.names[service] for service in sorted(machine.services.staying))
        stream.tell(self.started(plan, limits.jobs, staying))
        ticking = any(view.ticking for view in views)
        if lasting is not None:
            lasting.begin(stream, checker)
        host = session.host(self.number) if lasting is None else lasting.host(lambda: session.host(self.number))
        try:
            host.share(self.sharing.descriptors)
            for limit in host.limits:
                self.note(f"note: {limit}")
            launcher = self.launcher()
            launcher.secrets = self.secrets
            box = session.answer_box() if self.person is not None else None
            recoveries = self.recoveries(whole, members, checker, launcher)
            asides = Asides(members, host, launcher, stream, self.person, is_open, self.log_path, recoveries, box)
            with self.artifacts(checker, launcher) as artifacts:
                make = Driver if lasting is None else lasting.driver
                return make(
                    machine,
                    host,
                    session.clock,
                    stream,
                    checker,
                    launcher,
                    self.log_path,
                    ticking,
                    asides,
                    guards,
                    artifacts,
                    self.onlooker,
                    Easing(session.clock, self.has_ease, self.sharing.tokens, host.watch),
                ).run()
        finally:
            for warning in faults_of(host.faults, host.close() if lasting is None else lasting.leave(host)):
                self.note(f"warning: {warning}")
            if lasting is not None and lasting.has_left:
                session.keep_log_folder()

    def started(self, plan: Plan, jobs: int, staying: tuple[str, ...]) -> RunStarted:
        """What the run sets out to do, and how it was called."""
        request = self.request
        event = outset(plan, jobs, staying, request.command, self.session.memory.expected)
        return msgspec.structs.replace(
            event,
            folder=called_in(self.project.root),
            digest=self.project.manifest.digest,
            resumes=request.resumed.runs[0] if request.resumed is not None else None,
        )

    def borrowed(self, plan: Plan, checker: Checker, standing: Collection[int] | None) -> Mapping[int, str]:
        """The services that others keep up, with the runs that started them."""
        if not self.session.folder.has_standing:
            return {}
        from exarp.app.watching.neighbours import useful

        found = useful(self.project, standing or ())
        found = {task: each for task, each in found.items() if plan.position[task] >= 0}
        checker.standing = {task: each.record for task, each in found.items()}
        for each in found.values():
            self.note(f"note: {each.task} is kept up by {each.holder}")
        return {task: each.run for task, each in found.items()}

    def leave_index(self, plan: Plan, selected: Selection, told_here: Sequence[str]) -> None:
        """Leave the index that tells later runs what is up to date. ``plan``: as the manifest alone has it."""
        session = self.session
        if self.checker is None or self.told_once:
            return
        if self.guards is not None and not (self.guards.all_open and (selected.whole or not len(self.guards))):
            # What is up to date has not been found to be well, or only a part of it.
            return
        if self.foreseen is not None:
            index = self.foreseen.index(self.checker, session)
        else:
            index = self.new_index(self.checker, plan, selected, told_here)
        if index is not None:
            session.publish(index)

    def new_index(self, checker: Checker, plan: Plan, selected: Selection, told_here: Sequence[str]) -> bytes | None:
        """The index after a run of all that was asked for."""
        session, request = self.session, self.request
        from exarp.app.index.indexing import Ran, index_of

        # What depfiles say by now is what the next run would begin with.
        found = found_problems(self.project, found_in(plan, checker))
        ran = Ran(
            asked=request.asked,
            selected=selected.names,
            told=request.told,
            told_here=(*told_here, *map(_warning, found)),
            commands=request.commands,
            moment_ns=session.began_ns,
            by_machine_ns=session.began_by_machine_ns,
            # With guards all of a wave is looked at.
            plan=plan if request.plain and not has_guards(self.project.manifest) else None,
        )
        return index_of(self.project, checker, ran, self.environ, session.index)

    def make_guards(self, plan: Plan, tasks: Sequence[Task], checker: Checker) -> Guards:
        """What is known of verifications and checkpoints."""
        resumed = self.request.resumed
        records = self.session.remembered([guard.name for guard in plan.guards]) if plan.guards else {}
        return Guards(plan, tasks, checker, records, self.number, resumed.checkpoints if resumed is not None else None)

    def recoveries(self, plan: Plan, tasks: Sequence[Task], checker: Checker, launcher: Launcher) -> Recoveries:
        """What sends the agent that may mend what failed."""

        def behind(task: int) -> list[str]:
            return [tasks[user].name for user in dependents(plan, task)]

        recovery, clock = self.project.manifest.recovery, self.session.clock.monotonic
        root = self.project.root
        return Recoveries(root, recovery, plan, tasks, checker, launcher, self.log_path, behind, clock)

    def make_checker(self) -> Checker:
        """What looks at files, with all that earlier runs left."""
        project, session = self.project, self.session
        checker = Checker(
            project.root,
            project.manifest,
            project.graph,
            self.environ,
            session.memory.records,
            session.fingerprints,
            self.request.force,
            session.file_clock,
            self.number,
            project.named,
            self.foreseen.declared if self.foreseen is not None else (),
            self.request.resumed.runs if self.request.resumed is not None else (),
        )
        checker.take = session.held.take if session.held.is_less else None
        return checker

    @contextmanager
    def artifacts(self, checker: Checker, launcher: Launcher) -> Iterator[Artifacts | None]:
        """What restores and keeps; None where nothing is to be. What went wrong in the store is told at the end."""
        session = self.session
        store = session.artifact_store(self.project.manifest.cache) if self.request.cache else None
        if store is None:
            yield None
            return
        try:
            folders, aside = launcher.folders, session.make_aside()
            artifacts = Artifacts(self.project.root, checker, folders, store, aside, platform(), self.log_path)
            artifacts.secrets = self.secrets
            yield artifacts
            store.close()
            for told in artifacts.notes[:_NOTES]:
                self.note(f"note: {told}")
            if len(artifacts.notes) > _NOTES:
                self.note(f"note: nor are {len(artifacts.notes) - _NOTES} more tasks, for such reasons")
        finally:
            for fault in store.faults:
                self.note(f"warning: {fault}")

    def with_found(self, plan: Plan, checker: Checker) -> Plan:
        """The plan with the order that recorded depfiles ask for."""
        found = found_in(plan, checker)
        # Of what was foreseen, all warnings were told.
        for problem in found_problems(self.project, found) if self.foreseen is None else ():
            self.note(_warning(problem))
        return found.added_to(plan)

    def limits(self) -> Limits:
        """What may run at once, and how long."""
        manifest, request = self.project.manifest, self.request
        jobs, agents = fitting(manifest, manifest.settings.jobs or usable_cpus(), self.note)
        waves = manifest.settings.max_parallel_waves
        # Where one thing comes strictly after the other, or nothing after a failure, no slot is given away early.
        ahead = _AHEAD if jobs > 1 and not request.fail_fast else 0
        # What an agent changes would end the run that it is sent in, and begin another, which sends it again.
        recovery = manifest.recovery if self.onlooker is None else None
        # Other machines have runs of the same number.
        seed = f"{os.getpid()} {self.session.began_ns}"
        return Limits(
            jobs=jobs,
            max_parallel_waves=waves,
            pools=manifest.resources,
            keep_going=request.keep_going,
            fail_fast=request.fail_fast,
            yes=request.yes,
            asking=self.person is not None,
            past_checkpoints=request.past_checkpoints,
            # Who watches mends what failed without being asked.
            deciding=self.person is not None and self.onlooker is None,
            ahead=ahead,
            by_load=request.load is not None,
            agents=agents,
            rounds=recovery.attempts if recovery is not None else 0,
            recovery_timeout=recovery.timeout if recovery is not None else 0.0,
            seed=seed,
        )

    def has_ease(self) -> bool:
        """Whether the machine has little enough to do for one more task."""
        return self.request.load is None or machine_load() <= self.request.load

    def asked(self) -> list[int]:
        """Tasks that were asked for by name, and not merely as some of all."""
        ids = self.request.chosen.graph.ids
        return [ids[name] for name in self.request.chosen.targets if name in ids] if self.request.stay else []

    def launcher(self) -> Launcher:
        """What makes a task ready to start."""
        project, session = self.project, self.session
        return Launcher(
            project.root,
            project.manifest,
            session.environment(self.number),
            self.number,
            session.folder.log_folder(self.number),
            f"{session.folder.path}/folders",
            project.manifest.settings.output == "raw",
            self.sharing,
        )

    def log_path(self, task: str, attempt: int) -> tuple[str, str]:
        """Where the log of an attempt goes: absolute, and as events name it."""
        return self.session.log_path(self.number, task, attempt)


def _lasting(standing: Standing, project: Project, secrets: Secrets, run: str) -> Lasting:
    from exarp.app.watching.lasting import Lasting

    return Lasting(standing, project, secrets, run)


def _told_of(project: Project, plan: Plan) -> list[str]:
    """Warnings of a plan, as they are told."""
    from exarp.app.opening.faults import plan_warnings

    return [
        f"warning: {problem.place}: {problem.message} ({problem.slug})"
        for problem in plan_warnings(project.manifest, project.locator, plan)
    ]


def _warning(problem: Problem) -> str:
    return f"warning: {problem.place}: {problem.message}: {problem.next} ({problem.slug})"
