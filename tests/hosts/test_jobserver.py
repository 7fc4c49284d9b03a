"""Tokens of a jobserver: what all kinds of them do alike, and what is true of real pipes."""

from __future__ import annotations

import fcntl
import os
import stat
import sys
import termios
from array import array
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import msgspec
import pytest

from exarp.app.ports import Tokens
from exarp.hosts import jobserver
from exarp.hosts.jobserver import join, make_fifo, make_pipe
from exarp.hosts.local import LocalHost
from exarp.hosts.scripted import ScriptedTokens
from exarp.model.makeflags import Jobserver, jobserver_in

from .processes import MakeLaunch, exits


class Others(msgspec.Struct):
    """Who else takes tokens, or makes some up."""

    put: Callable[[int], None]
    steal: Callable[[int], None]
    count: Callable[[], int]


class Case(msgspec.Struct):
    tokens: Tokens
    others: Others


def in_pipe(descriptor: int) -> int:
    there = array("i", [0])
    fcntl.ioctl(descriptor, termios.FIONREAD, there)
    return there[0]


def by_pipe(reader: int, writer: int) -> Others:
    return Others(
        lambda count: None if os.write(writer, b"+" * count) == count else pytest.fail("full"),
        lambda count: None if len(os.read(reader, count)) == count else pytest.fail("empty"),
        lambda: in_pipe(reader),
    )


def pipe_of(tokens: Tokens) -> Others:
    named = jobserver_in(tokens.told)
    assert named is not None
    assert tokens.shared == (named.reader, named.writer)
    return by_pipe(named.reader, named.writer)


def fake(free: int, spare: int | None) -> Case:
    tokens = ScriptedTokens(free, spare)

    def add(count: int) -> None:
        tokens.free += count

    return Case(tokens, Others(add, lambda count: add(-count), lambda: tokens.free))


@pytest.fixture(params=["pipe", "nameless", "fifo", "scripted"])
def served(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Case]:
    """Tokens for four commands at once: three, beside the one that needs none."""
    if request.param == "scripted":
        yield fake(3, 3)
        return
    if request.param == "fifo":
        tokens = make_fifo(4, str(tmp_path))
        end = os.open(tmp_path / "jobserver", os.O_RDWR)
        case = Case(tokens, by_pipe(end, end))
        yield case
        os.close(end)
        tokens.close()
        return
    if request.param == "nameless":
        monkeypatch.setattr(jobserver, "_reopened", lambda descriptor: None)
    tokens = make_pipe(4)
    yield Case(tokens, pipe_of(tokens))
    with suppress(OSError):
        tokens.close()


@pytest.fixture(params=["pipe", "blocking", "fifo", "scripted"])
def joined(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Case]:
    """Three tokens that somebody else has made."""
    if request.param == "scripted":
        yield fake(3, None)
        return
    if request.param == "fifo":
        os.mkfifo(tmp_path / "theirs")
        reader = writer = os.open(tmp_path / "theirs", os.O_RDWR)
        named = Jobserver("", str(tmp_path / "theirs"))
    else:
        reader, writer = os.pipe()
        os.set_inheritable(reader, True)
        os.set_inheritable(writer, True)
        named = Jobserver("", "", reader, writer)
    os.write(writer, b"abc")
    if request.param == "blocking":
        monkeypatch.setattr(jobserver, "_reopened", lambda descriptor: None)
    tokens = join(named)
    assert tokens is not None
    yield Case(tokens, by_pipe(reader, writer))
    for end in {reader, writer}:
        os.close(end)


def taken(tokens: Tokens) -> int:
    count = 0
    while tokens.take():
        count += 1
    return count


# -- all of them -----------------------------------------------------------------------------------------------------


def test_there_are_as_many_as_commands_may_run_beside_the_first(served: Case) -> None:
    assert taken(served.tokens) == 3
    assert not served.tokens.take()


def test_what_is_given_back_others_can_take(served: Case) -> None:
    taken(served.tokens)
    served.tokens.give(2)

    assert served.others.count() == 2
    served.others.steal(1)
    assert taken(served.tokens) == 1


def test_what_others_have_is_not_there_until_they_give_it_back(served: Case) -> None:
    served.others.steal(3)
    assert not served.tokens.take()
    served.others.put(1)
    assert taken(served.tokens) == 1


def test_what_was_lost_is_made_up_for(served: Case) -> None:
    assert served.tokens.take()
    served.others.steal(2)
    served.tokens.recount()

    # The third is in hand.
    assert served.others.count() == 2
    assert taken(served.tokens) == 2


def test_what_is_too_much_is_taken_out(served: Case) -> None:
    assert served.tokens.take()
    served.others.put(40)
    served.tokens.recount()

    assert served.others.count() == 2


def test_of_what_others_made_none_is_made_up_or_thrown_away(joined: Case) -> None:
    joined.others.steal(1)
    joined.tokens.recount()
    assert joined.others.count() == 2

    joined.others.put(1)
    assert taken(joined.tokens) == 3


def test_at_the_end_all_are_given_back(joined: Case) -> None:
    assert taken(joined.tokens) == 3
    joined.tokens.give(1)
    assert joined.others.count() == 1
    joined.tokens.close()

    assert joined.others.count() == 3


# -- real pipes ------------------------------------------------------------------------------------------------------


def test_the_same_tokens_are_given_back_that_were_taken(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "theirs")
    end = os.open(tmp_path / "theirs", os.O_RDWR)
    os.write(end, b"abc")
    tokens = join(Jobserver("", str(tmp_path / "theirs")))
    assert tokens is not None
    taken(tokens)
    tokens.give(1)
    tokens.close()

    assert sorted(os.read(end, 9)) == sorted(b"abc")
    os.close(end)


def test_what_programs_inherit_waits_in_a_read_and_is_out_of_the_way() -> None:
    tokens = make_pipe(2)
    try:
        reader, writer = tokens.shared
        assert os.get_blocking(reader)
        assert os.get_blocking(writer)
        assert not os.get_blocking(tokens.descriptor)
        assert all(50 <= end < 64 for end in tokens.shared)
        # Until a host hands them on.
        assert not any(os.get_inheritable(end) for end in (*tokens.shared, tokens.descriptor))
    finally:
        tokens.close()
    for end in tokens.shared:
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(end)


def test_a_pipe_that_somebody_filled_to_the_brim_keeps_nobody_waiting() -> None:
    tokens = make_pipe(3)
    assert tokens.take()
    os.set_blocking(tokens.shared[1], False)
    with suppress(BlockingIOError):
        while True:
            os.write(tokens.shared[1], b"+" * 4096)
    tokens.give(1)
    tokens.recount()

    assert in_pipe(tokens.descriptor) == 2
    tokens.close()


def test_a_fifo_is_for_its_owner_alone_and_goes_away(tmp_path: Path) -> None:
    tokens = make_fifo(2, str(tmp_path))

    path = tmp_path / "jobserver"
    assert tokens.told == f"-j2 --jobserver-auth=fifo:{path}"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert tokens.shared == ()
    tokens.close()
    assert list(tmp_path.iterdir()) == []


def test_a_fifo_lies_elsewhere_where_its_path_would_be_more_than_one_word(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    odd = tmp_path / "my work"
    odd.mkdir()
    tokens = make_fifo(2, str(odd))

    named = jobserver_in(tokens.told)
    assert named is not None
    assert Path(named.fifo).parent.parent == tmp_path
    assert stat.S_IMODE(Path(named.fifo).parent.stat().st_mode) == 0o700
    tokens.close()
    assert list(tmp_path.iterdir()) == [odd]


def test_what_is_no_pipe_that_was_handed_to_us_is_not_joined(tmp_path: Path) -> None:
    ordinary = os.open(tmp_path / "file", os.O_RDWR | os.O_CREAT)
    reader, writer = os.pipe()
    os.set_inheritable(ordinary, True)
    try:
        assert join(Jobserver("", "", -1, -1)) is None
        assert join(Jobserver("", "", 987654, 987655)) is None
        assert join(Jobserver("", "", ordinary, ordinary)) is None
        # We have opened these ourselves.
        assert join(Jobserver("", "", reader, writer)) is None
        os.set_inheritable(reader, True)
        os.set_inheritable(writer, True)
        assert join(Jobserver("", "", writer, reader)) is None
        assert join(Jobserver("", str(tmp_path / "file"))) is None
        assert join(Jobserver("", str(tmp_path / "nothing"))) is None
        found = join(Jobserver("", "", reader, writer))
        assert found is not None
        found.close()
        # They are not ours to close.
        os.fstat(reader)
    finally:
        for end in (ordinary, reader, writer):
            os.close(end)


WRITES = "import os, sys; os.write(int(sys.argv[1]), b'+')"


@pytest.mark.parametrize("streams", ["captured", "inherited", "foreground"])
def test_only_what_shares_inherits_the_pipe(host: LocalHost, launch: MakeLaunch, streams: str) -> None:
    tokens = make_pipe(2)
    host.share(tokens.shared)
    command = (sys.executable, "-c", WRITES, str(tokens.shared[1]))
    host.start(launch(command, streams=streams, shares=True))
    assert exits(host, 1)[1].status == 0
    assert in_pipe(tokens.descriptor) == 2

    quiet = ("sh", "-c", f'exec 2>/dev/null; exec "{sys.executable}" -c "{WRITES}" {tokens.shared[1]}')
    host.start(launch(quiet, streams=streams))
    assert exits(host, 2)[2].status == 1
    assert in_pipe(tokens.descriptor) == 2
    tokens.close()
