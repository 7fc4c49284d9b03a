"""How much a store holds, what makes way in it, and what is found to be damaged; also while others write."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import IO

import pytest
from blake3 import blake3

from exarp.model.artifact import FILE, Artifact, Piece
from exarp.workspace.artifacts import upkeep
from exarp.workspace.artifacts.layout import Layout
from exarp.workspace.artifacts.store import FolderStore

SIZE = 100_000


class Bench:
    """A store of artifacts of one blob each, by number; each was used some seconds before the next."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.folder = f"{path}/store"
        self.store = FolderStore(self.folder, 1 << 30)
        self.layout = Layout(self.folder)

    def key(self, number: int) -> bytes:
        return blake3(b"key%d" % number).digest()

    def data(self, number: int) -> bytes:
        return b"%9d" % number * (SIZE // 9)

    def keep(self, number: int, age: float = 0.0) -> None:
        file = self.path / f"made{number}"
        file.write_bytes(self.data(number))
        digest = blake3(self.data(number)).digest()
        artifact = Artifact({"out": digest}, {}, (Piece("out", FILE | 0o644, digest),))
        assert self.store.keep(self.key(number), artifact, {digest: str(file)})
        for path in (self.layout.entry(self.key(number)), self.layout.blob(digest)) if age else ():
            then = time.time() - age
            os.utime(path, (then, then))

    def holds(self, number: int) -> bool:
        """Whether an artifact is there with all that it needs."""
        found = self.store.find(self.key(number))
        back = self.path / "back"
        back.unlink(missing_ok=True)
        return (
            bool(found)
            and self.store.bring(found[0].blobs[0], 0o644, str(back))
            and back.read_bytes() == self.data(number)
        )


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_a_store_that_is_too_large_loses_what_was_used_longest_ago(bench: Bench) -> None:
    for number in range(10):
        bench.keep(number, age=100_000 - number)
    # Looked for, it is used.
    assert bench.holds(0)
    collected = upkeep.collect(bench.layout, 6 * SIZE)
    assert collected.artifacts == 6
    assert [number for number in range(10) if bench.holds(number)] == [0, 7, 8, 9]
    assert collected.left == upkeep.contents(bench.layout).bytes
    assert upkeep.collect(bench.layout, 6 * SIZE).artifacts == 0


def test_a_run_makes_room_only_where_there_is_too_much(bench: Bench) -> None:
    bench.store = FolderStore(bench.folder, 5 * SIZE)
    for number in range(4):
        bench.keep(number, age=100_000 - number)
    bench.store.close()
    assert upkeep.contents(bench.layout).artifacts == 4
    # Told by each of those who write, and by nobody twice.
    other = FolderStore(bench.folder, 5 * SIZE)
    bench.store = other
    for number in range(4, 8):
        bench.keep(number, age=100_000 - number)
    other.close()
    assert 0 < upkeep.contents(bench.layout).bytes <= 4 * SIZE
    assert bench.holds(7)
    assert not bench.holds(0)


def test_what_is_being_written_is_left_alone(bench: Bench) -> None:
    bench.keep(1)
    bench.layout.create()
    os.unlink(bench.layout.entry(bench.key(1)))
    upkeep.collect(bench.layout, 0)
    # A blob comes before the entry that needs it.
    assert upkeep.contents(bench.layout).blobs == 1
    assert upkeep.contents(bench.layout).drafts == 1
    old = time.time() - 2 * upkeep.GRACE
    for file in [*bench.layout.all_blobs(), *bench.layout.all_drafts()]:
        os.utime(file.path, (old, old))
    upkeep.collect(bench.layout, 0)
    assert upkeep.contents(bench.layout) == upkeep.Contents()


def test_one_at_a_time_makes_room(bench: Bench) -> None:
    bench.keep(1)
    with upkeep._alone(bench.layout) as alone:
        assert alone
        assert upkeep.collect(bench.layout, 0).busy
    assert bench.holds(1)


def test_what_is_damaged_is_found_and_removed(bench: Bench) -> None:
    for number in range(4):
        bench.keep(number)
    assert upkeep.verify(bench.layout) == upkeep.Verified(4, 4)
    blob = bench.layout.blob(blake3(bench.data(1)).digest())
    Path(blob).write_bytes(b"")
    entry = bench.layout.entry(bench.key(2))
    Path(entry).write_bytes(Path(entry).read_bytes()[:-1] + b"?")
    found = upkeep.verify(bench.layout)
    assert sorted(found.damaged) == sorted([blob, entry])
    assert found.incomplete == 1
    assert [number for number in range(4) if bench.holds(number)] == [0, 3]
    assert upkeep.verify(bench.layout) == upkeep.Verified(2, 3)


def test_what_a_killed_writer_left_is_no_damage_and_goes_in_time(bench: Bench) -> None:
    bench.keep(1)
    entry = Path(bench.layout.entry(bench.key(1)))
    whole = entry.read_bytes()
    for length in (0, 7, 40, len(whole) - 1):
        entry.write_bytes(whole[:length])
        assert not bench.holds(1)
        assert bench.store.faults == []
        assert upkeep.verify(bench.layout).damaged == ()
        upkeep.collect(bench.layout, 1 << 30)
        assert entry.exists(), "its writer may be at work"
    bench.keep(1)
    assert bench.holds(1)
    entry.write_bytes(b"")
    old = time.time() - 2 * upkeep.GRACE
    os.utime(entry, (old, old))
    upkeep.collect(bench.layout, 1 << 30)
    assert not entry.exists()


def test_a_cleared_store_is_used_on(bench: Bench) -> None:
    for number in range(3):
        bench.keep(number)
    draft, path = bench.layout.create()
    os.close(draft)
    assert upkeep.clear(bench.layout) > 3 * SIZE
    assert not bench.holds(1)
    bench.layout.publish(path, bench.layout.entry(bench.key(9)))
    bench.keep(1)
    assert bench.holds(1)


def test_there_need_not_be_a_store(bench: Bench) -> None:
    assert upkeep.contents(bench.layout) == upkeep.Contents()
    assert upkeep.collect(bench.layout, 0) == upkeep.Collected()
    assert upkeep.verify(bench.layout) == upkeep.Verified()
    assert upkeep.clear(bench.layout) == 0
    assert not os.path.exists(bench.folder)


WRITER = """
import sys
sys.path.insert(0, sys.argv[3])
from pathlib import Path
from tests.workspace.artifacts.test_upkeep import Bench
from exarp.workspace.artifacts import upkeep
path = Path(sys.argv[2])
path.mkdir(exist_ok=True)
bench = Bench(path)
bench.folder = sys.argv[1]
from exarp.workspace.artifacts.layout import Layout
from exarp.workspace.artifacts.store import FolderStore
bench.layout, bench.store = Layout(bench.folder), FolderStore(bench.folder, 10 * 100_000)
while True:
    for number in range(30):
        bench.keep(number)
        bench.holds(number)
        print(number, flush=True)
    bench.store.close()
    upkeep.collect(bench.layout, 10 * 100_000, grace=0.01)
    assert not bench.store.faults, bench.store.faults
"""


def test_what_others_share_and_are_killed_over_is_never_damaged(tmp_path: Path) -> None:
    """Two write, read, and make room; one of them is killed over and over."""
    folder = f"{tmp_path}/store"
    root = str(Path(__file__).parents[3])

    def writer(name: str, stdout: IO[bytes] | int) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-c", WRITER, folder, f"{tmp_path}/{name}", root]
        return subprocess.Popen(command, stdout=stdout, stderr=subprocess.PIPE)

    with (tmp_path / "said").open("wb") as said:
        steady = writer("steady", said)
    for turn in range(6):
        victim = writer("victim", subprocess.PIPE)
        assert victim.stdout is not None
        for _ in range(1 + 9 * turn):
            assert victim.stdout.readline(), victim.communicate()
        victim.kill()
        victim.communicate()
    assert steady.poll() is None, steady.communicate()
    steady.kill()
    steady.communicate()
    assert upkeep.verify(Layout(folder)).damaged == ()
