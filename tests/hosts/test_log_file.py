"""The capped log: what is kept, what is left out, and how it is said."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exarp.hosts.log_file import CappedLog, SharedLog
from exarp.hosts.log_tail import ENDING, begun, complete, left_behind, write_all


def kept(data: bytes, limit: int) -> bytes:
    """What the log has to hold: head and tail, and between them a line of its own."""
    if len(data) <= limit:
        return data
    head, tail = data[: limit // 2], data[len(data) - (limit - limit // 2) :]
    note = f"[... {len(data) - limit} bytes left out ...]\n".encode()
    return head + (b"" if not head or head.endswith(b"\n") else b"\n") + note + tail


@given(st.lists(st.binary(min_size=1, max_size=40), min_size=1, max_size=20), st.integers(0, 200))
def test_head_and_tail_are_kept_however_the_output_is_cut_in_pieces(pieces: list[bytes], limit: int) -> None:
    data = b"".join(pieces)
    with TemporaryDirectory() as folder:
        log = CappedLog(os.path.join(folder, "log"), limit)
        for piece in pieces:
            log.write(piece)
        assert log.close() == max(0, len(data) - limit)
        assert Path(log.path).read_bytes() == kept(data, limit)
        assert os.listdir(folder) == ["log"]
        assert log.fault == ""


def test_a_tail_of_several_megabytes_is_appended_whole(tmp_path: Path) -> None:
    log = CappedLog(str(tmp_path / "log"), 5_000_001)
    data = bytes(range(256)) * 30_000
    for start in range(0, len(data), 65536):
        log.write(data[start : start + 65536])
    assert log.close() == len(data) - 5_000_001
    assert (tmp_path / "log").read_bytes() == kept(data, 5_000_001)


def test_what_a_log_has_already_stays_and_does_not_count(tmp_path: Path) -> None:
    path = tmp_path / "log"
    for text in (b"first\n", b"second\n"):
        log = CappedLog(str(path), 10, append=True)
        log.write(text)
        log.close()

    assert path.read_bytes() == b"first\nsecond\n"


def test_nothing_is_created_where_nothing_is_written(tmp_path: Path) -> None:
    log = CappedLog(str(tmp_path / "log"), 100)
    assert log.close() == 0
    assert not log.exists
    assert os.listdir(tmp_path) == []


def test_a_link_in_the_place_of_the_log_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text("precious")
    (tmp_path / "log").symlink_to(tmp_path / "elsewhere")
    log = CappedLog(str(tmp_path / "log"), 100)
    log.write(b"x")
    log.close()
    assert "is not complete" in log.fault
    assert (tmp_path / "elsewhere").read_text() == "precious"


def test_a_fault_while_the_tail_is_kept_leaves_the_head_and_drops_the_rest(tmp_path: Path) -> None:
    (tmp_path / "log.tail").mkdir()
    log = CappedLog(str(tmp_path / "log"), 4)
    log.write(b"abcdef")
    log.write(b"ghi")
    log.close()
    assert log.fault == f"the log {tmp_path}/log is not complete: Is a directory"
    assert (tmp_path / "log").read_bytes() == b"ab"


def test_a_shared_log_gives_what_is_new(tmp_path: Path) -> None:
    log = SharedLog(str(tmp_path / "log"))
    write_all(log.file, b"one")
    assert b"".join(log.read()) == b"one"
    assert b"".join(log.read()) == b""
    write_all(log.file, b"two")
    assert b"".join(log.read()) == b"two"
    assert log.close(keep=False)
    assert (tmp_path / "log").read_bytes() == b"onetwo"


def test_a_shared_log_that_was_truncated_is_read_from_its_new_beginning(tmp_path: Path) -> None:
    log = SharedLog(str(tmp_path / "log"))
    write_all(log.file, b"a long line\n")
    assert b"".join(log.read()) == b"a long line\n"
    (tmp_path / "log").write_bytes(b"short\n")
    assert b"".join(log.read()) == b"short\n"
    assert log.close(keep=False)


def test_reading_a_shared_log_ends_although_somebody_goes_on_writing(tmp_path: Path) -> None:
    log = SharedLog(str(tmp_path / "log"))
    write_all(log.file, b"x" * 100_000)
    read = 0
    for chunk in log.read():
        read += len(chunk)
        write_all(log.file, chunk)
    assert 100_000 <= read <= 200_000
    assert log.close(keep=False)


@pytest.mark.parametrize("keep", [True, False])
def test_an_empty_shared_log_is_removed_unless_somebody_may_write_to_it(tmp_path: Path, keep: bool) -> None:
    log = SharedLog(str(tmp_path / "log"))
    assert log.close(keep=keep) is keep
    assert (tmp_path / "log").exists() is keep


WRITE = """
import os, sys
from exarp.hosts.log_file import CappedLog
log = CappedLog(sys.argv[1], int(sys.argv[2]))
for piece in eval(sys.stdin.read()):
    log.write(piece)
os.kill(os.getpid(), 9)
"""


@pytest.mark.parametrize("limit", [1, 100, 1_000_001])
def test_head_and_tail_are_kept_of_a_log_whose_writer_is_killed(tmp_path: Path, limit: int) -> None:
    path = tmp_path / "log"
    pieces = [bytes([97 + number % 26]) * (number * 700 % 65000 + 1) + b"\n" for number in range(100)]
    words = [sys.executable, "-c", WRITE, str(path), str(limit)]
    killed = subprocess.run(words, input=repr(pieces).encode(), check=False)
    assert killed.returncode == -9

    data = b"".join(pieces)
    whole = kept(data, limit)
    assert path.read_bytes() + left_behind(str(path)) == whole
    complete(str(path))
    assert path.read_bytes() == whole
    assert left_behind(str(path)) == b""
    assert os.listdir(tmp_path) == ["log"]
    complete(str(path))
    assert path.read_bytes() == whole


@given(st.lists(st.binary(min_size=1, max_size=40), min_size=1, max_size=20), st.integers(1, 100), st.data())
def test_a_tail_tells_what_it_has_at_every_moment(pieces: list[bytes], limit: int, data: st.DataObject) -> None:
    """Whoever is killed between the piece and the head that tells of it has lost that piece, and nothing else."""
    with TemporaryDirectory() as folder, patch("exarp.hosts.log_tail._PIECE", 8):
        path = os.path.join(folder, "log")
        log = CappedLog(path, limit)
        count = data.draw(st.integers(1, len(pieces)))
        for piece in pieces[: count - 1]:
            log.write(piece)
        writes = data.draw(st.integers(0, 12))

        def killing(fd: int, data: bytes, offset: int | None = None) -> None:
            nonlocal writes
            if not writes:
                raise Killed
            writes -= 1
            write_all(fd, data, offset)

        with patch("exarp.hosts.log_tail.write_all", killing), suppress(Killed):
            log.write(pieces[count - 1])
        found = Path(path).read_bytes() + left_behind(path)
        log.close()
    before, after = b"".join(pieces[: count - 1]), b"".join(pieces[:count])
    assert found in {kept(after[:length], limit) for length in range(len(before), len(after) + 1)}


def test_who_is_killed_while_a_tail_is_put_behind_its_log_changes_nothing(tmp_path: Path) -> None:
    path = str(tmp_path / "log")
    (tmp_path / "log").write_bytes(b"head")
    tail = begun(path, 5, 4)
    tail.write(b"0123456789")
    tail.close()
    (tmp_path / "log").write_bytes(b"head\n[... 5 bytes left out ...]\n56")
    complete(path)
    assert (tmp_path / "log").read_bytes() == b"head\n[... 5 bytes left out ...]\n56789"
    assert not os.path.exists(path + ENDING)


class Killed(Exception):
    """Instead of a write."""
