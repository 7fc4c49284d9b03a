"""Which adapter stands behind which port: the one place that picks them.

Knows clock, host, store and workspace of an ordinary run on this machine. Holds no rule.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import ExitStack, suppress
from datetime import UTC, datetime
from functools import cache
from types import TracebackType
from typing import TYPE_CHECKING

from exarp.app.freshness.memory import Memory, Selection, remembered
from exarp.app.holding import Asker, Holding, Wants, hold
from exarp.app.outer_runs import runs_around, with_run
from exarp.app.ports import ArtifactStore
from exarp.errors import ExarpError
from exarp.hosts.another_process import send
from exarp.hosts.descriptors import Room
from exarp.hosts.idling import Idling as Idling
from exarp.hosts.local import LocalHost
from exarp.hosts.ports import is_open as is_open
from exarp.hosts.process_tree import identity
from exarp.hosts.signals import heard_signal
from exarp.index import precedes_boot, publishing, replace_index, take_index
from exarp.model.manifest import Cache
from exarp.store.database import Database, open_for_writing
from exarp.store.file_digests import FileDigests
from exarp.store.holder import Holder
from exarp.store.holders import HolderRow, Holders
from exarp.store.ledger import StoreLedger
from exarp.store.reading import read
from exarp.store.runs import RunHistory, broken_off, newest_end
from exarp.store.state_folder import StateFolder, folder_fault
from exarp.store.successes import Successes
from exarp.workspace.fingerprints import FileClock, Fingerprints

if TYPE_CHECKING:
    from exarp.store.answers import Answers

# Older runs, their events and their logs are forgotten; the record of a task's last success never is.
KEPT_RUNS = 200
# So long a kernel may keep what was written from the disk, in seconds (Linux: 30, and what writing takes).
_UNWRITTEN = 60.0
_EVERYTHING = Wants(whole=True)


class SystemClock:
    """The machine's clocks."""

    def __init__(self) -> None:
        self._second = -1
        self._prefix = ""

    # Seconds that never go back: asked for ten times a task, so without a method around it.
    monotonic = staticmethod(time.monotonic)

    def timestamp(self) -> str:
        """Now, RFC 3339 in UTC with microseconds."""
        seconds, nanoseconds = divmod(time.time_ns(), 1_000_000_000)
        if seconds != self._second:
            # Thousands of events share a second, and formatting one costs more than storing it.
            self._second = seconds
            self._prefix = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
        return f"{self._prefix}.{nanoseconds // 1000:06d}Z"


class Session:
    """Work in a workspace: what is held of it, its database, its host.

    A context manager. Raises BusyError where another run holds what is ``wanted`` (by default everything) and ``wait`` is False,
    or where an outer exarp run does (waiting would never end); UsageError where ``.exarp`` cannot be used. ``note`` says a line
    at once.
    """

    def __init__(
        self,
        root: str,
        command: tuple[str, ...],
        environ: Mapping[str, str],
        wait: bool,
        note: Callable[[str], None],
        wanted: Wants = _EVERYTHING,
    ) -> None:
        self.root = root
        self.folder = StateFolder(root)
        self.clock = SystemClock()
        self._command = command
        self._environ = environ
        self._wait = wait
        self._note = note
        self._wanted = wanted
        self._stack = ExitStack()
        self._log_folder = self._aside = ""
        self._gone: list[str] = []
        self._is_after_power_failure = False

    def __enter__(self) -> Session:
        with ExitStack() as stack:
            self._enter(stack)
            self._stack = stack.pop_all()
        return self

    def _enter(self, stack: ExitStack) -> None:
        self.folder.prepare()
        self._database, self.held = self._taken(stack)
        try:
            # Nobody is to rely on it while tasks run; who has to do with none of it may go on to do so afterwards.
            self.index = take_index(self.folder.path)
        except OSError as error:
            raise folder_fault(error.filename or self.folder.path, error) from error
        if self._is_after_power_failure:
            self._distrust_files()
        self.memory = Memory()
        self.file_clock = FileClock(f"{self.folder.path}/clock")
        stack.callback(self.file_clock.close)
        self.began_ns, self.began_by_machine_ns = self.file_clock.now(), time.time_ns()
        self.fingerprints = Fingerprints(self.root, {}, self.file_clock)
        self.ledger = StoreLedger(self._database)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None or not issubclass(kind, Exception):
                self._learn()
                self._tell_loss()
        finally:
            # A run that printed nothing leaves no folder; one that has logs cannot be removed this way.
            for folder in filter(None, (self._log_folder, self._aside)):
                with suppress(OSError):
                    os.rmdir(folder)
            self._stack.close()

    def _taken(self, stack: ExitStack) -> tuple[Database, Holding]:
        """The database, and what is held by a row of it. Where it is removed while others are waited for, another one."""
        while True:
            with ExitStack() as attempt:
                database = attempt.enter_context(open_for_writing(self.folder.database))
                for warning in database.warnings:
                    self._note(f"warning: {warning}")
                if _went_down(database):
                    # Before the dead are taken out of it: whoever is ended in between leaves nothing that is to be known.
                    self._is_after_power_failure = True
                    FileDigests(database).forget_all()
                else:
                    _distrust_the_newest(database)
                held = hold(self.folder, database, self._asker(), self._wanted)
                if held is not None:
                    attempt.enter_context(held)
                    stack.enter_context(attempt.pop_all())
                    return database, held
            self.folder.prepare()

    def _asker(self) -> Asker:
        identity_ = identity(os.getpid()) or ""
        holder = Holder(os.getpid(), self.clock.timestamp(), self._command, identity_, heard_signal(), _own_mark())
        return Asker(holder, runs_around(self.root, self._environ), self._wait, lives, self._note)

    def _distrust_files(self) -> None:
        """The machine went down while a run was going on: what a file holds may not be what its stat data promise, for these may
        have reached the disk alone. Each file is read again, and no index is relied on."""
        self.index = None
        self._note("note: the machine went down during the last run, or after it was killed: all files are read again")

    def recall(self, selected: Selection) -> None:
        """Fill ``memory`` with what earlier runs left for these tasks, and let ``fingerprints`` know of it."""
        self.memory = remembered(self._database, selected)
        self.fingerprints = Fingerprints(self.root, self.memory.known, self.file_clock)

    def remembered(self, names: Collection[str]) -> dict[str, bytes]:
        """What earlier runs left under these names, which are no tasks'."""
        return Successes(self._database).load(names)

    def publish(self, index: bytes) -> None:
        """Let later runs know what is up to date. The index is a cache: without one they look for themselves.

        Where another run was at work meanwhile there is none: what that one did is not known here. Whoever comes now takes
        away what is there, once it is seen by who asks whether anybody came.
        """
        with suppress(OSError), publishing(self.folder.path):
            if self.held.is_alone():
                replace_index(self.folder.path, (index,))

    def forget_unseen(self) -> None:
        """A whole run has succeeded: what it did not look at is gone, or will be looked at as if it were new."""
        self._gone = self.memory.outlived(self.fingerprints.seen)

    def _learn(self) -> None:
        """Remember digests. The run is over, and what it came to does not change because a disk is full now."""
        try:
            self.ledger.learn(self.fingerprints.learned.items(), self._gone)
        except ExarpError as error:
            self._note(f"warning: digests of files are not remembered, the next run reads them again: {error}")

    def _tell_loss(self) -> None:
        """Say that a task, or somebody else, took the database away: SQLite goes on writing to what nobody finds again."""
        if not self._database.is_in_place:
            message = "was removed meanwhile: what was done is not recorded, and will be done again"
            self._note(f"warning: {self.folder.database} {message}")

    def new_run(self, spared: Collection[str] = ()) -> str:
        """The id of the run that this is; old ones and their logs are forgotten, but those ``spared`` and those that go on, its
        own log folder is made."""
        run, others = self.held.run, self.held.others()
        kept = RunHistory(self._database, lives).prune(KEPT_RUNS - 1, {*spared, *others})
        self.folder.prune_logs(kept | others, int(run))
        self._log_folder = self.folder.make_log_folder(run)
        return run

    def keep_log_folder(self) -> None:
        """Something will go on writing into it."""
        self._log_folder = ""

    def host(self, run: str) -> LocalHost:
        """A host for a run's attempts. ``run`` alone does not mark them uniquely on a machine, the workspace does."""
        return LocalHost(f"{_own_mark()}{time.time_ns():x}.{run}")

    def artifact_store(self, cache: Cache) -> ArtifactStore | None:
        """Where artifacts are; None where none are to be kept."""
        folder = artifact_folder(self.root, cache, self._environ)
        if folder is None:
            return None
        from exarp.workspace.artifacts.store import FolderStore

        return FolderStore(folder, cache.max_size)

    def make_aside(self) -> str:
        """Where this run puts what is to be restored together, away from other runs; whoever uses the folder makes it."""
        self._aside = self.folder.aside(self.held.run)
        return self._aside

    def answer_box(self) -> Answers:
        """Where other processes answer questions of this run."""
        from exarp.store.answers import Answers

        return Answers(self.folder, self.held.run)

    def environment(self, run: str) -> dict[str, str]:
        """The environment of a run's tasks: the caller's, and in it this run and those that it is inside of."""
        return with_run(self._environ, self.root, run)

    def log_path(self, run: str, task: str, attempt: int) -> tuple[str, str]:
        """An attempt's log: absolute path, and path as events show it (relative to the workspace)."""
        path = self.folder.log_path(run, task, attempt)
        return path, path[len(self.root) :].lstrip("/")


@cache
def _mark_of(pid: int) -> str:
    return f"{pid}.{time.time_ns():x}."


def _own_mark() -> str:
    """How the marks of all that this process starts begin: no other process has them, whenever it lives."""
    return _mark_of(os.getpid())


def platform() -> str:
    """What the programs of a recipe are made for: ``linux x86_64``."""
    return f"{sys.platform} {os.uname().machine}"


def artifact_folder(root: str, cache: Cache, environ: Mapping[str, str]) -> str | None:
    """The folder (absolute) of the artifacts of a workspace; None where none are kept.

    What ``EXARP_CACHE`` of the caller says counts before ``dir`` of the manifest: a folder, or ``off``.
    """
    said = environ.get("EXARP_CACHE", "")
    if said == "off" or not cache.enabled:
        return None
    return os.path.abspath(os.path.join(root, os.path.expanduser(said or cache.dir)))


def at_work(root: str) -> list[HolderRow]:
    """Who is at work in a workspace now, in the order that they came. Changes nothing."""
    return [each for each in holders_of(root) if lives(each.holder)]


def holders_of(root: str) -> list[HolderRow]:
    """Everybody of whom is written that they are at work in a workspace; some may have died. Changes nothing."""
    folder = StateFolder(root)
    if not folder.has_database():
        return []
    return read(folder.database, lambda database: Holders(database).rows())


def _distrust_the_newest(database: Database) -> None:
    """Where the machine was started after the last run had ended: what was written in the last minute of that may have reached
    the disk in part, if the power failed, and is read again."""
    ended = newest_end(database)
    moment = datetime.fromisoformat(ended).timestamp() if ended is not None else None
    if moment is not None and precedes_boot(moment):
        FileDigests(database).forget_since(round((moment - _UNWRITTEN) * 1_000_000_000))


def _went_down(database: Database) -> bool:
    """Whether a run of which no end is stored began before the machine did."""
    began = broken_off(database)
    if began is None:
        return False
    from exarp.hosts.boot import booted_at

    booted = booted_at()
    return booted is not None and datetime.fromisoformat(began).timestamp() < booted


def lives(holder: Holder) -> bool:
    """Whether a process is there still."""
    try:
        now = identity(holder.pid)
    except OverflowError:
        return False
    # Where either is not known, the number alone must do.
    return now is not None and (not now or not holder.process or now == holder.process)


def send_to(holder: Holder, signum: int) -> None:
    """Send a signal to who holds a workspace, if it lives still. Raises PermissionError."""
    send(holder.pid, holder.process, signum)


def usable_cpus() -> int:
    """CPUs that this process may use."""
    if sys.version_info >= (3, 13):
        return os.process_cpu_count() or 1
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def machine_load() -> float:
    """How much the machine has to do, in processes that run."""
    from exarp.hosts.machine_load import machine_load

    return machine_load()


def descriptor_room() -> Room:
    """How many attempts fit into the files that this process may open."""
    return Room()


def read_log(root: str, log: str, start: int = 0) -> bytes:
    """The text of a log as events name it, from byte ``start`` on. Raises OSError where it is gone."""
    with open(os.path.join(root, log), "rb") as file:
        file.seek(start)
        return file.read()
