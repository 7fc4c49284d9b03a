"""What every artifact store does, the one in a folder and the one in memory alike."""

from __future__ import annotations

from pathlib import Path

import pytest
from blake3 import blake3

from exarp.app.ports import ArtifactStore
from exarp.model.artifact import FILE, Artifact, Piece
from exarp.workspace.artifacts.in_memory import MemoryStore
from exarp.workspace.artifacts.store import FolderStore

KEY, OTHER = blake3(b"key").digest(), blake3(b"other").digest()
LARGE = b"large" * 500_000


@pytest.fixture(params=["folder", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ArtifactStore:
    return FolderStore(f"{tmp_path}/store", 1 << 30) if request.param == "folder" else MemoryStore()


def made(tmp_path: Path, data: bytes, name: str = "made") -> tuple[Artifact, dict[bytes, str]]:
    """An artifact of one large file, and where that is."""
    path = tmp_path / name
    path.write_bytes(data)
    digest = blake3(data).digest()
    return Artifact({"out": digest}, {}, (Piece("out", FILE | 0o755, digest),), task="t"), {digest: str(path)}


def test_what_is_kept_is_found(store: ArtifactStore) -> None:
    small = Artifact(
        {"out": b"1"}, {}, (Piece("out", FILE | 0o644, b"1", b"text"),), Piece("", FILE, b"", b"said"), 7, "t"
    )
    assert store.find(KEY) == ()
    assert store.keep(KEY, small, {})
    assert store.find(KEY) == (small,)
    assert store.find(OTHER) == ()
    store.forget(KEY)
    store.forget(KEY)
    assert store.find(KEY) == ()
    store.close()
    assert store.faults == []


def test_the_newest_takes_the_place_of_what_read_the_same(store: ArtifactStore) -> None:
    one, two = Artifact({"out": b"1"}, {"a.h": b"1"}), Artifact({"out": b"2"}, {"a.h": b"2"})
    newer = Artifact({"out": b"3"}, {"a.h": b"1"})
    for artifact in (one, two, newer):
        assert store.keep(KEY, artifact, {})
    assert store.find(KEY) == (newer, two)


def test_what_needs_contributed_tells_artifacts_apart_where_nothing_else_was_read(store: ArtifactStore) -> None:
    one, two = Artifact({"out": b"1"}, {}, needs=(b"1",)), Artifact({"out": b"2"}, {}, needs=(b"2",))
    newer = Artifact({"out": b"3"}, {}, needs=(b"1",))
    for artifact in (one, two, newer):
        assert store.keep(KEY, artifact, {})
    assert store.find(KEY) == (newer, two)


def test_a_content_comes_back_as_it_was(store: ArtifactStore, tmp_path: Path) -> None:
    artifact, files = made(tmp_path, LARGE)
    assert store.keep(KEY, artifact, files)
    # Whoever writes to its output does not write into the store.
    (tmp_path / "made").write_bytes(b"")
    (digest,) = artifact.blobs
    assert store.bring(digest, 0o750, f"{tmp_path}/back")
    assert (tmp_path / "back").read_bytes() == LARGE
    assert (tmp_path / "back").stat().st_mode & 0o777 == 0o750
    (tmp_path / "back").write_bytes(b"changed in place")
    assert store.bring(digest, 0o640, f"{tmp_path}/again")
    assert (tmp_path / "again").read_bytes() == LARGE


def test_a_file_that_changed_meanwhile_is_not_kept(store: ArtifactStore, tmp_path: Path) -> None:
    artifact, files = made(tmp_path, LARGE)
    (tmp_path / "made").write_bytes(b"changed")
    assert not store.keep(KEY, artifact, files)
    assert store.find(KEY) == ()
    (tmp_path / "made").unlink()
    assert not store.keep(KEY, artifact, files)
    assert store.find(KEY) == ()
    assert store.faults == []


def test_what_is_not_there_is_not_brought(store: ArtifactStore, tmp_path: Path) -> None:
    assert not store.bring(blake3(b"no such content").digest(), 0o644, f"{tmp_path}/back")
    assert not (tmp_path / "back").exists()
    assert store.faults == []


def damage(store: ArtifactStore, tmp_path: Path) -> None:
    if isinstance(store, MemoryStore):
        store.damage()
    for path in (tmp_path / "store").rglob("blobs/*/*"):
        data = bytearray(path.read_bytes())
        data[1000] ^= 1
        path.write_bytes(data)


def test_a_damaged_content_is_not_brought_and_is_made_anew(store: ArtifactStore, tmp_path: Path) -> None:
    artifact, files = made(tmp_path, LARGE)
    other, more = made(tmp_path, LARGE * 2, "other")
    assert store.keep(KEY, artifact, files)
    assert store.keep(OTHER, other, more)
    damage(store, tmp_path)
    for digest in (*artifact.blobs, *other.blobs):
        assert not store.bring(digest, 0o644, f"{tmp_path}/back")
        assert not (tmp_path / "back").exists()
    assert len(store.faults) == 1, "it is said once"
    assert store.keep(KEY, artifact, files)
    assert store.bring(artifact.blobs[0], 0o644, f"{tmp_path}/back")
    assert (tmp_path / "back").read_bytes() == LARGE


class BrokenOff(Exception):
    """Whoever waited has gone."""


def test_what_is_broken_off_leaves_nothing(tmp_path: Path) -> None:
    store = FolderStore(f"{tmp_path}/store", 1 << 30)
    artifact, files = made(tmp_path, LARGE)

    def breathe() -> None:
        raise BrokenOff

    store.breathe = breathe
    with pytest.raises(BrokenOff):
        store.keep(KEY, artifact, files)
    assert [path for path in (tmp_path / "store").rglob("*") if path.is_file() and path.name != "CACHEDIR.TAG"] == []
    store.breathe = lambda: None
    assert store.keep(KEY, artifact, files)
    store.breathe = breathe
    with pytest.raises(BrokenOff):
        store.bring(artifact.blobs[0], 0o644, f"{tmp_path}/back")
    assert not (tmp_path / "back").exists()


def test_a_store_that_cannot_be_written_says_so_once(tmp_path: Path) -> None:
    (tmp_path / "store").write_text("no folder")
    store = FolderStore(f"{tmp_path}/store", 1 << 30)
    for _ in range(3):
        assert not store.keep(KEY, Artifact({}, {}), {})
    assert store.faults == [f"the artifact store {tmp_path}/store: it cannot be written: Not a directory"]
    assert store.find(KEY) == ()


@pytest.mark.parametrize("change", [lambda data: data[:-1], lambda data: b"", lambda data: b"x" + data[1:]])
def test_a_damaged_entry_is_a_miss(tmp_path: Path, change: object) -> None:
    assert callable(change)
    store = FolderStore(f"{tmp_path}/store", 1 << 30)
    store.keep(KEY, Artifact({"out": b"1"}, {}), {})
    (entry,) = (tmp_path / "store").rglob("entries/*/*")
    entry.write_bytes(change(entry.read_bytes()))
    assert store.find(KEY) == ()
    assert store.keep(KEY, Artifact({"out": b"1"}, {}), {})
    assert store.find(KEY) != ()


def test_the_entry_of_another_key_is_none_of_this_one(tmp_path: Path) -> None:
    store = FolderStore(f"{tmp_path}/store", 1 << 30)
    store.keep(KEY, Artifact({"out": b"1"}, {}), {})
    store.keep(OTHER, Artifact({"out": b"2"}, {}), {})
    one, other = (tmp_path / "store").rglob("entries/*/*")
    other.write_bytes(one.read_bytes())
    assert len(store.find(KEY)) + len(store.find(OTHER)) == 1


def test_nobody_else_looks_into_a_store(tmp_path: Path) -> None:
    store = FolderStore(f"{tmp_path}/store", 1 << 30)
    artifact, files = made(tmp_path, LARGE)
    store.keep(KEY, artifact, files)
    for path in (tmp_path / "store").rglob("*"):
        assert path.stat().st_mode & 0o777 == (0o700 if path.is_dir() else 0o600)
