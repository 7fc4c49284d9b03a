from __future__ import annotations

import os
import sqlite3
import stat
from pathlib import Path

import pytest

from exarp.errors import BusyError, DefectError, ExitCode, UsageError
from exarp.store import database as module
from exarp.store.database import Database, database_uri, open_for_writing
from exarp.store.state_folder import StateFolder

from .stream import python, said, tell

PUT = "INSERT INTO success (task) VALUES (?)"


def tasks(database: Database) -> list[str]:
    return [row[0] for row in database.fetch("SELECT task FROM success ORDER BY task")]


def test_the_files_are_for_their_owner_only(folder: StateFolder) -> None:
    before = os.umask(0)
    try:
        with open_for_writing(folder.database) as database:
            database.execute(PUT, ("a",))
            names = [name for name in os.listdir(folder.path) if name.startswith("store.db")]
            modes = {stat.S_IMODE(os.stat(f"{folder.path}/{name}").st_mode) for name in names}
    finally:
        os.umask(before)
    assert sorted(names) == ["store.db", "store.db-shm", "store.db-wal"]
    assert modes == {0o600}


def test_closing_leaves_only_the_database(folder: StateFolder) -> None:
    with open_for_writing(folder.database) as database:
        database.execute(PUT, ("a",))
    assert [name for name in os.listdir(folder.path) if name.startswith("store")] == ["store.db"]
    with open_for_writing(folder.database) as database:
        assert tasks(database) == ["a"]
        assert database.warnings == ()


@pytest.mark.parametrize("name", ["a?mode=memory#x", "100%41", 'it\'s "here"', "caf\udce9", "größe"])
def test_a_workspace_may_have_any_name(tmp_path: Path, name: str) -> None:
    root = os.path.join(tmp_path, name)
    os.mkdir(root)
    folder = StateFolder(root)
    folder.prepare()
    with open_for_writing(folder.database) as database:
        database.execute(PUT, ("a",))
    assert os.path.getsize(folder.database) > 0
    assert database_uri("/a b?", "mode=rw") == "file:/a%20b%3F?mode=rw"


def test_a_transaction_becomes_visible_as_a_whole(database: Database, folder: StateFolder) -> None:
    with open_for_writing(folder.database) as other:
        with database.transaction():
            database.execute(PUT, ("a",))
            database.execute_each(PUT, [("b",), ("c",)])
            assert tasks(other) == []
        assert tasks(other) == ["a", "b", "c"]


def test_a_failure_undoes_the_transaction_and_the_next_one_works(database: Database) -> None:
    with pytest.raises(ZeroDivisionError), database.transaction():
        database.execute(PUT, ("a",))
        raise ZeroDivisionError
    with database.transaction():
        database.execute(PUT, ("b",))
    assert tasks(database) == ["b"]


def test_an_inner_transaction_joins_the_outer_one(database: Database) -> None:
    with pytest.raises(ZeroDivisionError), database.transaction():
        with database.transaction():
            database.execute(PUT, ("a",))
        raise ZeroDivisionError
    assert tasks(database) == []


def test_an_inner_failure_that_is_swallowed_undoes_the_outer_transaction(database: Database) -> None:
    with pytest.raises(DefectError), database.transaction():
        database.execute(PUT, ("a",))
        with pytest.raises(sqlite3.IntegrityError):
            database.execute_each(PUT, [("b",), ("b",)])
    assert tasks(database) == []
    database.execute(PUT, ("c",))
    assert tasks(database) == ["c"]


def test_a_commit_that_fails_undoes_the_transaction(database: Database) -> None:
    database.execute("PRAGMA foreign_keys = ON")
    database.execute("CREATE TABLE child (task TEXT REFERENCES success DEFERRABLE INITIALLY DEFERRED)")
    with pytest.raises(sqlite3.IntegrityError, match="FOREIGN KEY"), database.transaction():
        database.execute(PUT, ("a",))
        database.execute("INSERT INTO child VALUES ('b')")
    assert not database.in_transaction
    database.execute(PUT, ("c",))
    assert tasks(database) == ["c"]


def test_a_defect_is_not_taken_for_a_fault_of_the_workspace(database: Database) -> None:
    with pytest.raises(sqlite3.OperationalError, match="no such table"):
        database.execute("INSERT INTO nowhere VALUES (1)")


def test_a_full_disk_is_named_and_what_was_committed_stays(database: Database, folder: StateFolder) -> None:
    database.execute(PUT, ("a",))
    pages = database.fetch("PRAGMA page_count")[0][0]
    database.fetch(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(UsageError, match="no space is left on its disk") as caught, database.transaction():
        for number in range(10_000):
            database.execute(PUT, (f"task {number}",))
    assert caught.value.problems[0].slug == "state-folder"
    assert folder.database in caught.value.problems[0].message
    assert tasks(database) == ["a"]


def test_a_database_that_another_keeps_locked_is_busy(folder: StateFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BUSY_SECONDS", 0.01)
    with open_for_writing(folder.database) as other, open_for_writing(folder.database) as database:
        with other.transaction(), pytest.raises(BusyError, match="locked") as caught:
            database.execute(PUT, ("a",))
        assert caught.value.exit_code == ExitCode.BUSY
        database.execute(PUT, ("b",))
        assert tasks(database) == ["b"]


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nowhere") as caught:
        open_for_writing(str(tmp_path / "nowhere" / "store.db"))
    assert caught.value.problems[0].slug == "state-folder"


def test_a_folder_in_the_place_of_the_database_is_named(folder: StateFolder) -> None:
    os.mkdir(folder.database)
    with pytest.raises(UsageError, match="it is there, and is not a file") as caught:
        open_for_writing(folder.database)
    assert caught.value.problems[0].slug == "state-folder"
    assert os.path.isdir(folder.database)


def test_a_newer_database_is_refused_and_stays_as_it_is(folder: StateFolder) -> None:
    with open_for_writing(folder.database) as database:
        database.execute("PRAGMA user_version = 99")
    before = Path(folder.database).read_bytes()
    with pytest.raises(UsageError, match="newer exarp") as caught:
        open_for_writing(folder.database)
    assert caught.value.problems[0].slug == "store-newer"
    assert Path(folder.database).read_bytes() == before
    assert os.listdir(folder.path).count("store.db.damaged-1") == 0


def test_an_empty_file_becomes_a_database(folder: StateFolder) -> None:
    Path(folder.database).touch()
    with open_for_writing(folder.database) as database:
        assert (tasks(database), database.warnings) == ([], ())


def test_a_damaged_database_is_set_aside_and_the_caller_is_told(folder: StateFolder) -> None:
    for number, rubbish in enumerate([b"rubbish" * 1000, b"SQLite format 3\0" + b"\xff" * 5000], 1):
        Path(folder.database).write_bytes(rubbish)
        with open_for_writing(folder.database) as database:
            assert len(database.warnings) == 1
            assert f"store.db.damaged-{number}" in database.warnings[0]
            database.execute(PUT, ("a",))
            assert tasks(database) == ["a"]
        assert Path(f"{folder.database}.damaged-{number}").read_bytes() == rubbish
    with open_for_writing(folder.database) as database:
        assert database.warnings == ()


def test_what_belongs_to_a_damaged_database_goes_with_it(folder: StateFolder) -> None:
    for ending in ("", "-wal", "-shm", ".is-damaged"):
        Path(folder.database + ending).write_text(f"its {ending}")
    with open_for_writing(folder.database) as database:
        assert len(database.warnings) == 1
    aside = f"{folder.database}.damaged-1"
    assert [Path(aside + ending).read_text() for ending in ("", "-wal", "-shm")] == ["its ", "its -wal", "its -shm"]
    assert not os.path.exists(folder.database + ".is-damaged")


@pytest.mark.parametrize("statement", ["CREATE TABLE run (x)", "PRAGMA user_version = 1", "PRAGMA application_id = 7"])
def test_a_database_of_another_program_is_set_aside(folder: StateFolder, statement: str) -> None:
    foreign = sqlite3.connect(folder.database)
    foreign.execute(statement)
    foreign.execute("CREATE TABLE theirs (x)")
    foreign.close()
    with open_for_writing(folder.database) as database:
        assert len(database.warnings) == 1
        assert database.fetch("SELECT name FROM sqlite_schema WHERE name = 'theirs'") == []


def test_damage_that_shows_later_ends_the_command_and_the_next_one_begins_anew(folder: StateFolder) -> None:
    with open_for_writing(folder.database) as database:
        database.execute_each(PUT, [(f"task {number:05}",) for number in range(5000)])
    with open(folder.database, "r+b") as file:
        # Opening looks at the first pages of each table.
        half = os.path.getsize(folder.database) // 2
        file.seek(half)
        file.write(b"\xff" * half)
    with open_for_writing(folder.database) as database:
        assert database.warnings == ()
        with pytest.raises(UsageError, match="is damaged") as caught:
            tasks(database)
        assert caught.value.problems[0].slug == "store-damaged"
    with open_for_writing(folder.database) as database:
        assert len(database.warnings) == 1
        assert tasks(database) == []
    with open_for_writing(folder.database) as database:
        assert database.warnings == ()


def test_a_mark_without_its_database_condemns_no_new_one(folder: StateFolder) -> None:
    Path(folder.database + ".is-damaged").touch()
    for _ in range(2):
        with open_for_writing(folder.database) as database:
            assert database.warnings == ()


OPENER = """
import sys
from exarp.store.database import open_for_writing
print("ready", flush=True); sys.stdin.readline()
with open_for_writing(sys.argv[1]) as database:
    database.execute("INSERT INTO success (task) VALUES (?)", (sys.argv[2],))
    print(len(database.warnings), flush=True)
    sys.stdin.readline()
"""


@pytest.mark.parametrize("rubbish", [b"", b"rubbish" * 1000], ids=["missing", "damaged"])
def test_processes_that_open_at_once_share_one_new_database(folder: StateFolder, rubbish: bytes) -> None:
    if rubbish:
        Path(folder.database).write_bytes(rubbish)
    with (
        python(OPENER, folder.database, "a") as one,
        python(OPENER, folder.database, "b") as two,
        python(OPENER, folder.database, "c") as three,
    ):
        everyone = (one, two, three)
        assert [said(process) for process in everyone] == ["ready"] * 3
        for process in everyone:
            tell(process)
        assert sum(int(said(process)) for process in everyone) == (1 if rubbish else 0)
        for process in everyone:
            tell(process)
    with open_for_writing(folder.database) as database:
        assert tasks(database) == ["a", "b", "c"]
    assert os.path.exists(folder.database + ".damaged-1") == bool(rubbish)
    assert not os.path.exists(folder.database + ".damaged-2")
