from __future__ import annotations

import os
import signal
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest

from exarp.errors import UsageError
from exarp.store.database import Database, open_for_writing
from exarp.store.events import EventLog
from exarp.store.holder import Holder, decoded, encoded
from exarp.store.holders import Ends, Holders
from exarp.store.presence import Presence
from exarp.store.runs import RunHistory
from exarp.store.state_folder import StateFolder

from .stream import NOON, python, said, started, task_finished, task_started, tell

ME = Holder(pid=os.getpid(), started=NOON, command=("exarp", "run", "test"), process="boot 7", mark="1.a.")

BE_THERE = """
import os, subprocess, sys
from exarp.store.presence import Presence
from exarp.store.state_folder import StateFolder
presence = Presence(StateFolder(sys.argv[1]))
descriptor = presence.take("7-1")
child = subprocess.Popen(["sleep", "600"])
print(child.pid, flush=True)
sys.stdin.readline()
presence.remove("7-1")
presence.leave(descriptor)
print("left", flush=True)
sys.stdin.readline()
child.kill()
"""


@pytest.fixture
def holders(database: Database) -> Holders:
    return Holders(database)


def test_who_takes_something_is_told_with_it_until_they_are_gone(holders: Holders) -> None:
    assert holders.rows() == []
    row = holders.add(ME, b"all", True)
    other = holders.add(Holder(2), b"nothing", False)
    assert (row.run, other.run) == ("1", "")
    assert holders.rows() == [row, other]
    assert [holders.claims(each.number) for each in (row, other)] == [b"all", b"nothing"]
    holders.replace(row.number, b"less")
    assert holders.claims(row.number) == b"less"
    holders.remove(row)
    assert holders.rows() == [other]
    assert holders.claims(row.number) is None


def test_runs_side_by_side_have_ids_of_their_own_though_none_has_begun(database: Database, holders: Holders) -> None:
    log = EventLog(database)
    log.begin(started("41"))
    first, second = holders.add(ME, b"", True), holders.add(ME, b"", True)
    assert (first.run, second.run) == ("42", "43")
    log.begin(started("43"))
    for row in (first, second):
        holders.remove(row)
    assert holders.add(ME, b"", True).run == "44"
    # The one that began and was not ended has died.
    found = RunHistory(database, lambda holder: True).find("43")
    assert found is not None
    assert found.outcome == "died"


def test_whether_anybody_came_is_known_also_when_they_are_gone(holders: Holders) -> None:
    row = holders.add(ME, b"", False)
    assert holders.is_newest(row.number)
    holders.remove(holders.add(Holder(2), b"", False))
    assert not holders.is_newest(row.number)


def test_the_tasks_of_a_run_that_have_ended_are_told_by_its_events(database: Database, holders: Holders) -> None:
    log = EventLog(database)
    row = holders.add(ME, b"", True)
    ends = Ends(database, row.run, "a")
    assert (holders.ended(row.run), ends.has_come()) == (set(), False)
    log.begin(started(row.run))
    log.append([task_started(row.run, 2), task_finished(row.run, 3, "b"), task_started(row.run, 4, "\udcff")])
    assert (holders.ended(row.run), ends.has_come()) == ({"b"}, False)
    log.append([task_finished(row.run, 5), task_finished(row.run, 6, "\udcff")])
    assert (holders.ended(row.run), ends.has_come()) == ({"a", "b", "\udcff"}, True)
    odd = Ends(database, row.run, "\udcff")
    assert odd.has_come()
    # Those of another run say nothing.
    other = holders.add(ME, b"", True)
    log.begin(started(other.run))
    assert (holders.ended(other.run), Ends(database, other.run, "a").has_come()) == (set(), False)


def test_two_processes_are_in_one_table(folder: StateFolder, holders: Holders) -> None:
    row = holders.add(ME, b"mine", False)
    with open_for_writing(folder.database) as another:
        assert Holders(another).rows() == [row]
        theirs = Holders(another).add(Holder(2), b"", True)
    assert holders.rows() == [row, theirs]


@pytest.mark.parametrize(
    "rubbish", [b"", b"\xff\xfe", b"{", b'{"pid": "x"}', b"[1]", b'{"pid":1,"command":["\\ud800"]}']
)
def test_a_holder_that_says_rubbish_is_an_unknown_process(rubbish: bytes) -> None:
    assert decoded(rubbish) in (Holder(), Holder(1, command=("\ud800",)))
    assert str(Holder()) == "an unknown process"


def test_a_holder_comes_back_as_it_was_but_for_an_endless_command() -> None:
    assert decoded(encoded(ME)) == ME
    long = decoded(encoded(Holder(1, command=("x" * 5000,) * 99)))
    assert (len(long.command), len(long.command[0])) == (40, 200)
    assert "\x1b" not in str(Holder(1, command=("\x1b[31m",)))


def test_the_holder_is_told_in_the_time_of_day_of_who_reads() -> None:
    now = datetime.now(UTC).astimezone()
    today = Holder(7, now.astimezone(UTC).isoformat(), ("exarp", "run"))
    assert str(today) == f"pid 7: exarp run, since today {now:%H:%M}"
    noon = datetime(2024, 2, 3, 12, 0).astimezone()
    assert str(Holder(7, noon.astimezone(UTC).isoformat())) == "pid 7, since 2024-02-03 12:00"


def test_who_is_there_keeps_a_file_locked_and_nobody_else_may_look_in(folder: StateFolder) -> None:
    presence = Presence(folder)
    assert (presence.names(), presence.is_held("7-1")) == ([], None)
    descriptor = presence.take("7-1")
    assert stat.S_IMODE(os.stat(folder.running).st_mode) == 0o700
    assert stat.S_IMODE(os.stat(f"{folder.running}/7-1").st_mode) == 0o600
    assert (presence.names(), presence.is_held("7-1")) == (["7-1"], True)
    presence.leave(descriptor)
    assert (presence.names(), presence.is_held("7-1")) == (["7-1"], False)
    presence.remove("7-1")
    assert (presence.names(), presence.is_held("7-1")) == ([], None)


def test_who_leaves_is_not_there_though_its_child_lives(folder: StateFolder) -> None:
    with python(BE_THERE, folder.root) as other:
        said(other)
        assert Presence(folder).is_held("7-1")
        tell(other)
        assert said(other) == "left"
        assert Presence(folder).is_held("7-1") is None
        tell(other)


def test_who_was_killed_is_not_there_though_its_child_lives(folder: StateFolder) -> None:
    with python(BE_THERE, folder.root) as other:
        child = int(said(other))
        os.kill(other.pid, signal.SIGKILL)
        other.wait()
        try:
            assert Presence(folder).is_held("7-1") is False
            # Signal 0 asks whether it lives.
            os.kill(child, 0)
        finally:
            os.kill(child, signal.SIGKILL)


def test_a_link_in_the_place_of_a_file_is_not_followed(folder: StateFolder, tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("text")
    os.mkdir(folder.running)
    os.symlink(tmp_path / "precious", f"{folder.running}/7-1")
    with pytest.raises(UsageError, match="running/7-1") as caught:
        Presence(folder).take("7-1")
    assert caught.value.problems[0].slug == "state-folder"
    assert (tmp_path / "precious").read_text() == "text"
