from __future__ import annotations

import errno
import io
import os

import pytest

from exarp.views.outlet import Outlet, lead_to_the_same

from .runs import Apart, Paper


class Broken(io.RawIOBase):
    """A stream whose reader has gone, or whose disk is full."""

    def __init__(self, code: int) -> None:
        self.code = code
        self.attempts = 0

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        self.attempts += 1
        raise OSError(self.code, "no")


@pytest.fixture
def paper(tmp_path):
    paper = Paper(tmp_path)
    yield paper
    paper.close()


def test_both_streams_keep_the_order_in_which_they_were_written(paper):
    outlet = Outlet(paper.stdout, paper.stderr)
    outlet.words("one")
    outlet.output(b"two\n")
    outlet.words("three")
    outlet.output(b"four\n")
    outlet.flush()
    assert paper.read() == "one\ntwo\nthree\nfour\n"


def test_words_begin_on_a_line_of_their_own_where_both_streams_meet(paper):
    outlet = Outlet(paper.stdout, paper.stderr)
    outlet.output(b"no end")
    outlet.words("words")
    outlet.flush()
    assert paper.read() == "no end\nwords\n"


def test_nothing_is_added_to_the_output_of_one_owner():
    streams = Apart()
    outlet = Outlet(streams.stdout, streams.stderr)
    outlet.output(b"no ", "a")
    outlet.words("words")
    outlet.output(b"end", "a")
    outlet.flush()
    assert streams.output == b"no end"


def test_output_of_another_owner_begins_on_a_line_of_its_own():
    streams = Apart()
    outlet = Outlet(streams.stdout, streams.stderr)
    outlet.output(b"a", "a")
    outlet.output(b"", "b")
    outlet.output(b"b\n", "b")
    outlet.output(b"c", "c")
    assert streams.output == b"a\nb\nc"


def test_what_is_held_comes_in_order_when_it_is_released(paper):
    outlet = Outlet(paper.stdout, paper.stderr)
    outlet.hold()
    outlet.words("one")
    outlet.output(b"two")
    outlet.words("three")
    outlet.flush()
    assert paper.read() == "" and outlet.has_held
    outlet.release()
    outlet.flush()
    assert paper.read() == "one\ntwo\nthree\n" and not outlet.has_held
    outlet.release()
    outlet.words("four")
    outlet.flush()
    assert paper.read().endswith("three\nfour\n")


def test_a_reader_that_went_away_is_not_written_to_again_and_the_other_stream_goes_on():
    stdout, stderr = Broken(errno.EPIPE), io.StringIO()
    outlet = Outlet(stdout, stderr)
    outlet.output(b"a")
    outlet.words("still here")
    outlet.output(b"b")
    outlet.flush()
    assert stdout.attempts == 1
    assert stderr.getvalue() == "still here\n"
    assert outlet.fault is None


def test_a_real_pipe_without_a_reader_is_survived():
    reader, writer = os.pipe()
    os.close(reader)
    stderr = io.StringIO()
    with open(writer, "wb", buffering=0) as stdout:
        outlet = Outlet(stdout, stderr)
        outlet.output(b"a")
        outlet.words("still here")
    assert stderr.getvalue() == "still here\n"


def test_words_that_cannot_be_written_do_not_stop_the_output():
    streams = Apart()
    streams.stderr = Broken(errno.EPIPE)
    outlet = Outlet(streams.stdout, streams.stderr)
    outlet.words("lost")
    outlet.output(b"kept")
    assert streams.output == b"kept"


def test_a_full_disk_is_remembered():
    outlet = Outlet(Broken(errno.ENOSPC), io.StringIO())
    outlet.output(b"a")
    assert outlet.fault is not None and outlet.fault.errno == errno.ENOSPC


def test_streams_in_memory_lead_nowhere_in_common(paper):
    assert not lead_to_the_same(io.BytesIO(), io.StringIO())
    assert lead_to_the_same(paper.stdout, paper.stderr)
