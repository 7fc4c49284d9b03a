"""A disk that is full, or may only be read: a clear error, nothing half done is believed, and all goes on when there is room."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.cli.conftest import Workspace, environment
from tests.cli.small_disk import SmallDisk, small_disk

COUNT = 12
SIZE = 9000
# Each tells that it runs, and what it prints fills a disk as well.
MANIFEST = "".join(
    f"""
    [task.t{number}]
    inputs = [{f'"out/{number - 1}"' if number else '"source"'}]
    outputs = ["out/{number}"]
    run = '''
    echo t{number} >> executions
    head -c {SIZE} /dev/zero > $out || exit 1
    cat $in | cksum >> $out || exit 1
    head -c 3000 /dev/zero | tr '\\0' x
    echo
    '''
    """
    for number in range(COUNT)
)


@pytest.fixture
def chain(workspace: Workspace) -> Path:
    """A folder in which each task needs the one before."""
    workspace.manifest(MANIFEST)
    workspace.write("source", "1\n")
    (workspace.path / "out").mkdir()
    return workspace.path


def executions(root: Path) -> Counter[str]:
    file = root / "executions"
    return Counter(file.read_text().split()) if file.exists() else Counter()


def recorded(disk: SmallDisk, root: Path) -> set[str]:
    """Tasks that the last run is known to have passed."""
    import json

    lines = disk.exarp(root, "events").stdout.splitlines()
    events = [json.loads(line) for line in lines]
    return {event["task"] for event in events if event["type"] == "task_finished" and event["outcome"] == "passed"}


def goes_on(disk: SmallDisk, root: Path, done: set[str]) -> None:
    """With room enough all comes to its end, and nothing that is known to be done runs again."""
    before = executions(root)
    again = disk.exarp(root, "resume")
    if "no-run" in again.stderr:
        again = disk.exarp(root, "run", "--all")
    assert again.returncode == 0, again.stderr
    ran = executions(root) - before
    assert set(ran).isdisjoint(done)
    assert set(ran) | done == {f"t{number}" for number in range(COUNT)}
    assert set(ran.values()) <= {1}
    expected = b"1\n"
    for number in range(COUNT):
        sum_ = subprocess.run(["cksum"], input=expected, capture_output=True, check=True).stdout
        expected = bytes(SIZE) + sum_
        assert disk.seen(root / f"out/{number}").read_bytes() == expected
    assert disk.exarp(root, "run", "--all").stderr == f"up to date ({COUNT} tasks)\n"


def test_a_disk_of_outputs_that_is_full_fails_the_task_that_fills_it(chain: Path) -> None:
    with small_disk(chain / "out", "40k") as disk:
        full = disk.exarp(chain, "run", "--all")
        assert full.returncode == 1
        assert "No space left on device" in full.stdout + full.stderr
        assert f"FAIL  t{len(executions(chain)) - 1} " in full.stderr
        done = recorded(disk, chain)
        assert done == set(executions(chain)) - {f"t{len(executions(chain)) - 1}"}

        disk.remount("size=1m")
        goes_on(disk, chain, done)


def test_a_disk_of_logs_that_is_full_is_told_and_everything_else_goes_on(chain: Path) -> None:
    with small_disk(chain / ".exarp/logs", "16k") as disk:
        full = disk.exarp(chain, "run", "--all")
        assert full.returncode == 0
        cut = [line for line in full.stderr.splitlines() if "is not complete: No space left on device" in line]
        assert cut[0].startswith(f"exarp: warning: t4: the log {chain}/.exarp/logs/1/t4.1.log ")
        assert len(cut) == COUNT - 4
        assert not [path for path in disk.seen(chain / ".exarp/logs/1").iterdir() if path.name.endswith(".tail")]

        disk.remount("size=1m")
        assert disk.exarp(chain, "run", "--all").stderr == f"up to date ({COUNT} tasks)\n"
        assert len(executions(chain)) == COUNT == executions(chain).total()


@pytest.mark.parametrize("size", [4, 24, 64, 120, 200])
def test_a_disk_of_exarps_own_that_is_full_ends_the_run_and_what_is_recorded_is_done(chain: Path, size: int) -> None:
    with small_disk(chain / ".exarp", f"{size}k") as disk:
        full = disk.exarp(chain, "run", "--all")
        assert full.returncode == 2
        assert "no space is left on its disk (state-folder)\n" in full.stderr
        assert "make room there; what is recorded is done, and `exarp resume` goes on from it\n" in full.stderr
        # It is only looked at.
        assert disk.exarp(chain, "status").returncode == 0
        assert "damaged" not in disk.exarp(chain, "history").stderr
        done = recorded(disk, chain)
        assert done <= set(executions(chain))

        disk.remount("size=4m")
        goes_on(disk, chain, done)
        assert not list(disk.seen(chain / ".exarp").glob("*damaged*"))


def test_artifacts_that_find_no_room_are_not_kept_and_that_is_all(chain: Path) -> None:
    with small_disk(chain / ".exarp/cache", "32k") as disk:
        full = disk.exarp(chain, "run", "--all", cache=True)
        assert full.returncode == 0
        said = (
            f"exarp: warning: the artifact store {chain}/.exarp/cache: it cannot be written: No space left on device\n"
        )
        assert said in full.stderr
        whole = [(chain / f"out/{number}").read_bytes() for number in range(COUNT)]

        disk.remount("size=4m")
        for path in (chain / "out").iterdir():
            path.unlink()
        again = disk.exarp(chain, "run", "--all", cache=True)
        assert again.returncode == 0
        assert " restored" in again.stderr
        assert [(chain / f"out/{number}").read_bytes() for number in range(COUNT)] == whole


@pytest.mark.parametrize("place", [".exarp", "."])
def test_a_folder_that_may_only_be_read_is_named_and_can_be_looked_at(workspace: Workspace, place: str) -> None:
    root = workspace.path / "work"
    with small_disk(root / place if place != "." else root, "4m") as disk:
        inside = disk.seen(root)
        (inside / "source").write_text("1\n")
        (inside / ".git").mkdir()
        (inside / "exarp.toml").write_text('[task.t]\ninputs = ["source"]\noutputs = ["o"]\nrun = "cat source > o"\n')
        assert disk.exarp(root, "run", "t").returncode == 0
        disk.remount("ro")

        refused = disk.exarp(root, "run", "t", "--force")
        assert refused.returncode == 2
        assert f"cannot use {root}/.exarp/store.db: Read-only file system (state-folder)\n" in refused.stderr
        for command in ("status", "history", "plan", "check", "events"):
            looked = disk.exarp(root, command)
            assert (looked.returncode, looked.stderr) == (0, ""), command

        disk.remount("rw")
        assert disk.exarp(root, "run", "t", "--force").returncode == 0


@pytest.mark.skipif(sys.platform != "linux", reason="what a shell counts file sizes in differs")
def test_files_that_may_not_grow_any_more_are_as_a_full_disk(workspace: Workspace) -> None:
    workspace.manifest('[task.t]\noutputs = ["o"]\ninputs = []\nrun = "echo > o"')
    words = ["sh", "-c", 'ulimit -f 8; exec "$@"', "sh", sys.executable, "-m", "exarp", "run", "t"]
    done = subprocess.run(
        words, cwd=workspace.path, env=environment(None), capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 2
    assert f"cannot use {workspace.path}/.exarp/store.db: disk I/O error (state-folder)\n" in done.stderr
    assert workspace.exarp("run", "t").code == 0
