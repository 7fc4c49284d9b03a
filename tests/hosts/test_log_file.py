"""The capped log: what is kept, what is left out, and how it is said."""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exarp.hosts.log_file import CappedLog, SharedLog, write_all


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
