"""The loop between machine and host, with a host that only plays and a clock that is moved by hand."""

from __future__ import annotations

import signal
from collections.abc import Mapping, Sequence
from fnmatch import fnmatch
from pathlib import Path

import msgspec
import pytest

import exarp.app.running.launcher as launcher_module
from exarp.app.freshness.checker import Checker
from exarp.app.running.asides import Asides
from exarp.app.running.driver import SLICE, Driver
from exarp.app.running.easing import Easing
from exarp.app.running.guards import Guards
from exarp.app.running.jobs import Jobs
from exarp.app.running.launcher import Launcher
from exarp.app.running.recoveries import Recoveries
from exarp.app.running.stream import Stream
from exarp.engine.machine import Machine
from exarp.engine.progress import Limits
from exarp.errors import DefectError
from exarp.graph.build import build_graph
from exarp.hosts.scripted import Act, ScriptedHost, ScriptedTokens
from exarp.model.event import Event, FreshnessReason, RunFinished, TaskFinished, TaskOutput, TaskRetried, TaskStarted
from exarp.model.launch import HostEvent, Launch
from exarp.model.manifest import Manifest
from exarp.model.task import Task
from exarp.planning.planner import make_plan
from exarp.store.ledger import MemoryLedger
from exarp.views.run.follower import Follower
from exarp.workspace.fingerprints import Fingerprints
from exarp.workspace.folders import OutputFolders


class HandClock:
    """Tells the scripted host's time."""

    def __init__(self, host: ScriptedHost) -> None:
        self.host = host

    def monotonic(self) -> float:
        return self.host.now

    def timestamp(self) -> str:
        return f"1970-01-01T00:00:{self.host.now:09.6f}Z"


class BusyClock(HandClock):
    """Everything takes so long that it is time to look up whenever the time is asked for."""

    def monotonic(self) -> float:
        self.host.tick(2 * SLICE)
        return super().monotonic()


class WorkingClock(HandClock):
    """Looking at files takes its time, in which attempts come to their end."""

    def monotonic(self) -> float:
        self.host.tick(0.0001)
        return super().monotonic()


class CountingLedger(MemoryLedger):
    """Counts how often something is committed."""

    def __init__(self) -> None:
        super().__init__()
        self.commits = 0

    def write(self, events: Sequence[Event], successes: Sequence[tuple[str, bytes, int | None]]) -> None:
        self.commits += 1
        super().write(events, successes)


class Listener(Follower):
    """Keeps what it is told, beside what the ledger had committed at that moment."""

    wants_output = True

    def __init__(self, ledger: MemoryLedger) -> None:
        self.ledger = ledger
        self.events: list[Event] = []
        self.calls: list[str] = []
        self.ticks: list[float] = []

    def tick(self, now: float) -> None:
        self.ticks.append(now)

    def suspend(self) -> None:
        self.calls.append("suspend")

    def resume(self) -> None:
        self.calls.append("resume")

    def on_event(self, event: Event) -> None:
        if not isinstance(event, TaskOutput):
            assert event in self.ledger.events
        self.events.append(event)


class WatchedHost(ScriptedHost):
    """Notes whether each start was committed before it happened."""

    ledger: MemoryLedger
    listener: Listener

    def start(self, launch: object) -> None:
        label = launch.label  # type: ignore[attr-defined]
        starts = [event for event in self.ledger.events if isinstance(event, TaskStarted) and event.task == label]
        assert starts, f"{label} was started before its start was committed"
        super().start(launch)  # type: ignore[arg-type]


class InterruptedHost(WatchedHost):
    """Is sent SIGINT while it waits for the first time."""

    def wait(self, timeout: float | None) -> list[HostEvent]:
        if not self.ends and self.launches:
            self.signal(signal.SIGINT)
        return super().wait(timeout)


def play(
    root: Path,
    tasks: Sequence[Task],
    acts: dict[str, Act | Sequence[Act]],
    host_type: type[WatchedHost] = WatchedHost,
    jobs: int = 2,
    clock_type: type[HandClock] = HandClock,
    ahead: int = 8,
    records: Mapping[str, bytes] | None = None,
    environ: Mapping[str, str] | None = None,
    tokens: ScriptedTokens | None = None,
) -> tuple[int, list[Event], CountingLedger, WatchedHost]:
    """Run ``tasks`` to the end."""
    host = host_type(acts)
    host.ledger = ledger = CountingLedger()
    manifest = Manifest("exarp.toml", tuple(tasks))
    graph, faults = build_graph(manifest.tasks)
    assert not faults
    plan = make_plan(manifest, graph, graph.names)
    clock = clock_type(host)
    listener = host.listener = Listener(ledger)
    stream = Stream("1", clock, ledger, [listener])
    launcher = Launcher(str(root), manifest, environ or {}, "1", str(root), str(root / "claims"), raw=False)

    def log_path(task: str, attempt: int) -> tuple[str, str]:
        return f"{root}/{task}.{attempt}.log", f"{task}.{attempt}.log"

    checker = Checker(str(root), manifest, graph, {}, records or {}, Fingerprints(str(root), {}))
    recoveries = Recoveries(
        str(root), None, plan, manifest.tasks, checker, launcher, log_path, lambda task: [], clock.monotonic
    )
    driver = Driver(
        Machine(plan, manifest.tasks, Limits(jobs=jobs, ahead=ahead, by_tokens=tokens is not None)),
        host,
        clock,
        stream,
        checker,
        launcher,
        log_path,
        ticking=False,
        asides=Asides(manifest.tasks, host, launcher, stream, None, lambda port: False, log_path, recoveries),
        guards=Guards(plan, manifest.tasks, checker, {}, "1"),
        easing=Easing(clock, tokens=tokens, watch=host.watch),
    )
    return driver.run(), listener.events, ledger, host


def finished(events: Sequence[Event]) -> dict[str, TaskFinished]:
    return {event.task: event for event in events if isinstance(event, TaskFinished)}


def test_starts_are_committed_before_they_happen_and_numbered_without_gaps(tmp_path: Path) -> None:
    tasks = [Task("a", commands=("a",)), Task("b", commands=("b",), needs=("a",))]
    code, events, ledger, host = play(tmp_path, tasks, {"a": Act(output=(b"hi\n",), seconds=1)})
    assert code == 0
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    assert [launch.label for launch in host.launches] == ["a", "b"]
    assert not any(isinstance(event, TaskOutput) for event in ledger.events)


def test_a_retry_waits_its_doubling_delay_on_the_clock(tmp_path: Path) -> None:
    task = Task("t", commands=("t",), retries=2, retry_delay=3.0)
    code, events, _, host = play(tmp_path, [task], {"t": [Act(status=1), Act(status=1), Act(status=0)]})
    assert code == 0
    assert host.now == 3.0 + 6.0
    assert [event.delay_ms for event in events if isinstance(event, TaskRetried)] == [3000, 6000]


def test_a_timeout_ends_the_attempt_on_the_clock(tmp_path: Path) -> None:
    task = Task("t", commands=("t",), timeout=5.0)
    code, events, _, host = play(tmp_path, [task], {"t": Act(seconds=None, survives=2)})
    assert code == 1
    assert host.ends == [(1, False)]
    reason = finished(events)["t"].reason
    assert reason is not None
    assert (reason.code, reason.subject) == ("timed-out", "5.0s")
    assert host.now == 5.0 + 2 * 2.0


class StoppedHost(WatchedHost):
    """Is asked to stop while it waits for the first time, and is continued a minute later."""

    def wait(self, timeout: float | None) -> list[HostEvent]:
        if self.launches and not self.pause:
            self.pause = 60.0
            self.signal(signal.SIGTSTP)
        return super().wait(timeout)


@pytest.mark.parametrize(("seconds", "code"), [(4.0, 0), (6.0, 1)])
def test_time_in_which_everything_is_stopped_counts_for_no_timeout(tmp_path: Path, seconds: float, code: int) -> None:
    task = Task("t", commands=("t",), timeout=5.0)
    assert play(tmp_path, [task], {"t": Act(seconds=seconds)}, StoppedHost)[0] == code


def test_time_in_which_everything_is_stopped_counts_in_no_duration_and_passes_for_no_view(tmp_path: Path) -> None:
    tasks = [Task("t", commands=("t",)), Task("later", commands=("l",), needs=("t",))]
    _, events, _, host = play(tmp_path, tasks, {"t": Act(seconds=4.0), "later": Act(seconds=1.0)}, StoppedHost)
    ends = [event.duration_ms for event in events if isinstance(event, TaskFinished | RunFinished)]
    assert ends == [4000, 1000, 5000]
    assert (host.now, max(host.listener.ticks)) == (65.0, 4.0)


def test_views_leave_the_terminal_once_where_a_stop_finds_them_gone(tmp_path: Path) -> None:
    task = Task("t", commands=("t",), interactive=True)
    _, _, _, host = play(tmp_path, [task], {"t": Act(seconds=4.0)}, StoppedHost)
    assert (host.pause, host.listener.calls) == (60.0, ["suspend", "resume"])
    _, _, _, host = play(tmp_path, [Task("t", commands=("t",))], {"t": Act(seconds=4.0)}, StoppedHost)
    assert host.listener.calls == ["suspend", "resume"]


def test_an_interrupt_cancels_what_waits_and_ends_what_runs(tmp_path: Path) -> None:
    tasks = [Task("run", commands=("r",)), Task("wait", commands=("w",), needs=("run",))]
    code, events, _, _ = play(tmp_path, tasks, {"run": Act(seconds=None, survives=1)}, InterruptedHost)
    assert code == 130
    assert {name: event.outcome for name, event in finished(events).items()} == {
        "run": "cancelled",
        "wait": "cancelled",
    }


def test_a_run_that_nothing_could_ever_move_on_is_a_defect_that_tells_where_it_stands(tmp_path: Path) -> None:
    with pytest.raises(DefectError, match=r"the run is not over: a: WAITING; b: WAITING$"):
        play(tmp_path, [Task("a", commands=("a",)), Task("b", commands=("b",), needs=("a",))], {}, jobs=0, ahead=0)


def test_an_interrupt_that_reaches_only_an_interactive_task_ends_the_run(tmp_path: Path) -> None:
    tasks = [Task("ask", commands=("a",), interactive=True), Task("b", commands=("b",))]
    code, events, _, _ = play(tmp_path, tasks, {"ask": Act(signal=signal.SIGINT)}, jobs=1)
    assert code == 130
    assert {name: event.outcome for name, event in finished(events).items()} == {"ask": "cancelled", "b": "cancelled"}


def test_an_interactive_task_that_timed_out_fails_alone(tmp_path: Path) -> None:
    tasks = [Task("ask", commands=("a",), interactive=True, timeout=1.0), Task("b", commands=("b",))]
    code, events, _, _ = play(tmp_path, tasks, {"ask": Act(seconds=None)}, jobs=1)
    assert code == 1
    ends = finished(events)
    assert {name: event.outcome for name, event in ends.items()} == {"ask": "failed", "b": "passed"}
    assert ends["ask"].reason == FreshnessReason("timed-out", "1.0s")


def test_output_cut_inside_a_character_is_put_together(tmp_path: Path) -> None:
    half = "é".encode()
    _, events, _, _ = play(
        tmp_path, [Task("t", commands=("t",))], {"t": Act(output=(b"a" + half[:1], half[1:], b"\xff"))}
    )
    text = "".join(event.text for event in events if isinstance(event, TaskOutput))
    assert text == "aé\udcff"


def test_success_and_end_are_committed_together(tmp_path: Path) -> None:
    (tmp_path / "in").write_text("x")
    task = Task("t", commands=("t",), inputs=("in",), outputs=())
    _, _, ledger, _ = play(tmp_path, [task], {})
    assert [name for name, _, _ in ledger.successes] == ["t"]


def test_what_cannot_be_started_is_an_end_like_any_other(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    task = Task("t", commands=("t",), inputs=(), outputs=("file/below",), retries=3)
    code, events, _, host = play(tmp_path, [task], {})
    assert code == 1
    assert host.launches == []
    reason = finished(events)["t"].reason
    assert reason is not None
    assert reason.code == "start-failed"
    assert "file" in reason.subject


class HostInterruptedAt(WatchedHost):
    """Is sent SIGINT while it waits for the ``turn``-th time."""

    turn = 0

    def wait(self, timeout: float | None) -> list[HostEvent]:
        self.turn -= 1
        if self.turn == 0:
            self.signal(signal.SIGINT)
        return super().wait(timeout)


@pytest.mark.parametrize("turn", range(1, 6))
def test_no_command_is_started_after_an_interrupt_however_long_its_start_takes(tmp_path: Path, turn: int) -> None:
    class Interrupted(HostInterruptedAt):
        def start(self, launch: object) -> None:
            assert self.turn > 0, "it was interrupted before"
            super().start(launch)

    Interrupted.turn = turn
    OutputFolders(str(tmp_path), str(tmp_path / "claims")).empty("out/")
    (tmp_path / "out/below").mkdir(parents=True)
    for name in ("a", "below/b", "below/c"):
        (tmp_path / "out" / name).write_text("old")
    task = Task("t", commands=("t",), inputs=(), outputs=("out/",))
    code, events, _, host = play(tmp_path, [task], {"t": Act(seconds=None)}, Interrupted, clock_type=BusyClock)
    assert (code, host.launches) == (130, [])
    assert finished(events)["t"].outcome == "cancelled"
    # Before its start was even begun, nothing is told of one.
    assert any(isinstance(event, TaskStarted) for event in events) == (turn > 1)


def test_a_timeout_is_kept_while_output_folders_are_emptied(tmp_path: Path) -> None:
    OutputFolders(str(tmp_path), str(tmp_path / "claims")).empty("out/")
    (tmp_path / "out").mkdir()
    for number in range(200):
        (tmp_path / "out" / str(number)).write_text("old")
    tasks = [
        Task("runs", commands=("r",), timeout=1.0),
        Task("cleans", commands=("c",), inputs=(), outputs=("out/",)),
    ]
    code, events, _, _ = play(tmp_path, tasks, {"runs": Act(seconds=None)}, clock_type=BusyClock)
    assert code == 1
    assert finished(events)["cleans"].outcome == "passed"
    labels = [event.task for event in events if isinstance(event, TaskFinished)]
    assert labels == ["runs", "cleans"]


@pytest.mark.parametrize(
    ("name", "said"), [("in", "in is not there"), ("in\udcff", "the name of folder/in* is not UTF-8")]
)
def test_a_retry_whose_inputs_cannot_be_taken_any_more_says_why_and_keeps_the_last_log(
    tmp_path: Path, name: str, said: str
) -> None:
    class Changing(WatchedHost):
        def wait(self, timeout: float | None) -> list[HostEvent]:
            if self.launches:
                (tmp_path / "in").unlink(missing_ok=True)
                if name != "in":
                    (tmp_path / "folder" / name).touch()
            return super().wait(timeout)

    (tmp_path / "folder").mkdir()
    (tmp_path / "in").write_text("")
    (tmp_path / "folder/in").write_text("")
    inputs = ("in",) if name == "in" else ("folder/*",)
    task = Task("t", commands=("t",), inputs=inputs, outputs=(), retries=1, retry_delay=1.0)
    _, events, _, host = play(tmp_path, [task], {"t": Act(status=1, output=(b"said\n",))}, Changing)
    end = finished(events)["t"]
    assert len(host.launches) == 1
    assert (end.outcome, end.attempt, end.exit_status, end.log) == ("failed", 2, None, "t.1.log")
    assert end.reason is not None
    assert (end.reason.code, fnmatch(end.reason.subject, said)) == ("start-failed", True)


class BusyHost(ScriptedHost):
    """Notes how many attempts run at once at most, and when each was started."""

    ledger: MemoryLedger
    listener: Listener
    most = 0

    def __init__(self, acts: Mapping[str, Act | Sequence[Act]]) -> None:
        super().__init__(acts)
        self.started: dict[str, float] = {}

    def start(self, launch: Launch) -> None:
        super().start(launch)
        self.started[launch.label] = self.now
        self.most = max(self.most, len(self._playing))


QUICK = Act(seconds=0.001)


def quick(root: Path, count: int, chained: bool = False) -> list[Task]:
    """Tasks that each take a millisecond. ``chained``: each needs the one before."""
    tasks = []
    for number in range(count):
        (root / f"in{number}").write_text("")
        needs = (f"t{number - 1}",) if chained and number else ()
        tasks.append(Task(f"t{number}", commands=("t",), inputs=(f"in{number}",), outputs=(), needs=needs))
    return tasks


def test_the_books_of_quick_attempts_are_kept_for_several_at_once_and_no_slot_waits_for_that(tmp_path: Path) -> None:
    tasks = quick(tmp_path, 100)
    code, events, ledger, host = play(tmp_path, tasks, {task.name: QUICK for task in tasks}, BusyHost)  # type: ignore[arg-type]
    assert code == 0
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    assert ledger.events == events
    assert {end.outcome for end in finished(events).values()} == {"passed"}
    assert len(ledger.successes) == 100
    assert ledger.commits < 40
    assert host.most == 2
    assert host.now == pytest.approx(0.050)


def test_what_waits_for_a_quick_attempt_does_not_wait_for_its_books(tmp_path: Path) -> None:
    tasks = [Task("long", commands=("l",)), *quick(tmp_path, 40, chained=True)]
    acts = {**{task.name: QUICK for task in tasks}, "long": Act(seconds=1.0)}
    code, _, _, host = play(tmp_path, tasks, acts, BusyHost)  # type: ignore[arg-type]
    assert code == 0
    assert host.started["t39"] == pytest.approx(0.039)


def test_a_quick_start_that_an_earlier_success_could_hide_is_committed_before_it_happens(tmp_path: Path) -> None:
    tasks = quick(tmp_path, 30)
    acts = {task.name: QUICK for task in tasks}
    _, _, ledger, _ = play(tmp_path, tasks, acts, BusyHost)  # type: ignore[arg-type]
    records = {name: record for name, record, _ in ledger.successes}
    for number in range(30):
        (tmp_path / f"in{number}").write_text("changed")
    # The host looks at each start.
    code, events, _, host = play(tmp_path, tasks, acts, WatchedHost, records=records)
    assert (code, len(host.launches)) == (0, 30)
    assert {end.outcome for end in finished(events).values()} == {"passed"}


def program(folder: Path) -> Path:
    """A program in a folder for such."""
    folder.mkdir(exist_ok=True)
    (folder / "tool").write_text("")
    (folder / "tool").chmod(0o755)
    return folder / "tool"


def test_quick_attempts_share_a_look_for_their_programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[str] = []
    find = launcher_module.find_program
    monkeypatch.setattr(launcher_module, "find_program", lambda name, path: looks.append(name) or find(name, path))  # type: ignore[func-returns-value]
    there = program(tmp_path / "bin")
    tasks = [msgspec.structs.replace(task, commands=("tool",)) for task in quick(tmp_path, 100)]
    acts = {task.name: QUICK for task in tasks}
    _, _, _, host = play(tmp_path, tasks, acts, BusyHost, clock_type=WorkingClock, environ={"PATH": str(there.parent)})  # type: ignore[arg-type]
    assert {launch.programs for launch in host.launches} == {(str(there),)}
    assert len(looks) < 10


@pytest.mark.parametrize("outcome", [0, 1])
def test_a_program_that_a_task_made_is_found_by_who_waits_for_that(tmp_path: Path, outcome: int) -> None:
    before = program(tmp_path / "before")

    class Making(BusyHost):
        def start(self, launch: Launch) -> None:
            super().start(launch)
            if launch.label == "make":
                program(tmp_path / "mine")

    others = [msgspec.structs.replace(task, commands=("tool",)) for task in quick(tmp_path, 30)]
    make = Task("make", commands=("t",), allow_failure=True)
    user = Task("user", commands=("tool",), after=("make",))
    tasks = [*others[:20], make, user, *others[20:]]
    acts = {**{task.name: QUICK for task in tasks}, "make": Act(seconds=0.001, status=outcome)}
    path = f"{tmp_path / 'mine'}:{before.parent}"
    _, _, _, host = play(tmp_path, tasks, acts, Making, environ={"PATH": path})  # type: ignore[arg-type]
    found = {launch.label: launch.programs for launch in host.launches}
    assert found["t0"] == (str(before),)
    assert found["user"] == (str(tmp_path / "mine/tool"),)


def test_with_nothing_ahead_one_thing_comes_strictly_after_the_other(tmp_path: Path) -> None:
    tasks = quick(tmp_path, 10)
    acts = {task.name: QUICK for task in tasks}
    _, events, _, _ = play(tmp_path, tasks, acts, BusyHost, jobs=1, ahead=0)  # type: ignore[arg-type]
    told = [event for event in events if isinstance(event, TaskStarted | TaskFinished)]
    assert [event.task for event in told] == [task.name for task in tasks for _ in range(2)]


def test_an_interrupt_in_the_midst_of_quick_attempts_loses_nothing(tmp_path: Path) -> None:
    class Interrupted(BusyHost):
        def wait(self, timeout: float | None) -> list[HostEvent]:
            if len(self.launches) == 20:
                self.signal(signal.SIGINT)
            return super().wait(timeout)

    tasks = quick(tmp_path, 60)
    code, events, ledger, host = play(tmp_path, tasks, {task.name: QUICK for task in tasks}, Interrupted)  # type: ignore[arg-type]
    assert code == 130
    ends = finished(events)
    assert len(ends) == 60
    ran = {launch.label for launch in host.launches}
    assert {end.task for end in ends.values() if end.outcome == "cancelled"} >= ends.keys() - ran
    assert {name for name, _, _ in ledger.successes} == {n for n, end in ends.items() if end.outcome == "passed"}
    assert ledger.events == events


def test_attempts_are_quick_only_as_long_as_they_go_on_to_end() -> None:
    jobs = Jobs()
    jobs.ended(10.0)
    assert not jobs.is_quick(10.0)
    jobs.ended(10.001)
    assert jobs.is_quick(10.002)
    assert not jobs.is_quick(10.1)


class QuickHost(WatchedHost):
    """Attempts may end within moments of each other: then a start is committed a moment later."""

    start = ScriptedHost.start


class CountingTokens(ScriptedTokens):
    """Counts how often any is taken or given."""

    moves = 0

    def take(self) -> bool:
        self.moves += 1
        return super().take()

    def give(self, count: int) -> None:
        self.moves += 1
        super().give(count)


def test_while_tasks_follow_each_other_no_token_moves(tmp_path: Path) -> None:
    tasks = [Task(f"t{number}", commands=("t",)) for number in range(100)]
    tokens = CountingTokens(3, 3)
    acts = {task.name: Act(seconds=1 + number / 8) for number, task in enumerate(tasks)}
    code, _, _, _ = play(tmp_path, tasks, acts, QuickHost, jobs=4, tokens=tokens)

    assert code == 0
    # Three are drawn at the beginning; those that ran last give theirs back one by one.
    assert tokens.moves <= 6
    assert tokens.recounts <= 1


class GenerousHost(WatchedHost):
    """Somebody gives a token back while the first attempt runs; until then only one may."""

    tokens: ScriptedTokens

    def wait(self, timeout: float | None) -> list[HostEvent]:
        if self.watched is not None:
            assert len(self.launches) == 1
            self.tokens.free += 1
            self.readable()
        return super().wait(timeout)


def test_a_task_starts_when_somebody_gives_a_token_back(tmp_path: Path) -> None:
    tokens = GenerousHost.tokens = ScriptedTokens(0)
    tasks = [Task("a", commands=("a",)), Task("b", commands=("b",))]
    code, events, _, _ = play(tmp_path, tasks, {"a": Act(seconds=9), "b": Act(seconds=1)}, GenerousHost, tokens=tokens)

    assert code == 0
    assert [event.task for event in events if isinstance(event, TaskFinished)] == ["b", "a"]
    # It was given back while the other one still ran.
    assert (tokens.free, tokens.held) == (1, 0)


def test_where_nobody_has_a_token_left_one_task_runs_after_the_other(tmp_path: Path) -> None:
    tasks = [Task(name, commands=(name,)) for name in "abc"]
    code, _, _, host = play(tmp_path, tasks, {name: Act(seconds=2) for name in "abc"}, jobs=4, tokens=ScriptedTokens(0))

    assert code == 0
    assert host.now == 6.0
