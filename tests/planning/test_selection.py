from __future__ import annotations

from exarp.model.manifest import Manifest, Settings, WaveSpec
from exarp.model.task import Task
from exarp.planning.selection import all_targets, default_targets, unknown_targets

TASKS = (Task("a"), Task("b", manual=True), Task("c"))
WAVES = (WaveSpec("W", ("c", "b")), WaveSpec("V", ("a",)))


def test_the_setting_comes_before_the_task_default_and_that_before_the_waves():
    tasks = (*TASKS, Task("default"))
    everything = Manifest("exarp.toml", tasks, WAVES, Settings(default=("b",)))

    assert default_targets(everything) == ("b",)
    assert default_targets(Manifest("exarp.toml", tasks, WAVES)) == ("default",)
    assert default_targets(Manifest("exarp.toml", TASKS, WAVES)) == ("c", "a")
    assert default_targets(Manifest("exarp.toml", TASKS)) is None


def test_all_leaves_out_what_is_manual():
    assert all_targets(Manifest("exarp.toml", TASKS)) == ("a", "c")


def test_unknown_names_are_told_as_given():
    assert unknown_targets(Manifest("exarp.toml", TASKS), ["x", "a", "y"]) == ["x", "y"]
