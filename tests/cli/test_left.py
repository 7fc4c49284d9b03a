"""A run of the part that is left says and does what a run of everything would, without reading the manifest."""

from __future__ import annotations

import os
import re
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from exarp.index import in_memory
from tests.cli.conftest import Workspace

MANIFEST = """
[settings]
default = ["all"]
schedule = "SCHEDULE"

[task.gen]
inputs = ["g"]
outputs = ["gen.h"]
run = "cp g gen.h"
[task.cc1]
inputs = ["1.c"]
outputs = ["1.o"]
depfile = "1.d"
needs = ["gen"]
run = 'cat 1.c gen.h > 1.o; echo "1.o: gen.h h" > 1.d'
[task.cc2]
inputs = ["2.c"]
outputs = ["2.o"]
run = "cat 2.c > 2.o; test ! -e broken"
[task.link]
inputs = ["*.o"]
outputs = ["app"]
needs = ["cc1", "cc2"]
run = "cat *.o > app"
[task.test]
needs = ["link"]
run = "echo tested"
[task.doc]
inputs = ["doc/"]
outputs = ["html/"]
run = "mkdir -p html; cat doc/* > html/index"
[task.all]
needs = ["test", "doc"]
"""
WAVES = """
[[wave]]
name = "compile"
tasks = ["cc1", "cc2"]
parallel = true
[[wave]]
name = "docs"
tasks = ["doc"]
parallel = true
[[wave]]
name = "rest"
tasks = ["link", "test"]
"""
CHANGES: dict[str, Callable[[Path], None]] = {
    "nothing": lambda root: None,
    "a source": lambda root: void((root / "1.c").write_text("new")),
    "a generated file's source": lambda root: void((root / "g").write_text("new")),
    "a comment, cut off early": lambda root: void((root / "2.c").write_bytes((root / "2.c").read_bytes())),
    "an output is gone": lambda root: (root / "2.o").unlink(),
    "an output was edited": lambda root: void((root / "app").write_text("mine")),
    "a header of a depfile": lambda root: void((root / "h").write_text("new")),
    "a file joins a folder": lambda root: void((root / "doc/new").write_text("new")),
    "a file joins a glob": lambda root: void((root / "9.o").write_text("new")),
    "an output folder is gone": lambda root: shutil.rmtree(root / "html"),
    "an input is gone": lambda root: (root / "2.c").unlink(),
    "a failure": lambda root: void((root / "broken").write_text(""), (root / "2.c").write_text("bad")),
}


def void(*_: object) -> None:
    """Nothing is made of it."""


def prepare(workspace: Workspace, schedule: str, waves: bool) -> None:
    workspace.write("exarp.toml", MANIFEST.replace("SCHEDULE", schedule) + (WAVES if waves else ""))
    for name in ("g", "1.c", "2.c", "h", "doc/a"):
        workspace.write(name, name)
    for _ in range(3):
        assert workspace.exarp("run").code == 0
    assert in_memory((workspace.path / ".exarp/index").read_bytes()).makings()


def told(text: str) -> str:
    """What a run said, without how long it took, and in which order tasks ended that ran side by side."""
    lines = re.sub(r"\d+(\.\d+)?m?s\b|\d\d:\d\d", "TIME", text).splitlines()
    return "\n".join(sorted(lines))


@pytest.mark.parametrize("change", CHANGES, ids=lambda name: name.replace(" ", "-"))
@pytest.mark.parametrize("manner", ["flow", "waves", "declared"])
def test_a_part_is_told_as_all_of_it_is(workspace: Workspace, tmp_path: Path, change: str, manner: str) -> None:
    prepare(workspace, "waves" if manner == "waves" else "flow", waves=manner == "declared")
    other = Workspace(tmp_path / "other")
    shutil.copytree(workspace.path, other.path, symlinks=True, ignore=shutil.ignore_patterns("other"))
    (other.path / ".exarp/index").unlink()
    for each in (workspace, other):
        CHANGES[change](each.path)
    part, whole = workspace.exarp("run"), other.exarp("run")
    assert told(part.err) == told(whole.err)
    assert (part.code, part.out) == (whole.code, whole.out)
    assert tree(workspace.path) == tree(other.path)
    # Once more: the index that a part leaves is as good as one of everything.
    part, whole = workspace.exarp("run"), other.exarp("run")
    assert told(part.err) == told(whole.err)
    assert part.code == whole.code
    newest = [each.exarp("history").out.splitlines()[0] for each in (workspace, other)]
    assert told(newest[0]) == told(newest[1])


def tree(root: Path) -> dict[str, str]:
    """Files and what is in them."""
    return {
        str(path.relative_to(root)): path.read_text()
        for path in sorted(root.rglob("*"))
        if path.is_file() and ".exarp" not in path.parts and "other" not in path.relative_to(root).parts
    }


def test_only_what_may_have_to_run_is_in_its_events(workspace: Workspace) -> None:
    prepare(workspace, "flow", waves=False)
    workspace.write("2.c", "new")
    assert workspace.exarp("run", "-q").code == 0
    events = [line for line in workspace.exarp("events").out.splitlines() if '"task_finished"' in line]
    assert [re.findall(r'"task":"(\w+)"', line)[0] for line in events] == ["cc2", "link", "test", "all"]
    assert "7 passed" in workspace.exarp("history").out


def test_what_fails_fails_again(workspace: Workspace) -> None:
    prepare(workspace, "flow", waves=False)
    workspace.write("broken", "")
    workspace.write("2.c", "bad")
    for _ in range(2):
        result = workspace.exarp("run")
        assert result.code == 1
        assert "first failure: cc2" in result.err
        assert "blocked by it" in result.err
    (workspace.path / "broken").unlink()
    assert workspace.exarp("run").code == 0
    assert workspace.exarp("run").out == "tested\n"


def test_how_many_at_once_is_what_is_asked_for(workspace: Workspace) -> None:
    prepare(workspace, "flow", waves=False)
    jobs = []
    for words in (("-j3",), (), ("-j", "1")):
        workspace.write("2.c", " ".join(words))
        assert workspace.exarp("run", *words).code == 0
        started = workspace.exarp("events").out.splitlines()[0]
        jobs += re.findall(r'"jobs":(\d+)', started)
    assert (jobs[0], jobs[2]) == ("3", "1")
    assert jobs[1] != "3" or os.cpu_count() == 3


def test_a_run_that_is_ended_leaves_nothing_half(workspace: Workspace) -> None:
    prepare(workspace, "flow", waves=False)
    text = workspace.read("exarp.toml").replace('run = "cat 2.c > 2.o;', 'run = "cat 2.c > 2.o; read x < pipe;')
    workspace.write("exarp.toml", text)
    os.mkfifo(workspace.path / "pipe")
    for round_ in range(2):
        workspace.write("2.c", f"round {round_}")
        running = workspace.start("run", "--no-cache") if not round_ else workspace.start("run")
        # It has the pipe open: it runs.
        with open(workspace.path / "pipe", "w") as pipe:
            running.send_signal(signal.SIGINT)
            assert running.wait(30) == 130
            assert pipe.writable()
        running.communicate()
    running = workspace.start("run")
    (workspace.path / "pipe").write_text("on\n")
    out, _ = running.communicate(timeout=30)
    assert running.returncode == 0, out
    assert workspace.read("2.o") == "round 1"


def test_secrets_are_not_in_the_index(workspace: Workspace) -> None:
    manifest = '[task.a]\ninputs = ["x"]\noutputs = ["o"]\nenv = { TOKEN = "${env.TOKEN}" }\nrun = "cp x o"\n'
    workspace.write("exarp.toml", '[settings]\nsecrets = ["TOKEN"]\n' + manifest)
    workspace.write("x", "x")
    for _ in range(3):
        assert workspace.exarp("run", "a", env={"TOKEN": "hush-hush-hush"}).code == 0
    assert b"hush-hush" not in (workspace.path / ".exarp/index").read_bytes()
    workspace.write("x", "y")
    assert workspace.exarp("run", "a", env={"TOKEN": "hush-hush-hush"}).code == 0
    assert workspace.read("o") == "y"
