from __future__ import annotations

import hashlib
import os
import signal
import sqlite3
import tempfile
from pathlib import Path

import pytest

from exarp.errors import BusyError, Problem, UsageError
from exarp.store import reading, schema
from exarp.store.database import Database, open_for_writing
from exarp.store.reading import open_readonly, read
from exarp.store.state_folder import StateFolder
from exarp.store.successes import Successes

from .stream import python, said, tell

Listing = dict[str, tuple[int, int, int, int, str]]
SIDES = ("-wal", "-shm", "-journal")


def listing(root: str) -> Listing:
    """Everything below ``root``: mode, owner, modification and status-change time, and the content's hash."""
    found: Listing = {}
    for folder, folders, files in os.walk(root):
        for name in [".", *folders, *files]:
            path = os.path.join(folder, name)
            status = os.stat(path)
            content = "" if os.path.isdir(path) else hashlib.sha256(Path(path).read_bytes()).hexdigest()
            # For root, SQLite gives these the database's owner, which they have.
            changed_ns = 0 if name.endswith(SIDES) and os.geteuid() == 0 else status.st_ctime_ns
            found[path] = (status.st_mode, status.st_uid, status.st_mtime_ns, changed_ns, content)
    return found


def tasks(database: Database) -> set[str]:
    return set(Successes(database).load())


def stored(folder: StateFolder, *names: str) -> None:
    with open_for_writing(folder.database) as database:
        for name in names:
            Successes(database).put(name, b"record")


def test_where_nothing_was_ever_stored_there_is_nothing_and_stays_nothing(tmp_path: Path) -> None:
    folder = StateFolder(str(tmp_path))
    assert read(folder.database, tasks) == set()
    assert os.listdir(tmp_path) == []


def test_an_empty_state_folder_stays_empty(folder: StateFolder) -> None:
    before = listing(folder.root)
    assert read(folder.database, tasks) == set()
    assert listing(folder.root) == before


def test_a_finished_runs_database_is_read_without_a_trace(folder: StateFolder) -> None:
    stored(folder, "a")
    before = listing(folder.root)
    assert read(folder.database, tasks) == {"a"}
    assert listing(folder.root) == before
    assert not os.path.exists(folder.database + "-wal")


WRITER = """
import sys
from exarp.store.database import open_for_writing
from exarp.store.successes import Successes
with open_for_writing(sys.argv[1]) as database:
    Successes(database).put("b", b"record")
    with database.transaction():
        Successes(database).put("c", b"record")
        print("b is committed", flush=True)
        sys.stdin.readline()
    print("c is committed", flush=True)
    sys.stdin.readline()
"""


def test_a_running_writers_commits_are_seen_without_a_trace(folder: StateFolder) -> None:
    stored(folder, "a")
    with python(WRITER, folder.database) as writer:
        for seen in ({"a", "b"}, {"a", "b", "c"}):
            assert said(writer).endswith("is committed")
            before = listing(folder.root)
            assert read(folder.database, tasks) == seen
            assert listing(folder.root) == before
            tell(writer)
    assert read(folder.database, tasks) == {"a", "b", "c"}
    assert not os.path.exists(folder.database + "-wal")


def test_a_writer_that_has_not_written_leaves_the_finished_state_readable(folder: StateFolder) -> None:
    stored(folder, "a")
    with open_for_writing(folder.database):
        before = listing(folder.root)
        assert read(folder.database, tasks) == {"a"}
        assert listing(folder.root) == before


KILLED = """
import sys
from exarp.store.database import open_for_writing
from exarp.store.successes import Successes
database = open_for_writing(sys.argv[1])
Successes(database).put("killed", b"record")
print("written", flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def killed(folder: StateFolder) -> StateFolder:
    """A folder whose last writer was killed: its work is in the WAL only."""
    stored(folder, "a")
    with python(KILLED, folder.database) as writer:
        assert said(writer) == "written"
        os.kill(writer.pid, signal.SIGKILL)
    assert os.path.getsize(folder.database + "-wal") > 0
    return folder


def test_a_killed_writers_commits_are_seen_without_a_trace(killed: StateFolder) -> None:
    before = listing(killed.root)
    assert read(killed.database, tasks) == {"a", "killed"}
    assert listing(killed.root) == before


@pytest.mark.parametrize("shm", [None, b"", b"\xff" * 32768], ids=["missing", "empty", "rubbish"])
def test_a_wal_whose_index_is_lost_is_read_without_a_trace(
    killed: StateFolder, shm: bytes | None, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary = tmp_path_factory.mktemp("temporary")
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    os.unlink(killed.database + "-shm")
    if shm is not None:
        Path(killed.database + "-shm").write_bytes(shm)
        os.chmod(killed.database + "-shm", 0o600)
    before = listing(killed.root)
    assert read(killed.database, tasks) == {"a", "killed"}
    assert listing(killed.root) == before
    assert os.listdir(temporary) == []


def test_a_readers_repaired_copy_survives_its_own_removal(killed: StateFolder) -> None:
    os.unlink(killed.database + "-shm")
    with open_readonly(killed.database) as database:
        assert tasks(database) == tasks(database) == {"a", "killed"}


def test_a_half_done_rollback_journal_is_read_as_undone_without_a_trace(folder: StateFolder, tmp_path: Path) -> None:
    stored(folder, *(f"task {number}" for number in range(500)))
    writer = sqlite3.connect(folder.database, isolation_level=None)
    writer.execute("PRAGMA journal_mode = DELETE")
    writer.execute("PRAGMA cache_size = 1")
    writer.execute("BEGIN")
    writer.execute("UPDATE success SET task = 'x' || task")
    torn = StateFolder(str(tmp_path / "torn"))
    os.makedirs(torn.path)
    for ending in ("", "-journal"):
        Path(torn.database + ending).write_bytes(Path(folder.database + ending).read_bytes())
    writer.close()
    before = listing(torn.root)
    assert read(torn.database, tasks) == {f"task {number}" for number in range(500)}
    assert listing(torn.root) == before


@pytest.mark.parametrize("rubbish", [b"rubbish" * 1000, b"SQLite format 3\0" + b"\xff" * 5000])
def test_a_damaged_database_reads_as_empty_with_a_warning_and_stays(folder: StateFolder, rubbish: bytes) -> None:
    Path(folder.database).write_bytes(rubbish)
    before = listing(folder.root)
    warnings, found = read(folder.database, lambda database: (database.warnings, tasks(database)))
    assert found == set()
    assert len(warnings) == 1
    assert "is damaged" in warnings[0]
    assert listing(folder.root) == before


def test_a_newer_database_is_refused(folder: StateFolder) -> None:
    with open_for_writing(folder.database) as database:
        database.execute("PRAGMA user_version = 99")
    before = listing(folder.root)
    with pytest.raises(UsageError, match="newer exarp"):
        read(folder.database, tasks)
    assert listing(folder.root) == before


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> None:
    """This exarp is one migration ahead of what the store was written with."""
    migrations = (*schema.MIGRATIONS, ("CREATE TABLE later (x)", "INSERT INTO later VALUES (42)"))
    monkeypatch.setattr(schema, "MIGRATIONS", migrations)
    monkeypatch.setattr(schema.migrate, "__defaults__", (migrations,))


def tasks_and_answer(database: Database) -> tuple[set[str], int]:
    return tasks(database), database.fetch("SELECT x FROM later")[0][0]


def test_an_older_database_is_migrated_in_memory_only(folder: StateFolder, request: pytest.FixtureRequest) -> None:
    stored(folder, "a")
    request.getfixturevalue("later")
    before = listing(folder.root)
    assert read(folder.database, tasks_and_answer) == ({"a"}, 42)
    assert listing(folder.root) == before


def test_an_older_database_in_use_is_migrated_in_memory_only(folder: StateFolder, later: None) -> None:
    with python(WRITER, folder.database) as writer:
        assert said(writer) == "b is committed"
        before = listing(folder.root)
        assert read(folder.database, tasks_and_answer) == ({"b"}, 42)
        assert listing(folder.root) == before
        tell(writer)
        tell(writer)


def test_a_file_that_cannot_be_read_is_named(folder: StateFolder) -> None:
    Path(folder.database + "-wal").mkdir()
    os.mkdir(folder.database)
    with pytest.raises(UsageError) as caught:
        read(folder.database, tasks)
    assert caught.value.problems[0].slug == "state-folder"


def test_a_file_that_cannot_be_looked_at_is_not_taken_for_none(folder: StateFolder) -> None:
    os.symlink("store.db", folder.database)
    with pytest.raises(UsageError, match="symbolic links") as caught:
        read(folder.database, tasks)
    assert caught.value.problems[0].slug == "state-folder"


def test_a_reader_cannot_write(folder: StateFolder) -> None:
    stored(folder, "a")
    for path in (folder.database, folder.database + ".missing"):
        with open_readonly(path) as database:
            assert not database.writable
    with open_readonly(folder.database) as database, pytest.raises(UsageError, match="readonly"):
        Successes(database).put("b", b"record")
    assert read(folder.database, tasks) == {"a"}


def test_a_writer_that_comes_and_goes_meanwhile_makes_the_reader_look_again(folder: StateFolder) -> None:
    stored(folder, "a")
    looks = []

    def slow(database: Database) -> set[str]:
        if not looks:
            stored(folder, "b")
        looks.append(tasks(database))
        return looks[-1]

    assert read(folder.database, slow) == {"a", "b"}
    assert len(looks) == 2


def test_what_fails_over_a_change_is_tried_again_and_what_fails_by_itself_is_not(folder: StateFolder) -> None:
    stored(folder, "a")
    looks = []

    def torn(database: Database) -> set[str]:
        looks.append(1)
        if len(looks) == 1:
            stored(folder, "b")
            raise UsageError(Problem("store-damaged", "torn"))
        return tasks(database)

    assert read(folder.database, torn) == {"a", "b"}

    def unwilling(database: Database) -> set[str]:
        looks.append(1)
        raise UsageError(Problem("no-such-run", "no run r9"))

    with pytest.raises(UsageError, match="no run r9"):
        read(folder.database, unwilling)
    assert len(looks) == 3


def test_a_query_sees_one_state_of_a_live_database(folder: StateFolder) -> None:
    with open_for_writing(folder.database) as writer:
        Successes(writer).put("a", b"record")

        def twice(database: Database) -> tuple[set[str], set[str]]:
            first = tasks(database)
            Successes(writer).put("b", b"record")
            return first, tasks(database)

        assert read(folder.database, twice) == ({"a"}, {"a"})
        assert read(folder.database, tasks) == {"a", "b"}


def test_a_database_that_never_rests_is_busy(folder: StateFolder) -> None:
    stored(folder, "a")
    looks: list[str] = []

    def restless(database: Database) -> set[str]:
        looks.append(f"task {len(looks)}")
        stored(folder, looks[-1])
        return tasks(database)

    with pytest.raises(BusyError, match="changes too fast"):
        read(folder.database, restless)
    assert len(looks) == reading._LOOKS
