"""A host without processes, for tests: what each attempt does is written down, and time passes by hand.

Knows the interface of a host and tells the same events as the local one. Does not touch the machine: logs are kept in
memory, and the clock moves only by ``tick`` and by ``wait``.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from signal import SIGINT, SIGKILL, SIGTERM
from types import TracebackType

import msgspec

from exarp.model.launch import Exited, HostEvent, Launch, Output, Readable, Signalled
from exarp.model.mask import MaskStream, mask_of


class Act(msgspec.Struct, frozen=True):
    """What one attempt does: prints ``output``, and after ``seconds`` (None: when it is ended) exits.

    ``survives``: how many of SIGINT and SIGTERM it lives through. ``error``, ``ended``, ``step``: as in Exited.
    """

    output: tuple[bytes, ...] = ()
    status: int | None = 0
    signal: int | None = None
    seconds: float | None = 0.0
    survives: int = 0
    error: str = ""
    ended: tuple[str, ...] = ()
    step: int = 0


class _Playing(msgspec.Struct):
    launch: Launch
    act: Act
    started: float
    exits_at: float | None = None
    stopped_by: int | None = None
    turn: int = 0
    masked: bool = False


class ScriptedHost:
    """Plays ``acts``, found by the launch's label: one for every attempt, or one after the other (the last repeats).

    A label without an act succeeds at once. ``launches``, ``ends``: what was asked for. ``logs``: by path. ``pause``: how
    long it stays suspended.
    """

    limits: tuple[str, ...] = ()

    def __init__(self, acts: Mapping[str, Act | Sequence[Act]] | None = None, *, grace: float = 2.0) -> None:
        self.launches: list[Launch] = []
        self.ends: list[tuple[int, bool]] = []
        self.logs: dict[str, bytes] = {}
        self.faults: list[str] = []
        self.shared: tuple[int, ...] = ()
        self.watched: int | None = None
        self.now = 0.0
        self.pause = 0.0
        self._acts = {label: (act,) if isinstance(act, Act) else tuple(act) for label, act in (acts or {}).items()}
        self._attempts_of: Counter[str] = Counter()
        self._grace = grace
        self._playing: dict[int, _Playing] = {}
        self._told: list[HostEvent] = []
        self._exits: list[tuple[float, int, int]] = []
        self._turns = 0
        self._closed = False

    def __enter__(self) -> ScriptedHost:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def start(self, launch: Launch) -> None:
        """Begin the label's next act. Raises ValueError if that key is running, or the host is closed."""
        if self._closed or launch.key in self._playing:
            raise ValueError(f"attempt {launch.key} cannot be started: the host is closed, or it is running already")
        acts = self._acts.get(launch.label, (Act(),))
        act = acts[min(self._attempts_of[launch.label], len(acts) - 1)]
        self._attempts_of[launch.label] += 1
        self.launches.append(launch)
        playing = self._playing[launch.key] = _Playing(launch, act, self.now)
        if launch.streams == "captured":
            mask = MaskStream(mask_of(launch.masked))
            output = [data for data in (*map(mask.feed, act.output), mask.end()) if data]
            playing.masked = mask.masked
            self._told += [Output(launch.key, data) for data in output]
            if output and launch.log:
                self.logs[launch.log] = b"".join(output)
        if act.seconds is not None:
            self._plan_exit(playing, act.seconds)

    def wait(self, timeout: float | None) -> list[HostEvent]:
        """What happened; time passes until something does, at most ``timeout`` seconds.

        Raises RuntimeError where a real host would wait for ever.
        """
        if not self._told:
            self._pass(timeout)
        while self._exits and self._exits[0][0] <= self.now:
            at, turn, key = heapq.heappop(self._exits)
            playing = self._playing.get(key)
            if playing is not None and playing.turn == turn:
                self._told.append(self._exited(self._playing.pop(key), at))
        told, self._told = self._told, []
        return told

    def share(self, descriptors: tuple[int, ...]) -> None:
        """Remember them: ``shared``."""
        self.shared = descriptors

    def watch(self, descriptor: int) -> None:
        """Remember it, until it is said that it can be read from."""
        self.watched = descriptor

    def readable(self) -> None:
        """There is something to be read from what is watched."""
        self.watched = None
        self._told.append(Readable())

    def has_news(self) -> bool:
        """Whether something has happened that ``wait`` would tell."""
        self._drop_old_plans()
        return bool(self._told) or bool(self._exits and self._exits[0][0] <= self.now)

    def end(self, key: int, now: bool = False) -> None:
        """Stop an act, as the signals would one after the other; a key that is over is ignored."""
        playing = self._playing.get(key)
        if playing is None or (playing.stopped_by is not None and not now):
            return
        self.ends.append((key, now))
        steps = 2 if now else min(playing.act.survives, 2)
        delay = 0.0 if now else steps * self._grace
        if playing.exits_at is None or playing.exits_at > self.now + delay:
            playing.stopped_by = (SIGINT, SIGTERM, SIGKILL)[steps]
            self._plan_exit(playing, delay)

    def suspend(self) -> float:
        """Let ``pause`` seconds pass, in which no act goes on."""
        self.now += self.pause
        for playing in self._playing.values():
            playing.started += self.pause
            if playing.exits_at is not None:
                self._plan_exit(playing, playing.exits_at + self.pause - self.now)
        return self.pause

    def close(self) -> tuple[str, ...]:
        """Stop every act; the labels of those that were running. A second time does nothing."""
        self._closed = True
        labels = tuple(playing.launch.label for playing in self._playing.values())
        self._playing.clear()
        return labels

    def part(self, kept: Collection[int]) -> tuple[str, ...]:
        """Stop every act but those of ``kept``; the labels of those that were running."""
        over = [playing for key, playing in self._playing.items() if key not in kept]
        self._playing = {key: playing for key, playing in self._playing.items() if key in kept}
        self._told = [event for event in self._told if not isinstance(event, Output | Exited) or event.key in kept]
        return tuple(playing.launch.label for playing in over)

    def wake(self) -> None:
        """It never sleeps."""

    def tick(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds

    def signal(self, signum: int) -> None:
        """Send a signal to exarp."""
        self._told.append(Signalled(signum))

    def _plan_exit(self, playing: _Playing, delay: float) -> None:
        # The latest plan holds: what was planned before for this attempt no longer has its turn.
        self._turns += 1
        playing.turn = self._turns
        playing.exits_at = self.now + delay
        heapq.heappush(self._exits, (playing.exits_at, playing.turn, playing.launch.key))

    def _pass(self, timeout: float | None) -> None:
        self._drop_old_plans()
        coming = self._exits[0][0] if self._exits else None
        if timeout is None and coming is None:
            raise RuntimeError("nothing is planned that could ever happen")
        latest = None if timeout is None else self.now + timeout
        moments = [moment for moment in (coming, latest) if moment is not None]
        self.now = max(self.now, min(moments))

    def _drop_old_plans(self) -> None:
        while self._exits and self._outdated(self._exits[0]):
            heapq.heappop(self._exits)

    def _outdated(self, plan: tuple[float, int, int]) -> bool:
        playing = self._playing.get(plan[2])
        return playing is None or playing.turn != plan[1]

    def _exited(self, playing: _Playing, at: float) -> Exited:
        act, launch = playing.act, playing.launch
        log = self.logs.get(launch.log, b"") if launch.streams == "captured" else b""
        signum = playing.stopped_by if playing.stopped_by is not None else act.signal
        return Exited(
            key=launch.key,
            status=act.status if signum is None else None,
            signal=signum,
            seconds=at - playing.started,
            logged=bool(log),
            cut=max(0, len(log) - launch.log_limit),
            error=act.error,
            ended=() if playing.stopped_by is not None else act.ended,
            early=playing.stopped_by is not None,
            masked=playing.masked,
            step=act.step,
        )


class ScriptedTokens:
    """Tokens without a pipe. ``free``: how many nobody has; ``held``: how many were taken here. What others take, lose or put in
    too much, a test does to ``free``. ``spare``: as of a pipe. ``recounts``: how often they were counted."""

    descriptor = -1
    told = "-j --jobserver-auth=scripted"
    shared: tuple[int, ...] = ()

    def __init__(self, free: int, spare: int | None = None) -> None:
        self.free = free
        self.held = self.recounts = 0
        self._spare = spare

    def take(self) -> bool:
        """Take one, if there is one."""
        if not self.free:
            return False
        self.free -= 1
        self.held += 1
        return True

    def give(self, count: int) -> None:
        """Put so many back."""
        self.held -= count
        self.free += count

    def recount(self) -> None:
        """Make up for what is missing, or too much."""
        self.recounts += 1
        if self._spare is not None:
            self.free = self._spare - self.held

    def close(self) -> None:
        """Put all back."""
        self.give(self.held)
