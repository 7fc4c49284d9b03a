"""Taking and giving way within one process: two connections stand for two processes."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from exarp.app.holding import Asker, HeldError, Holding, Wants, hold
from exarp.app.wiring import lives
from exarp.errors import BusyError
from exarp.hosts.process_tree import identity
from exarp.planning.claims import Claim
from exarp.store.database import open_for_writing
from exarp.store.holder import Holder
from exarp.store.holders import Holders
from exarp.store.state_folder import StateFolder

Taker = Callable[..., Holding]


@pytest.fixture
def folder(tmp_path: Path) -> StateFolder:
    made = StateFolder(str(tmp_path))
    made.prepare()
    return made


@pytest.fixture
def taken(folder: StateFolder) -> Iterator[Taker]:
    """Takes what is wanted for a process (by default one that lives and is not above this one), without waiting."""
    other = subprocess.Popen(["sleep", "600"])
    databases = []

    def take(wants: Wants, inside: Mapping[str, str] = {}, notes: list[str] | None = None) -> Holding:
        database = open_for_writing(folder.database)
        databases.append(database)
        holder = Holder(other.pid, "", ("exarp",), identity(other.pid) or "")
        said = notes if notes is not None else []
        found = hold(folder, database, Asker(holder, inside, False, lives, said.append), wants)
        assert found is not None
        return found

    yield take
    for database in databases:
        database.close()
    other.kill()
    other.wait()


def runs(*claims: Claim) -> Wants:
    return Wants(claims, is_run=True)


def test_who_takes_something_is_alone_until_anybody_comes(taken: Taker) -> None:
    with taken(runs(Claim("a"))) as first:
        assert first.is_alone()
        with taken(runs(Claim("b"))) as second:
            assert (first.run, second.run, first.others()) == ("1", "2", {"2"})
        # Also when they are gone.
        assert (first.is_alone(), second.is_alone(), first.others()) == (False, False, set())
    with taken(runs(Claim("a"))) as third:
        assert third.is_alone()


def test_all_is_taken_or_nothing(taken: Taker) -> None:
    with taken(runs(Claim("a"))):
        with pytest.raises(HeldError, match="another run has task a"):
            taken(runs(Claim("b"), Claim("a")))
        taken(runs(Claim("b"))).close()


def test_who_wants_the_workspace_alone_gives_way_to_everybody_and_everybody_to_them(taken: Taker) -> None:
    with taken(runs(Claim("a"))), pytest.raises(HeldError, match="another run is at work here"):
        taken(Wants(whole=True))
    with taken(Wants(whole=True)):
        with pytest.raises(HeldError, match="another run is at work here"):
            taken(runs(Claim("a")))
        taken(Wants()).close()


def test_what_is_up_to_date_is_only_relied_on_where_somebody_is_in_the_way_and_taken_when_it_has_to_be(
    taken: Taker,
) -> None:
    common = Claim("common", reads=("src",), writes=("out",))
    with taken(runs(Claim("back", reads=("out",), writes=("back",)))) as back:
        wants = Wants((common, Claim("front", reads=("out",))), is_run=True, settled=lambda database: {"common"})
        with taken(wants) as front:
            assert front.is_less
            assert (front.take("front"), front.take("unknown")) == ("", "")
            assert "exarp" in front.take("common")
            back.close()
            assert front.take("common") == ""
            with pytest.raises(HeldError, match="has task common"):
                taken(runs(common))


def test_a_task_does_not_wait_for_its_own_run_but_may_use_its_files(taken: Taker) -> None:
    with taken(runs(Claim("outer", writes=("out/",), mutex=("m",)), Claim("later"))):
        inside = {"1": "outer"}
        taken(runs(Claim("part", writes=("out/part",), mutex=("m",))), inside).close()
        for name in ("outer", "later"):
            with pytest.raises(BusyError, match="run 1 of exarp, of which this is a task, has task") as caught:
                taken(runs(Claim(name)), inside)
            assert caught.value.problems[0].slug == "inside-a-run"


def test_who_let_go_without_being_able_to_say_so_is_in_nobody_s_way_and_keeps_what_it_runs(
    folder: StateFolder, taken: Taker
) -> None:
    kept = subprocess.Popen(["sleep", "600"], env={**os.environ, "EXARP_ATTEMPT": "me.1/2"})
    try:
        with open_for_writing(folder.database) as database:
            me = Holder(os.getpid(), process=identity(os.getpid()) or "", mark="me.")
            row = Holders(database).add(me, b'[[["a"]],false]', True)
            # Its file is there, and nobody has it locked.
            os.makedirs(folder.running)
            Path(folder.running, f"{me.pid}-{row.number}").touch()
        notes: list[str] = []
        taken(runs(Claim("a")), notes=notes).close()
        assert (notes, kept.poll()) == ([], None)
    finally:
        kept.kill()
        kept.wait()
