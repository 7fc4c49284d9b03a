"""What a run sets out to do, as its first event tells.

Knows how a plan becomes that event. Does not know how the run was asked for.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from exarp.model.event import PlannedRun, PlannedWave, RunStarted
from exarp.model.plan import Plan


def outset(
    plan: Plan, jobs: int, staying: tuple[str, ...], command: tuple[str, ...], expected: Mapping[str, float]
) -> RunStarted:
    """The event of a run of ``plan``. ``expected``: durations in seconds, by task."""
    names = plan.names
    waves = tuple(
        PlannedWave(
            number=wave.number,
            name=wave.name,
            tasks=tuple([names[task] for task in wave.tasks]),
            part=wave.part,
            order=wave.order,
            after=wave.after,
            # Two waves in many parts each are not to cost their product: the event is stored.
            beside=wave.beside if wave.part == 1 else (),
            settled=wave.settled,
        )
        for wave in plan.waves
    )
    selected = [name for wave in waves for name in wave.tasks]
    return RunStarted(
        plan=PlannedRun(task_count=plan.task_count, waves=waves, schedule=plan.schedule, jobs=jobs, staying=staying),
        command=command,
        pid=os.getpid(),
        expected_ms={name: round(expected[name] * 1000) for name in selected if name in expected},
    )


def called_in(root: str) -> str:
    """The working directory as seen from the workspace root; empty where it is gone."""
    try:
        return os.path.relpath(os.getcwd(), root)
    except OSError:
        return ""
