"""The scripted host: what only it can do."""

from __future__ import annotations

import signal

import pytest

from exarp.hosts.scripted import Act, ScriptedHost
from exarp.model.launch import Exited, Output, Signalled

from .processes import MakeLaunch, endings, exits, history


def test_time_passes_to_what_comes_next_and_no_further(launch: MakeLaunch) -> None:
    host = ScriptedHost({"slow": Act(seconds=5.0), "fast": Act(seconds=1.0)})
    host.start(launch("x", label="slow"))
    host.start(launch("x", label="fast"))
    assert [event.key for event in host.wait(None)] == [2]
    assert host.now == 1.0
    assert host.wait(2.0) == []
    assert host.now == 3.0
    assert host.wait(None) == [Exited(1, 0, None, 5.0, logged=False)]


def test_a_ticked_clock_makes_things_due(launch: MakeLaunch) -> None:
    host = ScriptedHost({"slow": Act(seconds=5.0)})
    host.start(launch("x", label="slow"))
    host.tick(4.9)
    assert host.wait(0) == []
    host.tick(0.1)
    assert endings(host.wait(0)) == [(0, None)]


def test_acts_of_a_label_are_played_one_after_the_other_and_the_last_repeats(launch: MakeLaunch) -> None:
    host = ScriptedHost({"flaky": (Act(status=1), Act(status=2), Act(status=0))})
    for _ in range(4):
        host.start(launch("x", label="flaky"))
    assert [exited.status for exited in exits(host, 1, 2, 3, 4).values()] == [1, 2, 0, 0]


def test_ending_takes_the_graces_that_the_act_survives(launch: MakeLaunch) -> None:
    host = ScriptedHost({"t": Act(seconds=None, survives=1)}, grace=2.0)
    host.start(launch("x", label="t"))
    host.end(1)
    assert history(host, 1) == [Exited(1, None, signal.SIGTERM, 2.0, logged=False, early=True)]
    assert host.ends == [(1, False)]


def test_an_act_may_be_over_before_the_signal_that_would_end_it(launch: MakeLaunch) -> None:
    host = ScriptedHost({"t": Act(seconds=1.0, status=4, survives=2)}, grace=2.0)
    host.start(launch("x", label="t"))
    host.end(1)
    assert history(host, 1) == [Exited(1, 4, None, 1.0, logged=False)]


def test_logs_and_launches_are_kept_in_memory(launch: MakeLaunch) -> None:
    host = ScriptedHost({"t": Act(output=(b"a", b"b"), ended=("server",))})
    told = launch("x", label="t", log_limit=1)
    host.start(told)
    assert host.wait(None) == [
        Output(1, b"a"),
        Output(1, b"b"),
        Exited(1, 0, None, 0.0, True, cut=1, ended=("server",)),
    ]
    assert host.logs == {told.log: b"ab"}
    assert host.launches == [told]


def test_a_signal_to_exarp_is_told(launch: MakeLaunch) -> None:
    host = ScriptedHost()
    host.signal(signal.SIGINT)
    assert host.wait(None) == [Signalled(signal.SIGINT)]


def test_waiting_for_what_cannot_happen_is_an_error_instead_of_a_hang(launch: MakeLaunch) -> None:
    host = ScriptedHost({"t": Act(seconds=None)})
    host.start(launch("x", label="t"))
    with pytest.raises(RuntimeError, match="nothing is planned"):
        host.wait(None)


def test_what_was_planned_before_an_ending_no_longer_happens(launch: MakeLaunch) -> None:
    host = ScriptedHost({"t": (Act(seconds=10.0), Act(seconds=20.0))})
    told = launch("x", label="t")
    host.start(told)
    host.end(1)
    assert endings(history(host, 1)) == [(None, signal.SIGINT)]
    host.start(told)
    assert host.wait(None) == [Exited(1, 0, None, 20.0, logged=False)]
    with pytest.raises(RuntimeError, match="nothing is planned"):
        host.wait(None)


def test_nothing_is_waited_for_once_all_was_ended(launch: MakeLaunch) -> None:
    host = ScriptedHost({"t": Act(seconds=10.0)})
    host.start(launch("x", label="t"))
    host.end(1)
    assert endings(host.wait(None)) == [(None, signal.SIGINT)]
    with pytest.raises(RuntimeError, match="nothing is planned"):
        host.wait(None)
