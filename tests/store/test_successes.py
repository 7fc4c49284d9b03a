from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exarp.store.database import Database, open_for_writing
from exarp.store.state_folder import StateFolder
from exarp.store.successes import Successes

from .stream import HOSTILE


def test_the_last_success_of_a_task_counts(database: Database, folder: StateFolder) -> None:
    successes = Successes(database)
    successes.put("a", b"old", 5)
    successes.put("a", b"new\x00", 7)
    successes.put("b", b"", 0)
    with open_for_writing(folder.database) as other:
        assert Successes(other).load() == {"a": b"new\x00", "b": b""}
        assert Successes(other).durations() == {"a": 7, "b": 0}


def test_a_success_that_was_not_measured_keeps_the_known_duration(database: Database) -> None:
    successes = Successes(database)
    successes.put("a", b"1", 5)
    successes.put("a", b"2")
    successes.put("b", b"1")
    assert successes.durations() == {"a": 5}


def test_some_tasks_can_be_asked_for_in_any_number(database: Database) -> None:
    successes = Successes(database)
    with database.transaction():
        for number in range(1200):
            successes.put(f"task {number}", str(number).encode(), 1)
    asked = [f"task {number}" for number in range(1, 1200, 2)] + ["unknown"]
    found = successes.load(asked)
    assert found == {f"task {number}": str(number).encode() for number in range(1, 1200, 2)}
    assert successes.load([]) == successes.durations([]) == {}
    assert successes.durations(asked) == dict.fromkeys(found, 1)
    assert len(successes.load()) == 1200


@given(records=st.dictionaries(HOSTILE, st.binary(max_size=9), max_size=5))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None)
def test_names_and_records_come_back_as_they_were(database: Database, records: dict[str, bytes]) -> None:
    successes = Successes(database)
    database.execute("DELETE FROM success")
    for task, record in records.items():
        successes.put(task, record, 1)
    assert successes.load() == records
    assert successes.load(list(records)) == records
