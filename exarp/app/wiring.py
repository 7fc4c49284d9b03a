"""Which adapter stands behind which port: the one place that picks them.

Knows clock, host, store and workspace of an ordinary run on this machine. Holds no rule.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from datetime import UTC, datetime
from types import TracebackType

import msgspec

from exarp.errors import BusyError, Problem
from exarp.hosts.local import LocalHost
from exarp.store.database import Database, open_for_writing
from exarp.store.file_digests import FileDigests
from exarp.store.ledger import StoreLedger
from exarp.store.reading import read
from exarp.store.run_lock import Holder, acquire
from exarp.store.runs import RunHistory
from exarp.store.state_folder import StateFolder
from exarp.store.successes import Successes
from exarp.workspace.fingerprints import FileClock, Fingerprints, Known

# Older runs, their events and their logs are forgotten; the record of a task's last success never is.
KEPT_RUNS = 200


class SystemClock:
    """The machine's clocks."""

    def __init__(self) -> None:
        self._second = -1
        self._prefix = ""

    def monotonic(self) -> float:
        """Seconds that never go back."""
        return time.monotonic()

    def timestamp(self) -> str:
        """Now, RFC 3339 in UTC with microseconds."""
        seconds, nanoseconds = divmod(time.time_ns(), 1_000_000_000)
        if seconds != self._second:
            # Thousands of events share a second, and formatting one costs more than storing it.
            self._second = seconds
            self._prefix = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
        return f"{self._prefix}.{nanoseconds // 1000:06d}Z"


class Memory(msgspec.Struct, frozen=True):
    """What earlier runs left: records of successes and durations in seconds by task, digests by file."""

    records: dict[str, bytes] = {}
    expected: dict[str, float] = {}
    known: dict[str, Known] = {}


def recall(root: str) -> Memory:
    """What earlier runs left in a workspace, read without changing anything."""
    folder = StateFolder(root)
    return read(folder.database, _memory) if os.path.exists(folder.database) else Memory()


def _memory(database: Database) -> Memory:
    successes = Successes(database)
    return Memory(
        records=successes.load(),
        expected={task: ms / 1000 for task, ms in successes.durations().items()},
        known={path: Known(*row) for path, row in FileDigests(database).load().items()},
    )


class Session:
    """The one run that a workspace may have at a time: its lock, its database, its host.

    A context manager. Raises BusyError where another run holds the workspace and ``wait`` is False, or where an outer
    exarp run does (waiting would never end); UsageError where ``.exarp`` cannot be used.
    """

    def __init__(
        self,
        root: str,
        command: tuple[str, ...],
        environ: Mapping[str, str],
        wait: bool,
        on_wait: Callable[[str], None],
    ) -> None:
        self.root = root
        self.folder = StateFolder(root)
        self.clock = SystemClock()
        self.warnings: list[str] = []
        self._command = command
        self._environ = environ
        self._wait = wait
        self._on_wait = on_wait
        self._stack = ExitStack()
        self._log_folder = ""

    def __enter__(self) -> Session:
        with ExitStack() as stack:
            self._enter(stack)
            self._stack = stack.pop_all()
        return self

    def _enter(self, stack: ExitStack) -> None:
        if self._environ.get("EXARP_RUN") and self._environ.get("EXARP_WORKSPACE") == self.root:
            message = f"run {self._environ['EXARP_RUN']} of exarp holds this workspace, and this is one of its tasks"
            raise BusyError(Problem("inside-a-run", message, None, "name the other task in needs instead"))
        self.folder.prepare()
        holder = Holder(os.getpid(), self.clock.timestamp(), self._command)
        stack.enter_context(
            acquire(self.folder.lock, holder, wait=self._wait, on_wait=lambda other: self._on_wait(str(other)))
        )
        self._database = stack.enter_context(open_for_writing(self.folder.database))
        self.warnings += self._database.warnings
        self.memory = _memory(self._database)
        self.fingerprints = Fingerprints(self.root, self.memory.known)
        self.file_clock = FileClock(f"{self.folder.path}/clock")
        stack.callback(self.file_clock.close)
        self.ledger = StoreLedger(self._database)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None or not issubclass(kind, Exception):
                self.ledger.learn(self.fingerprints.learned.items())
        finally:
            if self._log_folder:
                # A run that printed nothing leaves no folder; one that has logs cannot be removed this way.
                with suppress(OSError):
                    os.rmdir(self._log_folder)
            self._stack.close()

    def new_run(self) -> str:
        """The number of the next run, as its id; old runs and their logs are forgotten, its own log folder is made."""
        history = RunHistory(self._database, is_alive)
        kept = history.prune(KEPT_RUNS - 1)
        self.folder.prune_logs(kept)
        numbers = [int(run) for run in kept if run.isascii() and run.isdigit()]
        run = str(max(numbers, default=0) + 1)
        self._log_folder = self.folder.make_log_folder(run)
        return run

    def host(self, run: str) -> LocalHost:
        """A host for a run's attempts. ``run`` alone does not mark them uniquely on a machine, the workspace does."""
        return LocalHost(f"{os.getpid()}.{time.time_ns():x}.{run}")

    def log_path(self, run: str, task: str, attempt: int) -> tuple[str, str]:
        """An attempt's log: absolute path, and path as events show it (relative to the workspace)."""
        path = self.folder.log_path(run, task, attempt)
        return path, path[len(self.root) :].lstrip("/")


def is_alive(pid: int) -> bool:
    """Whether a process runs (it may be somebody else's). A zombie, which nobody has reaped yet, does not."""
    try:
        os.kill(pid, 0)
        with open(f"/proc/{pid}/stat", "rb") as file:
            return file.read().rpartition(b")")[2].split()[0] != b"Z"
    except ProcessLookupError:
        return False
    except (OSError, OverflowError, IndexError):
        return True


def history_of(root: str, query: Callable[[RunHistory], msgspec.Struct | list[msgspec.Struct] | None]) -> object:
    """Ask the stored runs of a workspace, without changing anything; None where nothing is stored."""
    folder = StateFolder(root)
    if not os.path.exists(folder.database):
        return None
    return read(folder.database, lambda database: query(RunHistory(database, is_alive)))


def usable_cpus() -> int:
    """CPUs that this process may use."""
    if sys.version_info >= (3, 13):
        return os.process_cpu_count() or 1
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def read_log(root: str, log: str) -> bytes:
    """The text of a log as events name it. Raises OSError where it is gone."""
    with open(os.path.join(root, log), "rb") as file:
        return file.read()
