from __future__ import annotations

from exarp.workspace.links import found_links


def test_links_lead_to_the_real_folder_however_they_are_nested(tmp_path):
    root = tmp_path / "root"
    (root / "real/deep").mkdir(parents=True)
    (tmp_path / "shared").mkdir()
    (root / "lnk").symlink_to("real")
    (root / "chain").symlink_to("lnk")
    (root / "real/back").symlink_to("../real/deep")
    (root / "up").symlink_to(".")
    (root / "far").symlink_to("../shared")
    (root / "later").symlink_to("made/later")
    (root / "loop").symlink_to("loop")
    (root / "file").write_text("")

    names = (
        "real",
        "lnk",
        "chain",
        "lnk/back",
        "lnk/deep",
        "up",
        "far",
        "later",
        "gone",
        "gone/x",
        "file",
        "file/x",
        ".",
    )
    found = found_links(str(root), [f"{name}/" for name in (*names, "../shared", "/tmp")])

    assert found.pop("loop", "loop") == "loop"
    assert found == {
        "lnk": "real",
        "chain": "real",
        "lnk/back": "real/deep",
        "up": "",
        "far": "../shared",
        "later": "made/later",
    }


def test_the_root_may_be_reached_through_a_link_itself(tmp_path):
    (tmp_path / "root/real").mkdir(parents=True)
    (tmp_path / "root/lnk").symlink_to(tmp_path / "root/real")
    (tmp_path / "other").symlink_to("root")

    assert found_links(str(tmp_path / "other"), ["lnk/"]) == {"lnk": "real"}


def test_nothing_is_asked_below_a_folder_that_is_not_there(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr("os.readlink", lambda path: asked.append(path) or (_ for _ in ()).throw(FileNotFoundError()))
    found_links(str(tmp_path), ["gone/", "gone/a/", "gone/a/b/", "gone/c/"])

    assert len(asked) == 1
