"""Command lines that are refused: what is said, and what to type instead."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

import pytest

from exarp.cli import later
from exarp.cli.commands import COMMANDS, LATER_COMMANDS
from exarp.cli.entry import run_cli
from tests.cli.conftest import Workspace

SAME = "-C 'my dir' -f b.toml"
LATER_OPTIONS = [(command, option) for command, options in later.OPTIONS.items() for option in options]


def test_errors_are_json_too(workspace: Workspace) -> None:
    result = workspace.exarp("run", "--json")
    assert result.code == 3
    assert result.json["error"]["exit_code"] == 3
    assert result.json["error"]["problems"][0]["slug"] == "no-manifest"
    usage = workspace.exarp("run", "--json", "--frobnicate")
    assert usage.code == 2
    assert usage.json["error"]["exit_code"] == 2


def test_usage_errors_name_what_was_meant(workspace: Workspace) -> None:
    workspace.manifest('[task.build]\nrun = "true"')
    mistyped = workspace.exarp("biuld")
    assert mistyped.code == 2
    assert "did you mean 'build'?" in mistyped.err
    command = workspace.exarp("histroy")
    assert "did you mean 'history'?" in command.err
    forced = workspace.exarp("run", "-f", "build")
    assert forced.code == 2
    assert "did you mean --force?" in forced.err
    nothing = workspace.exarp("run")
    assert nothing.code == 2
    assert "build" in nothing.err


def test_words_behind_dashes_are_arguments_of_a_task_else_names(workspace: Workspace) -> None:
    workspace.manifest("""
        [settings]
        default = ["t"]
        [task.t]
        aliases = ["list"]
        inputs = []
        outputs = []
        run = 'printf "<%s>" "$0" "$@"; echo'
        [task.n]
        run = "false"
        """)
    assert workspace.exarp("show", "--", "t").code == 0
    assert workspace.exarp("-C", ".", "list", "--", "n").out == "n\n"
    for words, out in (
        (["t", "--", "a b", "--json", "--"], "<t><a b><--json><-->\n"),
        (["t", "--"], "<t>\n"),
        (["-C", ".", "run", "--", "$x"], "<t><$x>\n"),
        (["run", "list", "--", "x"], "<t><x>\n"),
    ):
        result = workspace.exarp(*words)
        assert (result.code, result.out) == (0, out), result.err
    assert "up to date" in workspace.exarp("t", "--", "x").err
    assert "name it before them" in workspace.exarp("--", "x").err
    assert workspace.exarp("n", "--", "x").code == 2


def test_a_later_command_does_not_hide_what_is_wrong_with_the_manifest(workspace: Workspace) -> None:
    workspace.manifest('[task.report]\nrun = "true\n')
    result = workspace.exarp("report")
    assert (result.code, "exarp.toml:2:" in result.err) == (3, True)


def test_a_refused_format_is_told_as_json_too(workspace: Workspace) -> None:
    workspace.manifest('[task.t]\nrun = "true"')
    assert workspace.exarp("check", "--format", "sarif", "--json").json["error"]["exit_code"] == 2


def test_what_failed_with_arguments_is_run_again_with_them(workspace: Workspace) -> None:
    workspace.manifest("[task.t]\nrun = 'exit $1'")
    assert workspace.exarp("run", "t", "--", "3").err.endswith("again: exarp run t -- 3\n")
    assert workspace.exarp("status").out.splitlines()[1] == "  exarp run t -- 3"


@pytest.mark.parametrize(("command", "option"), LATER_OPTIONS)
def test_an_option_of_a_later_version_is_told_as_such(
    command: str, option: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_cli([command, option, "x"]) == 2
    assert capsys.readouterr().err == (
        f"{option} of `exarp {command}` is not supported yet (not-supported-yet)\n"
        f"      `exarp {command} --help` shows what is\n"
    )


@pytest.mark.parametrize("word", sorted(LATER_COMMANDS))
def test_a_command_of_a_later_version_is_told_as_such(
    word: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert run_cli(["-C", str(tmp_path), word, "x", "--last"]) == 2
    assert capsys.readouterr().err.startswith(f"the command `exarp {word}` is not supported yet (not-supported-yet)\n")


@pytest.mark.parametrize("broken", ["exarp.app.opening.examining.examine", "exarp.views.problems.problem.render_all"])
def test_a_defect_while_it_refuses_is_told_as_a_defect(
    broken: str, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(*_: object) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr(broken, breaks)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    assert run_cli(["-C", str(tmp_path), "report", "--last", "x"]) == 70
    assert "exarp broke one of its own rules: RuntimeError: broken (defect)" in capsys.readouterr().err


def test_no_command_is_told_as_later_that_is_there() -> None:
    assert not LATER_COMMANDS & set(COMMANDS)


def test_a_task_named_like_a_later_command_runs(workspace: Workspace) -> None:
    workspace.manifest('[task.report]\nrun = "echo cleaned"')
    assert workspace.exarp("report").out == "cleaned\n"
    assert "No such option '--frob'" in workspace.exarp("report", "--frob").err
    assert "the command `exarp learn` is not supported yet" in workspace.exarp("learn", "report").err
    assert "there is no task 'learn'" in workspace.exarp("run", "learn").err


def test_a_parameter_stands_behind_its_task_unless_a_task_is_called_so(workspace: Workspace) -> None:
    workspace.manifest("""
        [task.t]
        params = { x = "1" }
        run = 'echo "$x"; test "$x" != 3'
        [task."x=2"]
        run = "echo two"
        """)
    assert workspace.exarp("t", "x=a b").out == "a b\n"
    assert sorted(workspace.exarp("t", "x=2").out.split()) == ["1", "two"]
    assert workspace.exarp("t", "x=3").err.endswith("again: exarp run t x=3\n")
    assert workspace.exarp("list").out.splitlines()[0] == "t    (takes x=1)"
    assert "  params         x=4, else 1\n" in workspace.exarp("show", "t", "x=4").out
    assert workspace.exarp("show", "t", "other").code == 2
    assert workspace.exarp("plan", "t", "y=1").code == 2


def test_a_refusal_is_json_wherever_json_stands(workspace: Workspace) -> None:
    for arguments in (
        ("run", "--profile", "x", "--json"),
        ("run", "--frob", "--json"),
        ("run", "--json", "t", "--", "x"),
    ):
        (problem,) = workspace.exarp(*arguments).json["error"]["problems"]
        assert problem["next"]


def test_help_is_pointed_to(workspace: Workspace) -> None:
    workspace.manifest('[task.t]\nrun = "true"')
    for word in ("help", "hlep"):
        assert "did you mean: exarp --help?" in workspace.exarp(word).err
    assert "`exarp --help` the commands" in workspace.exarp("zzz").err


def test_a_wave_is_no_task_and_its_tasks_are_named(workspace: Workspace) -> None:
    workspace.manifest('[[wave]]\nname = "w"\ntasks = ["a", "b"]\n[task.a]\nrun = "a"\n[task.b]\nrun = "b"')
    for command in ("run", "plan"):
        assert workspace.exarp(command, "w").err == (
            "there is no task 'w'; it is a wave (unknown-task)\n      name its tasks: a b\n"
        )


def test_advice_leads_back_to_the_same_manifest(workspace: Workspace) -> None:
    workspace.write("my dir/b.toml", '[vars]\nx = "1"\n[task.t]\nrun = "echo $x; exit 1"\n')
    options = ("-C", "my dir", "-f", "b.toml")
    assert f"log: exarp {SAME} log t      again: exarp {SAME} run --set 'x=a b' t\n" in (
        workspace.exarp("t", "--set", "x=a b", *options).err
    )
    assert f"log: exarp {SAME} log t\n" in workspace.exarp("status", *options).out
    assert workspace.exarp("-C", "my dir", "-f", "b.toml", "log", "t").out == "a b\n"
    workspace.write("my dir/c.toml", '[task.t]\ninputs = []\noutputs = ["o"]\nrun = "x"\n')
    touched = workspace.exarp("run", "--touch", "t", "-f", "my dir/c.toml")
    assert "run it: exarp -f 'my dir/c.toml' run t\n" in touched.err


def test_init_writes_the_file_it_is_given(workspace: Workspace) -> None:
    (workspace.path / "sub").mkdir()
    first = workspace.exarp("init", "-C", "sub", "-f", "bar.toml")
    assert first.out.startswith(f"wrote {workspace.path}/sub/bar.toml: 2 tasks, to begin with\n")
    assert first.out.endswith("run it with: exarp -C sub -f bar.toml run\n")
    assert workspace.exarp("-C", "sub", "-f", "bar.toml", "run").out.endswith("hello, world\n")
    assert not workspace.exists("sub/exarp.toml")
    assert workspace.exarp("init", "-f", "exarp.yaml").code == 2
    assert workspace.exarp("init", "-q").out == ""


@pytest.mark.parametrize(
    "arguments",
    [
        ("graph", "--dot", "--mermaid"),
        ("graph", "--json", "--mermaid"),
        ("run", "-n", "--events", "F"),
        ("run", "--touch", "--events", "F"),
        ("run", "-n", "--touch"),
        ("schema", "-f", "exarp.toml"),
        ("-f", "exarp.toml", "completion", "bash"),
        ("check", "--json", "--format", "text"),
    ],
)
def test_options_that_exclude_each_other_or_do_nothing_are_refused(
    workspace: Workspace, arguments: tuple[str, ...]
) -> None:
    workspace.manifest('[task.t]\ninputs = []\noutputs = []\nrun = "true"')
    result = workspace.exarp(*arguments)
    assert (result.code, "error" in result.json if "--json" in arguments else result.out == "") == (2, True)
    assert not workspace.exists("F")


def test_an_option_is_offered_where_it_makes_a_difference_and_taken_everywhere(workspace: Workspace) -> None:
    workspace.manifest('[task.t]\nrun = "true"')
    offered = {command for command in COMMANDS if "--verbose" in workspace.exarp(command, "--help").out}
    assert offered == {"run", "watch", "plan", "explain", "clean", "list", "status", "resume"}
    assert "--file" not in workspace.exarp("schema", "--help").out
    assert workspace.exarp("list", "-v", "-q").out == "t\n"


def test_behind_affected_stand_names_and_a_revision_behind_its_equals_sign(workspace: Workspace) -> None:
    (workspace.path / ".git").rmdir()
    workspace.manifest("""
        [task.a]
        inputs = ["a"]
        outputs = []
        run = "true"
        [task.b]
        inputs = ["b"]
        outputs = []
        run = "true"
        """)
    for command in ("init -qb main", "add exarp.toml", "-c user.name=a -c user.email=a@b commit -qm x"):
        subprocess.run(["git", *command.split()], cwd=workspace.path, check=True, capture_output=True)
    workspace.write("a", "x")
    workspace.write("b", "x")
    assert workspace.exarp("list", "--affected").out == "a\nb\n"
    assert workspace.exarp("list", "--affected", "b").out == "b\n"
    assert "git has no revision 'b'" in workspace.exarp("run", "--affected=b").err
    for command in ("add a b", "-c user.name=a -c user.email=a@b commit -qm y"):
        subprocess.run(["git", *command.split()], cwd=workspace.path, check=True, capture_output=True)
    result = workspace.exarp("run", "--affected", "--json")
    assert (result.code, result.json["tasks"]) == (0, [])
    assert "nothing is selected: what changed since main affects none of the tasks" in result.err
    assert workspace.exarp("plan", "--affected").out == ""


def test_a_changed_manifest_affects_the_tasks_that_it_brings(workspace: Workspace) -> None:
    (workspace.path / ".git").rmdir()
    workspace.manifest('include = { "*" = "packages/*" }\n[task.all]\nneeds = ["ui:build", "api:build"]')
    for name in ("ui", "api"):
        workspace.write(f"packages/{name}/exarp.toml", '[task.build]\ninputs = []\noutputs = []\nrun = "true"\n')
    for command in ("init -qb main", "add -A", "-c user.name=a -c user.email=a@b commit -qm x"):
        subprocess.run(["git", *command.split()], cwd=workspace.path, check=True, capture_output=True)
    assert workspace.exarp("list", "--affected").out == ""
    workspace.write("packages/ui/exarp.toml", workspace.read("packages/ui/exarp.toml") + "# changed")
    assert workspace.exarp("list", "--affected").out == "ui:build\n"
    assert workspace.exarp("list", "all", "--affected").out == "ui:build\n"


def test_who_lacks_a_name_in_a_package_is_told_of_the_manifest_that_includes_it(workspace: Workspace) -> None:
    workspace.manifest('include = { "*" = "packages/*" }')
    for name in ("ui", "api"):
        workspace.write(f"packages/{name}/exarp.toml", '[task.build]\nneeds = [":api:gen"]\nrun = "true"\n')
    hint = "../../exarp.toml includes this manifest, which stands alone here; as a part of it: exarp run ui:TASK\n"

    result = workspace.exarp("-C", "packages/ui", "run", "build")
    assert (result.code, result.err.splitlines(keepends=True)[-1]) == (3, hint)
    assert workspace.exarp("-C", "packages/ui", "check").err == hint
