"""The use case ``plan --what-if``: how long a run would take under other settings.

Knows which settings can be varied, and what stands in for a duration that was never measured. The run itself is played by
the machine (``engine.simulation``). Changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from exarp.app.foresight.conditions import unwanted
from exarp.app.opening.project import Project
from exarp.app.wiring import usable_cpus
from exarp.engine.progress import Limits
from exarp.engine.simulation import makespan
from exarp.manifests.reading import not_collecting
from exarp.model.choice import Packing, Schedule
from exarp.model.manifest import Manifest, Settings
from exarp.model.plan import Plan
from exarp.model.task import Task
from exarp.planning.planner import make_plan
from exarp.planning.selection import Chosen


class Change(msgspec.Struct, frozen=True):
    """Settings instead of those that hold; None: as it is. ``jobs`` 0: the CPUs of this process."""

    jobs: int | None = None
    max_parallel_waves: int | None = None
    max_tasks_per_wave: int | None = None
    packing: Packing | None = None
    schedule: Schedule | None = None


class Scenario(msgspec.Struct, frozen=True):
    """What follows from settings. Durations are seconds.

    ``barriers``: how much of the makespan would be saved by the same jobs in flow.
    """

    change: Change
    settings: Settings
    waves: int
    makespan: float
    critical_path: float
    barriers: float


class WhatIf(msgspec.Struct, frozen=True):
    """Scenarios, the settings as they are first. ``measured`` tasks took what they took last; ``assumed`` ones,
    never measured, count ``usual`` seconds each."""

    scenarios: tuple[Scenario, ...]
    measured: int
    assumed: int
    usual: float


def what_if(project: Project, chosen: Chosen, expected: Mapping[str, float], changes: Sequence[Change]) -> WhatIf:
    """Play a run of all that is ``chosen`` under each of ``changes``. ``expected``: measured seconds by task."""
    with not_collecting():
        theatre = _Theatre(project, chosen, expected)
        scenarios = tuple([theatre.play(change) for change in (Change(), *changes)])
    return WhatIf(scenarios, theatre.measured, theatre.assumed, theatre.usual)


def _takes_no_time(task: Task) -> bool:
    """A group runs nothing, and a service runs beside those that use it."""
    return task.is_group or task.service is not None


class _Theatre:
    def __init__(self, project: Project, chosen: Chosen, expected: Mapping[str, float]) -> None:
        self.project = project
        self.chosen = chosen
        tasks = project.manifest.tasks
        plan = make_plan(project.manifest, chosen.graph, chosen.targets, told=False)
        self.unwanted = unwanted(plan, tasks)
        selected = [task for wave in plan.waves for task in wave.tasks if task not in self.unwanted]
        running = [tasks[it] for it in selected if not _takes_no_time(tasks[it])]
        known = [expected[task.name] for task in running if task.name in expected]
        self.measured, self.assumed = len(known), len(running) - len(known)
        self.usual = sum(known) / len(known) if known else 1.0
        self.seconds = {
            number: 0.0 if _takes_no_time(task) or number in self.unwanted else expected.get(task.name, self.usual)
            for number, task in enumerate(tasks)
        }
        self.named = {task.name: self.seconds[number] for number, task in enumerate(tasks)}

    def play(self, change: Change) -> Scenario:
        """One scenario."""
        manifest = self._changed(change)
        plan = self._plan(manifest)
        took = self._makespan(plan, manifest)
        lost = 0.0
        if plan.schedule == "waves":
            settings = msgspec.structs.replace(manifest.settings, schedule="flow")
            flowing = msgspec.structs.replace(manifest, settings=settings)
            # A greedy run can be unlucky: nothing is lost then.
            lost = max(0.0, took - self._makespan(self._plan(flowing), flowing))
        path = sum(self.seconds[task] for task in plan.critical_path)
        return Scenario(change, manifest.settings, len(plan.waves), took, path, lost)

    def _changed(self, change: Change) -> Manifest:
        given = {name: value for name, value in msgspec.structs.asdict(change).items() if value is not None}
        if change.max_tasks_per_wave and change.schedule is None and not self.project.schedule_chosen:
            # As in a manifest, and on the command line.
            given["schedule"] = "waves"
        settings = msgspec.structs.replace(self.project.manifest.settings, **given)
        settings = msgspec.structs.replace(settings, jobs=settings.jobs or usable_cpus())
        return msgspec.structs.replace(self.project.manifest, settings=settings)

    def _plan(self, manifest: Manifest) -> Plan:
        return make_plan(manifest, self.chosen.graph, self.chosen.targets, self.named, told=False)

    def _makespan(self, plan: Plan, manifest: Manifest) -> float:
        settings = manifest.settings
        limits = Limits(settings.jobs, settings.max_parallel_waves, manifest.resources, agents=settings.max_agents)
        return makespan(plan, manifest.tasks, limits, self.seconds, self.unwanted)
