"""Digests: of contents, with stat data sparing the reading only where that is safe."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from exarp.workspace import fingerprints
from exarp.workspace.fingerprints import MISSING, UNREADABLE, FileClock, Fingerprints, Known


def test_the_digest_is_of_the_content(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("x")
    (tmp_path / "b").write_text("x")
    (tmp_path / "c").write_text("y" * 300_000)
    prints = Fingerprints(str(tmp_path), {})
    assert prints.digest("a") == prints.digest("b") != prints.digest("c")
    assert prints.digest("gone") == MISSING
    assert prints.digest(str(tmp_path / "a")) == prints.digest("a")


def test_a_young_file_is_read_again_although_its_stat_data_are_the_same(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_text("1")
    first = Fingerprints(str(tmp_path), {})
    one = first.digest("a")
    before = path.stat()
    path.write_text("2")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    now = path.stat()
    # What a change within one tick of the clock would leave: nothing differs but the content.
    entry = first.learned["a"]._replace(ctime_ns=now.st_ctime_ns, hashed_at_ns=now.st_ctime_ns + 1)
    assert Fingerprints(str(tmp_path), {"a": entry}).digest("a") != one


def test_an_old_file_with_the_same_stat_data_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_text("1")
    found = path.stat()
    later = found.st_ctime_ns + 10_000_000_000
    entry = Known(found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino, found.st_mode, b"trusted", later)
    assert Fingerprints(str(tmp_path), {"a": entry}).digest("a") == b"trusted"
    for field, value in [("size", 2), ("mtime_ns", 1), ("ctime_ns", 1), ("inode", 1)]:
        assert Fingerprints(str(tmp_path), {"a": entry._replace(**{field: value})}).digest("a") != b"trusted"


def test_whole_second_time_stamps_are_trusted_later(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_text("1")
    os.utime(path, (1_000_000, 1_000_000))
    found = path.stat()
    coarse = found.st_mtime_ns
    entry = Known(found.st_size, coarse, coarse, found.st_ino, found.st_mode, b"trusted", coarse + 1_000_000_000)
    from exarp.workspace.fingerprints import _same

    stat = cast(
        os.stat_result,
        SimpleNamespace(st_size=found.st_size, st_mtime_ns=coarse, st_ctime_ns=coarse, st_ino=found.st_ino),
    )
    assert not _same(entry, stat)
    assert _same(entry._replace(hashed_at_ns=coarse + 3_000_000_000), stat)


def test_what_was_seen_holds_until_forgotten(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_text("1")
    prints = Fingerprints(str(tmp_path), {})
    one = prints.digest("a")
    path.write_text("two")
    assert prints.digest("a") == one
    prints.forget()
    assert prints.digest("a") != one


class Later(FileClock):
    """A clock that is so far ahead that every file is old."""

    def now(self) -> int:
        return super().now() + 10_000_000_000


class Sudden(FileClock):
    """A clock by which the file "a" beside its own was changed this very moment."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self._file = Path(path).with_name("a")

    def now(self) -> int:
        return self._file.stat().st_ctime_ns


def test_what_is_learned_is_trusted_by_the_files_own_clock(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("1")
    for clock, trusted in [(Later(str(tmp_path / "clock")), True), (Sudden(str(tmp_path / "clock")), False)]:
        prints = Fingerprints(str(tmp_path), {}, clock)
        prints.digest("a")
        clock.close()
        entry = prints.learned["a"]._replace(digest=b"trusted")
        assert (Fingerprints(str(tmp_path), {"a": entry}).digest("a") == b"trusted") is trusted
    unclocked = Fingerprints(str(tmp_path), {})
    unclocked.digest("a")
    assert unclocked.learned["a"].hashed_at_ns == 0


class Passing(Sudden):
    """At first as ``Sudden``; each time it is asked, a second has passed."""

    seconds = -1

    def now(self) -> int:
        self.seconds += 1
        return super().now() + self.seconds * 1_000_000_000


def test_a_file_that_was_young_when_hashing_began_is_not_trusted_however_long_it_took(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Passing(str(tmp_path / "clock"))
    (tmp_path / "a").write_text("1")

    def slow(path: str, size: int, breathe: object) -> bytes:
        for _ in range(10):
            clock.now()
        return b"of what has changed meanwhile", None

    monkeypatch.setattr(fingerprints, "_content_digest", slow)
    prints = Fingerprints(str(tmp_path), {}, clock)
    assert prints.digest("a") == b"of what has changed meanwhile"
    clock.close()
    monkeypatch.undo()
    assert Fingerprints(str(tmp_path), prints.learned).digest("a") != b"of what has changed meanwhile"


def test_the_files_clock_tells_before_from_after(tmp_path: Path) -> None:
    clock = FileClock(str(tmp_path / "clock"))
    prints = Fingerprints(str(tmp_path), {})
    try:
        for _ in range(50):
            (tmp_path / "before").write_text("1")
            moment = clock.now()
            assert not prints.changed_since("before", moment)
            # However coarse the stamps are, sooner or later a change has a later one.
            while clock.now() == moment:
                continue
            (tmp_path / "after").write_text("1")
            assert prints.changed_since("after", moment)
    finally:
        clock.close()
    assert prints.changed_since("gone", 0)


def test_what_changes_right_after_a_moment_is_later_unless_stamps_tick(tmp_path: Path) -> None:
    clock = FileClock(str(tmp_path / "clock"))
    prints = Fingerprints(str(tmp_path), {})
    seen = []
    for number in range(50):
        # Python's own open() looks at the file, which changes what stamp comes next.
        descriptor = os.open(tmp_path / f"{number}", os.O_WRONLY | os.O_CREAT)
        moment = clock.before_what_comes()
        os.write(descriptor, b"1")
        os.close(descriptor)
        seen.append(prints.changed_since(f"{number}", moment))
    ticks = any(clock.now() == clock.now() for _ in range(50))
    clock.close()
    assert all(seen) or ticks


def test_only_the_time_of_change_tells_when_a_file_was_changed(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_text("1")
    os.utime(path, ns=(1 << 62, 1 << 62))
    prints = Fingerprints(str(tmp_path), {})
    changed = path.stat().st_ctime_ns
    assert not prints.changed_since("a", changed + 1)
    # Within one tick nobody can tell; see ``changed_since`` for why that is no change.
    assert not prints.changed_since("a", changed)
    assert prints.changed_since("a", changed - 1)


def test_the_files_clock_goes_on_when_its_file_is_removed(tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    clock = FileClock(str(tmp_path / "own/clock"))
    shutil.rmtree(tmp_path / "own")
    (tmp_path / "a").write_text("1")
    moment = clock.now()
    clock.close()
    assert moment >= (tmp_path / "a").stat().st_ctime_ns


def test_where_no_files_clock_can_be_nothing_is_trusted(tmp_path: Path) -> None:
    clock = FileClock(str(tmp_path / "gone/clock"))
    (tmp_path / "a").write_text("1")
    prints = Fingerprints(str(tmp_path), {}, clock)
    assert prints.digest("a") == Fingerprints(str(tmp_path), {}).digest("a")
    assert prints.learned["a"].hashed_at_ns == clock.now() == 0
    clock.close()


def test_links_follow_files_and_tell_retargeted_folders_apart(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    (tmp_path / "file").write_text("x")
    (tmp_path / "link").symlink_to("file")
    (tmp_path / "folder").symlink_to("one")
    prints = Fingerprints(str(tmp_path), {})
    assert prints.digest("link") == prints.digest("file")
    before = prints.digest("folder")
    (tmp_path / "folder").unlink()
    (tmp_path / "folder").symlink_to("two")
    prints.forget()
    assert prints.digest("folder") != before


def test_what_is_not_there_and_what_cannot_be_read_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "nowhere").symlink_to("gone")
    long = "x" * 300
    prints = Fingerprints(str(tmp_path), {})
    assert prints.digest("gone") == prints.digest("file/below") == prints.digest("loop/below") == MISSING
    assert prints.digest("loop") not in (MISSING, UNREADABLE)
    assert prints.digest("nowhere") not in (MISSING, UNREADABLE)
    assert prints.digest(long) == UNREADABLE
    assert prints.complaint(long) == os.strerror(errno.ENAMETOOLONG)
    assert prints.learned.keys() == set()


def test_reading_lets_others_in_and_what_they_raise_ends_it(tmp_path: Path) -> None:
    (tmp_path / "huge").write_bytes(b"x" * 10_000_000)
    prints = Fingerprints(str(tmp_path), {})
    let_in: list[int] = []

    def stop() -> None:
        let_in.append(1)
        if len(let_in) == 5:
            raise ZeroDivisionError

    prints.breathe = stop
    with pytest.raises(ZeroDivisionError):
        prints.digest("huge")
    assert prints.learned == {}
    assert prints.digest("huge") == prints.digest("huge")
    assert len(let_in) > 50
