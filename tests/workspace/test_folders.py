"""Output folders on a real file system: what is removed, and what never is."""

from __future__ import annotations

from pathlib import Path

import pytest

from exarp.workspace.folders import FolderFault, OutputFolders, seen_from, working_folder


@pytest.fixture
def folders(tmp_path: Path) -> OutputFolders:
    """Folders of a workspace whose ``out`` is exarp's."""
    made = OutputFolders(str(tmp_path), str(tmp_path / "claims"))
    made.empty("out/")
    (tmp_path / "out").mkdir()
    return made


def test_all_that_is_in_a_folder_is_removed_and_nothing_that_links_lead_to(
    folders: OutputFolders, tmp_path: Path
) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept/file").write_text("")
    (tmp_path / "out/deep/deeper").mkdir(parents=True)
    (tmp_path / "out/deep/deeper/file").write_text("")
    for link in ("out/link", "out/deep/link", "out/deep/deeper/link"):
        (tmp_path / link).symlink_to(tmp_path / "kept")
    (tmp_path / "out/deep/nowhere").symlink_to("gone")
    folders.empty("out/")
    assert list((tmp_path / "out").iterdir()) == []
    assert (tmp_path / "kept/file").exists()


def test_a_breath_is_taken_before_each_file(folders: OutputFolders, tmp_path: Path) -> None:
    (tmp_path / "out/deep").mkdir()
    for name in ("one", "deep/two", "deep/three"):
        (tmp_path / "out" / name).write_text("")
    breaths: list[int] = []
    folders.breathe = lambda: breaths.append(1)
    folders.empty("out/")
    assert len(breaths) == 3


def test_a_folder_that_holds_what_somebody_else_made_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out/mine").write_text("")
    with pytest.raises(FolderFault, match="it holds mine, which exarp did not make"):
        OutputFolders(str(tmp_path), str(tmp_path / "claims")).empty("out/")
    assert (tmp_path / "out/mine").exists()


def test_a_link_to_a_folder_is_emptied_like_one_and_is_another_one_when_it_leads_elsewhere(tmp_path: Path) -> None:
    for name in ("fresh", "full"):
        (tmp_path / "disk" / name).mkdir(parents=True)
    (tmp_path / "disk/full/mine").write_text("")
    made = OutputFolders(str(tmp_path), str(tmp_path / "claims"))
    (tmp_path / "out").symlink_to("disk/fresh")
    made.empty("out/")
    (tmp_path / "disk/fresh/stale").write_text("")
    made.empty("out/")
    assert list((tmp_path / "disk/fresh").iterdir()) == []
    (tmp_path / "out").unlink()
    (tmp_path / "out").symlink_to("disk/full")
    with pytest.raises(FolderFault, match="it holds mine"):
        made.empty("out/")
    assert (tmp_path / "disk/full/mine").exists()


def test_a_working_folder_is_where_its_link_leads(tmp_path: Path) -> None:
    root = tmp_path / "root"
    (root / "real/deep").mkdir(parents=True)
    (tmp_path / "elsewhere").mkdir()
    for name, target in (("in", "real/deep"), ("away", "../elsewhere"), ("back", ".")):
        (root / name).symlink_to(target)
    found = {cwd: working_folder(str(root), cwd) for cwd in ("", "real", "in", "away", "back")}
    assert found == {"": "", "real": "real", "in": "real/deep", "away": str(tmp_path / "elsewhere"), "back": ""}
    assert seen_from(found["in"], "a.txt", str(root)) == "../../a.txt"
    assert seen_from(found["away"], "a.txt", str(root)) == f"{root}/a.txt"
    assert seen_from(found["away"], "/a.txt", str(root)) == "/a.txt"
