"""Why a task would run, asked by the command."""

from __future__ import annotations

from tests.cli.conftest import Workspace


def test_the_command(workspace: Workspace) -> None:
    workspace.manifest('[task.t]\nparams = { x = "1" }\ninputs = ["a"]\noutputs = ["o"]\nrun = "cp a o; : $x"')
    workspace.write("a", "1")
    assert workspace.exarp("explain", "t").out == "would run: no success of it is recorded\n"
    assert workspace.exarp("explain", "t", "--last").out == "it never ran\n"
    workspace.exarp("t")
    assert workspace.exarp("explain", "t", "x=1").out.startswith("up to date since run 1 (today ")
    told = workspace.exarp("explain", "t", "x=2", "--json")
    assert (told.code, told.json["would_run"]) == (0, True)
    assert told.json["reasons"] == [{"reason": "variable-changed", "subject": "x", "detail": ""}]
    assert told.json["unchanged"] == {
        "commands": 1,
        "prompts": 0,
        "variables": [],
        "inputs": 1,
        "outputs": 1,
        "needs": 0,
    }
    assert workspace.exarp("explain", "t", "--last", "--json").json["last"]["reason"] == {"code": "never-ran"}
    assert workspace.exarp("explain", "t", "u").code == 2
    assert workspace.exarp("explain", "u").code == 2
