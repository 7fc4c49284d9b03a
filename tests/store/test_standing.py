"""Notes of who keeps which services up."""

from __future__ import annotations

from pathlib import Path

from exarp.store.holder import Holder
from exarp.store.standing import StandingNote, StandingService, notes, write_note


def test_each_process_has_a_note_of_its_own_and_what_is_none_is_left_out(tmp_path: Path) -> None:
    (tmp_path / ".exarp").mkdir()
    assert list(notes(str(tmp_path))) == []
    one = StandingNote(Holder(7), (StandingService("db", "1", b"\x00\xff", b""),))
    two = StandingNote(Holder(12), (StandingService("api", "2", b"", b""), StandingService("db@a", "3", b"", b"")))
    for note in (two, one):
        write_note(str(tmp_path), note)
    folder = tmp_path / ".exarp/standing"
    (folder / "9").write_bytes(b"no note \xff")
    (folder / "7.new").write_bytes(b"")
    assert list(notes(str(tmp_path))) == [one, two]
    (folder / "9").unlink()
    (folder / "7.new").unlink()
    for note in (one, two, two):
        write_note(str(tmp_path), StandingNote(note.holder, ()))
    assert not folder.exists()


def test_a_note_that_cannot_be_written_is_none(tmp_path: Path) -> None:
    (tmp_path / ".exarp").mkdir()
    (tmp_path / ".exarp/standing").write_text("")
    write_note(str(tmp_path), StandingNote(Holder(7), (StandingService("db", "1", b"", b""),)))
    assert list(notes(str(tmp_path))) == []
