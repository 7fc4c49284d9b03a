"""What ``exarp show`` says is executed, against what a launcher would start and what a shell makes of it."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from exarp.app.opening.examining import open_project
from exarp.app.running.launcher import Launcher
from exarp.app.show import show
from exarp.model.sheet import TaskSheet
from exarp.views.tasks.sheet import lines
from exarp.views.tasks.shell import shell_lines

MANIFEST = r"""
[vars]
flags = "-O2 'x'"
unused = "u"

[settings]
dotenv = [".env", "gone.env"]

[task.script]
inputs = ["src/*.c"]
outputs = ["sub/made/", "build/app"]
depfile = "build/app.d"
dotenv = ["own.env"]
track_env = ["AWS_*", "flags"]
cwd = "sub"
env = { E = "it's", CC = "own" }
run = ["printf '<%s>' $in \"$out\" $depfile \"$flags\" \"$E\" \"$MODE\" $CC", "printf '<%s>' \"$EXARP_TASK\" \"$OWN\" >&1"]

[task.argv]
inputs = ["src/*.c", "o\u001bdd's.h"]
outputs = ["x y/"]
argv = ["printf", "<%s>", "$in", "-o", "$out", "a b", "$HOME", "line\nbreak"]

[task.file]
inputs = ["src/*.c"]
run = "cat $in_file"

[task.odd]
inputs = ["sub/a b"]
run = "cat $in"
"""
CALLER = {"PATH": os.environ["PATH"], "HOME": "/home/me", "CC": "caller", "AWS_KEY": "k"}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    files = {"src/a.c": "", "src/b.c": "", "o\x1bdd's.h": "", "sub/a b": "", ".env": "MODE=fast\nOWN=no\nHOME=/none\n"}
    for name, text in (files | {"own.env": "OWN=$MODE\n", "exarp.toml": MANIFEST}).items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return tmp_path


def sheet_of(root: Path, task: str, clean: bool = False) -> TaskSheet:
    if clean:
        (root / "exarp.toml").write_text(
            MANIFEST.replace("[settings]", '[settings]\nclean_env = true\npass_env = ["AWS_*"]')
        )
    return show(open_project(str(root), None, CALLER), task, CALLER)


@pytest.mark.parametrize("clean", [False, True])
@pytest.mark.parametrize("name", ["script", "argv"])
def test_what_is_shown_is_what_is_started(root: Path, name: str, clean: bool) -> None:
    sheet = sheet_of(root, name, clean)
    project = open_project(str(root), None, CALLER)
    launcher = Launcher(
        str(root), project.manifest, CALLER, "7", str(root / "scratch"), str(root / "claims"), raw=False
    )
    named = ["src/a.c", "src/b.c"] + (["o\x1bdd's.h"] if name == "argv" else [])

    launch = launcher.launch(1, sheet.task, named, "log")

    passed = {key: value for key, value in CALLER.items() if not clean or key != "CC"}
    assert sheet.execution.commands == launch.commands
    assert sheet.execution.cwd == launch.cwd
    assert {**passed, **sheet.execution.env, "EXARP_RUN": "7"} == {**launch.around, **launch.env}
    assert sheet.execution.env.keys() == sheet.execution.sources.keys()
    assert sheet.execution.inherited == (("AWS_KEY", "HOME", "PATH") if clean else None)


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
@pytest.mark.parametrize("clean", [False, True])
@pytest.mark.parametrize(
    ("name", "printed"),
    [
        (
            "script",
            "<../src/a.c><../src/b.c><made/ ../build/app><../build/app.d><-O2 'x'><it's><fast><own><script><fast>",
        ),
        ("argv", "<src/a.c><src/b.c><o\x1bdd's.h><-o><x y/><a b><$HOME><line\nbreak>"),
        ("file", "src/a.c\nsrc/b.c\n"),
    ],
)
def test_what_is_shown_for_a_shell_does_what_the_task_does(root: Path, name: str, printed: str, clean: bool) -> None:
    text = "\n".join(shell_lines(sheet_of(root, name, clean)))

    assert "\x1b" not in text
    done = subprocess.run(["bash", "-c", text], env=CALLER, capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == printed
    assert (root / "build").is_dir() is (name == "script")


def test_where_each_variable_comes_from_is_told(root: Path) -> None:
    told = [line.split("  ", 2)[-1].strip() for line in lines(sheet_of(root, "script"))]

    for row in (
        "flags=-O2 'x'  (from vars)",
        "MODE=fast  (from a dotenv file)",
        "OWN=fast  (from a dotenv file)",
        "AWS_KEY=k  (from your environment)",
        "EXARP_TASK=script  (from exarp)",
        "gone.env  (not there)",
    ):
        assert any(row in line for line in told), row
    assert not any("unused" in line for line in told)


def test_a_variable_that_no_process_could_be_given_is_told(root: Path) -> None:
    (root / "exarp.toml").write_text(f'[vars]\nbig = "{"ä" * 60_000}"\n[task.t]\nrun = "echo $big"')
    sheet = sheet_of(root, "t")

    assert (
        sheet.execution.fault
        == "$big would be 120000 bytes long, more than the 100 KiB of a variable: put it into a file"
    )


def test_why_a_task_could_not_be_started_is_told(root: Path) -> None:
    sheet = sheet_of(root, "odd")

    assert sheet.execution.fault.startswith("$in holds 'sub/a b'")
    assert any(sheet.execution.fault in line for line in lines(sheet))
    assert next(shell_lines(sheet)).startswith("# exarp would not start this: $in holds")
