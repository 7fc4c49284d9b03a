"""What a run would do, foreseen from the files as they are."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from exarp.app.foresight.forecast import forecast
from exarp.app.freshness.checker import Checker
from exarp.graph.build import build_graph
from exarp.model.manifest import Manifest
from exarp.model.task import Task
from exarp.planning.planner import make_plan
from exarp.workspace.fingerprints import Fingerprints


def foreseen(root: Path, *tasks: Task, force: bool = False) -> dict[str, str]:
    """By task what is foreseen of it: a code, and what it is about."""
    manifest = Manifest("exarp.toml", tasks)
    graph, faults = build_graph(tasks)
    assert not faults
    plan = make_plan(manifest, graph, graph.names)
    checker = Checker(str(root), manifest, graph, {}, {}, Fingerprints(str(root), {}), force)
    found = forecast(plan, tasks, checker)
    return {
        graph.names[task]: f"{reason.code} {reason.subject}".rstrip() if reason is not None else ""
        for task, reason in found.items()
    }


READER = Task("reader", commands=("r",), inputs=("file",), outputs=("r",), needs=("need",))


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize(
    ("pattern", "code"), [("gone", "input-missing"), ("gone/", "input-missing"), ("*.gone", "no-match")]
)
def test_a_task_without_its_inputs_cannot_run_and_blocks_those_that_need_it(
    tmp_path: Path, pattern: str, code: str, force: bool
) -> None:
    stuck = Task("stuck", commands=("s",), inputs=(pattern,), outputs=("s",))
    group = Task("group", needs=("stuck",))
    later = Task("later", commands=("l",), needs=("group",))
    other = Task("other", commands=("o",))
    assert foreseen(tmp_path, stuck, group, later, other, force=force) == {
        "stuck": f"{code} {pattern}",
        "group": "",
        "later": "blocked-by stuck",
        "other": "forced" if force else "undeclared",
    }
    allowed = msgspec.structs.replace(stuck, allow_failure=True)
    assert foreseen(tmp_path, allowed, group, later)["later"] == "undeclared"


@pytest.mark.parametrize(
    "need",
    [
        Task("need", commands=("n",), inputs=(), outputs=("file",)),
        Task("need", commands=("n",)),
        Task("need", needs=("inner",)),
    ],
)
def test_what_a_task_that_runs_before_may_make_is_not_missing(tmp_path: Path, need: Task) -> None:
    inner = Task("inner", commands=("i",))
    assert foreseen(tmp_path, inner, need, READER)["reader"] == "need-runs need"
    after = msgspec.structs.replace(READER, needs=(), after=("need",))
    if not need.is_group:
        assert foreseen(tmp_path, inner, need, after)["reader"] == "need-runs need"


def test_a_link_that_leads_nowhere_is_there(tmp_path: Path) -> None:
    (tmp_path / "file").symlink_to("nowhere")
    task = msgspec.structs.replace(READER, needs=())
    assert foreseen(tmp_path, task) == {"reader": "never-ran"}
