"""What a session puts together."""

from __future__ import annotations

from pathlib import Path

from exarp.app.wiring import Session


def test_what_a_session_learns_of_files_is_told_by_the_files_own_clock(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("1")
    with Session(str(tmp_path), ("exarp", "run"), {}, True, print) as session:
        session.fingerprints.digest("a")
        assert session.fingerprints.learned["a"].hashed_at_ns >= (tmp_path / "a").stat().st_ctime_ns
