"""What somebody changed in a folder: found by stat data, whatever it was."""

from __future__ import annotations

import os
from pathlib import Path

from exarp.workspace.changes import changed, stamps


def test_new_changed_moved_and_removed_files_are_found_and_nothing_else(tmp_path: Path) -> None:
    for name in ("kept", "edited", "removed", "moved", "mode", "sub/deep/kept", ".hidden"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    (tmp_path / "link").symlink_to("kept")
    before = stamps(str(tmp_path))
    assert set(before) == {"kept", "edited", "removed", "moved", "mode", "sub/deep/kept", ".hidden", "link"}

    (tmp_path / "edited").write_text("EDITED")
    (tmp_path / "removed").unlink()
    (tmp_path / "moved").rename(tmp_path / "sub" / "moved")
    (tmp_path / "mode").chmod(0o700)
    (tmp_path / "sub" / "new").write_text("")
    (tmp_path / "link").unlink()
    (tmp_path / "link").symlink_to("edited")

    assert changed(before, stamps(str(tmp_path))) == [
        "edited", "link", "mode", "moved", "removed", "sub/moved", "sub/new",
    ]  # fmt: skip


def test_an_edit_of_the_same_size_that_hides_its_time_is_found(tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_text("one")
    before, then = stamps(str(tmp_path)), file.stat()

    file.write_text("two")
    os.utime(file, ns=(then.st_atime_ns, then.st_mtime_ns))

    assert changed(before, stamps(str(tmp_path))) == ["a"]


def test_what_is_gits_and_exarps_own_is_left_out_wherever_it_is(tmp_path: Path) -> None:
    for folder in (".git", ".exarp", "sub/.git"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "file").write_text("")

    assert stamps(str(tmp_path)) == {}


def test_a_folder_that_is_gone_or_closed_has_nothing(tmp_path: Path) -> None:
    assert stamps(str(tmp_path / "gone")) == {}
