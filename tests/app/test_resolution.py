"""What a task's patterns stand for, in real folders."""

from __future__ import annotations

from pathlib import Path

import pytest

from exarp.app.resolution import FileFault, Own, Resolution
from exarp.model.manifest import Manifest
from exarp.model.task import Task
from exarp.workspace.fingerprints import Fingerprints
from tests.stopwatch import grows_slowly


def resolution(root: Path, task: Task) -> Resolution:
    return Resolution(str(root), Manifest("exarp.toml", (task,)), Fingerprints(str(root), {}), None)


def test_globs_and_folders_leave_out_what_the_task_makes_or_modifies(tmp_path: Path) -> None:
    for name in ("a.c", "gen.c", "fmt.c", "x.c.d", "out/b.c", "made/c.c"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    task = Task("t", inputs=("**/*.c*",), outputs=("gen.c", "out/", "made/*"), modifies=("f*.c",), depfile="x.c.d")
    assert resolution(tmp_path, task).inputs(task) == (("a.c",), ["a.c"])
    own = Own(task)
    assert all(own.has(path) for path in ("gen.c", "out", "out/x/y", "made/c.c", "fmt.c", "x.c.d"))
    assert not any(own.has(path) for path in ("a.c", "made", "outer", "made/.c"))


def test_many_files_beside_many_outputs_are_not_compared_pair_by_pair(tmp_path: Path) -> None:
    count = 3_000
    for number in range(count):
        (tmp_path / f"{number}.c").write_text("")
    outputs = tuple(f"{number}.o" for number in range(count))
    task = Task("t", inputs=("*.c",), outputs=outputs, modifies=tuple(f"{number}.m" for number in range(count)))
    found = resolution(tmp_path, task)
    assert len(found.inputs(task)[1]) == count
    with grows_slowly():
        for _ in range(20):
            found.inputs(task)


@pytest.mark.parametrize(("pattern", "code"), [("*.none", "no-match"), ("none/", "input-missing")])
def test_what_is_not_there_is_told(tmp_path: Path, pattern: str, code: str) -> None:
    task = Task("t", inputs=(pattern,))
    with pytest.raises(FileFault) as caught:
        resolution(tmp_path, task).inputs(task)
    assert (caught.value.reason.code, caught.value.reason.subject) == (code, pattern)
