"""What a run takes for itself while it goes on, and where that comes in the way of another run's.

Knows tasks by name, the files that they declare, and mutexes. Does not know runs, nor which tasks are up to date.

Two runs may not both have a task, nor one write what the other reads or writes (as far as that is declared), nor both have a
task of one mutex. Resources are a matter of each run: how much of a pool is left, no other run knows.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence

import msgspec

from exarp.model.path import takes_away
from exarp.model.task import Task


class Claim(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A task, and what it touches: patterns. ``reads`` are read without what is ``excluded``, ``tools`` altogether.

    ``relied``: the task is up to date, and only has to stay so; what it makes is among the ``tools``.
    """

    task: str
    reads: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    tools: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    mutex: tuple[str, ...] = ()
    relied: bool = False


class Conflict(msgspec.Struct, frozen=True):
    """Why ``wanted`` cannot be had: ``held`` is the task of the other run that it comes in the way of.

    ``code``: ``task``, ``mutex``, ``write-write``, ``read-write`` (the other run reads), ``write-read`` (it writes).
    ``what``: the name of the mutex, or the pattern of the other run.
    """

    wanted: str
    held: str
    code: str
    what: str = ""


def claim_of(task: Task, shared: Sequence[str] = ()) -> Claim:
    """What a task takes to be run. ``shared``: folders in which any number of tasks may write at once.

    A service makes no files, and whatever it reads may change while it runs.
    """
    if task.service is not None:
        return Claim(task.name, mutex=task.mutex)
    reads, tools, writes = task.inputs or (), task.tools, task.outputs or ()
    if task.modifies or task.depfile:
        writes = (*writes, *task.modifies, *filter(None, (task.depfile,)))
    if shared:
        reads, tools, writes = (
            tuple([pattern for pattern in some if not pattern.startswith(tuple(shared))])
            for some in (reads, tools, writes)
        )
    return Claim(task.name, reads, task.excluded, tools, writes, task.mutex)


def relying(claim: Claim) -> Claim:
    """What a task takes that is up to date: it is to stay so."""
    return Claim(claim.task, claim.reads, claim.excluded, (*claim.tools, *claim.writes), relied=True)


def first_conflict(wanted: Iterable[Claim], held: Iterable[Claim]) -> Conflict | None:
    """Something of what is ``wanted`` that what is ``held`` comes in the way of; None where both may go on side by side.

    Where patterns of both overlap in very many ways, and what is excluded leaves nothing of them all, that is taken for a
    conflict: nobody runs too early for it.
    """
    wanted, held = list(wanted), list(held)
    return _same_task(wanted, held) or _same_mutex(wanted, held) or _Files(held).conflict(wanted)


def waits_for_itself(inside: Iterable[str], held_by: str, others: Iterable[tuple[Collection[str], str]]) -> bool:
    """Whether who waits, as a part of the runs ``inside``, for run ``held_by`` may wait for ever: a part of that run waits for a
    run whose part waits … for one of those ``inside``. ``others``: who else waits, in the same way.

    What is waited for may be free before its run has ended; that it will be, nobody knows.
    """
    waits = [(frozenset(runs), run) for runs, run in others]
    reached, stack = {held_by}, [held_by]
    while stack:
        run = stack.pop()
        found = {other for runs, other in waits if run in runs} - reached
        reached |= found
        stack += found
    return not reached.isdisjoint(inside)


def _same_task(wanted: Sequence[Claim], held: Sequence[Claim]) -> Conflict | None:
    others = {claim.task: claim.relied for claim in held}
    for claim in wanted:
        relied = others.get(claim.task)
        if relied is not None and not (relied and claim.relied):
            return Conflict(claim.task, claim.task, "task")
    return None


def _same_mutex(wanted: Sequence[Claim], held: Sequence[Claim]) -> Conflict | None:
    others = {name: claim.task for claim in held for name in claim.mutex}
    for claim in wanted if others else ():
        for name in claim.mutex:
            if name in others:
                return Conflict(claim.task, others[name], "mutex", name)
    return None


# Overlaps of which nothing is left are looked at up to this many, and so many more for each pattern.
_ALWAYS, _MANY = 10_000, 32


class _Files:
    """The files of what is held, by pattern: a task that writes it, and tasks that read it by what they leave out."""

    def __init__(self, held: Iterable[Claim]) -> None:
        self._writers: dict[str, str] = {}
        self._readers: dict[str, dict[tuple[str, ...], str]] = {}
        for claim in held:
            for pattern in claim.writes:
                self._writers[pattern] = claim.task
            for pattern, excluded in _read(claim):
                self._readers.setdefault(pattern, {})[excluded] = claim.task

    def conflict(self, wanted: Sequence[Claim]) -> Conflict | None:
        # Where nobody else is at work, nothing is compared.
        from exarp.graph.overlap_index import OverlapIndex

        writes = {pattern: claim.task for claim in wanted for pattern in claim.writes}
        reads = {read: claim.task for claim in wanted for read in _read(claim)} if self._writers else {}
        self._left = _ALWAYS + _MANY * (len(writes) + len(reads) + len(self._writers) + len(self._readers))
        if writes and (self._writers or self._readers):
            index = OverlapIndex(self._writers.keys() | self._readers.keys())
            for pattern, task in writes.items():
                for other in index.overlapping(pattern):
                    if found := self._beside_written(task, pattern, other):
                        return found
        index = OverlapIndex(self._writers.keys() if reads else ())
        for (pattern, excluded), task in reads.items():
            for other in index.overlapping(pattern):
                if self._counts(excluded, other, pattern):
                    return Conflict(task, self._writers[other], "write-read", other)
        return None

    def _beside_written(self, task: str, pattern: str, other: str) -> Conflict | None:
        """What is held of a pattern that overlaps with a wanted one, which is written."""
        if other in self._writers:
            return Conflict(task, self._writers[other], "write-write", other)
        for excluded, reader in self._readers[other].items():
            if self._counts(excluded, pattern, other):
                return Conflict(task, reader, "read-write", other)
        return None

    def _counts(self, excluded: Iterable[str], written: str, reading: str) -> bool:
        """Whether something may be left of an overlap for its reader."""
        self._left -= 1
        return self._left < 0 or not any(takes_away(out, written, reading) for out in excluded)


def _read(claim: Claim) -> Iterator[tuple[str, tuple[str, ...]]]:
    for pattern in claim.reads:
        yield pattern, claim.excluded
    for pattern in claim.tools:
        yield pattern, ()
