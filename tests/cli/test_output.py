"""What a run prints, and where: output modes, documents, streams that are closed."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.cli.conftest import Workspace, environment


def test_output_modes(workspace: Workspace) -> None:
    workspace.manifest('[task.t]\nrun = "echo out; echo err >&2; printf tail"')
    assert workspace.exarp("t").out == "out\nerr\ntail"
    assert workspace.exarp("t", "--output", "prefixed").out == "t | out\nt | err\nt | tail\n"
    assert workspace.exarp("t", "--output", "stream").out == "out\nerr\ntail"
    assert workspace.exarp("t", "--output", "quiet").out == ""
    raw = workspace.exarp("t", "--output", "raw")
    assert raw.out == "out\ntail"
    assert "err\n" in raw.err


def test_json_is_one_document_and_task_output_goes_to_stderr(workspace: Workspace) -> None:
    workspace.manifest('[task.t]\nrun = "echo noise; exit 1"')
    result = workspace.exarp("t", "--json")
    assert result.json["first_failure"] == {"task": "t", "tail": "noise"}
    assert result.json["exit_code"] == result.code == 1
    assert "noise" in result.err


@pytest.mark.parametrize(("mode", "before"), [("grouped", b""), ("stream", b""), ("prefixed", b"t | "), ("raw", b"")])
def test_raw_bytes_pass_through_unaltered(workspace: Workspace, mode: str, before: bytes) -> None:
    workspace.manifest(r"""[task.t]
run = 'printf "\033[31mred\033[0m caf\351 \303\251 \355\240\200 \303\n"'""")
    events = workspace.path / "events"
    done = subprocess.run(
        [sys.executable, "-m", "exarp", "t", "--output", mode, "--events", str(events)],
        cwd=workspace.path, env=environment(), capture_output=True, check=True,
    )  # fmt: skip
    assert done.stdout == before + b"\x1b[31mred\x1b[0m caf\xe9 \xc3\xa9 \xed\xa0\x80 \xc3\n"
    for line in events.read_bytes().splitlines():
        json.loads(line.decode()).get("text", "").encode()


def test_closed_streams_do_no_harm(workspace: Workspace) -> None:
    workspace.manifest('[task.t]\nrun = "echo out; echo err >&2; touch done-$n"')
    for number, closing in enumerate([">&-", "2>&-", "<&- >&- 2>&-"]):
        done = subprocess.run(
            ["sh", "-c", f'"{sys.executable}" -m exarp t {closing}'],
            cwd=workspace.path,
            env=environment({"n": str(number)}),
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, "Traceback" in done.stderr) == (0, False), done.stderr
        assert workspace.exists(f"done-{number}")


def test_json_owns_stdout_also_where_tasks_have_exarp_s_own_streams(workspace: Workspace) -> None:
    workspace.manifest('[task.t]\nrun = "echo raw"\n[task.i]\ninteractive = true\nrun = "echo mine"')
    raw = workspace.exarp("t", "--output", "raw", "--json")
    assert raw.json["outcome"] == "passed"
    assert "raw\n" in raw.err
    interactive = workspace.exarp("i", "--events", "-")
    assert next(json.loads(line)["type"] for line in interactive.out.splitlines()) == "run_started"
    assert "mine\n" in interactive.err
    assert workspace.exarp("t", "--json", "--events", "-").code == 2


def test_a_log_that_is_gone_is_said(workspace: Workspace) -> None:
    workspace.manifest(
        '[task.t]\nrun = "echo x; until [ -s .exarp/logs/1/t.1.log ]; do sleep 0.02; done; rm -rf .exarp/logs; exit 1"'
        '\n[task.kept]\nrun = "echo y; [ -e t ] || exit 1"'
    )
    lost = workspace.exarp("t")
    assert "warning: t: its output cannot be read" in lost.err
    assert "  (its output cannot be read" in lost.err
    workspace.write("t", "")
    workspace.exarp("kept")
    (log,) = workspace.path.glob(".exarp/logs/*/kept*")
    log.unlink()
    result = workspace.exarp("log", "kept")
    assert result.code == 2
    assert "cannot be read: No such file or directory (no-log)" in result.err
