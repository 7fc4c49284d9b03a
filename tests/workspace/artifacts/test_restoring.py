"""What a task made, gathered and put back: as it was, each piece whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from blake3 import blake3
from hypothesis import given
from hypothesis import strategies as st

from exarp.model.artifact import FILE, Artifact, Piece
from exarp.workspace.artifacts.gathering import INLINE, Gathering, NotGathered
from exarp.workspace.artifacts.in_memory import MemoryStore
from exarp.workspace.artifacts.restoring import NotRestored, Restoring

KEY = b"key"


class Bench:
    """A workspace, a store, and another workspace that what is kept is put back into."""

    def __init__(self, path: Path) -> None:
        self.one, self.other = path / "one", path / "other"
        self.one.mkdir(parents=True)
        self.other.mkdir()
        self.store = MemoryStore()

    def gather(self, *outputs: str, depfile: str = "") -> tuple[Piece, ...]:
        """Keep what stands at the outputs; folders end in a slash."""
        record: dict[str, bytes] = {}
        for output in outputs:
            inside = sorted(
                path.relative_to(self.one).as_posix()
                for path in (self.one / output).rglob("*")
                if path.is_symlink() or not path.is_dir()
            )
            for path in [output, *inside]:
                absolute = self.one / path
                record[path] = blake3(absolute.read_bytes()).digest() if absolute.is_file() else b"folder or link"
        folders = [output for output in outputs if output.endswith("/")]
        gathered = Gathering(str(self.one), {}).gather(record, folders, depfile)
        assert self.store.keep(KEY, Artifact(record, {}, gathered.pieces), gathered.files)
        return gathered.pieces

    def restore(self, *empty: str) -> None:
        """Into the other workspace; ``empty``: output folders, which are emptied as before a run."""
        (artifact,) = self.store.find(KEY)
        restoring = Restoring(str(self.other), f"{self.other}/.exarp/aside", self.store.bring)
        drafts = restoring.fetch(artifact.pieces)
        for folder in empty:
            (self.other / folder).mkdir(parents=True, exist_ok=True)
        for piece in artifact.pieces:
            if piece.path.startswith(empty):
                continue
            (self.other / piece.path).parent.mkdir(parents=True, exist_ok=True)
        restoring.place(artifact.pieces, drafts, empty)
        assert drafts == {}
        assert list((self.other / ".exarp").rglob("aside/*")) == []

    def tree(self, root: Path) -> dict[str, object]:
        """All that is below a folder: modes, contents, where links point."""
        found: dict[str, object] = {}
        for path in sorted(root.rglob("*")):
            name = path.relative_to(root).as_posix()
            if name.startswith(".exarp"):
                continue
            what: object = "folder"
            if path.is_symlink():
                what = os.readlink(path)
            elif path.is_file():
                what = path.read_bytes()
            found[name] = (oct(path.lstat().st_mode), what)
        return found


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def fill(root: Path) -> None:
    """Files small and large, modes, an empty folder, links: to a file, to a folder, and to nothing."""
    (root / "dist/lib/empty").mkdir(parents=True)
    (root / "dist/lib/a.so.1").write_bytes(b"x" * (2 * INLINE))
    (root / "dist/lib/a.so.1").chmod(0o755)
    (root / "dist/readme").write_text("short")
    (root / "dist/readme").chmod(0o444)
    (root / "dist/nothing").write_text("")
    (root / "dist/lib/a.so").symlink_to("a.so.1")
    (root / "dist/gone").symlink_to("no/such/file")
    (root / "dist/current").symlink_to("lib")
    (root / "dist/lib/empty").chmod(0o500)
    (root / "app").write_text("app")
    (root / "app").chmod(0o750)


@pytest.mark.parametrize("empty", [("dist/",), ()])
def test_a_tree_comes_back_as_it_was(bench: Bench, empty: tuple[str, ...]) -> None:
    fill(bench.one)
    bench.gather("dist/", "app")
    bench.restore(*empty)
    assert bench.tree(bench.other) == bench.tree(bench.one)
    assert bench.tree(bench.other)["dist/lib/empty"] == (oct(0o40500), "folder")
    # Once more, over what is there.
    bench.restore()
    assert bench.tree(bench.other) == bench.tree(bench.one)


def test_what_stands_in_the_place_of_an_output_is_replaced_and_not_written_to(bench: Bench) -> None:
    (bench.one / "app").write_text("new")
    bench.gather("app")
    (bench.other / "kept").write_text("old")
    os.link(bench.other / "kept", bench.other / "app")
    with (bench.other / "app").open() as reader:
        bench.restore()
        assert reader.read() == "old", "who has it open sees one or the other, never a part"
    assert (bench.other / "app").read_text() == "new"
    assert (bench.other / "kept").read_text() == "old"


def test_a_content_that_is_not_there_leaves_everything_alone(bench: Bench) -> None:
    (bench.one / "one").write_text("small")
    (bench.one / "two").write_bytes(b"x" * 2 * INLINE)
    bench.gather("one", "two")
    bench.store.damage()
    with pytest.raises(NotRestored):
        bench.restore()
    assert bench.tree(bench.other) == {}
    assert list((bench.other / ".exarp/aside").iterdir()) == []


def test_what_a_killed_exarp_left_is_removed(bench: Bench) -> None:
    (bench.one / "app").write_text("app")
    bench.gather("app")
    (bench.other / ".exarp/aside/7").mkdir(parents=True)
    bench.restore()
    assert not (bench.other / ".exarp/aside/7").exists()
    assert (bench.other / "app").read_text() == "app"


@pytest.mark.parametrize(
    "what",
    ["pipe", "changed", "link into the workspace", "unseen", "a repository", "linked folder", "link to an input"],
)
def test_what_cannot_be_put_back_is_not_gathered(bench: Bench, what: str) -> None:
    one = bench.one
    (one / "dist").mkdir()
    record = {"dist/": b"", "dist/a": b""}
    match what:
        case "pipe":
            os.mkfifo(one / "dist/a")
        case "changed":
            (one / "dist/a").write_text("changed")
            record["dist/a"] = blake3(b"it was this").digest()
        case "link into the workspace":
            (one / "dist/a").symlink_to(one / "src")
        case "link to an input":
            (one / "in").write_text("in")
            (one / "dist/a").symlink_to("../in")
        case "unseen":
            record = {"dist/": b""}
            (one / "dist/a").write_text("nobody looked at this")
        case "a repository":
            (one / "dist/a").symlink_to("x")
            (one / "dist/.git").mkdir()
        case "linked folder":
            (one / "dist").rmdir()
            (one / "dist").symlink_to("elsewhere")
    with pytest.raises(NotGathered):
        Gathering(str(one), {}).gather(record, ["dist/"], "")


@given(st.lists(st.binary(max_size=2 * INLINE), max_size=40))
def test_small_files_are_kept_in_the_entry_as_long_as_it_stays_small(
    tmp_path_factory: pytest.TempPathFactory, contents: list[bytes]
) -> None:
    bench = Bench(tmp_path_factory.mktemp("small"))
    for number, data in enumerate(contents):
        (bench.one / str(number)).write_bytes(data)
    pieces = bench.gather(*map(str, range(len(contents))))
    assert sum(len(piece.content) for piece in pieces if piece.content is not None) <= 64 * 1024
    assert all(len(piece.content) <= INLINE for piece in pieces if piece.content is not None)
    bench.restore()
    assert bench.tree(bench.other) == bench.tree(bench.one)


def test_the_depfile_comes_back_and_is_no_output(bench: Bench) -> None:
    (bench.one / "a.o").write_text("object")
    (bench.one / "a.d").write_text("a.o: a.c a.h\n")
    assert [piece.path for piece in bench.gather("a.o", depfile="a.d")] == ["a.o", "a.d"]
    bench.restore()
    assert (bench.other / "a.d").read_text() == "a.o: a.c a.h\n"


def test_contents_that_were_read_already_are_not_read_again(bench: Bench) -> None:
    (bench.one / "a").write_text("on the disk by now")
    digest = blake3(b"as it was read").digest()
    gathered = Gathering(str(bench.one), {"a": b"as it was read"}).gather({"a": digest}, [], "")
    assert gathered.pieces[0] == Piece("a", FILE | 0o644, digest, b"as it was read")
