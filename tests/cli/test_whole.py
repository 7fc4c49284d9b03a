"""Runs of plain command lines, without the machinery that parses options: they say and do what they would with it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Workspace

SOUND = """
[settings]
on_failure = "abort"
jobs = 1

[task.gen]
inputs = ["in"]
outputs = ["made"]
run = "cp $in $out"

[task.test]
needs = ["gen"]
params.level = "1"
run = 'echo "level $level"; echo more >&2'

[task.one]
params.must = { required = true }
manual = true
run = "echo $must"

[task.fails]
manual = true
run = "exit 3"

[task.behind]
needs = ["fails"]
manual = true
run = "true"

[task.lists]
run = "echo a task"

[task.mcp]
manual = true
run = "echo mcp"
"""
# An option that says what holds anyway, and which the plain way does not know.
PARSED = ("--color", "auto")


def told(workspace: Workspace, arguments: tuple[str, ...]) -> tuple[int, str, str]:
    done = workspace.exarp(*arguments)
    return (
        done.code,
        *(re.sub(r"\d+(\.\d+)? ?m?s\b|\S*/exarp-defect\S*", "TIME", text) for text in (done.out, done.err)),
    )


@pytest.mark.parametrize("arguments", [
    ("run",), ("run", "--all"), ("run", "-q", "test"), ("run", "-j1", "test", "gen"), ("run", "-k", "behind", "lists"),
    ("run", "behind"), ("run", "one"), ("run", "nowhere"), ("run", "tset"), ("run", "t*"), ("run", "x:*"), ("run", "lists"),
    ("run", "-k", "fails", "gen"), ("run", "fails", "lists"), 
    ("lists",), ("list",), ("statsu",), ("histry",), ("run", "statsu"), ("mcp",), ("tui",), ("test",),
    ("-q", "test"), ("-k", "test"), ("-j2", "test"),
    ("--all", "run"), ("run", ""),
])  # fmt: skip
def test_it_says_what_the_parsed_command_line_says(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    said = []
    for way in ("plain", "parsed"):
        # Of one length, and of one name where it is shown.
        workspace = Workspace(tmp_path / way / "work")
        workspace.path.mkdir(parents=True)
        (workspace.path / ".git").mkdir()
        workspace.manifest(SOUND)
        workspace.write("in", "text")
        first = told(workspace, arguments if way == "plain" else (*arguments, *PARSED))
        said.append((*first, told(workspace, arguments), workspace.exists("made")))
    assert said[0] == said[1]


@pytest.mark.parametrize(
    "text",
    [
        "[task.a]\nrun = 1\nneds = []\n",
        "nonsense",
        "",
        '[task.a]\nneeds = ["a"]\nrun = "true"\n',
        '[task.default]\nmanual = true\nwaves = 1\n[settings]\nsecrets = ["KEY"]\n',
        '[settings]\nsecrets = ["KEY"]\n[task.default]\nrun = "echo $KEY"\n',
        '[task.a]\nmanual = true\nrun = "true"\n',
        None,
    ],
)
def test_what_is_wrong_is_told_alike(tmp_path: Path, text: str | None) -> None:
    said = []
    for way in ("plain", "parsed"):
        workspace = Workspace(tmp_path / way / "work")
        workspace.path.mkdir(parents=True)
        (workspace.path / ".git").mkdir()
        if text is not None:
            workspace.manifest(text)
        said.append(told(workspace, ("run",) if way == "plain" else ("run", *PARSED)))
    hidden = [tuple(str(part).replace("/plain/", "/parsed/") for part in found) for found in said]
    assert hidden[0] == hidden[1]


def test_a_folder_that_is_gone_is_told(workspace: Workspace) -> None:
    (workspace.path / "gone").mkdir()
    code = "import os, sys; os.rmdir(os.getcwd()); sys.argv = ['exarp', 'run']; from exarp.door import main; main()"
    done = subprocess.run(
        [sys.executable, "-I", "-c", code], cwd=workspace.path / "gone", capture_output=True, text=True, check=False
    )
    assert (done.returncode, "the working directory is gone" in done.stderr) == (2, True)


def test_a_secret_is_masked_in_what_is_said_of_a_command_line(workspace: Workspace) -> None:
    workspace.manifest('[settings]\nsecrets = ["KEY"]\n[task.a]\nrun = "true"\n')
    done = workspace.exarp("run", "hunter2hunter2", env={"KEY": "hunter2hunter2"})
    assert (done.code, "hunter2" in done.err) == (2, False)
