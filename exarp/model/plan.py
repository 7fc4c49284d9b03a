"""A plan: numbered waves of tasks, the order between them, and the verdicts behind it.

Knows the values' shapes. Tasks are dense ids into ``Plan.names`` (the order of the manifest), so that the
machine counts in integers; names appear only at the edges. Does not know how waves are made.
"""

# Types as in ``task``.

import msgspec

from exarp.model.choice import GuardKind, Order, Schedule
from exarp.model.verdict import Verdict


class Wave(msgspec.Struct, frozen=True):
    """One numbered wave.

    ``tasks`` are ids in manifest order. ``after``: numbers of the waves that must have ended before this
    one starts (only the nearest: a wave that another of them waits for is left out). ``beside``: numbers of
    the waves it may overlap with. ``part`` counts from 1 where a limit split a wave. ``group`` and ``checkpoint``: as declared;
    of parts only the last is a checkpoint; all but the last are ``continued``. ``settled``: how many further tasks it has that
    are known to be up to date already: they count, and nobody looks at them. ``verify``: what is run when it has ended, of parts
    the last. ``guard``: what it stands for instead of tasks of the manifest (``planning.guards``).
    """

    number: int
    name: str
    tasks: tuple[int, ...]
    part: int = 1
    parts: int = 1
    declared: bool = False
    order: Order = "parallel"
    after: tuple[int, ...] = ()
    beside: tuple[int, ...] = ()
    group: int | None = None
    checkpoint: bool = False
    settled: int = 0
    continued: bool = False
    verify: tuple[str, ...] = ()
    guard: GuardKind | None = None


class Guard(msgspec.Struct, frozen=True):
    """What stands behind a wave: its verification, or its checkpoint. ``number`` and ``wave``: of the last part of it, 0 and
    empty at the end of a run in flow; ``members``: the tasks that it is about. ``name``: as events have it; no task has such a
    one."""

    kind: GuardKind
    name: str
    number: int
    wave: str
    members: tuple[int, ...]


class LateWave(msgspec.Struct, frozen=True):
    """A declared wave that is listed before another, but runs after it, because of a path of edges between their tasks."""

    late: str
    early: str
    via: tuple[str, ...]


class Plan(msgspec.Struct, frozen=True):
    """What runs when.

    ``names`` and ``needs`` cover every task of the manifest; ``waves`` only the selected ones.
    ``order`` holds order-only edges (earlier, later) between selected tasks: ``after``, and every doubt that
    counts. ``position[task]`` is its place in manifest order among the selected, or -1. ``late``: waves that are listed
    too early. ``blocked``: selected tasks that are in no wave, each with the names of those that it waits for.

    ``verify``: in flow, what is run once at the end. ``guards``: where a plan is carried out with its guards
    (``planning.guards``), they are the last of ``names``, each in a wave of its own behind all others.
    """

    names: tuple[str, ...]
    needs: tuple[tuple[int, ...], ...]
    waves: tuple[Wave, ...]
    order: tuple[tuple[int, int], ...]
    position: tuple[int, ...]
    schedule: Schedule
    verdicts: tuple[Verdict, ...] = ()
    critical_path: tuple[int, ...] = ()
    lower_bound: int = 0
    late: tuple[LateWave, ...] = ()
    blocked: tuple[tuple[int, tuple[str, ...]], ...] = ()
    verify: tuple[str, ...] = ()
    guards: tuple[Guard, ...] = ()

    @property
    def task_count(self) -> int:
        """How many tasks are selected."""
        return sum(len(wave.tasks) + wave.settled for wave in self.waves if wave.guard is None)

    @property
    def first_guard(self) -> int:
        """The first task that is a guard, and no task of the manifest."""
        return len(self.names) - len(self.guards)

    @property
    def real_waves(self) -> tuple[Wave, ...]:
        """The waves of tasks."""
        return self.waves[: len(self.waves) - len(self.guards)]
