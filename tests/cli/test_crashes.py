"""exarp is killed, its database is damaged: what is said then, what is believed, and what runs again."""

from __future__ import annotations

import os
import sqlite3
import sys
from pathlib import Path

import pytest

from exarp.hosts.process_tree import read_process
from tests.cli.conftest import Workspace

ONE = """
    [task.one]
    inputs = ["a"]
    outputs = ["o"]
    run = "echo ran >> log; cat a > o"

    [task.two]
    inputs = ["o"]
    outputs = ["p"]
    run = "echo ran >> log; cat o > p"
"""


def built(workspace: Workspace) -> Path:
    """The database of a workspace in which all is up to date, and no index says so."""
    workspace.manifest(ONE)
    workspace.write("a", "1")
    assert workspace.exarp("run", "--all").code == 0
    (workspace.path / ".exarp/index").unlink(missing_ok=True)
    return workspace.path / ".exarp/store.db"


def runs(workspace: Workspace) -> int:
    return workspace.read("log").count("ran")


@pytest.mark.skipif(sys.platform != "linux", reason="the machine has no table of environments")
def test_an_exarp_that_is_killed_while_it_ends_orphans_leaves_them_to_the_next_one(workspace: Workspace) -> None:
    # Who says something to nobody is ended by that.
    loop = "while [ ! -e gone ]; do sleep 0.01 || :; done"
    script = f"exec 2> /dev/null; trap 'echo > asked' TERM; echo $$ > there; {loop}"
    workspace.manifest(f'[task.t]\nrun = "{script}"')
    first = workspace.start("run", "t")
    while not workspace.exists("there") or not workspace.read("there"):
        assert first.poll() is None
    first.kill()
    first.communicate()
    orphan = int(workspace.read("there"))

    try:
        workspace.manifest('[task.t]\nrun = "true"')
        second = workspace.start("run", "t")
        while not workspace.exists("asked"):
            assert second.poll() is None
        # It waits for who will not go.
        second.kill()
        second.communicate()
        assert read_process(orphan) is not None

        third = workspace.exarp("run", "t")
        assert third.code == 0
        assert f"exarp: warning: a run was killed (pid {first.pid}: exarp run t, since today " in third.err
        assert " and left sh" in third.err
        assert read_process(orphan) is None
        assert "was killed" not in workspace.exarp("run", "t").err
    finally:
        workspace.write("gone", "")


def test_a_log_that_is_too_long_keeps_its_end_when_exarp_is_killed(workspace: Workspace) -> None:
    workspace.manifest(
        """
        [settings]
        log_limit = "20KB"
        [task.t]
        run = '''
        i=0; while [ $i -lt 10000 ]; do echo "line $i"; i=$((i + 1)); done
        while [ ! -e .exarp/logs/1/t.1.log.tail -a ! -e gone ]; do sleep 0.01; done
        echo the last
        exec 1>&- 2>&-
        while [ ! -e gone ]; do sleep 0.01; done
        '''
        """
    )
    process = workspace.start("run", "t")
    tail = workspace.path / ".exarp/logs/1/t.1.log.tail"
    try:
        while not tail.exists() or b"the last" not in tail.read_bytes():
            assert process.poll() is None
        process.kill()
        process.communicate()
        before = workspace.exarp("log", "t", "-q").out
        assert before.startswith("line 0\nline 1\n")
        assert " bytes left out ...]\n" in before
        assert before.endswith("line 9998\nline 9999\nthe last\n")
        assert 20_000 < len(before) < 20_100

        workspace.manifest('[task.t]\nrun = "true"')
        assert workspace.exarp("run", "t").code == 0
        assert workspace.read(".exarp/logs/1/t.1.log") == before
        assert workspace.exarp("log", "t", "--run", "1", "-q").out == before
        assert not tail.exists()
    finally:
        workspace.write("gone", "")
        process.kill()
        process.communicate()


@pytest.mark.parametrize("how", ["cut", "garbage", "not exarp's"])
def test_a_damaged_database_is_set_aside_and_nothing_is_believed(workspace: Workspace, how: str) -> None:
    database = built(workspace)
    if how == "cut":
        os.truncate(database, 5000)
    elif how == "garbage":
        database.write_bytes(os.urandom(50_000))
    else:
        database.unlink()
        other = sqlite3.connect(database)
        other.execute("CREATE TABLE theirs (x)")
        other.close()
    damaged = database.read_bytes()

    looked = workspace.exarp("status")
    assert looked.code == 0
    assert f"warning: {database} is damaged; the next run begins a new one\n" in looked.err
    done = workspace.exarp("run", "--all")
    assert done.code == 0
    said = "it is now store.db.damaged-1. exarp begins without history, and tasks run again.\n"
    assert f"exarp: warning: {database} was damaged; {said}" in done.err
    assert runs(workspace) == 4
    assert Path(f"{database}.damaged-1").read_bytes() == damaged
    again = workspace.exarp("run", "--all")
    assert (again.code, "damaged" in again.err, runs(workspace)) == (0, False, 4)


def test_an_empty_database_is_a_new_one(workspace: Workspace) -> None:
    database = built(workspace)
    database.write_bytes(b"")
    assert workspace.exarp("run", "--all").code == 0
    assert runs(workspace) == 4


def test_a_log_of_the_database_that_is_garbage_counts_as_none(workspace: Workspace) -> None:
    database = built(workspace)
    Path(f"{database}-wal").write_bytes(os.urandom(9000))
    workspace.write("a", "2")
    assert workspace.exarp("run", "--all").code == 0
    assert (runs(workspace), workspace.read("p")) == (4, "2")


def test_damage_that_is_met_in_the_midst_of_a_run_ends_it_and_the_next_one_begins_anew(workspace: Workspace) -> None:
    tasks = "".join(
        f"[task.t{number}]\ninputs = ['a']\noutputs = ['o{number}']\nrun = 'cp a o{number}'\n" for number in range(60)
    )
    workspace.manifest(tasks)
    workspace.write("a", "1")
    assert workspace.exarp("run", "--all").code == 0
    (workspace.path / ".exarp/index").unlink(missing_ok=True)
    database = workspace.path / ".exarp/store.db"
    # The page that is written next; opening looks at the first ones.
    size = 4096
    page = database.read_bytes().rindex(b"run_finished") // size
    with open(database, "r+b") as file:
        file.seek(page * size)
        file.write(b"\xff" * 40)
    workspace.write("a", "2")

    met = workspace.exarp("run", "--all")
    assert (met.code, "Traceback" in met.err) == (2, False), met.err
    assert f"{database} is damaged: " in met.err
    assert "(store-damaged)" in met.err
    assert "run exarp again: it starts a new one" in met.err
    done = workspace.exarp("run", "--all")
    assert (done.code, "it is now store.db.damaged-1" in done.err) == (0, True)
    assert {workspace.read(f"o{number}") for number in range(60)} == {"2"}


def test_a_newer_database_is_refused_and_nothing_runs(workspace: Workspace) -> None:
    database = built(workspace)
    connection = sqlite3.connect(database)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    workspace.write("a", "2")
    refused = workspace.exarp("run", "--all")
    assert refused.code == 2
    assert "was written by a newer exarp (its schema is 99, this exarp knows " in refused.err
    assert "(store-newer)" in refused.err
    assert runs(workspace) == 2


@pytest.mark.parametrize("name", ["store.db", "index"])
def test_a_folder_in_the_place_of_a_file_of_exarps_is_named(workspace: Workspace, name: str) -> None:
    built(workspace)
    path = workspace.path / ".exarp" / name
    path.unlink(missing_ok=True)
    path.mkdir()
    refused = workspace.exarp("run", "--all")
    assert (refused.code, "(state-folder)" in refused.err) == (2, True), refused.err
    assert str(path) in refused.err
