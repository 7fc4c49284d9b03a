"""The reading commands from outside: what they print, and that they change nothing."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tomllib

import pytest

from exarp import __version__
from exarp.app.wiring import usable_cpus
from exarp.cli.commands import COMMANDS
from tests.cli.conftest import Workspace, environment

MANIFEST = """
    [settings]
    default = ["test"]

    [vars]
    flags = "-O2"

    [[wave]]
    name = "left"
    tasks = ["lint"]
    parallel = true

    [[wave]]
    name = "right"
    tasks = ["fmt"]
    parallel = true

    [task.gen]
    description = "Make the header"
    inputs = []
    outputs = ["gen.h"]
    run = "echo > $out"

    [task.test]
    needs = ["gen"]
    run = "echo $flags"

    [task.lint]
    inputs = ["src/**/*.py"]
    outputs = []
    run = "true"

    [task.fmt]
    modifies = ["src/**/*.py"]
    run = "true"

    [task.deploy]
    manual = true
    run = "true"
"""


@pytest.fixture
def project(workspace: Workspace) -> Workspace:
    workspace.manifest(MANIFEST)
    workspace.write("src/a.py", "")
    return workspace


def test_reading_commands_leave_no_trace(project: Workspace) -> None:
    before = sorted(str(path) for path in project.path.rglob("*"))
    for command in (
        ["plan"],
        ["plan", "--json"],
        ["why-not", "lint", "fmt"],
        ["explain", "lint"],
        ["clean", "-n"],
        ["graph"],
        ["list"],
        ["show", "gen"],
        ["check"],
        ["schema"],
        ["status"],
        ["history"],
        ["completion", "bash"],
        ["run", "-n"],
    ):
        assert project.exarp(*command).code in (0, 1)
    assert sorted(str(path) for path in project.path.rglob("*")) == before


def test_plan_says_why_a_marking_does_not_hold(project: Workspace) -> None:
    text = project.exarp("plan", "--all").out
    assert "marked parallel with left, but runs after it: fmt changes what lint reads" in text
    assert "exarp.toml:" in text


def test_plan_json_has_the_contract_s_fields_and_the_same_bytes_each_time(project: Workspace) -> None:
    first = project.exarp("plan", "--json", "--all")
    plan = first.json
    assert plan["version"] == 1
    assert plan["task_count"] == 4
    assert {"number", "name", "part", "group", "order", "tasks", "after", "beside", "checkpoint", "verify"} == set(
        plan["waves"][0]
    )
    assert plan["tasks"]["gen"] == {
        "needs": [],
        "would_run": True,
        "would_restore": False,
        "reason": "never-ran",
        "expected_ms": None,
    }
    assert plan["tasks"]["test"]["needs"] == ["gen"]
    assert plan["blocked"] == []
    (verdict,) = [found for found in plan["verdicts"] if found["kind"] == "waves"]
    assert verdict["reasons"][0]["code"] == "read-write"
    assert project.exarp("plan", "--json", "--all").out == first.out


def test_limits_and_schedules_from_the_command_line(workspace: Workspace) -> None:
    workspace.manifest("".join(f'[task.t{n}]\nrun = "true"\n' for n in range(5)))
    waves = workspace.exarp("plan", "--json", "--max-tasks-per-wave", "2").json["waves"]
    assert [wave["tasks"] for wave in waves] == [["t0", "t1"], ["t2", "t3"], ["t4"]]
    assert [wave["after"] for wave in waves] == [[], [1], [2]]


def test_why_not_answers_with_its_exit_code(project: Workspace) -> None:
    refused = project.exarp("why-not", "lint", "fmt")
    assert refused.code == 1
    assert refused.out.startswith("lint and fmt may not run side by side: fmt changes what lint reads\n")
    allowed = project.exarp("why-not", "lint", "gen", "--json")
    assert allowed.json["verdict"]["verdict"] in ("upheld", "refuted")
    waves = project.exarp("why-not", "left", "right", "--json")
    assert waves.code == 1
    assert [reason["code"] for reason in waves.json["verdict"]["reasons"]] == ["read-write"]
    assert project.exarp("why-not", "lint", "left").code == 2
    assert project.exarp("why-not", "lint", "lint").code == 2
    assert "did you mean 'lint'?" in project.exarp("why-not", "lnit", "fmt").err


def test_graph_in_each_notation(project: Workspace) -> None:
    dot = project.exarp("graph", "--all").out
    assert dot.startswith("digraph")
    mermaid = project.exarp("graph", "--mermaid", "--waves", "--all").out
    assert "subgraph" in mermaid
    nodes = project.exarp("graph", "--json", "test").json
    assert [node["task"] for node in nodes["nodes"]] == ["gen", "test"] or "nodes" in nodes


@pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz is not installed")
def test_graphviz_reads_what_graph_prints(project: Workspace) -> None:
    svg = subprocess.run(
        ["dot", "-Tsvg"], input=project.exarp("graph", "--all").out, capture_output=True, text=True, check=True
    )
    assert "gen" in svg.stdout


def test_list_and_show(project: Workspace) -> None:
    listing = project.exarp("list").out.splitlines()
    assert listing[0].split() == ["gen", "Make", "the", "header"]
    assert "(manual)" in listing[-1]
    assert [task["task"] for task in project.exarp("list", "--json").json["tasks"]][:2] == ["gen", "test"]
    shown = project.exarp("show", "test").out
    assert "flags=-O2" in shown
    assert "gen" in shown
    assert project.exarp("show", "gen", "--json").json["task"]["outputs"] == ["gen.h"]
    assert project.exarp("show", "nope").code == 2


def test_show_gives_the_paths_that_a_task_s_commands_see(workspace: Workspace) -> None:
    workspace.manifest(
        """
        [task.t]
        cwd = "sub"
        inputs = ["sub/a.txt"]
        outputs = ["out/", "gl/*.o"]
        depfile = "sub/t.d"
        run = "echo $in $out $depfile"
        """
    )
    workspace.write("sub/a.txt", "")
    sheet = workspace.exarp("show", "t", "--json").json
    seen = [sheet[field] for field in ("inputs", "outputs", "matched", "depfile")]
    assert seen == [["a.txt"], ["../out/"], ["../gl/*.o"], "t.d"]
    assert workspace.exarp("t").out == "a.txt ../out/ t.d\n"


def test_check_finds_doubts_and_strict_makes_them_count(project: Workspace) -> None:
    result = project.exarp("check")
    assert result.code == 0
    assert "doubt" in result.out
    assert project.exarp("check", "--strict").code == 1
    problems = project.exarp("check", "--format", "json").json["problems"]
    assert {problem["severity"] for problem in problems} == {"doubt"}
    project.manifest('[task.t]\nruns = "x"')
    document = project.exarp("check", "--json").json
    assert document["problems"] == document["error"]["problems"]
    assert document["exit_code"] == document["error"]["exit_code"] == 3
    wrong = project.exarp("check")
    assert wrong.code == 3
    assert wrong.out.startswith("exarp.toml:2:1: unknown key 'runs' in task 't' (unknown-key)")


def test_check_of_a_sound_manifest_is_no_error(workspace: Workspace) -> None:
    workspace.manifest('[task.t]\nrun = "true"')
    for option in (["--json"], ["--format", "json"]):
        assert workspace.exarp("check", *option).json == {"version": 1, "exit_code": 0, "problems": []}


def test_init_writes_a_manifest_that_runs_where_nothing_suggests_one(workspace: Workspace) -> None:
    assert "exarp init" in workspace.exarp("run").err
    assert workspace.exarp("init").code == 0
    assert tomllib.loads(workspace.read("exarp.toml"))["settings"] == {"default": ["greet"]}
    assert workspace.exarp("run").out.endswith("hello, world\n")
    assert workspace.exarp("check", "--strict").code == 0
    again = workspace.exarp("init")
    assert again.code == 2
    assert "--force" in again.err


def test_schema_is_a_schema(workspace: Workspace) -> None:
    schema = workspace.exarp("schema").json
    assert schema["$schema"].startswith("https://json-schema.org/")
    assert "depfile" in schema["$defs"]["TaskDocument"]["properties"]


def test_status_history_and_log(workspace: Workspace) -> None:
    workspace.manifest('[task.t]\nrun = "echo one; echo two; exit ${CODE:-0}"\naliases = ["tee"]')
    assert workspace.exarp("status").code == 0
    assert workspace.exarp("log", "t").code == 2
    workspace.exarp("t", env={"CODE": "3"})
    workspace.exarp("t")
    assert "run 2" in workspace.exarp("status").out
    history = workspace.exarp("history", "--json").json["runs"]
    assert [(run["id"], run["outcome"], run["exit_code"]) for run in history] == [
        ("2", "passed", 0),
        ("1", "failed", 1),
    ]
    assert workspace.exarp("status", "--json").json["runs"] == history[:1]
    assert workspace.exarp("log", "t").out == "one\ntwo\n"
    first = workspace.exarp("log", "t", "--run", "1")
    assert first.out == "one\ntwo\n"
    assert "exit 3" in first.err
    attempts = workspace.exarp("history", "t", "--json").json["attempts"]
    assert [attempt["run"] for attempt in attempts] == ["2", "1"]
    assert workspace.exarp("log", "tee").out == "one\ntwo\n"
    assert workspace.exarp("history", "tee", "--json").json["attempts"] == attempts


def test_log_shows_each_attempt_of_a_run_and_says_how_many_there_were(workspace: Workspace) -> None:
    workspace.manifest(
        """
        [task.t]
        aliases = ["tee"]
        retries = 3
        run = 'echo x >> tries; echo "try $(wc -l < tries)"; test "$(wc -l < tries)" -ge 3'
        """
    )
    workspace.exarp("t")
    workspace.exarp("t")

    assert [workspace.exarp("log", "t", "--run", "1", "--attempt", n).out for n in "123"] == [
        "try 1\n",
        "try 2\n",
        "try 3\n",
    ]
    assert workspace.exarp("log", "tee", "--attempt", "1").out == "try 4\n"
    first = workspace.exarp("log", "t", "--run", "1", "--attempt", "1", "--json").json["attempt"]
    assert (first["attempt"], first["outcome"], first["exit_status"], first["output"]) == (1, "failed", 1, "try 1\n")
    followed = workspace.exarp("log", "t", "--run", "1", "--attempt", "2", "--follow", "--json").json["attempt"]
    assert (followed["attempt"], followed["output"]) == (2, "try 2\n")
    for run, words in (("1", "there were 3"), ("2", "there was one")):
        missing = workspace.exarp("log", "t", "--run", run, "--attempt", "9")
        assert missing.code == 2
        assert f"has no attempt 9 in run {run}" in missing.err
        assert words in missing.err


def test_follow_goes_on_until_the_task_has_ended(workspace: Workspace) -> None:
    workspace.manifest('[task.t]\nrun = "echo one; touch started; until [ -e go ]; do sleep 0.02; done; echo two"')
    run = workspace.start("t")
    try:
        while not workspace.exists("started"):
            assert run.poll() is None
        follow = workspace.start("log", "t", "--follow")
        assert follow.stdout is not None
        assert follow.stdout.readline() == b"one\n"
        workspace.write("go", "")
        out, _ = follow.communicate(timeout=20)
        assert out == b"two\n"
    finally:
        workspace.write("go", "")
        run.communicate(timeout=20)


def test_every_command_s_help_has_an_example(workspace: Workspace) -> None:
    for command in COMMANDS:
        text = workspace.exarp(command, "--help").out
        assert "Examples:" in text, command
        assert f"exarp {command}" in text, command


def test_version(workspace: Workspace) -> None:
    assert workspace.exarp("--version").out == f"exarp {__version__}\n"
    assert workspace.exarp("-q", "--version").out == f"exarp {__version__}\n"


def test_options_stand_before_or_behind_the_command(workspace: Workspace) -> None:
    workspace.manifest('[task.t]\nrun = "true"')
    other = str(workspace.path)
    assert workspace.exarp("-C", other, "list").out == workspace.exarp("list", "-C", other).out == "t\n"
    assert workspace.exarp("-f", "gone.toml", "list").code == 3
    assert workspace.exarp("list", "-f", "exarp.toml").out == "t\n"


def test_colours_only_where_they_are_wanted(workspace: Workspace) -> None:
    workspace.manifest('[task.t]\nrun = "exit 1"')
    assert "\x1b[" not in workspace.exarp("t").err
    assert "\x1b[" in workspace.exarp("t", "--color", "always").err
    assert "\x1b[" in workspace.exarp("t", env={"FORCE_COLOR": "1"}).err
    assert "\x1b[" not in workspace.exarp("t", env={"FORCE_COLOR": "1", "NO_COLOR": "1"}).err


def test_a_reader_that_leaves_early_does_no_harm(workspace: Workspace) -> None:
    workspace.manifest('[task.t]\nrun = "seq 200000; touch done"')
    process = workspace.start("t", "--output", "stream")
    assert process.stdout is not None
    assert process.stdout.readline() == b"1\n"
    process.stdout.close()
    assert process.stderr is not None
    with process.stderr:
        process.stderr.read()
    process.wait(timeout=20)
    assert workspace.exists("done")


def test_a_working_directory_that_is_gone_is_said(workspace: Workspace) -> None:
    done = subprocess.run(
        ["sh", "-c", f'mkdir d && cd d && rmdir ../d && "{sys.executable}" -m exarp run'],
        cwd=workspace.path,
        env=environment({"PYTHONPATH": ":".join(sys.path)}),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "the working directory is gone" in done.stderr


def test_a_broken_state_folder_is_said(workspace: Workspace) -> None:
    workspace.manifest('[task.t]\nrun = "true"')
    workspace.write(".exarp", "a file")
    result = workspace.exarp("t", "--json")
    assert result.code == 2
    assert result.json["error"]["problems"][0]["slug"] == "state-folder"


@pytest.mark.parametrize("leads_to", [None, "nowhere", ".exarp"])
def test_a_state_folder_that_cannot_be_read_is_not_taken_for_an_empty_one(
    workspace: Workspace, leads_to: str | None
) -> None:
    workspace.manifest('[task.t]\nrun = "true"')
    if leads_to is None:
        workspace.write(".exarp", "a file")
    else:
        (workspace.path / ".exarp").symlink_to(leads_to)
    for command in (["status"], ["status", "--json"], ["history"], ["log", "t"], ["plan"], ["run", "-n", "t"]):
        result = workspace.exarp(*command)
        assert result.code == 2, command
        assert f"cannot use {workspace.path}/.exarp: " in result.err
    # A graph has nothing of earlier runs.
    assert workspace.exarp("graph").code == 0


@pytest.mark.parametrize(
    ("broken", "told"),
    [
        ("raise ZeroDivisionError('boom \\x1b')", "ZeroDivisionError: boom \\x1b (defect)"),
        ("States(['t']).change(0, State.RESTING)", "task t: WAITING → RESTING is not a legal change (defect)"),
    ],
)
def test_a_defect_is_reported_without_a_traceback(workspace: Workspace, broken: str, told: str) -> None:
    workspace.manifest('[task.t]\nrun = "true"')
    code = (
        "import exarp.app.run as r\n"
        "from exarp.engine.state import State, States\n"
        f"def boom(*a, **k): {broken}\n"
        "r.planned = boom\n"
        "import sys; from exarp.cli.entry import run_cli; sys.exit(run_cli(['run', 't', '--json']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=workspace.path,
        env=environment({"TMPDIR": str(workspace.path)}),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 70
    assert "Traceback" not in done.stderr
    assert f"exarp broke one of its own rules: {told}\n" in done.stderr
    error = json.loads(done.stdout)["error"]
    report = error["problems"][0]["next"].removeprefix("report ")
    with open(report) as file:
        text = file.read()
    assert text.startswith("exarp ['run', 't', '--json']\n")
    assert "Traceback" in text


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full here")
def test_a_full_disk_is_told_and_ends_no_run(workspace: Workspace) -> None:
    workspace.manifest('[task.t]\nrun = "echo out; touch done"')
    command = f'"{sys.executable}" -m exarp'
    for arguments, code, told in [
        ("list > /dev/full", 2, "stdout cannot be written"),
        ("list --json > /dev/full", 2, "stdout cannot be written"),
        ("--version > /dev/full", 2, "stdout cannot be written"),
        ("--help > /dev/full", 2, "stdout cannot be written"),
        ("run --help > /dev/full", 2, "stdout cannot be written"),
        ("missing 2> /dev/full", 2, ""),
        ("--missing 2> /dev/full", 2, ""),
        ("t > /dev/full", 0, "output could not be written"),
        ("t --json > /dev/full", 2, "stdout cannot be written"),
        ("t --events /dev/full", 0, "output could not be written"),
    ]:
        done = subprocess.run(
            ["sh", "-c", f"{command} {arguments}"],
            cwd=workspace.path,
            env=environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, told in done.stderr) == (code, True), (arguments, done.stderr)
        assert "Exception ignored" not in done.stderr
    assert workspace.exists("done")


def test_a_reader_that_has_gone_is_no_failure(workspace: Workspace) -> None:
    workspace.manifest('[task.t]\ninputs = []\noutputs = []\nrun = "echo x"')
    for arguments in ("list", "graph", "plan --json", "run t --json", "--version", "--help", "run --help"):
        reader, writer = os.pipe()
        os.close(reader)
        done = subprocess.run(
            [sys.executable, "-m", "exarp", *arguments.split()],
            cwd=workspace.path,
            env=environment(),
            stdout=writer,
            stderr=subprocess.PIPE,
            check=False,
        )
        os.close(writer)
        assert done.returncode == 0, (arguments, done.stderr)
        assert b"Broken pipe" not in done.stderr
        assert b"Traceback" not in done.stderr


def test_check_tells_what_proof_would_need(workspace: Workspace) -> None:
    workspace.manifest('[settings]\ntrust = "proof"\n[task.vague]\nrun = "true"')
    result = workspace.exarp("check", "--strict")
    assert result.code == 1
    assert "runs alone" in result.out


def test_history_of_what_is_no_task_says_so_unless_it_knows_it(workspace: Workspace) -> None:
    workspace.manifest('[task.gone]\nrun = "true"\n[task.build]\nrun = "true"')
    workspace.exarp("gone")
    workspace.manifest('[task.build]\nrun = "true"')
    assert "attempt 1" in workspace.exarp("history", "gone").out
    assert workspace.exarp("history", "build").out == "it never ran\n"
    unknown = workspace.exarp("history", "biuld")
    assert (unknown.code, "did you mean 'build'?" in unknown.err) == (2, True)


def test_damage_is_told_by_status_and_history_as_by_a_run(workspace: Workspace) -> None:
    workspace.manifest('[task.t]\nrun = "true"')
    workspace.write(".exarp/store.db", "rubbish")
    for command in (["status"], ["history"], ["history", "t"]):
        result = workspace.exarp(*command)
        assert (result.code, result.out) == (0, "")
        assert "is damaged; the next run begins a new one" in result.err
    assert workspace.exarp("status", "--json").json["runs"] == []


@pytest.mark.parametrize("command", [("plan",), ("plan", "--json"), ("run", "-n", "t"), ("log", "t")])
def test_damage_is_told_by_what_plans_and_by_log(workspace: Workspace, command: tuple[str, ...]) -> None:
    workspace.manifest('[task.t]\nrun = "true"')
    workspace.write(".exarp/store.db", "rubbish")
    result = workspace.exarp(*command)
    assert result.err.count("is damaged; the next run begins a new one") == 1
    assert (result.code, "has not been run" in result.err) == (2 if command[0] == "log" else 0, False)


def test_why_not_shows_where_a_mutex_and_a_pool_are_asked_for(workspace: Workspace) -> None:
    held = 'inputs = []\noutputs = []\nmutex = ["db"]\nresources = { gpu = 1 }\nrun = "true"\n'
    workspace.manifest(f"[resources]\ngpu = 1\n[task.a]\n{held}[task.b]\n{held}")
    lines = workspace.exarp("why-not", "a", "b").out.splitlines()
    assert [line.split() for line in lines if "exarp.toml:" in line] == [
        ["a", "holds", "db", "exarp.toml:6"],
        ["b", "holds", "db", "exarp.toml:12"],
        ["a", "asks", "for", "gpu", "=", "1", "exarp.toml:7"],
        ["b", "asks", "for", "gpu", "=", "1", "exarp.toml:13"],
    ]


def test_what_is_read_by_from_is_read_for_every_verdict(workspace: Workspace) -> None:
    workspace.manifest("""
        [task.cc]
        inputs = []
        outputs = ["a.o"]
        run = "touch a.o"
        [task.link]
        inputs = [{ from = "cc" }]
        outputs = ["app"]
        run = "cp $in $out"
        [task.strip]
        needs = ["cc"]
        modifies = ["a.o"]
        run = "strip a.o"
    """)
    refused = workspace.exarp("why-not", "link", "strip")
    assert refused.code == 1
    assert "strip changes what link reads" in refused.out
    assert "exarp.toml:7" in refused.out


def test_no_number_of_jobs_is_the_cpus_also_where_the_manifest_has_one(workspace: Workspace) -> None:
    more = usable_cpus() + 1
    tasks = "".join(f'[task.t{number}]\nrun = "true"\n' for number in range(more + 1))
    workspace.manifest(f"[settings]\njobs = {more}\n{tasks}")
    for options, jobs in (([], more), (["-j0"], usable_cpus())):
        assert (f"up to {jobs} at once" if jobs > 1 else "in turn") in workspace.exarp("plan", *options).out
        started = workspace.exarp("run", "t0", "--events", "-", *options).out.splitlines()[0]
        assert json.loads(started)["plan"]["jobs"] == jobs
