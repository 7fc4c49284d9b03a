"""What tasks compete for while they run: job slots, mutexes, pools, and being alone.

Knows who holds what and who waits, and picks the next task. Does not know states or waves. Among ready tasks the
higher priority goes first, then manifest order; a task that a pool cannot serve yet keeps lower ones from overtaking it
there, so that a large request is not starved by many small ones.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from heapq import heappop, heappush

from exarp.model.task import Task


class Slots:
    """``take`` gives the next task that may start; ``release`` ends its hold."""

    def __init__(self, tasks: Sequence[Task], jobs: int, pools: Mapping[str, int], position: Sequence[int]) -> None:
        self._tasks = tasks
        self._position = position
        self._free_jobs = jobs
        self._free = dict(pools)
        self._held: set[str] = set()
        self._ready: list[tuple[int, int, int]] = []
        self._parked: dict[str, list[int]] = {}
        self._running = 0
        self._alone = False

    def add(self, task: int) -> None:
        """A task is ready to start."""
        heappush(self._ready, (-self._tasks[task].priority, self._position[task], task))

    def clear(self) -> list[int]:
        """Forget all tasks that are ready, and return them."""
        waiting = [task for _, _, task in self._ready]
        waiting += [task for parked in self._parked.values() for task in parked]
        self._ready, self._parked = [], {}
        return waiting

    def take(self) -> int | None:
        """The next task, now holding what it needs, or None if none may start now."""
        short: set[str] = set()
        while self._ready and self._free_jobs > 0 and not self._alone:
            task = self._ready[0][2]
            spec = self._tasks[task]
            if spec.interactive and self._running:
                # It goes next, alone: nothing else starts until what runs has ended.
                return None
            heappop(self._ready)
            if (spec.mutex or spec.resources) and (lack := self._lack(spec, short)):
                short.add(lack)
                self._parked.setdefault(lack, []).append(task)
                continue
            self._hold(spec)
            return task
        return None

    def _lack(self, spec: Task, short: set[str]) -> str | None:
        for name in spec.mutex:
            if name in self._held:
                return f"mutex {name}"
        for pool, amount in spec.resources.items():
            if f"pool {pool}" in short or self._free[pool] < amount:
                return f"pool {pool}"
        return None

    def _hold(self, spec: Task) -> None:
        self._running += 1
        self._free_jobs -= 1
        self._alone = spec.interactive
        self._held.update(spec.mutex)
        for pool, amount in spec.resources.items():
            self._free[pool] -= amount

    def release(self, task: int) -> None:
        """The task no longer runs; whoever waited for what it held is ready again."""
        spec = self._tasks[task]
        self._running -= 1
        self._free_jobs += 1
        self._alone = False
        for name in spec.mutex:
            self._held.discard(name)
            self._unpark(f"mutex {name}")
        for pool, amount in spec.resources.items():
            self._free[pool] += amount
            self._unpark(f"pool {pool}")

    def _unpark(self, name: str) -> None:
        for task in self._parked.pop(name, ()):
            self.add(task)
