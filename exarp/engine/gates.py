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
        # In flow, gated waves that nothing keeps from starting but that none of their tasks could: they take no room yet.
        self._idle: set[int] = set()
        # What waits for something in an idle wave, worked out when there is little room.
        self._behind_idle: set[int] | None = None
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
        """Whether a wave takes room: always with barriers; in flow only declared ones. Guards take none."""
        return (self.barriers or wave.declared) and wave.guard is None

    def first(self) -> None:
        """Queue the waves that wait for nothing."""
        waiting = [wave for wave in self.plan.waves if not self._waves_left[wave.number]]
        self._ungated = [wave.number for wave in waiting if not self.gated(wave)]
        for wave in waiting:
            if self.gated(wave):
                self._enqueue(wave)

    def _enqueue(self, wave: Wave) -> None:
        if wave.guard is not None:
            self._ungated.append(wave.number)
        elif self.barriers or not wave.tasks or any(self._left[task] == 0 for task in wave.tasks):
            heappush(self._queue, wave.number)
        else:
            self._idle.add(wave.number)
            self._behind_idle = None

    @property
    def may_open(self) -> bool:
        """Whether ``open_waves`` might give any."""
        return bool(self._ungated or self._queue)

    def open_waves(self) -> list[int]:
        """Open as many queued waves as there is room for; their numbers, in order."""
        opened, self._ungated = self._ungated, []
        held = []
        while self._queue and self._room:
            number = heappop(self._queue)
            if self._may_overtake(number):
                self._room -= 1
                opened.append(number)
            else:
                held.append(number)
        for number in held:
            heappush(self._queue, number)
        self.open.update(opened)
        return sorted(opened)

    def _may_overtake(self, number: int) -> bool:
        """Whether a wave may take room before the idle ones that come earlier: room is left for them, or it waits for none.

        Else it could hold the room that they need for ever: its tasks may wait for theirs, through order-only edges.
        """
        if not self._idle or self._room > sum(idle < number for idle in self._idle):
            return True
        if self._behind_idle is None:
            self._behind_idle = self._waves_behind(self._idle)
        return number not in self._behind_idle

    def _waves_behind(self, waves: set[int]) -> set[int]:
        """All waves that wait for one of these, or with tasks that wait for tasks of theirs, directly or not."""
        found: set[int] = set()
        seen: set[int] = set()
        stack = list(waves)
        while stack:
            tasks = list(self.wave(stack.pop()).tasks)
            while tasks:
                task = tasks.pop()
                if task in seen:
                    continue
                seen.add(task)
                tasks += self._following[task]
                numbers = [*self._wave_followers.get(self.wave_of[task], ())]
                numbers += [self.wave_of[later] for later in self._following[task]]
                kept = (number for number in numbers if self.gated(wave := self.wave(number)) or wave.guard is not None)
                new = set(kept) - found - waves
                found |= new
                stack += new
        return found

    def ready(self, number: int) -> list[int]:
        """Tasks of a wave that wait for no other task, in order."""
        return [task for task in self.wave(number).tasks if self._left[task] == 0]

    def followers(self, number: int) -> list[int]:
        """Waves that wait for a wave itself."""
        return self._wave_followers.get(number, [])

    def following(self, task: int) -> list[int]:
        """Tasks that wait for a task itself."""
        return self._following[task]

    def tasks_left(self, number: int) -> int:
        """How many tasks of a wave are not over, or not at their turn."""
        return self._tasks_left[number]

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
            elif self._left[later] == 0 and self.wave_of[later] in self._idle:
                self._idle.discard(self.wave_of[later])
                self._behind_idle = None
                heappush(self._queue, self.wave_of[later])
        number = self.wave_of[task]
        self._tasks_left[number] -= 1
        return freed, self._tasks_left[number] == 0

    def close_wave(self, number: int) -> None:
        """An open wave is over: queue the waves that waited for it alone."""
        self._room += self.gated(self.wave(number))
        for later in self._wave_followers.get(number, ()):
            self._waves_left[later] -= 1
            if self._waves_left[later] == 0:
                self._enqueue(self.wave(later))
