"""Taking what a command wants of a workspace, and waiting for who has it.

Knows that all of it is taken at once or nothing, so that no two wait for each other; that who died holds nothing; and that a
task of a run does not wait for that run. What comes in the way of what, ``planning.claims`` knows.

Where somebody else is in the way, it is looked which of the tasks are up to date: these are only to stay so. One of them that
turns out not to be, for somebody changed its files meanwhile, is taken then, or fails where another run has it: to wait for it
would be to hold some and want more.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import cached_property, partial
from types import TracebackType

import msgspec

from exarp.errors import BusyError, ExarpError, Problem
from exarp.planning.claims import Claim, Conflict, first_conflict, relying
from exarp.store.database import Database
from exarp.store.holder import Holder
from exarp.store.holders import Ends, HolderRow, Holders
from exarp.store.presence import Presence
from exarp.store.state_folder import StateFolder
from exarp.store.text import from_json, to_json

# How often it is looked whether what is waited for is free, in seconds.
_LOOK_EVERY = 0.05


class Wants(msgspec.Struct, frozen=True):
    """What a command wants. ``whole``: the workspace alone; ``is_run``: it makes a run of its own.

    ``settled``: asked, where somebody is in the way, which of the tasks are up to date now.
    """

    claims: Sequence[Claim] = ()
    whole: bool = False
    is_run: bool = False
    settled: Callable[[Database], Collection[str]] | None = None


class HeldError(BusyError):
    """Somebody else has what is wanted, and it was not waited. ``is_there``: whether they are at work still; ``waiting``: what is
    said by who waits for them."""

    def __init__(self, problem: Problem, is_there: Callable[[], bool], waiting: str) -> None:
        super().__init__(problem)
        self.is_there = is_there
        self.waiting = waiting


class Asker(msgspec.Struct, frozen=True):
    """Who wants something. ``inside``: the runs of this workspace that it is a task of, with the names of these tasks.

    ``wait``: whether it waits for others; ``lives``: tells whether a process does; ``note`` says a line at once.
    """

    holder: Holder
    inside: Mapping[str, str]
    wait: bool
    lives: Callable[[Holder], bool]
    note: Callable[[str], None]


class _Taken(msgspec.Struct, frozen=True, array_like=True):
    """What somebody has, as the table keeps it."""

    claims: tuple[Claim, ...]
    whole: bool


class Blocker(msgspec.Struct, frozen=True):
    """Who is in the way. ``conflict``: None where that one holds, or is to leave, the whole workspace."""

    row: HolderRow
    conflict: Conflict | None = None


class Holding:
    """What this process has taken; let it go with :meth:`close` or at the end of a ``with`` block."""

    def __init__(self, taking: _Taking, row: HolderRow, descriptor: int, claims: list[Claim], alone: bool) -> None:
        self._taking = taking
        self._row = row
        self._descriptor = descriptor
        self._claims = {claim.task: claim for claim in claims}
        self._was_alone = alone
        # Whether some of what was wanted is not all this process's: it is to be asked for before it is run.
        self.is_less = taking.is_refined

    @cached_property
    def _wanted(self) -> dict[str, Claim]:
        return {claim.task: claim for claim in self._taking.wanted.claims}

    @property
    def run(self) -> str:
        """The id of the run that it is for; empty where there is none."""
        return self._row.run

    def is_alone(self) -> bool:
        """Whether nobody else was at work here since it was taken."""
        return self._was_alone and self._taking.holders.is_newest(self._row.number)

    def others(self) -> set[str]:
        """The runs of others that are in the table."""
        return {row.run for row in self._taking.holders.rows() if row.run and row.number != self._row.number}

    def take(self, task: str) -> str:
        """Take a task that was only to stay up to date, and did not; empty, or who is in the way."""
        claim = self._claims.get(task)
        own = self._wanted.get(task)
        if own is None or (claim is not None and not claim.relied):
            return ""
        claims = {**self._claims, task: own}
        blocker = self._taking.extended([own], list(claims.values()), self._row.number)
        if blocker is not None:
            return str(blocker.row.holder)
        self._claims = claims
        return ""

    def close(self) -> None:
        """Let everything go. A second call does nothing."""
        if self._descriptor >= 0:
            descriptor, self._descriptor = self._descriptor, -1
            self._taking.leave(self._row, descriptor)

    def __enter__(self) -> Holding:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def hold(folder: StateFolder, database: Database, asker: Asker, wanted: Wants) -> Holding | None:
    """Take what is wanted, as soon as nobody is in the way; None where the database was removed while that was waited for.

    Who is waited for is said once; a signal whose handler raises, as Ctrl-C's does, ends the wait. Raises BusyError ``busy``
    where it is not to be waited, ``inside-a-run`` where waiting would never end.
    """
    return _Taking(folder, database, asker, wanted).taken()


class _Taking:
    def __init__(self, folder: StateFolder, database: Database, asker: Asker, wanted: Wants) -> None:
        self.holders = Holders(database)
        self.wanted = wanted
        self._folder = folder
        self._database = database
        self._presence = Presence(folder)
        self._asker = asker
        self._claims = list(wanted.claims)
        self.is_refined = False
        self._told: set[int] = set()

    def taken(self) -> Holding | None:
        while not self._told or self._database.is_in_place:
            self._bury()
            seen = self._seen()
            blocker = self._blocker(seen, self._claims, self.wanted.whole)
            if blocker is None:
                found = self._enter(seen)
                if isinstance(found, Holding):
                    return found
                blocker = found
            if blocker is not None:
                self._give_way(blocker)
        return None

    def extended(self, wanted: list[Claim], claims: list[Claim], number: int) -> Blocker | None:
        """Take more than before, all that is in ``claims`` now; who is in the way of what is ``wanted`` beyond."""
        while True:
            self._bury()
            seen = {row: data for row, data in self._seen().items() if row.number != number}
            blocker = self._blocker(seen, wanted, False)
            if blocker is not None:
                return blocker
            with self._database.transaction():
                now = {row: data for row, data in self._seen().items() if row.number != number}
                if now.items() <= seen.items():
                    self.holders.replace(number, to_json(_Taken(tuple(claims), self.wanted.whole)))
                    return None

    def leave(self, row: HolderRow, descriptor: int) -> None:
        try:
            with self._database.transaction():
                self.holders.remove(row)
                self._presence.remove(_name(row))
        except ExarpError as error:
            # Without its lock the row means nobody.
            self._asker.note(f"warning: {error}")
        finally:
            self._presence.leave(descriptor)

    # -- who else is there ---------------------------------------------------------------------------------------

    def _seen(self) -> dict[HolderRow, bytes]:
        """What all others took."""
        found = {row: self.holders.claims(row.number) for row in self.holders.rows()}
        return {row: data for row, data in found.items() if data is not None}

    def _is_alive(self, row: HolderRow) -> bool:
        is_held = self._presence.is_held(_name(row))
        return self._asker.lives(row.holder) if is_held is None else is_held

    def _bury(self) -> None:
        """End what those who died have left running, before anything relies on files that it may still write."""
        for row in self.holders.rows():
            # As a part of a run that was killed this is to be ended itself: by the next run that is none.
            if row.run in self._asker.inside or self._is_alive(row):
                continue
            # A process that lives has only let this go, and could not take it back: what it has running is its own.
            if row.holder.mark and not self._asker.lives(row.holder):
                from exarp.hosts.orphans import end_orphans

                if names := end_orphans(row.holder.mark):
                    told = f"a run was killed ({row.holder}) and left {', '.join(names)} running: ended"
                    self._asker.note(f"warning: {told}")
            self._complete_logs(row.run)
            if row.run and os.path.exists(aside := self._folder.aside(row.run)):
                import shutil

                shutil.rmtree(aside, ignore_errors=True)
            with self._database.transaction():
                self.holders.remove(row)
                self._presence.remove(_name(row))

    def _complete_logs(self, run: str) -> None:
        """Put the ends of a dead run's logs where they belong; `exarp log` shows them all the same where that fails."""
        from exarp.hosts.log_tail import ENDING, complete

        for log in self._folder.logs_with(run, ENDING) if run else ():
            with suppress(OSError):
                complete(log)

    def _blocker(self, seen: Mapping[HolderRow, bytes], wanted: list[Claim], whole: bool) -> Blocker | None:
        """Who is in the way; the runs that this is a part of first."""
        for row in sorted(seen, key=lambda row: (row.run not in self._asker.inside, row.number)):
            taken = _decoded(seen[row])
            if (whole and (taken.whole or taken.claims)) or (taken.whole and (whole or wanted)):
                return Blocker(row)
            ended = self.holders.ended(row.run) if wanted and taken.claims else set()
            caller = self._asker.inside.get(row.run, "")
            held = [_without_files(claim, caller) for claim in taken.claims if claim.task not in ended]
            conflict = first_conflict(wanted, held)
            if conflict is not None:
                return Blocker(row, conflict)
        return None

    def _strangers(self, rows: Collection[HolderRow]) -> list[HolderRow]:
        """Who is there and in no table: theirs was set aside, or removed. To be asked while nobody else writes."""
        names = set(self._presence.names()) - {_name(row) for row in rows}
        found = []
        for name in names:
            pid = name.partition("-")[0]
            if self._presence.is_held(name):
                found.append(HolderRow(0, "", Holder(pid=int(pid) if pid.isdecimal() else 0)))
            else:
                self._presence.remove(name)
        return found

    # -- taking ----------------------------------------------------------------------------------------------------

    def _enter(self, seen: Mapping[HolderRow, bytes]) -> Holding | Blocker | None:
        """Take everything, if others still are those that were ``seen``; None where they are not."""
        with self._database.transaction():
            now = self._seen()
            if not now.items() <= seen.items():
                return None
            strangers = self._strangers(now)
            if strangers and (self._claims or self.wanted.whole):
                return Blocker(strangers[0])
            data = to_json(_Taken(tuple(self._claims), self.wanted.whole))
            row = self.holders.add(self._asker.holder, data, self.wanted.is_run)
            descriptor = self._presence.take(_name(row))
        return Holding(self, row, descriptor, self._claims, alone=not (now or strangers))

    def _give_way(self, blocker: Blocker) -> None:
        """Want less where that is enough, else wait. Raises BusyError."""
        row = blocker.row
        if not self.is_refined and self.wanted.settled is not None and not self.wanted.whole:
            self.is_refined = True
            settled = self.wanted.settled(self._database)
            self._claims = [found for claim in self.wanted.claims if (found := _less(claim, settled)) is not None]
            return
        from exarp.app.held_words import busy_message, said_of
        from exarp.hosts.process_tree import descends_from

        # The number of a process in a container may be that of somebody here.
        is_known = self._asker.lives(row.holder) if row.number else row.holder.pid > 1
        if row.run in self._asker.inside or (is_known and descends_from(row.holder.pid)):
            raise BusyError(_inside(blocker))
        waiting = f"waiting for {row.holder}{said_of(blocker.conflict)}"
        if not self._asker.wait:
            advice = "wait until it is done; without --no-wait exarp does"
            problem = Problem("busy", busy_message(row.holder, blocker.conflict), None, advice)
            raise HeldError(problem, partial(self._is_present, row), waiting)
        if row.number not in self._told:
            self._told.add(row.number)
            self._asker.note(waiting)
        with self._waiting(blocker):
            self._wait(blocker)
        self._claims, self.is_refined = list(self.wanted.claims), False

    @contextmanager
    def _waiting(self, blocker: Blocker) -> Iterator[None]:
        """Wait as a part of other runs. Raises BusyError where somebody who waits for one of these is waited for by this."""
        inside, run = self._asker.inside, blocker.row.run
        if not inside or not run:
            yield
            return
        from exarp.planning.claims import waits_for_itself

        with self._database.transaction():
            rows = self.holders.waiters()
            dead = [row for row in rows if not self._asker.lives(row.holder)]
            for row in dead:
                self.holders.go_on(row.number)
            others = [(row.inside, row.held_by) for row in rows if row not in dead]
            is_endless = waits_for_itself(inside, run, others)
            number = 0 if is_endless else self.holders.wait(self._asker.holder, inside, run)
        if is_endless:
            raise BusyError(_endless(blocker, next(iter(inside))))
        try:
            yield
        finally:
            self.holders.go_on(number)

    def _wait(self, blocker: Blocker) -> None:
        row = blocker.row
        ends = Ends(self._database, row.run, blocker.conflict.held) if blocker.conflict is not None else None
        while self._is_there(row) and not (ends is not None and ends.has_come()):
            time.sleep(_LOOK_EVERY)

    def _is_there(self, row: HolderRow) -> bool:
        return self._is_present(row) and (not row.number or self.holders.claims(row.number) is not None)

    def _is_present(self, row: HolderRow) -> bool:
        """Whether somebody is at work, as the kernel alone tells."""
        if not row.number:
            names = [name for name in self._presence.names() if name.startswith(f"{row.holder.pid}-")]
            return any(self._presence.is_held(name) for name in names)
        return self._is_alive(row) and self._presence.is_held(_name(row)) is not None


def _less(claim: Claim, settled: Collection[str]) -> Claim | None:
    """What is enough for a task, if it is among the ``settled``; None where it has nothing that others could touch."""
    if claim.task not in settled:
        return claim
    return relying(claim) if claim.reads or claim.tools or claim.writes else None


def _name(row: HolderRow) -> str:
    return f"{row.holder.pid}-{row.number}"


def _decoded(data: bytes) -> _Taken:
    """What was taken; what another version of exarp wrote is taken for everything."""
    try:
        return from_json(data, msgspec.json.Decoder(_Taken))
    except (msgspec.DecodeError, ValueError):
        return _Taken((), True)


def _without_files(claim: Claim, caller: str) -> Claim:
    """What is done for the task that calls exarp is done in its name, with its files and its mutexes; it itself cannot be had."""
    return Claim(claim.task) if claim.task == caller else claim


def _endless(blocker: Blocker, run: str) -> Problem:
    message = f"a task of run {blocker.row.run} waits for run {run}, of which this is a task, and this would wait for that run"
    return Problem("inside-a-run", message, None, "name what both tasks call in needs instead")


def _inside(blocker: Blocker) -> Problem:
    run = blocker.row.run or str(blocker.row.holder)
    conflict = blocker.conflict
    from exarp.app.held_words import said_of

    if conflict is None:
        message = f"run {run} of exarp holds this workspace, and this is one of its tasks"
    else:
        message = f"run {run} of exarp, of which this is a task,{said_of(conflict).removeprefix(': it')}"
    return Problem("inside-a-run", message, None, "name the other task in needs instead")
