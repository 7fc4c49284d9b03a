from __future__ import annotations

from collections.abc import Iterator

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exarp.store.database import Database, open_for_writing
from exarp.store.file_digests import FileDigests, FileState
from exarp.store.state_folder import StateFolder

from .stream import HOSTILE

_NS = st.integers(-(2**63), 2**63 - 1)
STATES: st.SearchStrategy[FileState] = st.tuples(
    st.integers(0, 2**63 - 1), _NS, _NS, st.integers(0, 2**64 - 1), st.integers(0, 2**32), st.binary(max_size=32), _NS
)


def state(number: int, mtime_ns: int = 10**18) -> FileState:
    return (number, mtime_ns, 10**18, number, 0o100644, b"digest", 10**18)


@given(files=st.dictionaries(HOSTILE, STATES, max_size=5))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None)
def test_paths_and_states_come_back_as_they_were(database: Database, files: dict[str, FileState]) -> None:
    digests = FileDigests(database)
    database.execute("DELETE FROM file")
    digests.save(files.items())
    assert digests.load() == files
    some = list(files)[::2]
    assert digests.load([*some, "unknown"]) == {path: files[path] for path in some}


def test_a_later_state_takes_the_place_of_an_earlier_one(database: Database, folder: StateFolder) -> None:
    digests = FileDigests(database)
    digests.save([("a", state(1)), ("b", state(2))])
    digests.save([("a", state(3))])
    with open_for_writing(folder.database) as other:
        assert FileDigests(other).load() == {"a": state(3), "b": state(2)}


def test_all_states_are_saved_in_one_transaction(database: Database, folder: StateFolder) -> None:
    def watched(other: Database) -> Iterator[tuple[str, FileState]]:
        for number in range(3):
            assert FileDigests(other).load() == {}
            yield f"file {number}", state(number)

    with open_for_writing(folder.database) as other:
        FileDigests(database).save(watched(other))
        assert len(FileDigests(other).load()) == 3


def test_a_time_that_no_column_can_hold_is_left_out_and_the_rest_is_saved(database: Database) -> None:
    digests = FileDigests(database)
    year_9999 = 253_370_764_800 * 10**9
    digests.save([("a", state(1)), ("b", state(2, mtime_ns=year_9999)), ("c", state(3))])
    assert set(digests.load()) == {"a", "c"}


def test_forgotten_paths_are_gone(database: Database) -> None:
    digests = FileDigests(database)
    digests.save([("a", state(1)), ("b\udcff", state(2)), ("c", state(3))])
    digests.forget(["b\udcff", "c", "unknown"])
    assert set(digests.load()) == {"a"}
