"""``exarp list`` alone is answered without click, and says what it says with it."""

from __future__ import annotations

import pytest

from tests.cli.conftest import Workspace

MANIFESTS = {
    "plain": '[task.b]\ndescription = "Build it"\nrun = "x"\n[task.a]\nrun = "x"\n',
    "matrix": '[task.m]\nmatrix = { n = ["1", "2"] }\ndescription = "One of them"\nrun = "echo $n"\n[task.z]\nrun = "x"\n',
    "notes": '[task.i]\ninternal = true\nrun = "x"\n[task.m]\nmanual = true\naliases = ["mm"]\ntags = ["slow"]\nrun = "x"\n',
    "letters": '[task.größe]\ndescription = "schön: \\u2028 \\u001b[31m"\nrun = "x"\n',
    "nothing": "",
    "broken": '[task.a]\nneeds = ["b"]\nrum = "x"\n',
    "no-toml": "[task\n",
    "secrets": '[settings]\nsecrets = ["T"]\n[task.a]\ndescription = "${env.T}"\nrun = "x"\n',
    "command": '[vars]\nv = { run = "echo 1" }\n[task.a]\ndescription = "version ${v}"\nrun = "x"\n',
    "failing-command": '[vars]\nv = { run = "exit 3" }\n[task.a]\ndescription = "version ${v}"\nrun = "x"\n',
    "warning": '[settings]\ndotenv = [".env"]\n[task.a]\nrun = "x"\n',
}


@pytest.mark.parametrize("name", MANIFESTS)
def test_it_says_the_same(workspace: Workspace, name: str) -> None:
    workspace.write("exarp.toml", MANIFESTS[name])
    env = {"T": "hush-hush-hush"}
    plain, whole = workspace.exarp("list", env=env), workspace.exarp("--color", "auto", "list", env=env)
    assert (plain.code, plain.out, plain.err) == (whole.code, whole.out, whole.err)
    assert "hush" not in plain.out + plain.err


def test_where_there_is_no_manifest(workspace: Workspace) -> None:
    plain, whole = workspace.exarp("list"), workspace.exarp("--color", "auto", "list")
    assert (plain.code, plain.err) == (whole.code, whole.err)
    assert plain.code == 3
