"""What must hold before tasks run, as far as it can be known before anything runs: platforms and programs.

Knows this machine. Does not know commands (``when``, ``requires`` with ``run``): the driver runs them, each before its task.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence

from exarp.app.freshness.checker import Checker
from exarp.model.event import FreshnessReason
from exarp.model.plan import Plan
from exarp.model.platform import PROCESSORS, SYSTEMS, is_among
from exarp.model.task import Task

# More names than this in one line help nobody.
_NAMES = 3


def this_platform() -> str:
    """``linux/amd64``; a name that ``model.platform`` has not is the system's own."""
    machine = os.uname()
    system, processor = machine.sysname.lower(), machine.machine.lower()
    return f"{SYSTEMS.get(system, system)}/{PROCESSORS.get(processor, processor)}"


def unwanted(plan: Plan, tasks: Sequence[Task]) -> dict[int, FreshnessReason]:
    """Selected tasks that are for other platforms than this one."""
    bound = [task for task in _selected(plan) if tasks[task].platforms]
    if not bound:
        return {}
    here = this_platform()
    reason = FreshnessReason("other-platform", here)
    return {task: reason for task in bound if not is_among(here, tasks[task].platforms)}


def missing_programs(
    plan: Plan, tasks: Sequence[Task], checker: Checker, others: Iterable[int]
) -> Iterator[tuple[str, list[str]]]:
    """Programs that are not there, each with the selected tasks (but for ``others``) that surely will want it."""
    found: dict[str, list[str]] = {}
    spared = set(others)
    for task in _selected(plan):
        spec = tasks[task]
        # Whether one with a condition is wanted is not known yet; a program with a path may be made by then.
        if spec.requires and not spec.when and task not in spared and checker.surely_runs(task):
            program = checker.missing_program(spec)
            if program and "/" not in program:
                found.setdefault(program, []).append(spec.name)
    yield from found.items()


def _selected(plan: Plan) -> Iterator[int]:
    return (task for wave in plan.waves for task in wave.tasks)


def listed(names: Sequence[str]) -> str:
    """Names in one line; more than a few help nobody."""
    more = len(names) - _NAMES
    return ", ".join(names[:_NAMES]) + (f" and {more} more" if more > 0 else "")
