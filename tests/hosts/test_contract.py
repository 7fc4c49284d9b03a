"""What every host does, the real one by each of its mechanisms and the scripted one alike."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from exarp.app.ports import LastingHost
from exarp.hosts.local import LocalHost
from exarp.hosts.mechanisms import Mechanisms
from exarp.hosts.scripted import Act, ScriptedHost
from exarp.model.launch import Exited, Output, Readable

from .processes import MakeLaunch, exits, history, output, survivors, until_dead, zombies

GRACE = 0.5

PROGRAMS = {
    "greets": ("echo hello; exit 3", Act(output=(b"hello\n",), status=3)),
    "succeeds": ("true", Act()),
    "dies": ("kill -9 $$", Act(signal=9)),
    "waits": ("exec sleep 300", Act(seconds=None)),
    "stubborn": (
        "trap '' INT TERM; echo ready; while :; do sleep 300; done",
        Act((b"ready\n",), seconds=None, survives=2),
    ),
    "tells": ("printf 'a to'; printf 'ken and'; printf ' tok'", Act(output=(b"a to", b"ken and", b" tok"))),
    "missing": ("", Act(status=127, error="no-such-program: command not found")),
}

MakeHost = Callable[[str, float], LastingHost]

HOSTS: dict[str, MakeHost] = {
    "local": lambda run, grace: LocalHost(run, grace=grace, mechanisms=Mechanisms(True, True, True)),
    "groups": lambda run, grace: LocalHost(run, grace=grace, mechanisms=Mechanisms(True, True, True, groups=True)),
    "sigchld": lambda run, grace: LocalHost(run, grace=grace, mechanisms=Mechanisms(False, True, True)),
    "not adopting": lambda run, grace: LocalHost(run, grace=grace, mechanisms=Mechanisms(True, False, True)),
    "bare": lambda run, grace: LocalHost(run, grace=grace, mechanisms=Mechanisms(False, False, False)),
    "scripted": lambda run, grace: ScriptedHost({label: act for label, (_, act) in PROGRAMS.items()}, grace=grace),
}


@pytest.fixture(params=HOSTS)
def make_host(request: pytest.FixtureRequest, marker: str) -> Iterator[MakeHost]:
    hosts: list[LastingHost] = []

    def make(run: str, grace: float) -> LastingHost:
        hosts.append(HOSTS[request.param](run, grace))
        return hosts[-1]

    yield make
    for host in hosts:
        host.close()
    assert survivors(marker) == []
    assert zombies() == []


@pytest.fixture
def any_host(make_host: MakeHost, marker: str) -> LastingHost:
    return make_host(marker, GRACE)


@pytest.fixture
def patient_host(make_host: MakeHost, marker: str) -> LastingHost:
    """A host that no test waits for to become impatient."""
    return make_host(marker, 300.0)


@pytest.fixture
def program(launch: MakeLaunch) -> MakeLaunch:
    def make(label: str, **changes: object) -> object:
        command = ("no-such-program",) if label == "missing" else PROGRAMS[label][0]
        return launch(command, label=label, **changes)

    return make


def test_output_is_told_before_the_exit_with_its_status(any_host: LastingHost, program: MakeLaunch) -> None:
    any_host.start(program("greets"))
    told = history(any_host, 1)
    assert told[:-1] == [Output(1, b"hello\n")]
    (exited,) = [event for event in told if isinstance(event, Exited)]
    assert (exited.status, exited.signal, exited.logged, exited.cut) == (3, None, True, 0)


def test_a_silent_success_has_no_log(any_host: LastingHost, program: MakeLaunch) -> None:
    any_host.start(program("succeeds"))
    told = history(any_host, 1)
    assert told == [Exited(1, 0, None, told[-1].seconds, logged=False)]


def test_death_by_a_signal_is_told_as_a_signal(any_host: LastingHost, program: MakeLaunch) -> None:
    any_host.start(program("dies"))
    exited = exits(any_host, 1)[1]
    assert (exited.status, exited.signal) == (None, 9)


def test_a_program_that_does_not_exist_is_status_127_and_start_does_not_raise(
    any_host: LastingHost, program: MakeLaunch
) -> None:
    any_host.start(program("missing"))
    exited = exits(any_host, 1)[1]
    assert (exited.status, exited.signal) == (127, None)
    assert exited.error == "no-such-program: command not found"


def test_each_of_many_attempts_is_told_to_be_over_once(any_host: LastingHost, program: MakeLaunch) -> None:
    for _ in range(20):
        any_host.start(program("succeeds"))
    told = history(any_host, *range(1, 21))
    assert sorted(event.key for event in told) == list(range(1, 21))


def test_waiting_gives_up_after_the_timeout(any_host: LastingHost, program: MakeLaunch) -> None:
    any_host.start(program("waits"))
    assert any_host.wait(0.01) == []
    assert any_host.wait(0) == []


def test_there_are_news_before_they_are_told_and_none_afterwards(any_host: LastingHost, program: MakeLaunch) -> None:
    assert not any_host.has_news()
    any_host.start(program("succeeds"))
    while not any_host.has_news():
        pass
    assert exits(any_host, 1)[1].status == 0
    assert not any_host.has_news()


def test_ending_begins_with_an_interrupt(any_host: LastingHost, program: MakeLaunch) -> None:
    any_host.start(program("waits"))
    any_host.end(1)
    exited = exits(any_host, 1)[1]
    assert (exited.status, exited.signal, exited.ended, exited.early) == (None, signal.SIGINT, (), True)


def test_what_came_to_its_end_before_it_was_told_to_did_so_by_itself(
    any_host: LastingHost, program: MakeLaunch
) -> None:
    any_host.start(program("greets"))
    until_dead()
    any_host.end(1)
    exited = exits(any_host, 1)[1]
    assert (exited.status, exited.signal, exited.early) == (3, None, False)


def test_ending_twice_or_what_is_over_or_never_was_changes_nothing(any_host: LastingHost, program: MakeLaunch) -> None:
    any_host.start(program("waits"))
    any_host.end(1)
    any_host.end(1)
    any_host.end(77)
    assert exits(any_host, 1)[1].signal == signal.SIGINT
    any_host.end(1)
    assert any_host.wait(0.01) == []


def test_who_ignores_interrupt_and_terminate_is_killed_after_two_graces(
    any_host: LastingHost, program: MakeLaunch
) -> None:
    any_host.start(program("stubborn"))
    assert output(any_host.wait(20), 1) == b"ready\n"
    any_host.end(1)
    assert any_host.wait(GRACE / 2) == []
    any_host.end(1)
    exited = exits(any_host, 1)[1]
    assert (exited.signal, exited.seconds >= 2 * GRACE) == (signal.SIGKILL, True)


def test_ending_now_kills_at_once(any_host: LastingHost, program: MakeLaunch) -> None:
    any_host.start(program("waits"))
    any_host.end(1, now=True)
    assert exits(any_host, 1)[1].signal == signal.SIGKILL


def test_an_ending_under_way_can_be_made_at_once(patient_host: LastingHost, program: MakeLaunch) -> None:
    patient_host.start(program("stubborn"))
    assert output(patient_host.wait(20), 1) == b"ready\n"
    patient_host.end(1)
    patient_host.wait(0)
    patient_host.end(1, now=True)
    assert exits(patient_host, 1)[1].signal == signal.SIGKILL


def test_the_others_go_on_while_one_is_being_ended(any_host: LastingHost, program: MakeLaunch) -> None:
    any_host.start(program("stubborn"))
    assert output(any_host.wait(20), 1) == b"ready\n"
    any_host.end(1)
    any_host.start(program("greets"))
    over = [event.key for event in history(any_host, 1, 2) if isinstance(event, Exited)]
    assert over == [2, 1]


def test_inherited_streams_are_neither_told_nor_logged(
    any_host: LastingHost, program: MakeLaunch, capfd: object
) -> None:
    any_host.start(program("greets", streams="inherited"))
    (exited,) = history(any_host, 1)
    assert isinstance(exited, Exited)
    assert (exited.status, exited.logged) == (3, False)


def test_closing_tells_what_was_running_once(any_host: LastingHost, program: MakeLaunch) -> None:
    any_host.start(program("waits"))
    any_host.wait(0.01)
    assert len(any_host.close()) == 1
    assert any_host.close() == ()


def test_a_run_can_end_without_attempts_that_go_on(any_host: LastingHost, program: MakeLaunch) -> None:
    any_host.start(program("waits"))
    any_host.start(program("stubborn"))
    assert output(any_host.wait(20), 2) == b"ready\n"
    assert len(any_host.part({1})) >= 1
    any_host.wake()
    any_host.start(program("greets"))
    assert [event.key for event in history(any_host, 3) if isinstance(event, Exited)] == [3]
    assert any_host.part({1}) == ()
    any_host.wake()
    any_host.end(1)
    assert exits(any_host, 1)[1].signal == signal.SIGINT
    assert any_host.close() == ()


def test_what_goes_on_between_runs_is_told_afterwards(any_host: LastingHost, program: MakeLaunch) -> None:
    any_host.start(program("greets"))
    any_host.start(program("waits"))
    any_host.part({1})
    until_dead()
    any_host.wake()
    told = history(any_host, 1)
    assert output(told, 1) == b"hello\n"
    assert [event.key for event in told if isinstance(event, Exited)] == [1]


def test_closing_with_nothing_running_has_nothing_to_tell(any_host: LastingHost, program: MakeLaunch) -> None:
    any_host.start(program("succeeds"))
    exits(any_host, 1)
    assert any_host.close() == ()


def test_what_is_watched_is_told_once_until_it_is_watched_again(any_host: LastingHost) -> None:
    reader, writer = os.pipe()
    for _ in range(2):
        any_host.watch(reader)
        assert any_host.wait(0) == []
        assert not any_host.has_news()
        os.write(writer, b"+")
        if isinstance(any_host, ScriptedHost):
            any_host.readable()
        assert any_host.has_news()
        assert any_host.wait(5) == [Readable()]
        assert any_host.wait(0) == []
        os.read(reader, 1)
    os.close(reader)
    os.close(writer)


def test_what_was_watched_is_not_told_after_the_run(any_host: LastingHost) -> None:
    reader, writer = os.pipe()
    any_host.watch(reader)
    any_host.part(())
    any_host.wake()
    os.write(writer, b"+")

    assert any_host.wait(0) == []
    os.close(reader)
    os.close(writer)


def test_a_key_that_is_running_cannot_be_started_again(any_host: LastingHost, program: MakeLaunch) -> None:
    launch = program("waits")
    any_host.start(launch)
    with pytest.raises(ValueError, match="running already"):
        any_host.start(launch)


def test_a_closed_host_starts_nothing(any_host: LastingHost, program: MakeLaunch) -> None:
    any_host.close()
    with pytest.raises(ValueError, match="closed"):
        any_host.start(program("succeeds"))


def test_what_is_masked_is_seen_nowhere(any_host: LastingHost, program: MakeLaunch, tmp_path: Path) -> None:
    log = str(tmp_path / "log")
    any_host.start(program("tells", log=log, masked=(b"token",)))
    told = history(any_host, 1)
    assert output(told, 1) == b"a *** and tok"
    assert [event.masked for event in told if isinstance(event, Exited)] == [True]
    kept = any_host.logs[log] if isinstance(any_host, ScriptedHost) else Path(log).read_bytes()
    assert kept == b"a *** and tok"
    any_host.start(program("greets", masked=(b"token",)))
    assert not exits(any_host, 2)[2].masked
