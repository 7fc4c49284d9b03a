"""``plan --diff``: what would run, and what differs from the last run or a plan that was saved."""

from __future__ import annotations

import re

from tests.cli.conftest import Workspace

MANIFEST = """
    [task.gen]
    inputs = ["proto"]
    outputs = ["gen.h"]
    run = "cp proto gen.h"

    [task.cc]
    inputs = ["gen.h"]
    outputs = ["o"]
    run = "cp gen.h o"

    [task.lint]
    inputs = ["proto"]
    run = "true"
"""


def told(workspace: Workspace, *words: str) -> list[str]:
    result = workspace.exarp("plan", *words)
    assert result.code == 0, result.err
    return [re.sub(r"today \d\d:\d\d", "TIME", line) for line in result.out.splitlines()]


def test_against_the_last_run(workspace: Workspace) -> None:
    workspace.manifest(MANIFEST)
    workspace.write("proto", "1")
    assert told(workspace, "--diff")[0] == "nothing to compare with: no run yet"
    assert told(workspace, "--diff")[-1] == "3 of 3 tasks would run"
    workspace.exarp("run", "--all")
    assert told(workspace, "--diff") == ["against run 1 (TIME): exarp run --all", "0 of 3 tasks would run"]
    workspace.write("proto", "2")
    workspace.manifest(
        MANIFEST.replace("task.lint", "task.check").replace(
            '["proto"]\n    out', '["proto"]\n    needs = ["pre"]\n    out'
        )
    )
    workspace.write("exarp.toml", workspace.read("exarp.toml") + '\n[task.pre]\ninputs = []\nrun = "true"\n')
    assert told(workspace, "--diff") == [
        "against run 1 (TIME): exarp run --all",
        "  + check   new, in wave 1",
        "  + pre     new, in wave 1",
        "  - lint   gone",
        "  ~ from wave 1 to wave 2: gen",
        "  ~ from wave 2 to wave 3: cc",
        "would run:",
        "  check   no success of it is recorded",
        "  pre     no success of it is recorded",
        "  gen     input proto changed",
        "  cc      gen, which it needs, would run first",
        "4 of 4 tasks would run, 2 new, 1 gone, 2 changed",
    ]
    workspace.manifest(MANIFEST)
    workspace.exarp("run", "lint")
    assert told(workspace, "--diff", "cc")[1:3] == [
        "  + gen   not in that run, in wave 1",
        "  + cc    not in that run, in wave 2",
    ]
    assert told(workspace, "--diff", "cc")[3] == "  - lint   not asked for now"


def test_against_a_plan_that_was_saved(workspace: Workspace) -> None:
    workspace.manifest(MANIFEST)
    workspace.write("proto", "1")
    workspace.exarp("run", "--all")
    workspace.write("saved.json", workspace.exarp("plan", "--json").out)
    assert told(workspace, "--diff", "--against", "saved.json") == ["against saved.json", "0 of 3 tasks would run"]
    workspace.write("proto", "2")
    workspace.manifest(MANIFEST.replace('inputs = ["gen.h"]', 'inputs = ["gen.h"]\n    needs = ["lint"]'))
    assert told(workspace, "--against", "saved.json") == [
        "against saved.json",
        "  ~ gen    would run now",
        "  ~ lint   would run now",
        "  ~ cc     needs lint now, would run now",
        "would run:",
        "  gen    input proto changed",
        "  lint   input proto changed",
        "  cc     what lint made changed",
        "3 of 3 tasks would run, 3 changed",
    ]
    found = workspace.exarp("plan", "--diff", "--against", "saved.json", "--json").json
    assert found["diff"]["against"] == {"file": "saved.json"}
    assert found["diff"]["changed"][-1] == {
        "task": "cc",
        "needs": {"added": ["lint"], "removed": []},
        "would_run": {"then": False, "now": True},
        "reason": {"then": None, "now": "need-changed"},
    }
    assert found["tasks"]["cc"]["would_run"] is True


def test_what_is_no_plan_is_refused(workspace: Workspace) -> None:
    workspace.manifest(MANIFEST)
    for content in ("", "[]", "{}", '{"version": 2, "waves": [], "tasks": {}}', "\x00"):
        workspace.write("saved.json", content)
        refused = workspace.exarp("plan", "--diff", "--against", "saved.json")
        assert (refused.code, "saved.json is no plan" in refused.err) == (2, True)
    assert "cannot be read" in workspace.exarp("plan", "--diff", "--against", "gone.json").err
    assert workspace.exarp("plan", "--diff", "--what-if", "jobs=2").code == 2
