"""Which tasks take arguments, and what is executed then; shells are asked whether that is true."""

from __future__ import annotations

import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exarp.model.manifest import Manifest
from exarp.model.task import Task
from exarp.planning.arguments import script_command, takes_arguments
from exarp.planning.environment import Environment
from exarp.planning.recipe import expand_argv, recipe_of
from tests.effort import tries


@pytest.mark.parametrize(
    ("script", "takes"),
    [
        ('pytest "$@"', True),
        ("echo $1", True),
        ("echo ${1:-x} ${@}", True),
        ("echo $# ", True),
        ("echo ${#}", True),
        ("echo ${#name} $name $$ $$1 $? $0 \\$1 100$ ${name#1}", False),
        ("echo", False),
    ],
)
def test_a_script_takes_arguments_if_it_names_them(script: str, takes: bool):
    assert takes_arguments(Task("t", commands=("true", script))) is takes


def test_so_does_argv_and_every_script_of_a_shell_that_is_none():
    assert takes_arguments(Task("t", argv=("pytest", "$@")))
    assert not takes_arguments(Task("t", argv=("pytest", "x$@")))
    assert takes_arguments(Task("t", commands=("print()",), shell=("python3", "-c")))
    assert not takes_arguments(Task("t", shell=("python3", "-c")))


@pytest.mark.parametrize("shell", [("sh", "-eu", "-c"), ("/usr/bin/env", "bash", "-c")])
@settings(max_examples=tries(10))
@given(st.lists(st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), max_size=5), max_size=3))
def test_a_shell_finds_the_arguments_as_they_are(shell: tuple[str, ...], arguments: list[str]):
    script = r'printf "%s\0" "$0" "$@"'
    task = Task("t", commands=(script,), shell=shell, arguments=tuple(arguments))
    done = subprocess.run(script_command(task, script), capture_output=True, check=True)
    assert done.stdout.decode().split("\0")[:-1] == ["t", *arguments]


def test_another_language_finds_them_and_nothing_else():
    script = "import sys; print(sys.argv[1:])"
    task = Task("t", commands=(script,), shell=("python3", "-c"), arguments=("a", "b c"))
    assert subprocess.run(script_command(task, script), capture_output=True, check=True).stdout == b"['a', 'b c']\n"


def test_a_script_that_takes_none_is_run_as_ever():
    task = Task("t", commands=("true",))
    assert script_command(task, "true") == ("sh", "-eu", "-c", "true")


def test_in_argv_they_stand_where_they_belong_and_are_no_lists():
    assert expand_argv(("x", "$@", "$in", "y$@"), {"in": ["f"]}, ("$in", "$@")) == ("x", "$in", "$@", "f", "y$@")
    assert expand_argv(("x", "$@"), {}) == ("x",)


def test_arguments_count_for_what_is_made():
    def digest(*arguments: str) -> bytes:
        task = Task("t", commands=('"$@"',), arguments=arguments)
        return recipe_of(task, Environment(Manifest("exarp.toml", ()), {}).counted(task)).digest

    assert len({digest(), digest("a"), digest("a", "b"), digest("a b"), digest("\udcff")}) == 5
