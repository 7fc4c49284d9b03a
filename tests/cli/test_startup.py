"""Fast to start: what must not be loaded, by what users run most."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.cli.conftest import Workspace, environment

HEAVY = {
    "rich",
    "yaml",
    "watchfiles",
    "asyncio",
    "unittest",
    "http",
    "email",
    "xml",
    "multiprocessing",
    "concurrent",
    "ssl",
    "socket",
}
NEVER_FOR_HELP = HEAVY | {
    "sqlite3",
    "msgspec",
    "tomli",
    "blake3",
    "pathspec",
    "subprocess",
    "graphlib",
    "exarp.app",
    "exarp.store",
}
NEVER_FOR_RUN = HEAVY | {
    "pathspec",
    "exarp.app.watching",
    "exarp.manifests.shape",
    "exarp.manifests.tasks.matrix",
    "exarp.manifests.tasks.templates",
    "exarp.manifests.notations.toml_positions",
    "exarp.manifests.schema",
    "exarp.views.run.live",
    "exarp.views.problems.problem",
    "exarp.views.plan.table",
    "exarp.hosts.scripted",
    "exarp.manifests.descriptions",
    "difflib",
}
NEVER_WITHOUT_OPTIONS = {"click", "typing_extensions", "inspect", "dataclasses", "uuid", "decimal", "platform"}
NEVER_FOR_LIST = {
    "exarp.app.foresight",
    "exarp.app.freshness",
    "exarp.app.running",
    "exarp.store",
    "exarp.hosts",
    "exarp.engine",
    "exarp.views.words",
    "exarp.model.verdict",
    "exarp.manifests.plans",
    "subprocess",
    "shutil",
    "signal",
    "shlex",
    "graphlib",
    "heapq",
    "copy",
    "bisect",
    "unicodedata",
    # Of a later Python `site` itself needs it.
    *([] if sys.version_info >= (3, 13) else ["encodings.utf_8_sig"]),
}
# The last that the door does.
PROBE = """
import os, sys
leave = os._exit
def told(status):
    with open("modules", "w") as file:
        print(*sys.modules, sep="\\n", file=file)
    leave(status)
os._exit = told
"""


def loaded(workspace: Workspace, *arguments: str) -> set[str]:
    """Modules in memory at the end of a command."""
    code = f"{PROBE}from exarp.door import main\nsys.argv = {['exarp', *arguments]!r}\nmain()"
    done = subprocess.run(
        [sys.executable, "-I", "-c", code], cwd=workspace.path, env=environment(), capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return set(workspace.read("modules").splitlines())


@pytest.mark.parametrize(
    ("arguments", "never"),
    [
        (["--version"], NEVER_FOR_HELP | {"click", "re"}),
        (["--help"], NEVER_FOR_HELP),
        (["run"], NEVER_FOR_RUN | NEVER_WITHOUT_OPTIONS),
        (
            ["list"],
            NEVER_FOR_RUN | NEVER_WITHOUT_OPTIONS | NEVER_FOR_LIST,
        ),
    ],
)
def test_what_must_not_be_loaded(workspace: Workspace, arguments: list[str], never: set[str]) -> None:
    workspace.manifest('[task.default]\ninputs = ["a"]\noutputs = ["b"]\nrun = "cp $in $out"')
    workspace.write("a", "x")
    assert sorted(loaded(workspace, *arguments) & never) == []


def test_a_run_without_anything_to_do_loads_next_to_nothing(workspace: Workspace) -> None:
    workspace.manifest('[task.default]\ninputs = ["a"]\noutputs = ["b"]\nrun = "cp $in $out"')
    workspace.write("a", "x")
    for _ in range(3):
        workspace.exarp("run", "-q", env={"PYTHONSAFEPATH": "1"})
    never = (
        NEVER_FOR_HELP | NEVER_WITHOUT_OPTIONS | {"exarp.cli", "exarp.model", "exarp.errors", "re", "fcntl", "signal"}
    )
    assert sorted(loaded(workspace, "run") & never) == []


def test_the_part_of_a_run_loads_no_reader(workspace: Workspace) -> None:
    workspace.manifest('[task.default]\ninputs = ["a"]\noutputs = ["b"]\nrun = "cp $in $out"')
    workspace.write("a", "x")
    for _ in range(3):
        workspace.exarp("run", "-q", env={"PYTHONSAFEPATH": "1"})
    workspace.write("a", "y")
    never = (
        NEVER_FOR_RUN
        | NEVER_WITHOUT_OPTIONS
        | {"tomli", "exarp.manifests", "exarp.planning.planner", "subprocess", "shutil"}
    )
    assert sorted(loaded(workspace, "run") & never) == []
    assert workspace.read("b") == "y"
