from __future__ import annotations

import itertools
import os
import signal
import sqlite3
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exarp.errors import DefectError
from exarp.model.event import Event, RunFinished, RunStarted, TaskStarted
from exarp.store.database import Database, open_for_writing
from exarp.store.events import EventLog
from exarp.store.runs import RunHistory
from exarp.store.state_folder import StateFolder
from exarp.store.successes import Successes

from .stream import events_of, finished, output, python, runs_of, said, started, task_finished, task_started

_numbers = itertools.count()


@given(data=st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None)
def test_every_event_comes_back_as_it_was(database: Database, data: st.DataObject) -> None:
    run = f"r{next(_numbers)}"
    first, last = data.draw(runs_of(run))
    middle = [data.draw(events_of(run, seq)) for seq in range(2, data.draw(st.integers(2, 6)))]
    log = EventLog(database)
    log.begin(first)
    log.append(middle)
    log.finish(last)
    assert EventLog(database).read(run) == [first, *middle, last]
    row = RunHistory(database, lambda pid: False).find(run)
    assert row is not None
    assert (row.command, row.counts, row.first_failure) == (first.command, last.counts, last.first_failure)


def test_a_batch_is_committed_when_append_returns(database: Database, folder: StateFolder) -> None:
    log = EventLog(database)
    log.begin(started("r1"))
    with open_for_writing(folder.database) as other:
        reader = EventLog(other)
        log.append([task_started("r1", 2)])
        assert len(reader.read("r1")) == 2
        log.append([task_finished("r1", 3), task_started("r1", 4, "b")])
        assert len(reader.read("r1")) == 4


def test_a_batch_is_stored_whole_or_not_at_all(database: Database) -> None:
    log = EventLog(database)
    log.begin(started("r1"))
    with pytest.raises(sqlite3.IntegrityError):
        log.append([task_started("r1", 2), task_started("r1", 1)])
    assert log.read("r1") == [started("r1")]


def test_output_is_never_stored(database: Database, folder: StateFolder) -> None:
    log = EventLog(database)
    log.begin(started("r1"))
    log.append([output("r1", 2)])
    log.append([task_started("r1", 3), output("r1", 4)])
    assert [event.seq for event in log.read("r1")] == [1, 3]
    assert b"secret" not in Path(folder.database + "-wal").read_bytes()


def test_reading_since_a_seq_gives_what_came_after_and_nothing_of_other_runs(database: Database) -> None:
    log = EventLog(database)
    log.begin(started("r1"))
    log.append([task_started("r1", 2), task_finished("r1", 3)])
    log.begin(started("r2"))
    assert [event.seq for event in log.read("r1", since=1)] == [2, 3]
    assert log.read("r1", since=3) == []
    assert log.read("r2") == [started("r2")]
    assert log.read("unknown") == []


def test_an_empty_batch_writes_nothing(database: Database) -> None:
    before = database.fetch("PRAGMA data_version"), database.fetch("SELECT count(*) FROM event")
    EventLog(database).append([])
    assert before == (database.fetch("PRAGMA data_version"), [(0,)])


def test_an_event_of_a_run_that_has_not_begun_is_a_defect(database: Database) -> None:
    with pytest.raises(DefectError, match="has not begun"):
        EventLog(database).append([task_started("r1", 2)])


def test_a_run_whose_beginning_was_undone_has_not_begun(database: Database) -> None:
    log = EventLog(database)
    with pytest.raises(ZeroDivisionError), database.transaction():
        log.begin(started("r1"))
        raise ZeroDivisionError
    with pytest.raises(DefectError, match="has not begun"):
        log.append([task_started("r1", 2)])


def test_the_run_of_many_events_is_looked_up_once(database: Database) -> None:
    said: list[str] = []
    log = EventLog(database)
    database._connection.set_trace_callback(said.append)
    with database.transaction():
        log.begin(started("r1"))
        log.append([task_started("r1", seq) for seq in range(2, 50)])
    log.append([task_started("r1", 50)])
    assert len([line for line in said if line.startswith("SELECT number FROM run WHERE id")]) == 1


def test_a_run_cannot_begin_twice(database: Database) -> None:
    log = EventLog(database)
    log.begin(started("r1"))
    with pytest.raises(sqlite3.IntegrityError):
        log.begin(started("r1", seq=2))
    assert len(log.read("r1")) == 1


def test_a_success_and_its_events_share_a_transaction(database: Database) -> None:
    log, successes = EventLog(database), Successes(database)
    log.begin(started("r1"))
    with pytest.raises(ZeroDivisionError), database.transaction():
        successes.put("a", b"record", 5)
        log.append([task_finished("r1", 2)])
        log.append([task_started("r1", 3), task_finished("r1", 4)])
        raise ZeroDivisionError
    assert successes.load() == {}
    assert log.read("r1") == [started("r1")]
    with database.transaction():
        successes.put("a", b"record", 5)
        log.append([task_finished("r1", 2)])
    assert successes.load() == {"a": b"record"}
    assert len(log.read("r1")) == 2


def test_a_begin_that_is_undone_leaves_the_run_unknown(database: Database) -> None:
    log = EventLog(database)
    with pytest.raises(ZeroDivisionError), database.transaction():
        log.begin(started("r1"))
        raise ZeroDivisionError
    assert log.read("r1") == []
    log.begin(started("r0"))
    log.begin(started("r1"))
    assert log.read("r1") == [started("r1")]
    assert log.read("r0") == [started("r0")]


def test_events_of_a_later_exarp_are_left_out(database: Database) -> None:
    log = EventLog(database)
    log.begin(started("r1"))
    log.append([task_started("r1", 2)])
    database.execute(
        "UPDATE event SET type = 'task_dreamt', payload = ? WHERE task = 'a'", (b'{"type":"task_dreamt"}',)
    )
    assert log.read("r1") == [started("r1")]


def test_an_older_events_missing_fields_have_their_defaults(database: Database) -> None:
    log = EventLog(database)
    log.begin(started("r1"))
    log.append([task_started("r1", 2)])
    old = b'{"type":"task_started","seq":2,"run":"r1","task":"a","attempt":1,"gone":true}'
    database.execute("UPDATE event SET payload = ? WHERE task = 'a'", (old,))
    assert log.read("r1", since=1) == [TaskStarted(seq=2, run="r1", task="a", attempt=1)]


WRITER = """
import sys
from exarp.store.database import open_for_writing
from exarp.store.events import EventLog
from exarp.model.event import PlannedRun, RunStarted, TaskStarted
log = EventLog(open_for_writing(sys.argv[1]))
log.begin(RunStarted(run="r1", seq=1, plan=PlannedRun(task_count=1, waves=())))
for seq in range(2, 1000000):
    log.append([TaskStarted(run="r1", seq=seq, task="a", attempt=seq)])
    print(seq, flush=True)
"""


def test_what_was_appended_survives_kill_9(folder: StateFolder) -> None:
    with python(WRITER, folder.database) as writer:
        seen = [int(said(writer)) for _ in range(500)]
        os.kill(writer.pid, signal.SIGKILL)
        assert writer.stdout is not None
        seen += [int(line) for line in writer.stdout.read().split("\n")[:-1]]
    with open_for_writing(folder.database) as database:
        stored = [event.seq for event in EventLog(database).read("r1")]
        assert database.warnings == ()
    # One more may be stored than was announced: the writer died between the two.
    assert stored in (list(range(1, seen[-1] + 1)), list(range(1, seen[-1] + 2)))


def test_every_event_of_the_union_is_covered_here() -> None:
    drawn = {type(event) for event in _samples()}
    assert drawn >= set(Event.__args__) - {RunStarted, RunFinished, type(output("r", 1))}
    assert type(finished("r", 1)) is RunFinished


def _samples() -> list[Event]:
    found: dict[type, Event] = {}

    @given(event=events_of("r", 2))
    @settings(database=None, deadline=None, derandomize=True, max_examples=1000)
    def collect(event: Event) -> None:
        found[type(event)] = event

    collect()
    return list(found.values())
