"""Which tasks an agent gets in the way of, that mends one which failed.

Knows what such an agent may change: what the task reads, and what it writes. Every task that reads or writes any of that is
entangled with it, and so is every one that does not say what it touches. Does not know who runs (``engine.recovering``).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence

from exarp.graph.path_index import PathIndex
from exarp.graph.pattern_index import PatternIndex
from exarp.model.overlap import is_wide
from exarp.model.path import is_glob, literal_prefix, parents
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
    touched = _Touched(pattern for task in mended for pattern in _patterns(tasks[task]))
    # What a verification looks at, nobody says.
    return {
        task
        for task in others
        if task >= plan.first_guard or not tasks[task].is_declared or any(map(touched.overlaps, _patterns(tasks[task])))
    }


def _patterns(task: Task) -> Iterator[str]:
    yield from task.inputs or ()
    yield from task.tools
    yield from task.outputs or ()
    yield from task.modifies
    if task.depfile:
        yield task.depfile


class _Touched:
    """Patterns, findable by overlap."""

    def __init__(self, patterns: Iterable[str]) -> None:
        found = set(patterns)
        self._exact = PathIndex(pattern for pattern in found if not is_wide(pattern))
        self._known = found
        self._wide = PatternIndex([pattern for pattern in found if is_wide(pattern)])
        # Many tasks read the same.
        self._answers: dict[str, bool] = {}

    def overlaps(self, pattern: str) -> bool:
        answer = self._answers.get(pattern)
        if answer is None:
            answer = self._answers[pattern] = self._look(pattern)
        return answer

    def _look(self, pattern: str) -> bool:
        if pattern in self._known or any(True for _ in self._wide.overlapping(pattern)):
            return True
        folder = pattern if is_wide(pattern) else f"{pattern}/"
        if any(True for _ in self._exact.covered(folder)):
            return True
        above = literal_prefix(pattern if is_glob(pattern) else folder[:-1])
        return any(holder[:-1] in self._known for holder in parents(above))
