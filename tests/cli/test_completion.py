"""Completion: what is offered where, and what the shells' scripts make of it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.cli.conftest import Workspace, environment

MANIFEST = """
    [task.lint]
    run = "true"
    [task.fmt]
    run = "true"
"""


@pytest.fixture
def project(workspace: Workspace) -> Workspace:
    workspace.manifest(MANIFEST)
    return workspace


def offered(workspace: Workspace, *words: str) -> set[str]:
    """What is offered for the last of the words, as ``TYPE,VALUE``."""
    asked = {"COMP_WORDS": " ".join(words), "COMP_CWORD": str(len(words) - 1)}
    done = subprocess.run(
        [sys.executable, "-m", "exarp"],
        cwd=workspace.path,
        env=environment({"_EXARP_COMPLETE": "bash_complete", **asked}),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    return set(done.stdout.split())


def test_tasks_are_offered_with_a_command_and_without(project: Workspace) -> None:
    assert offered(project, "exarp", "run", "l") == {"plain,lint"}
    assert offered(project, "exarp", "l") == {"plain,lint", "plain,list", "plain,log"}
    assert offered(project, "exarp", "fmt", "l") == {"plain,lint"}


def test_behind_a_task_run_s_options_are_offered(project: Workspace) -> None:
    assert offered(project, "exarp", "fmt", "--f") == {"plain,--fail-fast", "plain,--force", "plain,--file"}
    assert offered(project, "exarp", "fmt", "--output", "r") == {"plain,raw"}
    assert offered(project, "exarp", "--f") == {"plain,--file"}


def test_files_are_offered_where_a_file_is_named(project: Workspace) -> None:
    for words in (["exarp", "-f"], ["exarp", "list", "--file"], ["exarp", "run", "--events"], ["exarp", "fmt", "-f"]):
        assert offered(project, *words, "x") == {"file,x"}
    assert offered(project, "exarp", "-C", "x") == {"dir,x"}
