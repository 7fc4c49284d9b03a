from __future__ import annotations

import pytest

from exarp.model.event import (
    FreshnessReason,
    RecoveryFinished,
    RecoveryStarted,
    TaskFinished,
    TaskRetried,
    TaskStarted,
    VerifyFinished,
    VerifyStarted,
)
from exarp.store.database import Database
from exarp.store.events import EventLog
from exarp.store.holder import Holder, encoded
from exarp.store.runs import AttemptRow, RunHistory, RunRow

from .stream import NOON, finished, started, task_finished, task_started


@pytest.fixture
def log(database: Database) -> EventLog:
    return EventLog(database)


@pytest.fixture
def history(database: Database) -> RunHistory:
    return RunHistory(database, lambda holder: holder.pid == 1)


def at_work(database: Database, run: str, pid: int) -> None:
    """Somebody carries a run out; the one of number 1 lives."""
    database.execute("INSERT INTO holder (run, who, claims) VALUES (?, ?, '')", (run, encoded(Holder(pid))))


def last_attempt(history: RunHistory, task: str) -> AttemptRow | None:
    return next(iter(history.task_history(task, 1)), None)


def ended_run(log: EventLog, run: str, *tasks: str) -> None:
    log.begin(started(run))
    for index, task in enumerate(tasks):
        log.append([task_started(run, 2 + 2 * index, task), task_finished(run, 3 + 2 * index, task)])
    log.finish(finished(run, 1000))


def test_a_finished_run_tells_its_end(log: EventLog, history: RunHistory) -> None:
    ended_run(log, "r1", "a")
    assert history.latest() == RunRow(
        id="r1",
        started=NOON,
        finished="2026-07-01T12:00:09.000Z",
        outcome="failed",
        exit_code=1,
        duration_ms=9000,
        command=("exarp", "run", "a b"),
        pid=7,
        counts={"passed": 3, "failed": 1},
        first_failure="a",
    )


def test_without_runs_there_is_no_latest(history: RunHistory) -> None:
    assert history.latest() is None
    assert history.runs(10) == []
    assert history.find("r1") is None
    assert last_attempt(history, "a") is None


def test_runs_come_newest_first_whatever_their_clocks_and_names(log: EventLog, history: RunHistory) -> None:
    for run in ("r2", "r9", "r1"):
        ended_run(log, run)
    assert [row.id for row in history.runs(2)] == ["r1", "r9"]
    assert [row.id for row in history.runs(10)] == ["r1", "r9", "r2"]
    found = history.find("r9")
    assert found is not None
    assert found.id == "r9"


def test_a_run_without_an_end_is_running_or_has_died(database: Database, log: EventLog, history: RunHistory) -> None:
    for run, pid in (("r1", 1), ("r2", 2), ("r3", 1), ("r4", 1)):
        log.begin(started(run, pid=1))
        if run != "r4":
            at_work(database, run, pid)
    assert [(row.id, row.outcome, row.finished) for row in history.runs(4)] == [
        ("r4", "died", None),
        ("r3", "running", None),
        ("r2", "died", None),
        ("r1", "running", None),
    ]
    assert [row.id for row in history.running()] == ["r3", "r1"]


def test_a_run_whose_process_is_gone_has_died_for_good_unless_its_end_is_stored(
    database: Database, log: EventLog, history: RunHistory
) -> None:
    ended_run(log, "r1")
    log.begin(started("r2"))
    at_work(database, "r2", 1)
    for run in ("r1", "r2", "r3"):
        log.died(run)
    assert [(row.id, row.outcome) for row in history.runs(9)] == [("r2", "died"), ("r1", "failed")]
    assert history.running() == []


def test_attempts_of_runs_side_by_side_are_found_once_whichever_ends_first(
    database: Database, log: EventLog, history: RunHistory
) -> None:
    ended_run(log, "r1", "a")
    for run in ("r2", "r3"):
        log.begin(started(run))
        at_work(database, run, 1)
    log.append([task_started("r3", 2), task_finished("r3", 3)])
    log.finish(finished("r3", 4))
    log.append([task_started("r2", 2), task_finished("r2", 3)])
    expected = ["r3", "r2", "r1"]
    assert [row.run for row in history.task_history("a", 9)] == expected
    assert [row.run for row in history.attempts_in("r3", "a")] == ["r3"]
    log.finish(finished("r2", 4))
    assert [row.run for row in history.task_history("a", 9)] == expected


def test_attempts_of_one_run_are_found_by_its_id(log: EventLog, history: RunHistory) -> None:
    ended_run(log, "r1", "a", "b")
    ended_run(log, "r2", "b")
    log.begin(started("r3", pid=1))
    at_work(history._database, "r3", 1)
    log.append([task_started("r3", 2, "b")])
    for run, outcome in (("r1", "passed"), ("r2", "passed"), ("r3", "running")):
        assert [(row.run, row.outcome) for row in history.attempts_in(run, "b")] == [(run, outcome)]
    assert history.attempts_in("r2", "a") == history.attempts_in("r9", "b") == []


def test_the_last_attempt_is_that_of_the_newest_run(log: EventLog, history: RunHistory) -> None:
    ended_run(log, "r1", "a", "b")
    ended_run(log, "r2", "b")
    last = last_attempt(history, "b")
    assert last == AttemptRow(
        task="b",
        run="r2",
        attempt=1,
        outcome="passed",
        time="end-3",
        log=".exarp/logs/r2/b.1.log",
        duration_ms=43,
        reason=FreshnessReason("input-changed", "src/a.c"),
    )
    assert [row.run for row in history.task_history("a", 5)] == ["r1"]


def test_retries_are_attempts_of_their_own(log: EventLog, history: RunHistory) -> None:
    log.begin(started("r1"))
    retried = TaskRetried(
        run="r1", seq=3, time="t3", task="a", attempt=1, retries=1, delay_ms=5, exit_status=2, log="one.log"
    )
    log.append([task_started("r1", 2), retried, task_started("r1", 4, attempt=2), task_finished("r1", 5, attempt=2)])
    for _ in ("while it is going", "when it has ended"):
        rows = history.task_history("a", 5)
        assert [(row.attempt, row.outcome, row.log, row.exit_status) for row in rows] == [
            (2, "passed", ".exarp/logs/r1/a.2.log", None),
            (1, "failed", "one.log", 2),
        ]
        if history.find("r1").finished is None:  # type: ignore[union-attr]
            log.finish(finished("r1", 6))


def test_a_task_cancelled_before_its_retry_keeps_its_attempts_own_end(log: EventLog, history: RunHistory) -> None:
    log.begin(started("r1"))
    retried = TaskRetried(run="r1", seq=3, task="a", attempt=1, retries=1, delay_ms=5, signal=9, log="one.log")
    cancelled = TaskFinished(run="r1", seq=4, task="a", attempt=1, outcome="cancelled")
    log.append([task_started("r1", 2), retried, cancelled])
    log.finish(finished("r1", 5))
    last = last_attempt(history, "a")
    assert last is not None
    assert (last.outcome, last.signal, last.log, last.then) == ("failed", 9, "one.log", "cancelled")


def test_an_attempt_tells_why_it_ran_and_how_it_ended(log: EventLog, history: RunHistory) -> None:
    forced, late = FreshnessReason("forced"), FreshnessReason("timed-out", "0.5s")
    log.begin(started("r1"))
    end = TaskFinished(run="r1", seq=3, task="a", attempt=1, outcome="failed", signal=2, reason=late)
    log.append([TaskStarted(run="r1", seq=2, task="a", attempt=1, reason=forced), end])
    log.finish(finished("r1", 4))
    last = last_attempt(history, "a")
    assert last is not None
    assert (last.reason, last.end_reason) == (forced, late)


def test_a_task_that_never_started_has_no_attempt(log: EventLog, history: RunHistory) -> None:
    ended_run(log, "r1", "a")
    log.begin(started("r2"))
    log.append([TaskFinished(run="r2", seq=2, task="a", attempt=0, outcome="up_to_date")])
    log.finish(finished("r2", 3))
    last = last_attempt(history, "a")
    assert last is not None
    assert last.run == "r1"


@pytest.mark.parametrize(("pid", "outcome"), [(1, "running"), (2, "died")])
def test_an_attempt_without_an_end_is_running_or_has_died(
    log: EventLog, history: RunHistory, pid: int, outcome: str
) -> None:
    log.begin(started("r1", pid=pid))
    at_work(history._database, "r1", pid)
    log.append([task_started("r1", 2)])
    last = last_attempt(history, "a")
    assert last is not None
    assert (last.outcome, last.time, last.log) == (outcome, "start-2", None)


def test_the_attempts_of_a_run_that_died_are_found_after_the_next_runs(log: EventLog, history: RunHistory) -> None:
    ended_run(log, "r1", "a")
    log.begin(started("r2"))
    log.append([task_started("r2", 2), task_finished("r2", 3), task_started("r2", 4, "b")])
    for run in ("r3", "r4"):
        ended_run(log, run, "c")
    assert [row.run for row in history.task_history("a", 9)] == ["r2", "r1"]
    assert [(row.run, row.outcome) for row in history.task_history("b", 9)] == [("r2", "died")]


def test_history_is_cut_at_its_limit(log: EventLog, history: RunHistory) -> None:
    for number in range(5):
        ended_run(log, f"r{number}", "a", "b")
    log.begin(started("r5", pid=1))
    log.append([task_started("r5", 2)])
    assert [row.run for row in history.task_history("a", 3)] == ["r5", "r4", "r3"]
    assert [row.run for row in history.task_history("a", 99)] == ["r5", "r4", "r3", "r2", "r1", "r0"]


@pytest.mark.parametrize("name", ["a\udcff", "'; DROP TABLE run; --", 'a"b', "größe@x/y", "%"])
def test_hostile_names_are_found_and_only_they(log: EventLog, history: RunHistory, name: str) -> None:
    ended_run(log, "r1", name, "other")
    ended_run(log, "r2", "other")
    assert [row.task for row in history.task_history(name, 9)] == [name]
    assert [row.run for row in history.task_history("other", 9)] == ["r2", "r1"]


def test_pruning_keeps_the_newest_runs_and_says_which(database: Database, log: EventLog, history: RunHistory) -> None:
    for number in range(5):
        ended_run(log, f"r{number}", "a", f"only in {number}")
    assert history.prune(2) == {"r3", "r4"}
    assert [row.id for row in history.runs(9)] == ["r4", "r3"]
    assert log.read("r2") == []
    assert len(log.read("r3")) == 6
    assert [row.run for row in history.task_history("a", 9)] == ["r4", "r3"]
    assert last_attempt(history, "only in 1") is None
    counts = "(SELECT count(*) FROM event), (SELECT count(*) FROM attempt)"
    assert database.fetch(f"SELECT {counts}") == [(12, 8)]


@pytest.mark.parametrize(("keep", "left"), [(0, set()), (3, {"r0", "r1", "r2"}), (9, {"r0", "r1", "r2"})])
def test_pruning_at_its_edges(log: EventLog, history: RunHistory, keep: int, left: set[str]) -> None:
    for number in range(3):
        ended_run(log, f"r{number}", "a")
    assert history.prune(keep) == left


def test_pruning_spares_runs_that_something_of_goes_on(database: Database, log: EventLog, history: RunHistory) -> None:
    for number in range(6):
        ended_run(log, f"r{number}", "a")
    assert history.prune(2, {"r1", "r3", "r5", "no"}) == {"r1", "r3", "r4", "r5"}
    assert [len(log.read(f"r{number}")) for number in range(6)] == [0, 4, 0, 4, 4, 4]
    assert [row.run for row in history.task_history("a", 9)] == ["r5", "r4", "r3", "r1"]
    assert database.fetch("SELECT count(*) FROM attempt") == [(8,)]


def test_a_run_after_pruning_everything_is_the_newest(log: EventLog, history: RunHistory) -> None:
    ended_run(log, "r1", "a")
    history.prune(0)
    ended_run(log, "r2", "a")
    assert [row.id for row in history.runs(9)] == ["r2"]
    assert [row.run for row in history.task_history("a", 9)] == ["r2"]
    assert log.read("r1") == []


def test_no_lookup_of_a_task_reads_whole_tables(database: Database, log: EventLog, history: RunHistory) -> None:
    ended_run(log, "r1", "a")
    plans: list[str] = []
    original = database.fetch

    def explained(sql: str, values: tuple[object, ...] = ()) -> list[tuple[object, ...]]:
        plans.extend(row[3] for row in original(f"EXPLAIN QUERY PLAN {sql}", values))  # type: ignore[arg-type]
        return original(sql, values)  # type: ignore[arg-type]

    database.fetch = explained  # type: ignore[method-assign, assignment]
    assert last_attempt(history, "a") is not None
    assert [plan for plan in plans if plan.startswith("SEARCH")]
    assert [plan for plan in plans if plan.startswith("SCAN") and plan != "SCAN CONSTANT ROW"] == []
    delete = (
        "DELETE FROM attempt WHERE (task, place) IN (SELECT task, place FROM event WHERE place < ? AND attempt > 0)"
    )
    steps = [row[3] for row in original(f"EXPLAIN QUERY PLAN {delete}", (9,))]
    assert "SCAN attempt" not in steps


def test_an_attempt_that_an_agent_looked_into_ended_as_that_was_told(log: EventLog, history: RunHistory) -> None:
    head = {"run": "r1", "task": "a", "time": NOON}
    sent = {**head, "attempt": 1, "round": 1, "exit_status": 2, "duration_ms": 30, "log": "a.1.log"}
    log.begin(started("r1"))
    log.append(
        [
            task_started("r1", 2, "a", 1),
            RecoveryStarted(seq=3, rounds=3, **sent),  # type: ignore[arg-type]
            RecoveryFinished(seq=4, **{**sent, "outcome": "tried", "exit_status": 0, "log": "recover.log"}),  # type: ignore[arg-type]
            task_started("r1", 5, "a", 2),
            task_finished("r1", 6, "a", 2),
        ]
    )
    log.finish(finished("r1", 7))

    second, first = history.task_history("a", 5)
    assert (second.attempt, second.outcome) == (2, "passed")
    assert (first.attempt, first.outcome, first.exit_status, first.log) == (1, "failed", 2, "a.1.log")
    [agent] = history.task_history("recover a", 5)
    assert (agent.attempt, agent.outcome, agent.log, agent.duration_ms) == (1, "passed", "recover.log", 30)


@pytest.mark.parametrize(("pid", "outcome"), [(1, "running"), (2, "died")])
def test_an_agent_is_found_while_it_works_and_where_it_was_left(
    log: EventLog, history: RunHistory, pid: int, outcome: str
) -> None:
    head = {"run": "r1", "task": "a", "attempt": 1, "round": 1}
    log.begin(started("r1", pid=pid))
    at_work(history._database, "r1", pid)
    log.append([task_started("r1", 2, "a", 1), RecoveryStarted(seq=3, rounds=3, time="sent", **head)])  # type: ignore[arg-type]

    [agent] = history.task_history("recover a", 5)
    assert agent == history.attempts_in("r1", "recover a")[0]
    assert (agent.run, agent.attempt, agent.time, agent.log) == ("r1", 1, "sent", None)
    assert agent.outcome == outcome
    assert history.task_history("recover b", 5) == []

    log.append([RecoveryFinished(seq=4, outcome="tried", exit_status=0, **head)])  # type: ignore[arg-type]

    assert [row.outcome for row in history.task_history("recover a", 5)] == ["passed"]
    log.append([task_started("r1", 5, "a", 2), RecoveryStarted(seq=6, rounds=3, **{**head, "attempt": 2, "round": 2})])  # type: ignore[arg-type]
    assert [row.attempt for row in history.attempts_in("r1", "recover a")] == [2, 1]


def test_attempts_of_a_verification_are_found_by_its_name(log: EventLog, history: RunHistory) -> None:
    head = {"run": "r1", "task": "verify one", "wave": 1, "name": "one", "attempt": 1}
    log.begin(started("r1"))
    log.append(
        [
            VerifyStarted(seq=2, time="begun", reason=FreshnessReason("never-ran"), **head),  # type: ignore[arg-type]
            VerifyFinished(seq=3, time="over", outcome="failed", exit_status=3, log="v.log", **head),  # type: ignore[arg-type]
        ]
    )
    log.finish(finished("r1", 4))

    [row] = history.task_history("verify one", 5)
    assert (row.outcome, row.exit_status, row.log, row.reason) == ("failed", 3, "v.log", FreshnessReason("never-ran"))
