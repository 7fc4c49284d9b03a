"""What ``exarp doctor`` says of the index that runs left, or did not leave."""

from __future__ import annotations

import os

import pytest

from exarp import index
from exarp.app.index.diagnosis import diagnosed
from tests.cli.conftest import Workspace, environment

DECLARED = '[task.{0}]\ninputs = ["x"]\noutputs = ["{0}.out"]\nrun = "cp $in $out"\n'


def said(workspace: Workspace, env: dict[str, str] | None = None, file: str | None = None) -> str:
    """What is said of the index now, with what to do about it."""
    before = sorted(os.listdir(workspace.path))
    message, step = diagnosed(str(workspace.path), file, str(workspace.path), environment(env))
    assert sorted(os.listdir(workspace.path)) == before
    return f"{message}: {step}" if step else message


def run(workspace: Workspace) -> None:
    """Until nothing that was looked at is too young to be trusted."""
    for _ in range(3):
        workspace.exarp("run", "--all", "-q")


def test_an_index_is_told_with_what_is_not_in_it_and_why_it_is_of_no_use(workspace: Workspace) -> None:
    assert said(workspace) == ""
    workspace.write("x", "1")
    undeclared = '[task.u]\nrun = "true"\n'
    workspace.manifest(f'{DECLARED.format("a")}{DECLARED.format("b")}when = "true"\ntrack_env = ["WORD"]\n{undeclared}')
    assert said(workspace) == "none yet: the first run leaves one"
    run(workspace)
    told = "1 of 3 tasks are in it; of the others 1 has a condition, 1 declares neither inputs nor outputs"
    assert said(workspace) == told
    assert f"ok       index        {told}" in workspace.exarp("doctor").out
    assert said(workspace, {"WORD": "x"}).startswith("of no use in this environment: a variable")

    path = workspace.path / ".exarp" / index.NAME
    whole = path.read_bytes()
    path.write_bytes(whole[:200])
    assert "cannot be used: it is damaged, or of another version: nothing has to be done" in said(workspace)
    path.write_bytes(whole)
    path.chmod(0o666)
    assert said(workspace).endswith(f"and is not read: rm {path}")
    path.chmod(0o600)
    assert said(workspace) == told

    os.rename(workspace.path, f"{workspace.path}.moved")
    assert said(Workspace(workspace.path.with_name(f"{workspace.path.name}.moved"))).startswith(
        "out of date: the workspace was moved"
    )
    os.rename(f"{workspace.path}.moved", workspace.path)
    workspace.manifest(DECLARED.format("a"))
    assert said(workspace) == "out of date: exarp.toml has changed; the next run makes another"
    workspace.manifest("[task.")
    path.unlink()
    assert said(workspace) == "none: the manifest cannot be read, see `exarp check`"


def test_who_made_it_counts(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace.write("x", "1")
    workspace.manifest(DECLARED.format("a"))
    run(workspace)
    assert said(workspace) == "1 of 1 tasks are in it"
    monkeypatch.setattr("exarp.__version__", "0.0.0")
    assert said(workspace).startswith("out of date: another exarp or Python made it")


@pytest.mark.parametrize(
    ("manifest", "told"),
    [
        (
            '[vars]\nrev = { run = "date" }\n[task.a]\ninputs = ["x"]\noutputs = ["y"]\nrun = "echo $rev > y"\n',
            "none: rev is a command, which every run asks again",
        ),
        (
            '[vars]\nrev = { run = "echo y" }\n[task.a]\ninputs = ["x"]\noutputs = ["${rev}"]\nrun = "cp $in $out"\n',
            "none: fields use a variable that is a command, which every run asks again",
        ),
        (
            '[task.a]\nrun = "true"\n[task.b]\nrun = "true"\n',
            "none: of the tasks 2 declare neither inputs nor outputs",
        ),
        (
            f'[settings]\nsecrets = ["KEY"]\n{DECLARED.format("a")}',
            "1 of 1 tasks are in it; where something has changed, all are looked at: the manifest has secrets",
        ),
    ],
)
def test_what_of_a_manifest_keeps_it_from_having_one(workspace: Workspace, manifest: str, told: str) -> None:
    workspace.write("x", "1")
    workspace.manifest(manifest)
    run(workspace)
    assert said(workspace) == told


def test_a_manifest_that_was_named_has_none(workspace: Workspace) -> None:
    workspace.write("x", "1")
    workspace.write("other.toml", DECLARED.format("a"))
    workspace.exarp("run", "-q", "-f", "other.toml", "--all")
    assert said(workspace, file=str(workspace.path / "other.toml")).startswith("none: only the manifest that is found")
