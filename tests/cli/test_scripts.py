"""What a task's command is given: paths, variables, the folder it runs in."""

from __future__ import annotations

import os
from pathlib import Path

from tests.cli.conftest import Workspace


def test_argv_runs_without_a_shell_and_takes_paths_one_by_one(workspace: Workspace) -> None:
    workspace.manifest(
        """
        [task.t]
        inputs = ["a b.txt", "c$d.txt"]
        outputs = ["out.txt"]
        argv = ["python3", "-c", "import sys; open(sys.argv[-1], 'w').write(repr(sys.argv[1:-1]))", "$in", "$out"]
        """
    )
    workspace.write("a b.txt", "")
    workspace.write("c$d.txt", "")
    assert workspace.exarp("t").code == 0
    assert workspace.read("out.txt") == "['a b.txt', 'c$d.txt']"


def test_an_unquoted_list_that_a_shell_would_split_is_an_error_with_the_way_out(workspace: Workspace) -> None:
    workspace.manifest('[task.t]\ninputs = ["a b.txt"]\noutputs = ["o"]\nrun = "cat $in > $out"')
    workspace.write("a b.txt", "")
    result = workspace.exarp("t")
    assert result.code == 1
    assert "argv" in result.err
    assert "$in_file" in result.err


def test_in_file_lists_one_path_a_line(workspace: Workspace) -> None:
    workspace.manifest('[task.t]\ninputs = ["*.txt"]\noutputs = ["o"]\nrun = "cat $in_file > $out"')
    workspace.write("a b.txt", "")
    workspace.write("c.txt", "")
    assert workspace.exarp("t").code == 0
    assert workspace.read("o") == "a b.txt\nc.txt\n"


def test_variables_reach_scripts_as_environment_never_as_text(workspace: Workspace) -> None:
    workspace.manifest(
        """
        [vars]
        evil = '"; touch pwned; echo "'
        unused = "u"
        [task.t]
        env = { OWN = "mine" }
        run = 'echo "$evil|$OWN|$(env | grep -c ^unused= || true)"'
        """
    )
    result = workspace.exarp("t")
    assert result.out == '"; touch pwned; echo "|mine|0\n'
    assert not workspace.exists("pwned")


def test_each_string_of_a_list_is_a_shell_of_its_own(workspace: Workspace) -> None:
    workspace.manifest('[task.t]\nrun = ["cd /; x=1", "pwd; echo ${x:-unset}", "exit 4", "touch never"]')
    result = workspace.exarp("t")
    assert result.code == 1
    assert result.out == f"{workspace.path}\nunset\n"
    assert not workspace.exists("never")


def test_paths_are_relative_to_cwd(workspace: Workspace) -> None:
    workspace.manifest(
        '[task.t]\ncwd = "sub"\ninputs = ["a.txt"]\noutputs = ["sub/o.txt"]\nrun = "echo $in $out; cp $in $out"'
    )
    workspace.write("a.txt", "x")
    (workspace.path / "sub").mkdir()
    result = workspace.exarp("t")
    assert (result.code, result.out) == (0, "../a.txt o.txt\n")
    assert workspace.read("sub/o.txt") == "x"


def test_names_that_no_list_could_hold_are_told(workspace: Workspace) -> None:
    workspace.manifest('[task.t]\ninputs = ["in/*"]\noutputs = []\nrun = "cat $in_file"')
    workspace.write("in/two\nlines", "")
    assert "more than one" in workspace.exarp("t").err
    (workspace.path / "in/two\nlines").unlink()
    with open(os.fsencode(workspace.path) + b"/in/\xff", "w"):
        pass
    result = workspace.exarp("t")
    assert result.code == 1
    assert "is not UTF-8" in result.err


def test_a_list_of_paths_can_be_named_without_quotes_in_any_workspace(tmp_path: Path) -> None:
    for folder, cwd in (("plain", ""), ("a b*", ""), ("c d", 'cwd = "sub"\n')):
        workspace = Workspace(tmp_path / folder)
        (workspace.path / "sub").mkdir(parents=True)
        workspace.manifest(f'[task.t]\n{cwd}inputs = ["sub/x"]\noutputs = ["o"]\nrun = "cat $in_file > $out"')
        workspace.write("sub/x", "")
        result = workspace.exarp("t")
        assert result.code == 0, result.err
        assert workspace.read("o") == ("x\n" if cwd else "sub/x\n")
