"""A run in the mind: the machine itself, with a clock that jumps from one end to the next.

Knows the plan, the limits and how long each task takes. Every task runs, once, and passes; only running takes time; services are
ready at once. Waves, gates, slots, mutexes and pools are the machine's own, so that what is told here is what a run would do.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from heapq import heappop, heappush

import msgspec

from exarp.engine.command import Check, Command, Kill, Probe, Settle, Start
from exarp.engine.machine import Machine
from exarp.engine.progress import Limits
from exarp.engine.stimulus import Begun, Checked, Ended, Probed, Settled, Stimulus
from exarp.model.event import FreshnessReason
from exarp.model.plan import Plan
from exarp.model.task import Task

_STALE = FreshnessReason("forced")


def makespan(
    plan: Plan,
    tasks: Sequence[Task],
    limits: Limits,
    seconds: Mapping[int, float],
    unwanted: Mapping[int, FreshnessReason] | None = None,
) -> float:
    """How many seconds a run of ``plan`` takes, if each task takes ``seconds[task]``. ``unwanted``: see ``Machine``."""
    # Everything is confirmed.
    machine = Machine(plan, tasks, msgspec.structs.replace(limits, yes=True), unwanted)
    # Ends to come: (when, place in line, task).
    running: list[tuple[float, int, int]] = []
    now, started = 0.0, 0
    stimuli: deque[Stimulus] = deque([Begun()])
    while not machine.finished:
        if not stimuli:
            now, _, task = heappop(running)
            stimuli.append(Ended(task, 0))
        for command in machine.handle(stimuli.popleft()):
            if isinstance(command, Start) and tasks[command.task].service is None:
                started += 1
                heappush(running, (now + seconds[command.task], started, command.task))
            elif (answer := _answer(command)) is not None:
                stimuli.append(answer)
    return now


def _answer(command: Command) -> Stimulus | None:
    """What the world says at once."""
    match command:
        case Check(task):
            return Checked(task, stale=_STALE)
        case Probe(task):
            return Probed(task, 0)
        case Settle(task):
            return Settled(task)
        case Kill(task):
            # A service that nothing needs any more.
            return Ended(task, None, signal=2, early=True)
    return None
