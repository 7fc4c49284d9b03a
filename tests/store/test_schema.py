from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from exarp.errors import ExitCode, UsageError
from exarp.store.schema import MIGRATIONS, TABLES, first_place, migrate, probe, version_of


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    opened = sqlite3.connect(":memory:", isolation_level=None)
    yield opened
    opened.close()


def tables(connection: sqlite3.Connection) -> set[str]:
    return {row[0] for row in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")} - {
        "sqlite_sequence"
    }


def test_an_empty_database_gets_every_table(connection: sqlite3.Connection) -> None:
    assert version_of(connection) == 0
    migrate(connection, "store.db")
    assert version_of(connection) == len(MIGRATIONS)
    assert tables(connection) == set(TABLES)
    probe(connection)


def test_only_the_missing_steps_are_taken(connection: sqlite3.Connection) -> None:
    migrate(connection, "store.db", [["CREATE TABLE one (x)"]])
    migrate(connection, "store.db", [["CREATE TABLE one (x)"], ["CREATE TABLE two (x)"]])
    assert (version_of(connection), tables(connection)) == (2, {"one", "two"})


def test_a_step_that_fails_undoes_those_before_it(connection: sqlite3.Connection) -> None:
    migrate(connection, "store.db", [["CREATE TABLE one (x)"]])
    steps = [["CREATE TABLE one (x)"], ["CREATE TABLE two (x)"], ["CREATE TABLE three (x)", "CREATE TABLE one (x)"]]
    with pytest.raises(sqlite3.OperationalError, match="already exists"):
        migrate(connection, "store.db", steps)
    assert (version_of(connection), tables(connection)) == (1, {"one"})
    assert not connection.in_transaction


KILLED = """
import os, sqlite3, sys
from exarp.store.schema import migrate
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
# So small that pages are written before the transaction ends.
connection.execute("PRAGMA cache_size = 1")
left = int(sys.argv[2])
def count(sql):
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), 9)
connection.set_trace_callback(count)
many = "INSERT INTO one WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000) SELECT i FROM n"
migrate(connection, sys.argv[1], [["CREATE TABLE one (x)"], [many, "CREATE TABLE two (x)"], ["CREATE TABLE three (x)"]])
"""


@pytest.mark.parametrize("mode", ["WAL", "DELETE"])
def test_who_is_killed_while_it_migrates_leaves_all_as_it_was(tmp_path: Path, mode: str) -> None:
    path = str(tmp_path / "store.db")
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute(f"PRAGMA journal_mode = {mode}")
    migrate(connection, path, [["CREATE TABLE one (x)"]])
    connection.close()
    ended = 0
    for statement in range(1, 30):
        words = [sys.executable, "-c", KILLED, path, str(statement)]
        ended = subprocess.run(words, check=False).returncode
        connection = sqlite3.connect(path, isolation_level=None)
        found = version_of(connection), tables(connection), len(connection.execute("SELECT x FROM one").fetchall())
        connection.close()
        if ended == 0:
            assert found == (3, {"one", "two", "three"}, 5000)
            break
        assert ended == -9
        assert found == (1, {"one"}, 0)
    assert (ended, statement > 5) == (0, True)


def test_a_database_of_another_program_is_not_made_exarps(connection: sqlite3.Connection) -> None:
    connection.execute("CREATE TABLE theirs (x)")
    with pytest.raises(sqlite3.OperationalError, match="no such table"):
        migrate(connection, "store.db")
    assert (version_of(connection), tables(connection)) == (0, {"theirs"})


@pytest.mark.parametrize("version", [len(MIGRATIONS) + 1, -1])
def test_a_version_that_is_not_known_is_refused_with_the_next_step(
    connection: sqlite3.Connection, version: int
) -> None:
    connection.execute(f"PRAGMA user_version = {version}")
    with pytest.raises(UsageError, match="written by a newer exarp") as caught:
        migrate(connection, "w/store.db")
    assert caught.value.exit_code == ExitCode.USAGE
    assert caught.value.problems[0].slug == "store-newer"
    assert "update exarp" in caught.value.problems[0].next
    assert tables(connection) == set()


def test_a_step_that_another_process_takes_first_is_not_taken_twice(tmp_path: Path) -> None:
    steps = [["CREATE TABLE one (x)"]]
    slow = sqlite3.connect(tmp_path / "store.db", isolation_level=None)
    quick = sqlite3.connect(tmp_path / "store.db", isolation_level=None)
    slow.set_trace_callback(lambda sql: migrate(quick, "store.db", steps) if sql.startswith("BEGIN") else None)
    migrate(slow, "store.db", steps)
    assert (version_of(slow), tables(slow)) == (1, {"one"})
    slow.close()
    quick.close()


def test_a_missing_table_is_noticed(connection: sqlite3.Connection) -> None:
    migrate(connection, "store.db")
    connection.execute("DROP TABLE file")
    with pytest.raises(sqlite3.OperationalError, match="no such table"):
        probe(connection)


def test_every_place_of_a_run_lies_after_those_of_earlier_runs() -> None:
    assert first_place(3) + 2**32 - 1 < first_place(4)
    assert first_place(2**31 - 1) + 2**32 - 1 < 2**63
