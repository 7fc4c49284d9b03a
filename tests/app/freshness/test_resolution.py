"""What a task's patterns stand for, in real folders."""

from __future__ import annotations

from pathlib import Path

import pytest

from exarp.app.freshness.resolution import FileFault, Own, Resolution
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


def test_tools_count_but_are_not_in_the_list(tmp_path: Path) -> None:
    for name in ("a.c", "gen.py", "lib/x.py", "lib/made.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    task = Task("t", inputs=("a.c",), excluded=("gen.py",), tools=("gen.py", "lib/*.py"), outputs=("lib/made.py",))
    assert resolution(tmp_path, task).inputs(task) == (("a.c",), ["a.c", "gen.py", "lib/x.py"])
    alone = Task("t", tools=("gen.py",), outputs=("o",))
    assert resolution(tmp_path, alone).inputs(alone) == ((), ["gen.py"])


@pytest.mark.parametrize(
    ("tool", "code"), [("none.py", "tool-missing"), ("none/", "tool-missing"), ("*.none", "no-match")]
)
def test_a_tool_that_is_not_there_is_told(tmp_path: Path, tool: str, code: str) -> None:
    task = Task("t", inputs=(), tools=(tool,))
    reason = resolution(tmp_path, task).fault(task)
    assert reason is not None and (reason.code, reason.subject) == (code, tool)


def test_a_glob_of_what_is_modified_stands_for_files_unless_it_may_stand_for_none(tmp_path: Path) -> None:
    task = Task("fmt", modifies=("src/*.c", "CHANGES.md"))
    reason = resolution(tmp_path, task).fault(task)
    assert reason is not None and (reason.code, reason.subject) == ("no-match", "src/*.c")
    (tmp_path / "src").mkdir()
    (tmp_path / "src/a.c").write_text("")
    assert resolution(tmp_path, task).fault(task) is None
    may = Task("fmt", modifies=("*.none",), allow_empty=True)
    assert resolution(tmp_path, may).fault(may) is None


def test_globs_may_match_nothing_where_that_is_allowed_and_nothing_else_may(tmp_path: Path) -> None:
    (tmp_path / "made").mkdir()
    task = Task("t", inputs=("*.none",), tools=("*.py",), outputs=("*.o", "made/"), allow_empty=True)
    found = resolution(tmp_path, task)
    assert found.inputs(task) == ((), [])
    assert found.outputs(task)[1] is None
    for missing in (Task("t", inputs=("none",), allow_empty=True), Task("t", inputs=("none/",), allow_empty=True)):
        reason = resolution(tmp_path, missing).fault(missing)
        assert reason is not None and reason.code == "input-missing"
    strict = Task("t", outputs=("*.o",))
    assert resolution(tmp_path, strict).outputs(strict)[1] == "*.o"
