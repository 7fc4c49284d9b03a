"""Changes in real folders, told by the system."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from time import monotonic

import pytest

from exarp.errors import UsageError
from exarp.workspace.notices import Notices

PATIENCE = 20.0


def until_told(notices: Notices, *paths: Path) -> set[str]:
    """Everything that is told until all of ``paths`` are."""
    found: set[str] = set()
    until = monotonic() + PATIENCE
    while not found.issuperset(map(str, paths)):
        assert monotonic() < until, found
        found |= notices.take_all()
    return found


def renamed(path: Path) -> None:
    """As many editors save."""
    aside = path.with_name("aside")
    aside.write_text("new")
    os.replace(aside, path)


@pytest.mark.parametrize(
    "change", [lambda p: p.write_text("more"), renamed, Path.unlink], ids=["write", "rename", "remove"]
)
def test_what_changes_in_a_folder_is_told_and_what_changes_below_it_is_not(
    change: Callable[[Path], None], tmp_path: Path
) -> None:
    file, below = tmp_path / "file", tmp_path / "sub/below"
    below.parent.mkdir()
    for path in (file, below):
        path.write_text("old")
    notices = Notices([str(tmp_path), str(tmp_path / "not-there")])
    below.write_text("new")
    change(file)
    assert str(below) not in until_told(notices, file)
    notices.close()


def test_what_changes_before_anybody_asks_is_told(tmp_path: Path) -> None:
    notices = Notices([str(tmp_path)])
    (tmp_path / "a").write_text("")
    (tmp_path / "b").write_text("")
    until_told(notices, tmp_path / "a", tmp_path / "b")
    notices.close()


def test_a_system_that_has_no_room_for_more_is_told_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> object:
        raise OSError(28, "No space left on device")
        yield

    monkeypatch.setattr("exarp.workspace.notices.watch", full)
    with pytest.raises(UsageError) as caught:
        Notices([str(tmp_path)])
    (problem,) = caught.value.problems
    assert problem.slug == "cannot-watch"
    assert "fs.inotify.max_user_watches" in (problem.next or "")
