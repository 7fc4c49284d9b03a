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

import msgspec

from exarp.app.freshness.memory import Memory, Selection, remembered
from exarp.app.ports import ArtifactStore
from exarp.errors import BusyError, ExarpError, Problem
from exarp.hosts.another_process import send
from exarp.hosts.descriptors import Room
from exarp.hosts.idling import Idling as Idling
from exarp.hosts.local import LocalHost
from exarp.hosts.ports import is_open as is_open
from exarp.hosts.process_tree import identity
from exarp.hosts.signals import heard_signal
from exarp.index import publishing, replace_index, take_index
from exarp.model.manifest import Cache
from exarp.store.database import open_for_writing
from exarp.store.file_digests import FileDigests
from exarp.store.ledger import StoreLedger
from exarp.store.run_lock import Holder, acquire, last_holder
from exarp.store.runs import RunHistory, broken_off
from exarp.store.state_folder import StateFolder, folder_fault
from exarp.store.successes import Successes
from exarp.store.text import to_json
from exarp.workspace.fingerprints import FileClock, Fingerprints

if TYPE_CHECKING:
    from exarp.store.answers import Answers

# Older runs, their events and their logs are forgotten; the record of a task's last success never is.
KEPT_RUNS = 200
# In the environment of tasks: a JSON object of the runs that they are inside of, by workspace root.
_OUTER = "EXARP_OUTER_RUNS"


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
    """The one run that a workspace may have at a time: its lock, its database, its host.

    A context manager. Raises BusyError where another run holds the workspace and ``wait`` is False, or where an outer
    exarp run does (waiting would never end); UsageError where ``.exarp`` cannot be used. ``note`` says a line at once.
    """

    def __init__(
        self,
        root: str,
        command: tuple[str, ...],
        environ: Mapping[str, str],
        wait: bool,
        note: Callable[[str], None],
    ) -> None:
        self.root = root
        self.folder = StateFolder(root)
        self.clock = SystemClock()
        self._command = command
        self._environ = environ
        self._wait = wait
        self._note = note
        self._stack = ExitStack()
        self._log_folder = ""
        self._gone: list[str] = []

    def __enter__(self) -> Session:
        with ExitStack() as stack:
            self._enter(stack)
            self._stack = stack.pop_all()
        return self

    def _enter(self, stack: ExitStack) -> None:
        outer = run_around(self.root, self._environ)
        if outer is not None:
            message = f"run {outer} of exarp holds this workspace, and this is one of its tasks"
            raise BusyError(Problem("inside-a-run", message, None, "name the other task in needs instead"))
        self.folder.prepare()
        identity_ = identity(os.getpid()) or ""
        holder = Holder(os.getpid(), self.clock.timestamp(), self._command, identity_, heard_signal(), _own_mark())
        lock = stack.enter_context(
            acquire(self.folder.lock, holder, wait=self._wait, on_wait=lambda other: self._note(f"waiting for {other}"))
        )
        if lock.dead.marks:
            self._tidy_up_after(lock.dead)
            lock.tidy()
        try:
            # Nobody is to rely on it while tasks run; who has to do with none of it may go on to do so afterwards.
            self.index = take_index(self.folder.path)
        except OSError as error:
            raise folder_fault(error.filename or self.folder.path, error) from error
        self._database = stack.enter_context(open_for_writing(self.folder.database))
        for warning in self._database.warnings:
            self._note(f"warning: {warning}")
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
            if self._log_folder:
                # A run that printed nothing leaves no folder; one that has logs cannot be removed this way.
                with suppress(OSError):
                    os.rmdir(self._log_folder)
            self._stack.close()

    def _tidy_up_after(self, dead: Holder) -> None:
        """After a run that was killed: end what it has left running, before anything relies on files that it may still write,
        and put the ends of its logs where they belong."""
        from exarp.hosts.log_tail import ENDING, complete
        from exarp.hosts.orphans import end_orphans

        names = dict.fromkeys(name for mark in dead.marks for name in end_orphans(mark))
        if names:
            who = f" ({dead})" if dead.pid else ""
            self._note(f"warning: a run was killed{who} and left {', '.join(names)} running: ended")
        for log in self.folder.newest_logs_with(ENDING):
            with suppress(OSError):  # `exarp log` shows it all the same
                complete(log)

    def _distrust_files(self) -> None:
        """If the machine went down while a run was going on: what a file holds may not be what its stat data promise, for
        these may have reached the disk alone. Each file is read again, and no index is relied on."""
        began = broken_off(self._database)
        if began is None:
            return
        from exarp.hosts.boot import booted_at

        booted = booted_at()
        if booted is None or datetime.fromisoformat(began).timestamp() >= booted:
            return
        FileDigests(self._database).forget_all()
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
        """Let later runs know what is up to date. The index is a cache: without one they look for themselves."""
        with suppress(OSError), publishing(self.folder.path):
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
        """The number of the next run, as its id; old runs and their logs are forgotten, but those ``spared``, its own log
        folder is made."""
        kept = RunHistory(self._database, running_in(self.root)).prune(KEPT_RUNS - 1, spared)
        self.folder.prune_logs(kept)
        numbers = [int(run) for run in kept if run.isascii() and run.isdigit()]
        run = str(max(numbers, default=0) + 1)
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

    def answer_box(self) -> Answers:
        """Where other processes answer questions of a run."""
        from exarp.store.answers import Answers

        return Answers(self.folder)

    def environment(self, run: str) -> dict[str, str]:
        """The environment of a run's tasks: the caller's, and in it this run and those that it is inside of."""
        outer = _outer_runs(self._environ) | {os.path.realpath(self.root): run}
        return {**self._environ, _OUTER: to_json(outer).decode()}

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


def _outer_runs(environ: Mapping[str, str]) -> dict[str, str]:
    """The runs that this process is a task of, by workspace root, however deep: waiting for any would never end."""
    said = environ.get(_OUTER)
    if said is None:
        return {}
    import json

    try:
        found = json.loads(said)
    except ValueError:
        return {}
    return {str(root): str(run) for root, run in found.items()} if isinstance(found, dict) else {}


def running_in(root: str) -> Callable[[int], bool]:
    """Asks whether a process is the one that runs in a workspace, now or when this was called.

    Both, so that a run that ends or begins while the store is read is not taken for one that died.
    """
    before = holder_of(root).pid
    return lambda pid: pid in (before, holder_of(root).pid)


def holder_of(root: str) -> Holder:
    """Who holds the workspace now; one without a number for nobody."""
    holder = last_holder(StateFolder(root).lock)
    # What it knows of the dead may change while it holds the workspace.
    return msgspec.structs.replace(holder, left=()) if lives(holder) else Holder()


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


def run_around(root: str, environ: Mapping[str, str]) -> str | None:
    """The run of this workspace that this process is a part of, if it is."""
    return _outer_runs(environ).get(os.path.realpath(root))


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
