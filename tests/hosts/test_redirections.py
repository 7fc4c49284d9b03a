"""Redirections of commands that need no shell: the same files, output and status as with one."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from exarp.hosts.local import LocalHost
from exarp.model.launch import Launch, Redirection
from exarp.planning.plain import plain_command

from .processes import MakeLaunch, history, output

# Prints to both streams what it reads, and fails where it reads nothing.
PROGRAM = """sh -c 'read=$(cat); echo "out $read"; echo "err $read" >&2; test -n "$read"' sh"""
SHELL = ("sh", "-eu", "-c")
FOLDERS = itertools.count()

redirections = st.builds(
    "{} {}{}".format,
    st.sampled_from(["<", ">", ">>", "1>", "2>", "2>>", "0<"]),
    st.sampled_from(["", " "]),
    st.sampled_from(["there", "other", "new", "gone/new", "folder", "link", "/dev/null", "'a b'"]),
)


def outcome(folder: Path, script: str, plain: bool) -> tuple[object, ...]:
    """What the files of a folder hold after a script, what it printed, and its status."""
    folder.mkdir(parents=True)
    (folder / "there").write_text("from there\n")
    (folder / "other").write_text("from other, which is longer\n")
    (folder / "folder").mkdir()
    (folder / "link").symlink_to("linked")
    env = {"PATH": os.environ["PATH"]}
    command = plain_command(script, env.get)
    assert command is not None, script
    words, streams = ((command.words,), (command.redirections,)) if plain else ((), ())
    with LocalHost(folder.name, grace=0.3, leftover_grace=0.3) as host:
        host.start(
            Launch(
                1, "t", ((*SHELL, script),), env, str(folder), str(folder / "log"), plain=words, redirections=streams
            )
        )
        told = history(host, 1)
    files = {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.name != "log" and path.is_file()}
    return files, output(told, 1), told[-1]


@given(st.lists(st.one_of(redirections, st.sampled_from(["2>&1", ">&2"])), min_size=1, max_size=4).map(" ".join))
@example("> new 2>&1")
@example("2>&1 > new < there")
@example("< gone > there")
@example("> there < gone")
@settings(max_examples=40)
def test_a_command_without_a_shell_does_with_its_streams_what_a_shell_does(
    tmp_path_factory: pytest.TempPathFactory, said: str
) -> None:
    base = tmp_path_factory.getbasetemp() / f"redirected-{next(FOLDERS)}"
    script = f"{PROGRAM} {said}"
    by_shell, without = (outcome(base / way, script, way == "plain") for way in ("shell", "plain"))
    assert without[:2] == by_shell[:2], script
    assert without[2].status == by_shell[2].status, script  # type: ignore[attr-defined]


def test_a_pipe_with_a_name_does_not_hold_up_what_opens_its_other_end(
    host: LocalHost, launch: MakeLaunch, tmp_path: Path
) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "text").write_text("through\n")
    # Whoever waits in there for the other end hears no signal: this lets it go on.
    later = "import os, time; time.sleep(20); os.open('pipe', os.O_RDWR); time.sleep(9)"
    rescue = subprocess.Popen([sys.executable, "-c", later], cwd=tmp_path)
    reads, writes = (Redirection(0, "<", "pipe"),), (Redirection(1, ">", "pipe"),)
    host.start(launch("cat < pipe", plain=(("cat",),), redirections=(reads,)))
    host.start(launch("cat text > pipe", plain=(("cat", "text"),), redirections=(writes,)))
    told = history(host, 1, 2)
    assert rescue.poll() is None
    rescue.kill()
    rescue.wait()
    assert output(told, 1) == b"through\n"
