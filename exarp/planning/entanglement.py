"""Which tasks an agent gets in the way of, that mends one which failed.

Knows what such an agent may change: what the task reads, and what it writes. Every task that reads or writes any of that is
entangled with it, and so is every one that does not say what it touches. Does not know who runs (``engine.recovering``).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from functools import cache

from exarp.graph.overlap_index import OverlapIndex
from exarp.model.plan import Plan
from exarp.model.task import Task


def entangled(plan: Plan, tasks: Sequence[Task], failed: int) -> Collection[int]:
    """The tasks of the plan, and its verifications, that are entangled with one of them; of a verification, with all that it is
    about. ``failed`` may be among them. What a reader takes away from its patterns does not count: it stays away from more
    then, never from less."""
    is_guard = failed >= plan.first_guard
    mended = plan.guards[failed - plan.first_guard].members if is_guard else (failed,)
    others = [task for wave in plan.waves for task in wave.tasks]
    if not all(tasks[task].is_declared for task in mended):
        return frozenset(others)
    touched = OverlapIndex({pattern for task in mended for pattern in _patterns(tasks[task])})
    # Many tasks read the same.
    meets = cache(lambda pattern: bool(touched.overlapping(pattern)))
    # What a verification looks at, nobody says.
    return {
        task
        for task in others
        if task >= plan.first_guard or not tasks[task].is_declared or any(map(meets, _patterns(tasks[task])))
    }


def _patterns(task: Task) -> Iterator[str]:
    yield from task.inputs or ()
    yield from task.tools
    yield from task.outputs or ()
    yield from task.modifies
    if task.depfile:
        yield task.depfile
