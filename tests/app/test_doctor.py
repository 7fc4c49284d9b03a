"""What ``doctor`` makes of a machine and of what runs left."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from exarp.app.doctor import examine_machine, size
from exarp.store.database import open_for_writing
from exarp.store.holder import Holder
from exarp.store.holders import Holders
from exarp.workspace import file_system
from exarp.workspace.file_system import FileSystem


def states(root: Path, environ: dict[str, str] | None = None, has_terminal: bool = False) -> dict[str, str]:
    """Each thing with its state and what is said of it."""
    found = examine_machine(str(root), os.environ if environ is None else environ, has_terminal)
    assert all(bool(finding.next) == (finding.state != "ok") for finding in found)
    return {finding.name: f"{finding.state}: {finding.message}" for finding in found}


def test_a_sound_machine_has_nothing_that_keeps_exarp_from_working(tmp_path: Path) -> None:
    found = states(tmp_path)
    assert [name for name, said in found.items() if said.startswith("error")] == []
    assert found["state"] == "ok: none yet: the first run makes .exarp/"
    assert list(tmp_path.iterdir()) == []


def test_what_is_missing_is_told(tmp_path: Path) -> None:
    found = states(tmp_path, {"PATH": str(tmp_path), "TERM": "dumb"}, has_terminal=True)
    assert found["shell"].startswith("error: there is no sh in PATH")
    assert found["git"].startswith("warning: ")
    assert found["terminal"].startswith("warning: TERM is dumb")
    (tmp_path / "git").write_text("#!/bin/nothing\n")
    (tmp_path / "git").chmod(0o755)
    assert states(tmp_path, {"PATH": str(tmp_path)})["git"] == f"warning: {tmp_path}/git does not run"


def test_a_state_that_cannot_be_used_is_an_error_and_a_dead_lock_none(tmp_path: Path) -> None:
    folder = tmp_path / ".exarp"
    folder.mkdir()
    with closing(sqlite3.connect(folder / "store.db")) as database, database:
        database.execute("PRAGMA user_version = 99")
    assert "was written by a newer exarp" in states(tmp_path)["state"]
    (folder / "store.db").write_bytes(b"no database" * 100)
    assert states(tmp_path)["state"].startswith("ok: database 1.1 KiB, ")
    (folder / "store.db").unlink()
    with open_for_writing(str(folder / "store.db")) as made:
        Holders(made).add(Holder(999999999, command=("exarp", "t"), process="x"), b"", True)
    found = states(tmp_path)
    assert found["lock"] == "warning: left by pid 999999999: exarp t, which died; it keeps nobody out"


def test_a_file_system_is_the_deepest_mount_above_a_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    here = os.path.realpath(tmp_path)
    mounts = [("/", "ext4"), (here, "xfs"), (here, "nfs4"), (f"{here}/in", "tmpfs"), (f"{here}x", "vfat")]
    monkeypatch.setattr(file_system, "_mounts", lambda: iter(mounts))
    assert (FileSystem(here).kind, FileSystem(here).is_remote) == ("nfs4", True)
    assert FileSystem(f"{here}y").kind == "ext4"
    assert states(tmp_path)["file system"].startswith("warning: nfs4 is shared between machines")


@pytest.mark.parametrize(("count", "said"), [(0, "0 B"), (1023, "1023 B"), (1536, "1.5 KiB"), (3 << 40, "3.0 TiB")])
def test_sizes_are_short(count: int, said: str) -> None:
    assert size(count) == said
