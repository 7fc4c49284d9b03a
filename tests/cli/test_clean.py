"""``exarp clean`` as a user types it."""

from __future__ import annotations

from tests.cli.conftest import Workspace

MANIFEST = """
    [task.make]
    inputs = []
    outputs = ["out/a"]
    run = "touch out/a"
    [task.clean]
    run = "echo my own"
"""


def test_the_command_and_a_task_of_its_name(workspace: Workspace) -> None:
    workspace.manifest(MANIFEST)
    first = workspace.exarp("clean")
    assert first.out == "nothing to remove\n"
    assert first.err == "exarp: note: the manifest's own task of that name is another: exarp run clean\n"
    workspace.exarp("make")
    would = workspace.exarp("clean", "-n")
    assert would.out == "would remove out/a\nwould remove out/\nwould remove 1 file and 1 empty folder\n"
    assert workspace.exists("out/a")
    assert workspace.exarp("clean", "make").out == "removed 1 file and 1 empty folder\n"
    workspace.exarp("make")
    assert "output out/a is missing" not in workspace.exarp("make", "-n").out
    done = workspace.exarp("clean", "--json").json
    assert done == {
        "version": 1,
        "dry_run": False,
        "files": ["out/a"],
        "folders": ["out/"],
        "left": [],
        "forgotten": [],
    }
    assert "output out/a is missing" in workspace.exarp("make", "-n").out
    assert workspace.exarp("run", "clean").out == "my own\n"
    quiet = workspace.exarp("clean", "-q")
    assert (quiet.out, quiet.err) == ("", "")
    assert workspace.exarp("clean", "mkae").code == 2
    assert workspace.exarp("clean", "--stale", "make").code == 2


def test_it_waits_for_a_run_or_says_so(workspace: Workspace) -> None:
    workspace.manifest('[task.t]\noutputs = ["o"]\nrun = "touch o started; until [ -e go ]; do sleep 0.02; done"')
    process = workspace.start("t")
    try:
        while not workspace.exists("started"):
            assert process.poll() is None
        assert workspace.exarp("clean", "--no-wait").code == 5
        assert workspace.exists("o")
        assert workspace.exarp("clean", "-n").code == 0
    finally:
        workspace.write("go", "")
        process.communicate(timeout=20)
