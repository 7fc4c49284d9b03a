"""Completion: what is offered where, and what the shells' scripts make of it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest

from tests.cli.conftest import Workspace, environment
from tests.hosts.screen import Screen

MANIFEST = """
    [task.lint]
    run = "true"
    [task.fmt]
    run = "true"
"""


@pytest.fixture
def project(workspace: Workspace) -> Workspace:
    workspace.manifest(MANIFEST)
    return workspace


def offered(workspace: Workspace, *words: str) -> set[str]:
    """What is offered for the last of the words, as ``TYPE,VALUE``."""
    asked = {"COMP_WORDS": " ".join(words), "COMP_CWORD": str(len(words) - 1)}
    result = workspace.exarp(env={"_EXARP_COMPLETE": "bash_complete", **asked})
    assert result.err == ""
    return set(result.out.split())


def test_tasks_are_offered_with_a_command_and_without(project: Workspace) -> None:
    assert offered(project, "exarp", "run", "l") == {"plain,lint"}
    assert offered(project, "exarp", "l") == {"plain,lint", "plain,list", "plain,log"}
    assert offered(project, "exarp", "fmt", "l") == {"plain,lint"}


def test_behind_a_task_run_s_options_are_offered(project: Workspace) -> None:
    assert offered(project, "exarp", "fmt", "--f") == {"plain,--fail-fast", "plain,--force", "plain,--file"}
    assert offered(project, "exarp", "fmt", "--output", "r") == {"plain,raw"}
    assert offered(project, "exarp", "--f") == {"plain,--file"}


def test_files_are_offered_where_a_file_is_named(project: Workspace) -> None:
    for words in (["exarp", "-f"], ["exarp", "list", "--file"], ["exarp", "run", "--events"], ["exarp", "fmt", "-f"]):
        assert offered(project, *words, "x") == {"file,x"}
    assert offered(project, "exarp", "-C", "x") == {"dir,x"}


def own_exarp(workspace: Workspace) -> str:
    """A folder with a command ``exarp`` that is the tests' own."""
    command = workspace.write("bin/exarp", f'#!/bin/sh\nexec "{sys.executable}" -m exarp "$@"\n')
    command.chmod(0o755)
    return str(command.parent)


def told(workspace: Workspace, *argv: str) -> list[str]:
    """Lines that a shell prints, which is skipped where there is none; ``exarp`` is the tests' own."""
    if shutil.which(argv[0]) is None:
        pytest.skip(f"no {argv[0]} here")
    own = environment()
    done = subprocess.run(
        argv,
        cwd=workspace.path,
        env=own | {"PATH": f"{own_exarp(workspace)}:{own['PATH']}", "HOME": str(workspace.path)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


# Completion as bash does it: the words so far, the function, what it offers.
BASH = """
eval "$(exarp completion bash)"
compopt() { echo "compopt $*"; }
offers() {
    COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
    _exarp_completion exarp
    [ ${#COMPREPLY[@]} = 0 ] || printf '%s\\n' "${COMPREPLY[@]}"
}
"""


@pytest.mark.parametrize(
    ("begun", "inserted"),
    [
        ("q", r"q\'a"),
        ("q\\'", r"q\'a"),
        ("'q", r"q'\''a"),
        ('"q', "q'a"),
        ("d", r"d\"\$\\x"),
        ('"d', r"d\"\$\\x"),
        ("s", r"s\*"),
    ],
)
def test_what_bash_inserts_is_quoted_as_the_word_was_begun(workspace: Workspace, begun: str, inserted: str) -> None:
    workspace.manifest("""[task."q'a"]\nrun = "true"\n[task.'d"$\\x']\nrun = "true"\n[task."s*"]\nrun = "true"\n""")
    workspace.write("s1", "")
    assert told(workspace, "bash", "-c", f'{BASH}\noffers exarp run "$1"', "bash", begun) == [inserted]


def test_bash_completes_files_and_folders_itself(project: Workspace) -> None:
    program = f"{BASH}\noffers exarp -f x\noffers exarp -C x\n"
    assert told(project, "bash", "-c", program) == ["compopt -o default", "compopt -o dirnames"]


COMPINIT = "autoload -Uz compinit; compinit"


@pytest.mark.parametrize(("before", "after"), [("", ""), (COMPINIT, ""), ("", COMPINIT)])
def test_zsh_registers_it_wherever_compinit_runs(project: Workspace, before: str, after: str) -> None:
    prompt = "for hook in $precmd_functions; do $hook; done"
    program = f'{before}\neval "$(exarp completion zsh)"\n{after}\n{prompt}\nprint "$_comps[exarp] $precmd_functions"'
    assert told(project, "zsh", "-f", "-c", program) == ["_exarp_completion "]


def test_fish_completes_names_as_they_are_and_files(workspace: Workspace) -> None:
    workspace.manifest("""[task."q'a"]\nrun = "true"\n""")
    workspace.write("x.toml", "")
    program = "exarp completion fish | source; complete -C 'exarp run q'; complete -C 'exarp -f x'"
    assert told(workspace, "fish", "-N", "-c", program) == ["q'a", "x.toml"]


PARAMETERS = """
    [task.release]
    aliases = ["rel"]
    needs = ["wheel"]
    params = { level = { choices = ["minor", "major"] }, lane = "x" }
    tags = ["slow", "out"]
    run = "true"
    [task.wheel]
    params = { version = {} }
    internal = true
    run = "true"
    [task.retry]
    matrix = { n = ["1", "2"] }
    run = "true"
    [[wave]]
    name = "w"
    tasks = ["release", "retry"]
"""


def test_parameters_tags_and_waves_are_offered(workspace: Workspace) -> None:
    workspace.manifest(PARAMETERS)
    assert offered(workspace, "exarp", "run", "re") == {"plain,release", "plain,rel", "plain,retry"}
    assert offered(workspace, "exarp", "run", "whe") == set()
    assert offered(workspace, "exarp", "rel", "l") == {"plain,level=", "plain,lane="}
    assert offered(workspace, "exarp", "run", "release", "lane=y", "") >= {"plain,version=", "plain,level="}
    assert "plain,lane=" not in offered(workspace, "exarp", "run", "release", "lane=y", "")
    assert offered(workspace, "exarp", "show", "release", "level=m") == {"plain,level=minor", "plain,level=major"}
    assert offered(workspace, "exarp", "plan", "--tag", "s") == {"plain,slow"}
    assert offered(workspace, "exarp", "list", "--wave", "") == {"plain,1", "plain,2"}
    assert offered(workspace, "exarp", "why-not", "release", "w") == {"plain,w"}
    assert offered(workspace, "exarp", "run", "--affected", "rel") == {"plain,release", "plain,rel"}
    assert offered(workspace, "exarp", "run", "--affected=rel") == set()
    assert offered(workspace, "exarp", "rel", "--", "x") == {"file,x"}


@pytest.mark.parametrize(
    ("words", "inserted"),
    [
        ("exarp rel level = mi", "minor"),
        ("exarp rel level =", "minor,major"),
        ("exarp run retry @ 2", "@2"),
        ("exarp run --tag = sl", "slow"),
        ("exarp rel lan", "lane="),
    ],
)
def test_bash_takes_words_apart_and_gets_their_last_piece(workspace: Workspace, words: str, inserted: str) -> None:
    workspace.manifest(PARAMETERS)
    # As bash has it: signs are words of their own, and the line says that no blank stands beside them.
    line = words.replace(" = ", "=").replace(" =", "=").replace(" @ ", "@")
    program = (
        f'eval "$(exarp completion bash)"; compopt() {{ :; }}; COMP_WORDBREAKS=" =:@"; COMP_LINE="{line}"\n'
        f"COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); _exarp_completion exarp\n"
        'IFS=,; echo "${COMPREPLY[*]}"'
    )
    assert told(workspace, "bash", "-c", program) == [inserted]


INCLUDING = """
include = { ui = "ui" }
[task.cc]
matrix = { src = ["src/main.c"] }
run = "true"
[task.rel]
params = { level = { choices = ["minor", "major"] } }
run = "true"
"""
INCLUDED = """
[task.build]
run = "true"
[task.test]
matrix = { kind = ["slow"] }
run = "true"
"""


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("exarp run cc@src/ma", ["exarp", "run", "cc@src/main.c"]),
        ("exarp run cc@", ["exarp", "run", "cc@src/main.c"]),
        ("exarp run 'cc@src/ma", ["exarp", "run", "cc@src/main.c"]),
        ("exarp run ui:bu", ["exarp", "run", "ui:build"]),
        ("exarp run ui:test@s", ["exarp", "run", "ui:test@slow"]),
        ("exarp run rel level=mi", ["exarp", "run", "rel", "level=minor"]),
    ],
)
def test_an_interactive_bash_completes_the_line(workspace: Workspace, typed: str, words: list[str]) -> None:
    """What only readline knows: where in a word it begins to replace."""
    if shutil.which("bash") is None:
        pytest.skip("no bash here")
    workspace.manifest(INCLUDING)
    workspace.write("ui/exarp.toml", INCLUDED)
    env = environment(
        {"PATH": f"{own_exarp(workspace)}:{os.environ['PATH']}", "HOME": str(workspace.path), "TERM": "dumb"}
    )
    screen = Screen(workspace.path, "bash", "--norc", "--noprofile", "-i", env=env)
    try:
        screen.type("eval \"$(exarp completion bash)\"; PS1='ready''> '\n")
        screen.until("ready> ")
        # To the start of the completed line, and print its words.
        screen.type(f"{typed}\t\x01printf '<%s>' \n")
        assert screen.shows("".join(f"<{word}>" for word in words)), screen
    finally:
        screen.close()
