"""What a session puts together."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from exarp.app import wiring
from exarp.app.freshness.memory import Selection
from exarp.app.wiring import Session
from exarp.hosts import boot
from exarp.model.event import PlannedRun, RunFinished, RunStarted
from exarp.workspace.fingerprints import Fingerprints

ALL = Selection(frozenset(), most=True, whole=True)


def test_what_a_session_learns_of_files_is_told_by_the_files_own_clock(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("1")
    with Session(str(tmp_path), ("exarp", "run"), {}, True, print) as session:
        session.fingerprints.digest("a")
        assert session.fingerprints.learned["a"].hashed_at_ns >= (tmp_path / "a").stat().st_ctime_ns


@pytest.mark.parametrize(("ended", "before_boot"), [(False, True), (False, False), (True, True)])
def test_after_a_power_failure_stat_data_prove_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ended: bool, before_boot: bool
) -> None:
    file = tmp_path / "a"
    file.write_text("whole")
    os.utime(file, (1, 1))
    told: list[str] = []

    def session() -> Session:
        return Session(str(tmp_path), ("exarp", "run"), {}, True, told.append)

    moment = datetime.fromtimestamp(time.time(), UTC).isoformat()
    with session() as first:
        while first.file_clock.now() < file.stat().st_ctime_ns + 50_000_000:
            pass
        first.fingerprints = Fingerprints(str(tmp_path), {}, first.file_clock)
        known = first.fingerprints.digest("a")
        first.ledger.write([RunStarted(run="1", seq=1, time=moment, plan=PlannedRun(1, (), "flow", 1), pid=1)], ())
        if ended:
            end = RunFinished(outcome="passed", exit_code=0, duration_ms=1, counts={}, run="1", seq=2, time=moment)
            first.ledger.write([end], ())

    monkeypatch.setattr(boot, "booted_at", lambda: time.time() + 5 if before_boot else time.time() - 100)
    # Two of them: the second finds what the first has left.
    for _ in range(2):
        with session() as later:
            later.recall(ALL)
            believed = later.memory.known.get("a")
    if before_boot and not ended:
        assert believed is None
        assert "the machine went down during the last run" in told[0]
    else:
        assert believed is not None
        assert believed.digest == known
        assert told == []


def test_the_machine_was_started_before_now() -> None:
    booted = boot.booted_at()
    assert booted is None or 0 < booted < time.time()


def test_what_a_run_wrote_last_before_the_machine_was_started_is_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    for file in (old, new):
        file.write_text("whole")
    os.utime(old, (1, 1))
    now = time.time()
    moment = datetime.fromtimestamp(now + 1000, UTC).isoformat()

    def session() -> Session:
        return Session(str(tmp_path), ("exarp", "run"), {}, True, print)

    with session() as first:
        first.fingerprints = Fingerprints(str(tmp_path), {}, first.file_clock)
        while first.file_clock.now() < new.stat().st_ctime_ns + 50_000_000:
            pass
        for name in ("old", "new"):
            first.fingerprints.digest(name)
        first.ledger.write([RunStarted(run="1", seq=1, time=moment, plan=PlannedRun(1, (), "flow", 1), pid=1)], ())
        end = RunFinished(outcome="passed", exit_code=0, duration_ms=1, counts={}, run="1", seq=2, time=moment)
        first.ledger.write([end], ())

    def known() -> set[str]:
        with session() as later:
            later.recall(ALL)
            return {name for name in ("old", "new") if name in later.memory.known}

    assert known() == {"old", "new"}
    # The run ended long after both were written.
    monkeypatch.setattr(wiring, "precedes_boot", lambda moment: True)
    assert known() == {"old", "new"}
    monkeypatch.setattr(wiring, "_UNWRITTEN", 2000.0)
    assert known() == set()
