"""When tasks may go: waves that open and close, needs and order-only edges that are met.

Knows the plan's order. Does not know slots, outcomes or retries: a task is either over or not.
"""

from __future__ import annotations

from collections.abc import Iterable

from exarp.model.plan import Plan, Wave


class Gates:
    """Counts down what each task and each wave still waits for."""

    def __init__(self, plan: Plan, max_parallel_waves: int) -> None:
        count = len(plan.names)
        self.plan = plan
        self.barriers = plan.schedule == "waves"
        self.wave_of = [0] * count
        self._left = [0] * count
        self._following: list[list[int]] = [[] for _ in range(count)]
        self._room = max_parallel_waves
        self._tasks_left: dict[int, int] = {}
        self._waves_left: dict[int, int] = {}
        self._wave_followers: dict[int, list[int]] = {}
        self._queue: list[int] = []
        self.open: set[int] = set()
        self._count()

    def _count(self) -> None:
        position = self.plan.position
        for wave in self.plan.waves:
            self._tasks_left[wave.number] = len(wave.tasks)
            self._waves_left[wave.number] = len(wave.after)
            for earlier in wave.after:
                self._wave_followers.setdefault(earlier, []).append(wave.number)
            for task in wave.tasks:
                self.wave_of[task] = wave.number
                for need in self.plan.needs[task]:
                    if position[need] >= 0:
                        self._tie(need, task)
        for earlier, later in self.plan.order:
            self._tie(earlier, later)

    def _tie(self, earlier: int, later: int) -> None:
        self._left[later] += 1
        self._following[earlier].append(later)

    def wave(self, number: int) -> Wave:
        """A wave by its number."""
        return self.plan.waves[number - 1]

    def gated(self, wave: Wave) -> bool:
        """Whether tasks wait for their wave to open: always with barriers; in flow only those of declared waves."""
        return self.barriers or wave.declared

    def first(self) -> None:
        """Queue the waves that wait for nothing."""
        self._queue = [wave.number for wave in self.plan.waves if not self._waves_left[wave.number]]

    def open_waves(self) -> list[int]:
        """Open as many queued waves as there is room for; their numbers, in order."""
        opened = []
        kept = []
        for number in self._queue:
            gated = self.gated(self.wave(number))
            if gated and self._room == 0:
                kept.append(number)
                continue
            self._room -= gated
            self.open.add(number)
            opened.append(number)
        self._queue = kept
        return opened

    def ready(self, number: int) -> list[int]:
        """Tasks of a wave that wait for no other task, in order."""
        return [task for task in self.wave(number).tasks if self._left[task] == 0]

    def pass_task(self, task: int) -> tuple[list[int], bool]:
        """A task is over: the tasks that now wait for no other and whose wave is open, and whether its wave is over."""
        freed = []
        for later in self._following[task]:
            self._left[later] -= 1
            if self._left[later] == 0 and self.wave_of[later] in self.open:
                freed.append(later)
        number = self.wave_of[task]
        self._tasks_left[number] -= 1
        return freed, self._tasks_left[number] == 0

    def close_wave(self, number: int) -> None:
        """A wave is over: queue the waves that waited for it alone."""
        if number in self.open and self.gated(self.wave(number)):
            self._room += 1
        freed = []
        for later in self._wave_followers.get(number, ()):
            self._waves_left[later] -= 1
            if self._waves_left[later] == 0:
                freed.append(later)
        self._queue = sorted(self._queue + freed)

    def followers(self, task: int) -> Iterable[int]:
        """Selected tasks that come after a task by any edge."""
        return self._following[task]
