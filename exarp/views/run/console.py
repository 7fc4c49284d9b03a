"""The plain console: a run told line by line, for CI, pipes and files.

Knows what is said when, and how much of it. Does not know the words (``words``, ``task_line``, ``last_words``), the
output modes (``task_output``) or the streams (``outlet``).
"""

from __future__ import annotations

from types import TracebackType
from typing import BinaryIO, Self, TextIO

import msgspec

from exarp.model.choice import OutputMode
from exarp.model.event import (
    AttemptFailed,
    Event,
    FreshnessReason,
    RecoveryFinished,
    RecoveryStarted,
    RunFinished,
    RunStarted,
    ServiceReady,
    ServiceStopped,
    TaskFinished,
    TaskOutput,
    TaskRetried,
    TaskStarted,
    VerifyFinished,
    VerifyStarted,
    WaveFinished,
    WaveStarted,
)
from exarp.views import escape, words
from exarp.views.cells import listing
from exarp.views.color import paint
from exarp.views.outlet import Outlet
from exarp.views.run import task_line
from exarp.views.run.fold import RunState, as_task
from exarp.views.run.last_words import ending, tail
from exarp.views.run.manner import Manner
from exarp.views.run.task_output import ReadLog, printer
from exarp.views.tally import is_failure
from exarp.views.terminal import Terminal

# More names than these are counted.
_OUTDATED = 5


class Console:
    """Tells a run to two streams. ``state`` is what it has folded so far; nothing is raised for a lost reader.

    ``read_log`` gives the bytes of a log by the path that events name, and may raise OSError. ``terminal``: the one behind
    ``stderr``, if it is not to be asked.
    """

    ticking = False

    def __init__(
        self, stdout: BinaryIO, stderr: TextIO, manner: Manner, read_log: ReadLog, terminal: Terminal | None = None
    ) -> None:
        self._terminal = terminal or Terminal(stderr)
        self.outlet = Outlet(stdout, stderr)
        self.state = RunState()
        self._manner = manner
        self._read_log = read_log
        self._printer = printer(self.outlet, manner, read_log)
        self.wants_output = self._printer.wants_output
        self._announced: set[int] = set()
        # Tasks of which it was told that they failed, before it was known what becomes of them.
        self._undecided: set[str] = set()
        self._now = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def on_event(self, event: Event) -> None:
        """Tells what one event changes."""
        if isinstance(event, TaskOutput):
            # What is replayed has no start that was told.
            self._announce(self.state.wave_of(event.task))
            self._printer.arrived(event)
            return
        running = self.state.running.get(event.task) if isinstance(event, (TaskFinished, VerifyFinished)) else None
        served = running is not None and running.is_serving
        self.state.apply(event, self._now)
        match event:
            case RunStarted() if event.plan.staying and self._manner.mode == "grouped" and not self._manner.quiet:
                self._follow(event)
            case WaveStarted() if self._manner.verbose:
                self._announce(event.wave)
            case TaskStarted():
                self._undecided.discard(event.task)
                self._announce(self.state.wave_of(event.task))
            case ServiceReady() if self._manner.verbose:
                since = self.state.running[event.task].since if event.task in self.state.running else self._now
                self.outlet.words(task_line.ready(event, round((self._now - since) * 1000), self._manner.color_words))
            case ServiceStopped() if self._is_news(event):
                self.outlet.words(task_line.stopped(event, self._manner.color_words))
            case TaskRetried():
                self._retried(event)
            case RecoveryStarted():
                self._recovering(event)
            case RecoveryFinished():
                self._recovered(event)
            case AttemptFailed():
                self._failed(event)
            case TaskFinished():
                self._finished(event, running.reason if running else None, served)
            case WaveFinished() if event.wave in self._announced:
                self.outlet.words(words.complete(event.wave, event.passed, event.tasks))
            case VerifyStarted():
                self._undecided.discard(event.task)
            case VerifyFinished():
                self._verified(event, running.reason if running else None)
            case RunFinished():
                self._ended()

    def note(self, now: float) -> None:
        """What time it is (seconds, on any one clock): events are taken to have come at the last noted one."""
        self._now = now

    def tick(self, now: float) -> None:
        """Time has passed: what was written is passed on."""
        self.note(now)
        self.outlet.flush()

    def interrupted(self, signum: int, running: int) -> None:
        """A signal ends the run: says what it waits for."""
        self.outlet.words(paint(words.ending(signum, running), "wait", self._manner.color_words))

    def suspend(self) -> None:
        """A task takes the terminal: what is written has been passed on when this returns, and nothing follows."""
        self.outlet.flush()
        self.outlet.hold()

    def resume(self) -> None:
        """The terminal is ours again, wherever in a line the task has left its cursor."""
        if self._terminal.present and self._terminal.in_front:
            self.outlet.begin_line(self._terminal.size.columns)
        self.outlet.release()

    @property
    def fault(self) -> OSError | None:
        """The error that ended writing, if it was more than a reader going away."""
        return self.outlet.fault

    def close(self) -> None:
        """The last call, after whatever happened."""
        self.outlet.release()
        self.outlet.flush()

    def _follow(self, event: RunStarted) -> None:
        """Somebody watches services: what they print is shown as it comes, and not when they end."""
        mode: OutputMode = "prefixed" if event.plan.task_count > 1 else "stream"
        self._printer = printer(self.outlet, msgspec.structs.replace(self._manner, mode=mode), self._read_log)
        self.wants_output = self._printer.wants_output

    def _announce(self, number: int) -> None:
        """Says that a wave starts, once, and only if the run tells more than failures."""
        wave = self.state.active.get(number)
        if wave is None or number in self._announced or self._manner.quiet:
            return
        self._announced.add(number)
        self.outlet.words(words.starting(number, wave.total))

    def _retried(self, event: TaskRetried) -> None:
        self._printer.before_line(event.task, event.attempt)
        if not self._manner.quiet:
            self.outlet.words(task_line.retried(event, self._manner.color_words))
        self._printer.after_line(event.task, event.attempt, event.log, failed=False, again=True)

    def _recovering(self, event: RecoveryStarted) -> None:
        self._printer.before_line(event.task, event.attempt)
        if not self._manner.quiet:
            self.outlet.words(task_line.recovering(event, self._manner.color_words))
        self._printer.after_line(event.task, event.attempt, event.log, failed=False, again=True)

    def _recovered(self, event: RecoveryFinished) -> None:
        if not self._manner.quiet:
            self.outlet.words(task_line.recovered(event, self._manner.color_words))
        if event.outdated and not self._manner.quiet:
            names = listing([escape.name(task) for task in event.outdated], _OUTDATED)
            self.outlet.words(f"note: what was changed had been read by {names}: the next run looks at it again")

    def _failed(self, event: AttemptFailed) -> None:
        self._undecided.add(event.task)
        self._printer.before_line(event.task, event.attempt)
        self.outlet.words(task_line.undecided(event, self._manner.color_words))
        self._printer.after_line(event.task, event.attempt, event.log, failed=True)

    def _finished(self, event: TaskFinished, started_for: FreshnessReason | None, served: bool) -> None:
        # A group runs nothing: its wave is worth a word where what it gathers was.
        group = event.outcome == "passed" and not event.attempt
        if event.outcome == "restored" or (group and self.state.tally.happened):
            self._announce(self.state.wave_of(event.task))
        self._printer.before_line(event.task, event.attempt)
        is_known = event.task in self._undecided
        if self._is_told(event, served) and not is_known:
            self.outlet.words(task_line.finished(event, started_for, self._manner.color_words))
        if event.attempt or event.outcome == "restored":
            failed = event.outcome not in ("passed", "restored")
            # Of a service that did its work nobody wants to read all that it said.
            log = event.log if failed or not served else None
            if not is_known:
                self._printer.after_line(event.task, event.attempt, log, failed)
            # A warning may be that it failed.
            told = failed or (bool(event.warnings) and not self._manner.quiet)
            self._printer.after_line(event.task, 0, event.finally_log if told or not served else None, told)
        if not self._manner.quiet:
            for text in event.warnings:
                said = f"warning: {escape.name(event.task)}: {escape.plain(text)}"
                self.outlet.words(paint(said, "wait", self._manner.color_words))

    def _verified(self, event: VerifyFinished, started_for: FreshnessReason | None) -> None:
        """Silently, unless it failed, now or before, or was not looked at."""
        self._printer.before_line(event.task, event.attempt)
        failed = event.outcome not in ("passed", "up_to_date") and event.attempt > 0
        is_known = event.task in self._undecided
        is_news = not self._manner.quiet and (event.outcome == "skipped" or event.attempt > 1)
        if not is_known and (self._manner.verbose or failed or is_news):
            self.outlet.words(task_line.finished(as_task(event), started_for, self._manner.color_words))
        if event.attempt and not is_known:
            self._printer.after_line(event.task, event.attempt, event.log if failed else None, failed)

    def _is_told(self, event: TaskFinished, served: bool) -> bool:
        """Whether a task gets a line of its own."""
        if is_failure(event) or self._manner.verbose:
            return True
        if self._manner.quiet or event.outcome in ("up_to_date", "blocked"):
            return False
        if event.outcome == "passed" and served:
            # What its ``finally`` printed, if that failed, stands below.
            return bool(event.warnings and event.finally_log)
        if event.outcome in ("passed", "restored") and self._manner.sparing:
            return bool(event.log or event.finally_log) and self._manner.mode != "quiet"
        # A failure that is allowed is told also where it kept the task from starting.
        return event.attempt > 0 or event.outcome in ("restored", "failed", "skipped")

    def _is_news(self, event: ServiceStopped) -> bool:
        """Of what ended by itself nobody who uses it was there, or they are told; that an interrupt ends all is known."""
        is_plain = event.reason.code not in ("service-ended", "interrupted") and not self._manner.quiet
        return is_plain or self._manner.verbose

    def _ended(self) -> None:
        for line in ending(self.state, self._manner, self._tail_of):
            self.outlet.words(line)
        self.outlet.flush()

    def _tail_of(self, failure: TaskFinished) -> str:
        if failure.log is None:
            return ""
        try:
            return tail(self._read_log(failure.log))
        except OSError as error:
            return f"(its output cannot be read: {escape.name(str(error))})"
