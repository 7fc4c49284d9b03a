"""Names of a command line that are no tasks: what is said of them."""

from __future__ import annotations

import pytest

from exarp.app import targets
from exarp.app.targets import known_targets
from exarp.errors import UsageError
from exarp.model.manifest import Manifest
from exarp.model.task import Task


def test_names_are_compared_with_all_tasks_only_while_that_is_cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    manifest = Manifest("exarp.toml", (Task("build"), Task("test")))
    monkeypatch.setattr(targets, "_COMPARISONS", 3)
    with pytest.raises(UsageError) as raised:
        known_targets(manifest, ["biuld", "tset", "biuld2"])
    assert [problem.next for problem in raised.value.problems] == [
        "did you mean 'build'?",
        "did you mean 'test'?",
        "`exarp list` shows the tasks",
    ]
