"""What tasks compete for while they run: job slots or agents, mutexes, pools, and being alone.

Knows who holds what and who waits, and picks the next task. Does not know states or waves. Among ready tasks the
higher priority goes first, then manifest order; a task that a pool cannot serve yet keeps lower ones from overtaking it
there, so that a large request is not starved by many small ones.

Where job slots are shared with programs outside, all but the first are *granted* one by one, by a token each: how many tokens
are in hand is known here, where they come from is not.

Tasks that ask for the very same things stand in one line, and only the first of a line is ever looked at: ten thousand
tasks that share a mutex cost no more than ten thousand that share none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from heapq import heappop, heappush

from exarp.model.task import Task

# Priority (negated), position, task: the smallest goes first.
_Rank = tuple[int, int, int]
_TERMINAL = "terminal"


class _Line:
    """Ready tasks that ask for the same mutexes and amounts. ``by_agents``: they are prompts, and take no job slot; ``lack``:
    what the line is parked for; ``woken``: what for it was parked until that became free."""

    __slots__ = ("by_agents", "lack", "number", "ranks", "woken")

    def __init__(self, number: int, by_agents: bool) -> None:
        self.number = number
        self.by_agents = by_agents
        self.ranks: list[_Rank] = []
        self.lack = ""
        self.woken = ""


class Slots:
    """``take`` gives the next task that may start; ``release`` ends its hold. ``agents``: how many prompts may be carried out
    at once, beside ``jobs``. ``by_tokens``: only one job slot is there from the beginning, each other one once it is granted."""

    def __init__(
        self,
        tasks: Sequence[Task],
        jobs: int,
        pools: Mapping[str, int],
        position: Sequence[int],
        agents: int = 1,
        by_tokens: bool = False,
    ) -> None:
        self._tasks = tasks
        self._position = position
        self._jobs = jobs
        self._granted = min(jobs, 1) if by_tokens else jobs
        self._free_jobs = self._granted
        self._agents = self._free_agents = agents
        self._free = dict(pools)
        self._held: set[str] = set()
        self._by_request: dict[object, _Line] = {}
        self._lines: list[_Line] = []
        # Heaps of (rank of a line's first task, line). An entry is out of date where line and rank no longer agree.
        self._open: list[tuple[_Rank, int]] = []
        self._open_by_agents: list[tuple[_Rank, int]] = []
        # By what is lacking; lines of prompts by themselves, for who has no slot must not be the only one that is woken.
        self._parked: dict[tuple[str, bool], list[tuple[_Rank, int]]] = {}
        # As a heap: those that ask for nothing but a job, and for which all else is done.
        self._prepared: list[_Rank] = []
        self._plain: _Line | None = None
        # Tasks whose job slot another may have by now.
        self._settling: set[int] = set()
        self._running = 0
        self._alone = False
        # Whether a person has the terminal.
        self._is_lent = False

    def add(self, task: int) -> None:
        """A task is ready to start."""
        spec = self._tasks[task]
        line = self._line(spec)
        rank = self._rank(task)
        heappush(line.ranks, rank)
        if line.ranks[0] is rank:
            self._reopen(line)

    def _rank(self, task: int) -> _Rank:
        return (-self._tasks[task].priority, self._position[task], task)

    def _line(self, spec: Task) -> _Line:
        request: object = spec.interactive
        if spec.mutex or spec.resources or spec.prompt:
            pools = tuple(sorted(spec.resources.items()))
            request = (spec.interactive, _takes_agent(spec), spec.mutex, pools)
        line = self._by_request.get(request)
        if line is None:
            line = self._by_request[request] = _Line(len(self._lines), _takes_agent(spec))
            self._lines.append(line)
            if request is False:
                self._plain = line
        return line

    def _reopen(self, line: _Line) -> None:
        line.lack = ""
        heappush(self._open_by_agents if line.by_agents else self._open, (line.ranks[0], line.number))

    def clear(self) -> None:
        """Forget all tasks that are ready."""
        self._by_request, self._lines, self._parked = {}, [], {}
        self._open, self._open_by_agents = [], []
        self._prepared, self._plain = [], None

    @property
    def free_jobs(self) -> int:
        """How many job slots nobody holds."""
        return self._free_jobs

    @property
    def is_idle(self) -> bool:
        """Whether nobody holds a job slot or an agent."""
        return self._free_jobs == self._granted and self._free_agents == self._agents

    @property
    def surplus(self) -> int:
        """How many slots were granted that nobody holds, beyond the one that needs no token."""
        return min(self._free_jobs, self._granted - 1)

    @property
    def wants_token(self) -> bool:
        """Whether one more task could start, if one more slot were granted."""
        more = self._free_jobs == 0 and self._granted < self._jobs and not self._alone
        return more and self._next_job() is not None

    def grant(self) -> None:
        """There is a token for one more slot."""
        self._granted += 1
        self._free_jobs += 1

    def withdraw(self, count: int) -> None:
        """So many tokens that are in surplus are given away."""
        self._granted -= count
        self._free_jobs -= count

    @property
    def has_line(self) -> bool:
        """Whether a task may stand in line for a slot that is free."""
        return (self._free_jobs > 0 and bool(self._open or self._prepared)) or bool(self._open_by_agents)

    def next_plain(self) -> int | None:
        """The first of the tasks in line that ask for nothing but a job."""
        return self._plain.ranks[0][2] if self._plain is not None and self._plain.ranks else None

    def step_out(self) -> None:
        """The task that ``next_plain`` gives leaves the line, with nothing."""
        line = self._plain
        assert line is not None, "somebody stands in it"
        heappop(line.ranks)
        if line.ranks:
            self._reopen(line)

    def prepare(self, task: int) -> None:
        """A task that has left the line is ready to start: it goes when its turn had come there."""
        heappush(self._prepared, self._rank(task))

    def take(self) -> int | None:
        """The next task, now holding what it needs, or None if none may start now."""
        task = self._take_job()
        if task is None and self._open_by_agents:
            task = self._take_agent()
        return task

    def _take_job(self) -> int | None:
        rank = self._next_job() if self._free_jobs > 0 and not self._alone else None
        if rank is None:
            return None
        spec = self._tasks[rank[2]]
        if self._prepared and self._prepared[0] is rank:
            heappop(self._prepared)
            self._hold(spec)
        else:
            self._serve(self._lines[heappop(self._open)[1]], spec)
        return rank[2]

    def _next_job(self) -> _Rank | None:
        """Who would have the next job slot, and stays where it is; lines that lack something else are parked."""
        while True:
            line = self._first(self._open, "")
            if self._prepared and (line is None or self._prepared[0] < line.ranks[0]):
                return self._prepared[0]
            if line is None:
                return None
            rank = line.ranks[0]
            spec = self._tasks[rank[2]]
            if spec.interactive and self._running and not self._is_lent:
                # It goes next, alone: nothing else starts until what runs has ended.
                return None
            lack = self._lack(spec, rank)
            if not lack:
                return rank
            heappop(self._open)
            self._park(line, rank, lack)

    def _take_agent(self) -> int | None:
        # A task that is to be alone goes before prompts, too, or it might never be its turn.
        while self._free_agents > 0 and not self._alone and not self._is_alone_next():
            line = self._first(self._open_by_agents, "")
            if line is None:
                return None
            rank = line.ranks[0]
            spec = self._tasks[rank[2]]
            heappop(self._open_by_agents)
            lack = self._lack(spec, rank)
            if not lack:
                self._serve(line, spec)
                return rank[2]
            self._park(line, rank, lack)
        return None

    def _is_alone_next(self) -> bool:
        """Whether the next task with a job slot is one that must run alone, and waits for that."""
        line = self._first(self._open, "") if self._free_jobs > 0 else None
        return line is not None and self._tasks[line.ranks[0][2]].interactive and not self._is_lent

    def _serve(self, line: _Line, spec: Task) -> None:
        """Let the first of a line, which is among the open no more, hold what it asks for."""
        self._hold(spec)
        heappop(line.ranks)
        if line.ranks:
            self._reopen(line)
        self._wake_next(line)

    def _park(self, line: _Line, rank: _Rank, lack: str) -> None:
        """There is not enough of something for the first of a line, which is among the open no more."""
        line.lack = lack
        heappush(self._parked.setdefault((lack, line.by_agents), []), (rank, line.number))
        self._wake_next(line)

    def _first(self, heap: list[tuple[_Rank, int]], lack: str) -> _Line | None:
        """The first line of a heap; what is out of date above it is thrown away."""
        while heap:
            rank, number = heap[0]
            line = self._lines[number]
            if line.lack == lack and line.ranks and line.ranks[0] is rank:
                return line
            heappop(heap)
        return None

    def _lack(self, spec: Task, rank: _Rank) -> str:
        if spec.interactive and self._is_lent:
            return _TERMINAL
        for name in spec.mutex:
            if name in self._held:
                return f"mutex {name}"
        for pool, amount in spec.resources.items():
            if not amount:
                continue  # it waits behind nobody for nothing
            lack = f"pool {pool}"
            if self._free[pool] < amount or any(line.ranks[0] < rank for line in self._first_parked(lack)):
                return lack
        return ""

    def _hold(self, spec: Task) -> None:
        self._running += 1
        if _takes_agent(spec):
            self._free_agents -= 1
        else:
            self._free_jobs -= 1
        self._alone = spec.interactive
        self._held.update(spec.mutex)
        for pool, amount in spec.resources.items():
            self._free[pool] -= amount

    @property
    def is_terminal_taken(self) -> bool:
        """Whether a task runs that is alone, for it has the terminal."""
        return self._alone

    def take_terminal(self) -> None:
        """A person has the terminal, for a question or a shell: what needs it waits, all else goes on."""
        self._is_lent = True

    def give_terminal_back(self) -> None:
        """The person is done with it."""
        self._is_lent = False
        self._wake(_TERMINAL)

    def release_job(self, task: int) -> None:
        """The task's process has ended: another may have its job slot. It holds all else until ``release``."""
        self._settling.add(task)
        self._free_slot(self._tasks[task])

    def release(self, task: int) -> None:
        """The task no longer runs; the first that waited for what it held is looked at again."""
        spec = self._tasks[task]
        self._running -= 1
        if task in self._settling:
            self._settling.discard(task)
        else:
            self._free_slot(spec)
        self._alone = False
        for name in spec.mutex:
            self._held.discard(name)
            self._wake(f"mutex {name}")
        for pool, amount in spec.resources.items():
            self._free[pool] += amount
            self._wake(f"pool {pool}")

    def _free_slot(self, spec: Task) -> None:
        if _takes_agent(spec):
            self._free_agents += 1
        else:
            self._free_jobs += 1

    def _first_parked(self, lack: str) -> list[_Line]:
        found = [self._first(self._parked.get((lack, by_agents), []), lack) for by_agents in (False, True)]
        return [line for line in found if line is not None]

    def _wake(self, lack: str) -> None:
        for line in self._first_parked(lack):
            line.woken = lack
            self._reopen(line)

    def _wake_next(self, line: _Line) -> None:
        """What a line was woken for and left over may serve the next that waits for it."""
        woken, line.woken = line.woken, ""
        if woken and woken != line.lack:
            self._wake(woken)


def _takes_agent(spec: Task) -> bool:
    """Whether a task takes no job slot, but one of the agents that may be at work at once; not if it is alone anyway."""
    return bool(spec.prompt) and not spec.interactive
