"""What becomes of services while nothing runs, on a host that only plays."""

from __future__ import annotations

import os
import signal

import pytest

from exarp.app.watching.standing import Kept, Standing
from exarp.hosts.idling import Idling
from exarp.hosts.scripted import Act, ScriptedHost
from exarp.model.event import FreshnessReason
from exarp.model.launch import Launch
from exarp.model.task import Service
from exarp.planning.freshness import Record


class Listener:
    def __init__(self) -> None:
        self.told: list[str] = []

    def printed(self, service: str, data: bytes) -> None:
        self.told.append(f"{service}: {data.decode()}")

    def stopped(self, service: str, reason: FreshnessReason) -> None:
        self.told.append(f"{service} stopped {reason.subject}")

    def ends(self, services: int) -> None:
        self.told.append(f"ends {services}")


class Stage:
    """Services by name, each with those that it uses; their keys count from 1."""

    def __init__(self, acts: dict[str, Act], **uses: tuple[str, ...]) -> None:
        self.host = ScriptedHost({name: acts.get(name, Act(seconds=None)) for name in uses})
        self.listener = Listener()
        self.standing = Standing(self.listener)
        record = Record(b"", {}, {}, {})
        kept = []
        for key, (name, used) in enumerate(uses.items(), 1):
            self.host.start(Launch(key, name, ((name,),), {}, "/"))
            log = f"{name}.log"
            kept.append(Kept(name, key, "1", f"/{log}", log, record, Service(), (), used))
        assert self.standing.leave(self.host, kept, len(kept), ()) == ()

    @property
    def ends(self) -> list[tuple[int, bool]]:
        return self.host.ends


def test_what_services_print_and_how_they_end_between_runs_is_told_and_the_end_to_the_next_run() -> None:
    stage = Stage({"db": Act(output=(b"hi",), status=3, seconds=5.0)}, db=(), api=())
    with stage.standing.idling() as pause:
        assert pause(7.0) is None
    assert stage.listener.told == ["db: hi", "db stopped exit 3"]
    assert len(stage.standing) == 1
    [lost] = stage.standing.take_lost()
    assert (lost.task, lost.reason, lost.started_in, lost.exit_status, lost.duration_ms) == (
        "db", FreshnessReason("service-ended", "exit 3"), "1", 3, 5000,
    )  # fmt: skip
    assert stage.standing.take_lost() == []


def test_a_signal_ends_the_wait_and_a_stop_is_carried_out() -> None:
    stage = Stage({}, db=())
    with stage.standing.idling() as pause:
        stage.host.pause = 3.0
        stage.host.signal(signal.SIGTSTP)
        stage.host.signal(signal.SIGHUP)
        assert pause(60.0) == signal.SIGHUP
    assert stage.host.now == 3.0


def test_what_nobody_wants_is_ended_and_who_uses_it_first() -> None:
    stage = Stage({}, db=(), api=("db",), other=())
    assert stage.standing.end_all_but({"other", "new"}) is None
    assert stage.ends == [(2, False), (1, False)]
    assert [(lost.task, lost.reason.code) for lost in stage.standing.take_lost()] == [
        ("api", "not-needed"),
        ("db", "not-needed"),
    ]
    assert len(stage.standing) == 1
    assert stage.listener.told == []


def test_the_end_is_gentle_until_somebody_is_impatient() -> None:
    stage = Stage({"db": Act(seconds=None, survives=2)}, db=(), api=("db",))
    assert stage.standing.close() == ([], ())
    assert stage.ends == [(2, False), (1, False)]
    assert stage.host.now == 2 * 2.0
    assert stage.listener.told == ["ends 2"]

    stage = Stage({"db": Act(seconds=None, survives=2)}, db=())
    stage.host.signal(signal.SIGINT)
    stage.standing.close()
    assert (stage.ends, stage.host.now) == ([(1, False), (1, True)], 0.0)
    assert stage.standing.close() == ([], ())


def test_a_signal_that_comes_as_a_run_ends_is_not_lost() -> None:
    stage = Stage({}, db=())
    stage.host.signal(signal.SIGTERM)
    stage.standing.leave(stage.host, (), 1, ())
    assert stage.standing.interrupted_by == signal.SIGTERM
    with pytest.raises(KeyboardInterrupt), Idling():
        os.kill(os.getpid(), signal.SIGINT)
