"""What is prepared before a task starts, in real folders."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from exarp.app.running.command_lines import LaunchFault
from exarp.app.running.launcher import Launcher
from exarp.model.launch import Redirection
from exarp.model.manifest import Manifest
from exarp.model.task import Task


@pytest.fixture
def launcher(tmp_path: Path) -> Launcher:
    (tmp_path / "scratch").mkdir()
    root = tmp_path / "root"
    root.mkdir()
    manifest = Manifest("exarp.toml", ())
    return Launcher(str(root), manifest, {}, "1", str(tmp_path / "scratch"), str(tmp_path / "claims"), raw=False)


def test_parents_are_made_also_where_a_name_begins_with_two_dots(launcher: Launcher, tmp_path: Path) -> None:
    task = Task("t", commands=("t",), inputs=(), outputs=("..dir/x", "a/b/c"), depfile="../outside/t.d")
    launcher.launch(1, task, (), "log")
    assert (tmp_path / "root/..dir").is_dir()
    assert (tmp_path / "root/a/b").is_dir()
    assert not (tmp_path / "outside").exists()


def test_a_folder_that_is_called_like_an_output_glob_is_not_emptied(launcher: Launcher, tmp_path: Path) -> None:
    for name in ("gen?", "gen1", "made"):
        (tmp_path / "root" / name).mkdir()
    task = Task("t", commands=("t",), inputs=(), outputs=("gen?/", "made/"))
    launcher.launch(1, task, (), "log")
    for name in ("gen?", "gen1", "made"):
        (tmp_path / "root" / name / "file").write_text("")
    launcher.launch(2, task, (), "log")
    left = sorted(str(path.relative_to(tmp_path / "root")) for path in tmp_path.glob("root/*/file"))
    assert left == ["gen1/file", "gen?/file"]


def test_a_task_that_cannot_be_started_leaves_no_list_behind(launcher: Launcher, tmp_path: Path) -> None:
    task = Task("t", commands=("cat $in_file; cat $in",), inputs=("a b",), outputs=())
    with pytest.raises(LaunchFault, match="a shell would split"):
        launcher.launch(1, task, ("a b",), "log")
    assert list((tmp_path / "scratch").iterdir()) == []


def test_a_list_is_there_until_its_attempt_is_over(launcher: Launcher, tmp_path: Path) -> None:
    (tmp_path / "root/sub").mkdir()
    task = Task("t", argv=("cat", "$in_file"), cwd="sub", inputs=("a b", "sub/c"), outputs=())
    launch = launcher.launch(7, task, ("a b", "sub/c"), "log")
    (listed,) = (tmp_path / "scratch").iterdir()
    assert launch.commands == (("cat", str(listed)),)
    assert listed.read_text() == "../a b\nc\n"
    launcher.done(7)
    assert not listed.exists()


def test_paths_are_right_for_who_works_in_a_linked_folder(launcher: Launcher, tmp_path: Path) -> None:
    (tmp_path / "root/real/deep").mkdir(parents=True)
    (tmp_path / "root/link").symlink_to("real/deep")
    task = Task("t", argv=("cp", "$in", "$out"), cwd="link", inputs=("a.txt",), outputs=("link/b.txt",))
    launch = launcher.launch(1, task, ("a.txt",), "log")
    assert launch.commands == (("cp", "../../a.txt", "../../link/b.txt"),)


def test_what_only_a_task_has_reaches_a_script_that_names_it(tmp_path: Path) -> None:
    manifest = Manifest("exarp.toml", (), vars={"arch": "var", "mode": "var"})
    launcher = Launcher(str(tmp_path), manifest, {"arch": "caller"}, "1", str(tmp_path), str(tmp_path), raw=False)
    task = Task("t@arm", commands=("echo $arch $mode",), variables={"arch": "arm", "other": "x"}, inputs=(), outputs=())
    env = launcher.launch(1, task, (), "log").env
    assert (env["arch"], env["mode"], env.get("other")) == ("arm", "var", None)


def test_plain_commands_come_with_their_words_and_with_the_folder_that_a_shell_would_tell(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(".")
    manifest = Manifest("exarp.toml", ())
    environ = {"PWD": str(tmp_path / "link"), "HOME": "/h"}
    launcher = Launcher(str(tmp_path), manifest, environ, "1", str(tmp_path), str(tmp_path), raw=False)
    task = Task("t", commands=("cp $in $out", "cp $in; x", "cat < $in > $out"), inputs=("a",), outputs=("b",))
    launch = launcher.launch(1, task, ("a",), "log")
    assert launch.commands[0] == ("sh", "-eu", "-c", "cp $in $out")
    assert launch.plain == (("cp", "a", "b"), None, ("cat",))
    assert launch.redirections == ((), (), (Redirection(0, "<", "a"), Redirection(1, ">", "b")))
    assert launch.env["PWD"] == str(tmp_path / "link")
    (tmp_path / "sub").mkdir()
    assert launcher.launch(2, msgspec.structs.replace(task, cwd="sub"), ("a",), "log").env["PWD"] == str(
        tmp_path / "sub"
    )


@pytest.mark.parametrize(
    ("task", "environ"),
    [
        (Task("t", commands=("cp a b",), interactive=True), {}),
        (Task("t", commands=("cp a b",), shell=("zsh", "-c")), {}),
        (Task("t", commands=("cp a b",), env={"IFS": "x"}), {}),
        (Task("t", commands=("cp a b",)), {"BASH_FUNC_cp%%": "() { :; }"}),
        (Task("t", argv=("cp", "a", "b")), {}),
    ],
)
def test_where_a_shell_is_wanted_or_makes_a_difference_it_is_started(
    task: Task, environ: dict[str, str], tmp_path: Path
) -> None:
    manifest = Manifest("exarp.toml", ())
    launcher = Launcher(str(tmp_path), manifest, environ, "1", str(tmp_path), str(tmp_path), raw=False)
    assert launcher.launch(1, task, (), "log").plain == ()
