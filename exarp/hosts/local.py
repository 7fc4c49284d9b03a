"""The local host: attempts as process trees on this machine, in one thread.

Knows the loop: what is waited for (exits, pipes, signals to exarp, times of an ending) and in which order it is told.
Does not know how trees are found and ended, what a log looks like, or why anything is started.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Collection
from contextlib import ExitStack
from functools import partial
from time import monotonic
from types import TracebackType

from exarp.hosts.attempt import Attempt, refusal
from exarp.hosts.children import Children
from exarp.hosts.ending import Ending
from exarp.hosts.mechanisms import Mechanisms, detect
from exarp.hosts.process_tree import exists, send_one
from exarp.hosts.readiness import readiness
from exarp.hosts.signals import TOLD, Signals
from exarp.hosts.spawning import Apart, Spawner
from exarp.hosts.terminal import Terminal
from exarp.model.launch import Exited, HostEvent, Launch, Output, Paused, Readable, Signalled

# Orphans that die while nothing else happens are reaped this often, in seconds.
_REAP_EVERY = 1.0
# How often a shared log is looked at, and exits where nothing tells of them.
_FOLLOW_EVERY = 0.1
_POLL_EVERY = 0.05
_LONGEST_PAUSE = 24 * 3600.0
# What stops a process that wants the terminal and does not have it.
_FOR_THE_TERMINAL = (signal.SIGTTIN, signal.SIGTTOU)


class LocalHost:
    """Starts attempts, tells what they print and how they end, and ends their whole trees.

    ``run``: unique among runs, marks what is started. ``grace``: seconds between SIGINT, SIGTERM and SIGKILL when an
    attempt is ended; ``leftover_grace``: between SIGTERM and SIGKILL for what an attempt leaves running.
    ``mechanisms``: what may be used, by default whatever works here. To be made and used in the main thread, or signals
    are not told. ``faults``: what went wrong beside the attempts, in words, to be read at the end.
    """

    def __init__(
        self, run: str, *, grace: float = 2.0, leftover_grace: float = 0.5, mechanisms: Mechanisms | None = None
    ) -> None:
        self._mechanisms = mechanisms or detect()
        self._attempts: dict[int, Attempt] = {}
        self._followed: dict[int, Attempt] = {}
        self._events: list[HostEvent] = []
        self._look_at = 0.0
        self._watched = -1
        with ExitStack() as undo:
            self._readiness = readiness()
            undo.callback(self._readiness.close)
            self._null = os.open(os.devnull, os.O_RDWR)
            undo.callback(os.close, self._null)
            self._spawner = Spawner()
            undo.callback(self._spawner.close)
            self._signals = Signals()
            undo.callback(self._signals.close)
            self._children = Children(run, self._mechanisms.adoption, self._mechanisms.groups)
            undo.callback(self._children.close)
            self._terminal = Terminal()
            undo.callback(self._terminal.restore)
            self._ending = Ending(self._children, self._mechanisms, grace, leftover_grace)
            self._readiness.register(self._signals.reader, self._on_signals)
            self._undo: ExitStack | None = undo.pop_all()
        if not self._mechanisms.pidfds:
            self._signals.watch(signal.SIGCHLD)
        self.faults = self._ending.faults

    @property
    def limits(self) -> tuple[str, ...]:
        """What this host cannot promise on this machine, in words."""
        said = self._mechanisms.limits
        return said if self._signals.heard else (*said, "signals to exarp are not told outside its main thread")

    def __enter__(self) -> LocalHost:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def start(self, launch: Launch) -> None:
        """Start an attempt. What cannot be executed is told by ``wait``, as Exited with status 126 or 127.

        Raises ValueError if an attempt of that key is running, or the host is closed.
        """
        if self._undo is None or launch.key in self._attempts:
            raise ValueError(f"attempt {launch.key} cannot be started: the host is closed, or it is running already")
        attempt = self._attempts[launch.key] = Attempt(launch)
        try:
            attempt.open_streams(self.faults)
        except OSError as error:
            attempt.result = refusal(error, launch, ())
            self._finish(attempt)
            return
        if attempt.reader >= 0:
            self._readiness.register(attempt.reader, partial(self._on_output, attempt))
        if attempt.shared is not None:
            self._followed[launch.key] = attempt
        self._proceed(attempt)

    def wait(self, timeout: float | None) -> list[HostEvent]:
        """Block until something happened, at most ``timeout`` seconds (None: without end); what happened, in order."""
        now = monotonic()
        deadline = None if timeout is None else now + timeout
        while True:
            self._keep_time(now)
            if self._events:
                break
            for call in self._readiness.wait(self._pause(now, deadline)):
                call()
            if self._events:
                break
            now = monotonic()
            if deadline is not None and now >= deadline:
                break
        events, self._events = self._events, []
        return events

    def share(self, descriptors: tuple[int, ...]) -> None:
        """Attempts that are started from now on inherit these, if they share what is to be shared."""
        self._spawner.share(descriptors)

    def watch(self, descriptor: int) -> None:
        """Tell once, by ``Readable``, that there is something to be read from it; of one descriptor at a time."""
        if self._watched < 0:
            self._watched = descriptor
            self._readiness.register(descriptor, self._on_readable)

    def has_news(self) -> bool:
        """Whether something has happened that ``wait`` would tell; what is due by the clock alone does not count."""
        return bool(self._events) or self._readiness.is_any()

    def end(self, key: int, now: bool = False) -> None:
        """End an attempt's whole tree: SIGINT, SIGTERM and SIGKILL, each after the grace; ``now``: SIGKILL at once.

        It is ``wait`` that sends them, and that tells of the end as of any other. A key that is over is ignored.
        """
        attempt = self._attempts.get(key)
        if attempt is None:
            return
        if not attempt.over and attempt.step == len(attempt.launch.commands):
            # What has come to its end by itself, unnoticed so far, was not ended.
            self._reap(attempt, 0)
        if key in self._attempts:
            self._ending.ask(attempt, now)

    def suspend(self) -> float:
        """Stop every attempt's tree and this process, as SIGTSTP would; once it is continued, continue them.

        For how many seconds; attempts do not count them. Where nobody could continue this process, nothing stops.
        """
        holder = next((a for a in self._attempts.values() if a.foreground and not a.over), None)
        before = monotonic()
        frozen = self._ending.freeze(self._attempts.values())
        if holder is not None:
            self._terminal.take_back()
        with self._signals.unwatched(signal.SIGTSTP):
            os.kill(os.getpid(), signal.SIGTSTP)
        if holder is not None:
            self._terminal.lend(holder.pid)
        for target in frozen:
            send_one(target, signal.SIGCONT)
        # By now: before, who has the terminal would be found stopped, as if by the person.
        self._on_signals()
        # Typed again before it had an effect, it was meant by the first, too.
        self._events = [event for event in self._events if event != Signalled(signal.SIGTSTP)]
        seconds = monotonic() - before
        self._delay(seconds)
        return seconds

    def _delay(self, seconds: float) -> None:
        self._ending.delay(seconds)
        for attempt in self._attempts.values():
            attempt.started += seconds

    def close(self) -> tuple[str, ...]:
        """Kill what is left of every attempt, but not what daemons left; put back signals and terminal.

        The names of the processes that were still running. A second time does nothing.
        """
        if self._undo is None:
            return ()
        undo, self._undo = self._undo, None
        with undo:
            names = self._ending.sweep(self._attempts.values())
            for attempt in tuple(self._attempts.values()):
                self._finish(attempt)
            self._terminal.take_back()
        return names

    def part(self, kept: Collection[int]) -> tuple[str, ...]:
        """As ``close``, but the attempts ``kept`` go on, and what comes of them is told later. Until ``wake`` signals do what
        they did before; who starts something or waits is awake."""
        self._on_signals()
        over = [attempt for attempt in self._attempts.values() if attempt.key not in kept]
        names = self._ending.sweep(over, kept)
        for attempt in over:
            self._finish(attempt)
        self._terminal.take_back()
        self._terminal.restore()
        self._watch_no_longer()
        self._spawner.share(())
        self._events = [event for event in self._events if _outlasts_a_run(event, kept)]
        self._signals.rest()
        return names

    def wake(self) -> None:
        """Hear signals again."""
        self._signals.wake()
        if not self._mechanisms.pidfds:
            self._look_for_exits()

    def _proceed(self, attempt: Attempt) -> None:
        """Start the attempt's next command; it is over where there is none, or it cannot be started."""
        launch = attempt.launch
        if attempt.step == len(launch.commands):
            self._conclude(attempt, (0, None, ""))
            return
        argv = launch.commands[attempt.step]
        if attempt.foreground:
            # Before there is a process: it may stop at once, if it wants the terminal that it does not have yet.
            self._signals.watch(signal.SIGCHLD)
            self._signals.watch(signal.SIGCONT)
        try:
            # What outlives the run gets nothing that is of this session.
            apart: Apart = "group" if self._mechanisms.groups and not launch.daemon else "session"
            attempt.spawn(self._spawner, self._null, self._children.mark(attempt.key), apart)
            self._children.started(attempt.pid, attempt.key)
            self._watch(attempt)
        except (OSError, ValueError) as error:
            self._conclude(attempt, refusal(error, launch, argv))
            return
        if attempt.foreground and self._terminal.lend(attempt.pid) and not self._signals.heard:
            # That it asked for the terminal too early, and stopped, will not be noticed.
            send_one(-attempt.pid, signal.SIGCONT)

    def _watch(self, attempt: Attempt) -> None:
        if not self._mechanisms.pidfds:
            return
        try:
            attempt.pidfd = os.pidfd_open(attempt.pid)
        except OSError:
            # Out of descriptors: an attempt whose end would not be noticed must not go on.
            send_one(-attempt.pid, signal.SIGKILL)
            os.waitpid(attempt.pid, 0)
            self._children.reaped(attempt.pid)
            attempt.gone()
            raise
        self._readiness.register(attempt.pidfd, partial(self._on_exit, attempt))

    def _on_readable(self) -> None:
        self._watch_no_longer()
        # Whoever reads it, and is to be told again, says so.
        self._events.append(Readable())

    def _watch_no_longer(self) -> None:
        if self._watched >= 0:
            self._readiness.unregister(self._watched)
            self._watched = -1

    def _on_output(self, attempt: Attempt) -> None:
        if attempt.reader < 0:
            return  # it was drained for an exit in the same batch
        data = attempt.read()
        if data:
            self._tell(attempt, data)
        elif data is not None:
            self._close_reader(attempt)

    def _on_exit(self, attempt: Attempt) -> None:
        if attempt.over:
            return  # it was noticed by SIGCHLD in the same batch
        suspends = attempt.foreground and self._terminal.present
        self._reap(attempt, os.WUNTRACED if suspends else 0)

    def _reap(self, attempt: Attempt, options: int) -> None:
        """See whether the command that runs has ended, or (with WUNTRACED) stopped, and do what follows from it."""
        try:
            pid, status = os.waitpid(attempt.pid, os.WNOHANG | options)
        except ChildProcessError:
            self._on_reaped(attempt, None)
            return
        if pid == 0:
            return
        if os.WIFSTOPPED(status):
            self._on_stopped(attempt, os.WSTOPSIG(status))
        else:
            self._on_reaped(attempt, os.waitstatus_to_exitcode(status))

    def _on_reaped(self, attempt: Attempt, code: int | None) -> None:
        self._children.reaped(attempt.pid)
        self._close_pidfd(attempt)
        attempt.gone()
        if attempt.foreground:
            self._terminal.take_back()
            self._terminal.forget()
        if not self._children.adopting and exists(-attempt.pid):
            attempt.sessions.append(attempt.pid)
        if code == 0 and attempt.step < len(attempt.launch.commands) and not attempt.asked:
            self._proceed(attempt)
        elif code is None:
            self._conclude(attempt, (126, None, "another part of this program took its exit status"))
        else:
            self._conclude(attempt, (code, None, "") if code >= 0 else (None, -code, ""))

    def _on_signals(self) -> bool:
        """Take the signals that arrived; whether exarp was continued."""
        taken = self._signals.take()
        self._events += [Signalled(signum) for signum in taken if signum in TOLD]
        # Typed more than once before it had an effect, it is meant once.
        if signal.SIGTSTP in taken and Signalled(signal.SIGTSTP) not in self._events:
            self._events.append(Signalled(signal.SIGTSTP))
        if signal.SIGCHLD in taken:
            self._look_for_exits()
        return signal.SIGCONT in taken

    def _look_for_exits(self) -> None:
        for attempt in tuple(self._attempts.values()):
            if not attempt.over and (attempt.pidfd < 0 or attempt.foreground):
                self._on_exit(attempt)

    def _on_stopped(self, attempt: Attempt, signum: int) -> None:
        if signum in _FOR_THE_TERMINAL and self._terminal.is_lent_to(attempt.pid):
            # It asked too early. What a person stops the moment it begins, on the other hand, is to stay stopped.
            send_one(-attempt.pid, signal.SIGCONT)
        else:
            self._suspend(attempt)

    def _suspend(self, attempt: Attempt) -> None:
        """A foreground process stopped: stop too, for the shell that exarp came from; once continued, go on."""
        stopped = attempt.pid
        self._terminal.take_back()
        before = monotonic()
        with self._signals.unwatched(signal.SIGTSTP):
            os.killpg(0, signal.SIGTSTP)
        seconds = monotonic() - before
        self._delay(seconds)
        self._events.append(Paused(seconds))
        continued = self._on_signals()
        if attempt.over or attempt.pid != stopped:
            return  # it was killed meanwhile
        if self._terminal.lend(attempt.pid) or continued:
            send_one(-attempt.pid, signal.SIGCONT)
            return
        # No shell is there to stop for, and the terminal is another's: it would wait for ever.
        self.faults.append(f"{attempt.launch.label}: ended, because it stopped to wait for a terminal it cannot have")
        self._ending.ask(attempt, now=False)

    def _conclude(self, attempt: Attempt, result: tuple[int | None, int | None, str]) -> None:
        """No more command of it will run: deliver it now, or when what it left is gone."""
        attempt.result = result
        attempt.early = attempt.asked
        attempt.seconds = monotonic() - attempt.started
        attempt.close_writer()
        if attempt.foreground:
            self._signals.unwatch(signal.SIGCONT)
            if self._mechanisms.pidfds:
                self._signals.unwatch(signal.SIGCHLD)
        if (attempt.launch.daemon and not attempt.asked) or self._ending.settle(attempt):
            self._finish(attempt)

    def _finish(self, attempt: Attempt) -> None:
        for data in attempt.drain():
            self._tell(attempt, data)
        if attempt.mask is not None and (rest := attempt.mask.end()):
            self._pass_on(attempt, rest)
        self._close_reader(attempt)
        self._close_pidfd(attempt)
        attempt.close_writer()
        attempt.gone()
        spare = attempt.launch.daemon and not attempt.asked
        alive = False
        if spare:
            self._children.look()
            alive = bool(self._children.adopted_from(attempt.key)) or any(exists(-group) for group in attempt.sessions)
        self._children.over(attempt.key, attempt.leaders, spare)
        del self._attempts[attempt.key]
        self._followed.pop(attempt.key, None)
        self._events.append(attempt.exited(self.faults, lives_on=alive))

    def _tell(self, attempt: Attempt, data: bytes) -> None:
        if attempt.mask is not None:
            data = attempt.mask.feed(data)
            if not data:
                return
        self._pass_on(attempt, data)

    def _pass_on(self, attempt: Attempt, data: bytes) -> None:
        if attempt.log is not None:
            attempt.log.write(data)
        self._events.append(Output(attempt.key, data))

    def _close_reader(self, attempt: Attempt) -> None:
        if attempt.reader >= 0:
            self._readiness.unregister(attempt.reader)
            os.close(attempt.reader)
            attempt.reader = -1

    def _close_pidfd(self, attempt: Attempt) -> None:
        if attempt.pidfd >= 0:
            self._readiness.unregister(attempt.pidfd)
            os.close(attempt.pidfd)
            attempt.pidfd = -1

    def _keep_time(self, now: float) -> None:
        """Do what is due by the clock."""
        if (due := self._ending.due()) is not None and due <= now:
            for attempt in self._ending.advance():
                self._finish(attempt)
        for attempt in self._followed.values():
            for data in attempt.drain():
                self._tell(attempt, data)
        if now >= self._look_at:
            self._children.look()
            self._look_at = now + _REAP_EVERY
        if self._deaf:
            self._look_for_exits()

    @property
    def _deaf(self) -> bool:
        return not self._mechanisms.pidfds and not self._signals.heard

    def _pause(self, now: float, deadline: float | None) -> float | None:
        """How long nothing is due, in seconds."""
        times = [] if deadline is None else [deadline]
        due = self._ending.due()
        if due is not None:
            times.append(due)
        if self._followed:
            times.append(now + _FOLLOW_EVERY)
        if self._attempts:
            times.append(now + _POLL_EVERY if self._deaf else self._look_at)
        # No longer than the system can: it counts milliseconds in 32 bits, and waking up costs nothing.
        return min(max(0.0, min(times) - now), _LONGEST_PAUSE) if times else None


def _outlasts_a_run(event: HostEvent, kept: Collection[int]) -> bool:
    return event.key in kept if isinstance(event, Output | Exited) else isinstance(event, Signalled)
