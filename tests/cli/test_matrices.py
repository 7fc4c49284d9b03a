"""Tasks that are written once and meant many times, from outside: by which names they are known."""

from __future__ import annotations

import sys

import pytest

from tests.cli.conftest import Workspace

MANIFEST = """
    [vars]
    mark = { run = "echo asked >> asked; echo m1" }

    [template.copy]
    outputs = ["out/${src.stem}"]
    run = "cat $in > $out; echo $src $mark"

    [task.cc]
    description = "Copy one file"
    extends = "copy"
    matrix = { src = { glob = "src/*.c" } }
    inputs = ["${src}"]

    [task.link]
    inputs = [{ from = "cc" }]
    outputs = ["all"]
    run = "cat $in > $out"
"""


@pytest.fixture
def project(workspace: Workspace) -> Workspace:
    workspace.manifest(MANIFEST)
    workspace.write("src/a.c", "a\n")
    workspace.write("src/b.c", "b\n")
    return workspace


def test_instances_run_by_their_own_names_and_a_matrix_by_its_own(project: Workspace) -> None:
    first = project.exarp("run", "link")
    assert first.code == 0, first.err
    assert sorted(first.out.splitlines()) == ["src/a.c m1", "src/b.c m1"]
    assert project.read("all") == "a\nb\n"
    # Once a run, although two tasks name it.
    assert project.read("asked") == "asked\n"
    assert project.exarp("run", "cc").err == "up to date (2 tasks)\n"
    project.write("src/b.c", "B\n")
    assert "cc@src/b.c" in project.exarp("run", "cc@src/b.c").err
    assert project.exarp("log", "cc@src/b.c").out == "src/b.c m1\n"
    again = project.exarp("run", "--json")
    assert again.code == 2  # no default
    project.write("src/c.c", "c\n")
    outcomes = {task["task"]: task["outcome"] for task in project.exarp("run", "link", "--json").json["tasks"]}
    assert outcomes == {
        "cc@src/a.c": "up_to_date",
        "cc@src/b.c": "up_to_date",
        "cc@src/c.c": "passed",
        "link": "passed",
    }


def test_a_matrix_is_one_line_until_somebody_asks_for_more(project: Workspace) -> None:
    assert project.exarp("list").out == "cc    Copy one file (2 tasks)\nlink\n"
    assert [line.split()[0] for line in project.exarp("list", "-v").out.splitlines()] == [
        "cc@src/a.c",
        "cc@src/b.c",
        "link",
    ]
    rows = project.exarp("list", "--json").json["tasks"]
    assert [(row["task"], row["matrix"]) for row in rows] == [
        ("cc@src/a.c", "cc"),
        ("cc@src/b.c", "cc"),
        ("link", None),
    ]
    assert project.exarp("show", "cc").out == "cc: a matrix of 2 tasks\n  cc@src/a.c\n  cc@src/b.c\n"
    shown = project.exarp("show", "cc", "--json").json
    assert (shown["matrix"], shown["instances"]) == ("cc", ["cc@src/a.c", "cc@src/b.c"])
    assert "src=src/a.c" in project.exarp("show", "cc@src/a.c").out
    plan = project.exarp("plan", "link").out
    assert " 1  cc        2 tasks" in plan


@pytest.mark.parametrize("words", [("log", "cc"), ("history", "cc"), ("why-not", "cc", "link")])
def test_where_one_task_is_wanted_a_matrix_says_which_it_has(project: Workspace, words: tuple[str, ...]) -> None:
    result = project.exarp(*words)
    assert result.code == 2
    assert result.err == (
        "'cc' is a matrix of 2 tasks, and one is wanted (matrix-named)\n      name one of them: cc@src/a.c, cc@src/b.c\n"
    )


def test_a_command_that_fails_ends_a_run_before_it_begins(project: Workspace) -> None:
    project.manifest(MANIFEST.replace("echo m1", "echo no >&2; exit 3"))
    assert project.exarp("list").code == 0
    result = project.exarp("run", "link")
    assert result.code == 3
    assert result.err.startswith(
        "exarp.toml:3:8: the command of variable 'mark' ended with exit 3: no (failed-variable)\n"
    )
    assert not (project.path / "out").exists()
    assert not (project.path / ".exarp").exists()
    assert project.exarp("run", "link", "--set", "mark=x").code == 0


def test_a_command_may_call_exarp_in_the_same_workspace(project: Workspace) -> None:
    call = f"{sys.executable} -m exarp run -q cc > log && echo made"
    project.manifest(
        MANIFEST.replace("$src $mark", "$src").replace('> $out"\n', '> $out; echo $mark"\n').replace("echo m1", call)
    )
    result = project.exarp("run", "link")
    assert (result.code, result.out) == (0, "made\n"), result.err


def test_what_is_shown_is_shown_with_the_variables_that_are_given(workspace: Workspace) -> None:
    workspace.manifest("""
        [vars]
        sets = ["a"]
        [task.t]
        matrix = { one = "${sets}" }
        modifies = ["data/${one}"]
        run = "true"
        [task.u]
        modifies = ["data/b"]
        run = "echo $sets"
    """)
    given = ("--set", "sets=b,c")
    assert workspace.exarp("list", "-v", *given).out == "t@b\nt@c\nu\n"
    assert "sets=b c  (from vars)" in workspace.exarp("show", "u", *given).out
    assert [node["task"] for node in workspace.exarp("graph", "--json", *given).json["nodes"]] == ["t@b", "t@c", "u"]
    assert [workspace.exarp("why-not", f"t@{name}", "u", *given).code for name in "bc"] == [1, 0]
