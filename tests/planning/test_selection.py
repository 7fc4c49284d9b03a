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


def test_a_matrix_stands_for_its_tasks():
    tasks = (Task("cc@a"), Task("link"), Task("cc@b"))
    manifest = Manifest("exarp.toml", tasks, instances={"cc": ("cc@a", "cc@b")})
    assert manifest.named(["link", "cc", "cc@a"]) == ("link", "cc@a", "cc@b")
    assert unknown_targets(manifest, ["cc", "cc@a", "cc@x"]) == ["cc@x"]


def test_the_default_may_be_a_matrix():
    manifest = Manifest("exarp.toml", (Task("default@a"), Task("b")), instances={"default": ("default@a",)})
    assert default_targets(manifest) == ("default@a",)
