"""One attempt while it lives: its processes one after the other, its pipe, its log.

Knows how a command is started, and how a refusal is worded. Does not know when it ends, or what else it leaves behind.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from enum import IntEnum
from time import monotonic
from typing import TYPE_CHECKING

from exarp.hosts.children import DAEMON, MARK
from exarp.hosts.log_file import CappedLog, SharedLog
from exarp.hosts.process_tree import Process
from exarp.hosts.spawning import Apart, Spawner
from exarp.model.launch import Exited, Launch
from exarp.model.mask import MaskStream, mask_of

if TYPE_CHECKING:
    import subprocess

PIPE_READ = 65536
# What was in the pipe when the leader died is at most this; who goes on writing could hold us for ever.
_DRAIN_LIMIT = 1 << 20

NOT_FOUND, NOT_EXECUTABLE = 127, 126


class Stage(IntEnum):
    """How far the ending of an attempt has come."""

    RUNNING = 0
    INTERRUPTED = 1
    TERMINATED = 2
    KILLED = 3


class Attempt:
    """The state of one attempt.

    ``key``: the launch's; ``foreground``: whether it shares exarp's session and has the terminal.
    ``pid``: the leader of the command that runs; ``leaders``: of every command so far; ``sessions``: of those, whose
    group outlived them. ``result`` is set when no more command will run: (status, signal, error); ``early``: whether it had
    been asked to end by then. ``stage``, ``due``,
    ``check``, ``left`` and ``ended`` belong to the ending: its stage, when the next one is due, when to look again, who
    was alive at the last look, and the names to tell.
    """

    __slots__ = (
        "asked", "check", "due", "early", "ended", "foreground", "grace", "key", "launch", "leaders", "left", "log", "mask",
        "pid", "pidfd", "process", "reader", "result", "seconds", "sessions", "shared", "stage", "started", "step", "writer",
    )  # fmt: skip

    def __init__(self, launch: Launch) -> None:
        self.launch = launch
        self.key = launch.key
        self.foreground = launch.streams == "foreground"
        self.started = monotonic()
        self.seconds = 0.0
        self.step = 0
        self.process: subprocess.Popen[bytes] | None = None
        self.pid = self.pidfd = self.reader = self.writer = -1
        self.leaders: list[int] = []
        self.sessions: list[int] = []
        self.log: CappedLog | None = None
        self.mask = MaskStream(mask_of(launch.masked)) if launch.masked else None
        self.shared: SharedLog | None = None
        self.result: tuple[int | None, int | None, str] | None = None
        self.asked = False
        self.early = False
        self.stage = Stage.RUNNING
        self.due = self.check = self.grace = 0.0
        self.left: dict[int, Process] = {}
        self.ended: dict[str, None] = {}

    @property
    def over(self) -> bool:
        """Whether the last command has ended."""
        return self.result is not None

    def open_streams(self, faults: list[str]) -> None:
        """Make the pipe and the log. Raises OSError where there are no more descriptors."""
        launch = self.launch
        if launch.streams != "captured":
            return
        if launch.daemon:
            try:
                self.shared = SharedLog(launch.log)
            except OSError as error:
                faults.append(f"{launch.label}: the log {launch.log} cannot be written: {error.strerror}")
            return
        self.reader, self.writer = os.pipe()
        os.set_blocking(self.reader, False)
        self.log = CappedLog(launch.log, launch.log_limit, launch.append) if launch.log else None

    def spawn(self, spawner: Spawner, null: int, mark: str, apart: Apart) -> None:
        """Start the next command. ``null``: a descriptor of /dev/null; ``apart``: what it has of its own, if it is not in the
        foreground. Raises OSError or ValueError if it cannot be."""
        launch = self.launch
        argv = launch.commands[self.step]
        plain = launch.plain[self.step] if launch.plain else None
        self.step += 1
        if not argv or not argv[0]:
            raise FileNotFoundError(errno.ENOENT, "the command is empty", "")
        env = {**launch.env, MARK: mark}
        if launch.daemon:
            env[DAEMON] = "1"
        stdin, output = self._streams(null)
        pid = None
        if stdin is not None and plain:
            program = launch.programs[self.step - 1] if launch.programs else None
            redirections = launch.redirections[self.step - 1] if launch.redirections else ()
            pid = spawner.spawn(
                plain, launch.around, env, launch.cwd, stdin, output, program, redirections, apart, launch.shares
            )
        if stdin is not None and pid is None:
            pid = spawner.spawn(argv, launch.around, env, launch.cwd, stdin, output, apart=apart, shares=launch.shares)
        if pid is None:
            grouped = self.foreground or apart == "group"
            shared = spawner.shared if launch.shares else ()
            pid = self._spawn_carefully(argv, {**launch.around, **env}, stdin, output, grouped, shared)
        self.pid = pid
        self.leaders.append(self.pid)

    def _spawn_carefully(
        self,
        argv: tuple[str, ...],
        env: dict[str, str],
        stdin: int | None,
        output: int | None,
        grouped: bool,
        shared: tuple[int, ...],
    ) -> int:
        import subprocess

        self.process = subprocess.Popen(
            argv,
            stdin=stdin,
            stdout=output,
            stderr=output,
            cwd=self.launch.cwd,
            env=env,
            start_new_session=not grouped,
            process_group=0 if grouped else None,
            pass_fds=shared,
        )
        return self.process.pid

    def gone(self) -> None:
        """The leader was reaped, or will be by somebody else: subprocess is not to wait for it."""
        if self.process is not None:
            self.process.returncode = 0
            self.process = None

    def read(self) -> bytes | None:
        """What is in the pipe, at most 64 KiB; None for nothing yet, empty at its end."""
        try:
            return os.read(self.reader, PIPE_READ)
        except BlockingIOError:
            return None

    def drain(self) -> Iterator[bytes]:
        """What is in the pipe or the shared log now, without waiting for its end."""
        if self.shared is not None:
            yield from self.shared.read()
        left = _DRAIN_LIMIT
        while self.reader >= 0 and left > 0 and (data := self.read()):
            left -= len(data)
            yield data

    def close_writer(self) -> None:
        """Close our copy of the pipe's other end. Not before the end of the attempt: the end of the pipe, which is that of its
        last process, would be told beside the end of the leader, and be one more reason to wake up for each."""
        if self.writer >= 0:
            os.close(self.writer)
            self.writer = -1

    def exited(self, faults: list[str], lives_on: bool) -> Exited:
        """Close the log; the event that tells of the end. ``lives_on``: something may still write to it."""
        status, signum, error = self.result or (None, None, "")
        logged, cut = False, 0
        if self.shared is not None:
            logged = self.shared.close(keep=lives_on)
        if self.log is not None:
            cut = self.log.close()
            logged = self.log.exists
            if self.log.fault:
                faults.append(f"{self.launch.label}: {self.log.fault}")
        masked = self.mask is not None and self.mask.masked
        ended, step = tuple(self.ended), max(0, self.step - 1)
        return Exited(self.key, status, signum, self.seconds, logged, cut, error, ended, self.early, masked, step)

    def _streams(self, null: int) -> tuple[int | None, int | None]:
        if self.foreground:
            return None, None
        if self.launch.streams == "inherited":
            return null, None
        if self.shared is not None:
            return null, self.shared.file
        return null, self.writer if self.writer >= 0 else null


def refusal(error: Exception, launch: Launch, argv: tuple[str, ...]) -> tuple[int, None, str]:
    """What a command that could not be started comes to, as a shell would have it: 127 not found, else 126."""
    name = argv[0] if argv else ""
    reason = (isinstance(error, OSError) and error.strerror) or str(error)
    said = f"{name}: {reason}" if name else reason
    if isinstance(error, OSError) and error.filename == launch.cwd and not os.path.isdir(launch.cwd):
        return NOT_EXECUTABLE, None, f"cannot enter {launch.cwd}: {reason}"
    if not isinstance(error, FileNotFoundError):
        return NOT_EXECUTABLE, None, said
    if name and "/" not in name:
        return NOT_FOUND, None, f"{name}: command not found"
    if name and os.path.exists(os.path.join(launch.cwd, name)):
        return NOT_FOUND, None, f"{name}: the interpreter that its first line names does not exist"
    return NOT_FOUND, None, said
