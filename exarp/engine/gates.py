"""When tasks may go: waves that open and close, needs and order-only edges that are met.

Knows the plan's order. Does not know slots, outcomes or retries: a task has either passed its gate or not. A task that is
over before its turn (blocked, cancelled) passes only when its turn comes: what it kept apart stays apart.
"""

from __future__ import annotations

from heapq import heappop, heappush

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
        # Gated waves that wait for room, as a heap; in flow, derived waves need none.
        self._queue: list[int] = []
        self._ungated: list[int] = []
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
        waiting = [wave for wave in self.plan.waves if not self._waves_left[wave.number]]
        self._queue = [wave.number for wave in waiting if self.gated(wave)]
        self._ungated = [wave.number for wave in waiting if not self.gated(wave)]

    def open_waves(self) -> list[int]:
        """Open as many queued waves as there is room for; their numbers, in order."""
        opened, self._ungated = self._ungated, []
        while self._queue and self._room:
            self._room -= 1
            opened.append(heappop(self._queue))
        self.open.update(opened)
        return sorted(opened)

    def ready(self, number: int) -> list[int]:
        """Tasks of a wave that wait for no other task, in order."""
        return [task for task in self.wave(number).tasks if self._left[task] == 0]

    def has_come(self, task: int) -> bool:
        """Whether it is a task's turn: its wave is open, and it waits for no other task."""
        return self._left[task] == 0 and self.wave_of[task] in self.open

    def pass_task(self, task: int) -> tuple[list[int], bool]:
        """A task whose turn has come is over: the tasks whose turn has come by that, and whether its wave is over."""
        freed = []
        for later in self._following[task]:
            self._left[later] -= 1
            if self.has_come(later):
                freed.append(later)
        number = self.wave_of[task]
        self._tasks_left[number] -= 1
        return freed, self._tasks_left[number] == 0

    def close_wave(self, number: int) -> None:
        """An open wave is over: queue the waves that waited for it alone."""
        self._room += self.gated(self.wave(number))
        for later in self._wave_followers.get(number, ()):
            self._waves_left[later] -= 1
            if self._waves_left[later] == 0:
                heappush(self._queue, later)
