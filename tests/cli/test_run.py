"""``exarp run`` from outside: what runs, in which order, what is said, which code it exits with."""

from __future__ import annotations

import json

from tests.cli.conftest import Workspace

CHAIN = """
    [task.one]
    inputs = ["a.txt"]
    outputs = ["build/one.txt"]
    run = "cat $in > $out"

    [task.two]
    inputs = ["build/one.txt"]
    outputs = ["build/two.txt"]
    run = "cat $in $in > $out"
"""


def test_a_chain_runs_in_order_and_then_is_up_to_date(workspace: Workspace) -> None:
    workspace.manifest(CHAIN)
    workspace.write("a.txt", "x\n")
    first = workspace.exarp("run", "two")
    assert first.code == 0
    assert workspace.read("build/two.txt") == "x\nx\n"
    assert "Starting wave 1 (1 task)" in first.err.splitlines()
    assert "Wave 2 complete: 1/1 task passed" in first.err.splitlines()
    second = workspace.exarp("run", "two")
    assert (second.code, second.out, second.err) == (0, "", "up to date (2 tasks)\n")


def test_a_task_name_alone_runs_it(workspace: Workspace) -> None:
    workspace.manifest('[task.hello]\nrun = "echo hi"')
    result = workspace.exarp("hello")
    assert (result.code, result.out) == (0, "hi\n")


def test_only_what_changed_runs_again_and_equal_contents_stop_there(workspace: Workspace) -> None:
    workspace.manifest(CHAIN.replace("cat $in > $out", "sort $in > $out"))
    workspace.write("a.txt", "1\n2\n")
    workspace.exarp("two")
    workspace.write("a.txt", "2\n1\n")
    again = workspace.exarp("two", "--json").json
    outcomes = {task["task"]: (task["outcome"], task["reason"]) for task in again["tasks"]}
    assert outcomes["one"] == ("passed", "input-changed")
    assert outcomes["two"][0] == "up_to_date"


def test_every_way_to_be_out_of_date(workspace: Workspace) -> None:
    manifest = """
        [vars]
        word = "w"
        [task.t]
        inputs = ["in/*.txt", "plain"]
        outputs = ["out.txt"]
        run = 'echo "$word $NAMED"; cat $in > $out'
    """
    workspace.manifest(manifest)
    workspace.write("in/a.txt", "a")
    workspace.write("plain", "p")

    def reason(*options: str, **env: str) -> str:
        (task,) = workspace.exarp("t", "--json", *options, env={"NAMED": "n", **env}).json["tasks"]
        return str(task["reason"]) if task["outcome"] == "passed" else str(task["outcome"])

    assert reason() == "never-ran"
    assert reason() == "up_to_date"
    workspace.write("in/a.txt", "b")
    assert reason() == "input-changed"
    workspace.write("in/b.txt", "b")
    assert reason() == "input-added"
    (workspace.path / "in/b.txt").unlink()
    assert reason() == "input-removed"
    workspace.write("out.txt", "edited by hand")
    assert reason() == "output-changed"
    (workspace.path / "out.txt").unlink()
    assert reason() == "output-missing"
    assert reason(NAMED="other") == "recipe-changed"
    assert reason("--set", "word=other") == "recipe-changed"
    workspace.manifest(manifest.replace("cat $in", "cat  $in"))
    assert reason() == "recipe-changed"
    assert reason("--force") == "forced"
    assert reason() == "up_to_date"


def test_siblings_and_independent_tasks_finish_when_one_fails(workspace: Workspace) -> None:
    workspace.manifest(
        """
        [task.bad]
        run = "echo first; echo the cause >&2; exit 3"
        [task.sibling]
        run = "sleep 0.2; touch sibling"
        [task.after]
        needs = ["sibling"]
        run = "touch after"
        [task.dependent]
        needs = ["bad"]
        run = "touch dependent"
        [task.deeper]
        needs = ["dependent"]
        run = "touch deeper"
        """
    )
    result = workspace.exarp("run", "--all", "-j2")
    assert result.code == 1
    assert workspace.exists("sibling")
    assert workspace.exists("after")
    assert not workspace.exists("dependent")
    tail = result.err[result.err.index("first failure:") :]
    assert tail.startswith("first failure: bad, exit 3")
    assert "the cause" in tail
    assert "blocked by it: dependent, deeper" in tail
    assert "exarp log bad" in tail


def test_fail_fast_starts_nothing_new_and_keep_going_overrides_it(workspace: Workspace) -> None:
    workspace.manifest(
        """
        [task.a]
        run = "exit 1"
        [task.b]
        run = "touch b"
        """
    )
    assert workspace.exarp("run", "--all", "-j1", "--fail-fast").code == 1
    assert not workspace.exists("b")
    assert workspace.exarp("run", "--all", "-j1", "--fail-fast", "-k").code == 1
    assert workspace.exists("b")


def test_abort_ends_what_runs(workspace: Workspace) -> None:
    workspace.manifest(
        """
        [task.long]
        run = "touch started; sleep 60; touch finished"
        [task.fatal]
        run = "until [ -e started ]; do sleep 0.02; done; exit 1"
        on_failure = "abort"
        """
    )
    result = workspace.exarp("run", "--all", "-j2", "--json").json
    outcomes = {task["task"]: task["outcome"] for task in result["tasks"]}
    assert outcomes == {"long": "cancelled", "fatal": "failed"}
    assert not workspace.exists("finished")


def test_allowed_failures_and_skips(workspace: Workspace) -> None:
    workspace.manifest(
        """
        [task.flaky]
        run = "exit 1"
        allow_failure = true
        [task.next]
        needs = ["flaky"]
        run = "touch next"
        [task.optional]
        run = "exit 1"
        on_failure = "skip"
        """
    )
    assert workspace.exarp("next").code == 0
    assert workspace.exists("next")
    skipped = workspace.exarp("optional", "--json")
    assert skipped.code == 1
    assert [task["outcome"] for task in skipped.json["tasks"]] == ["skipped"]


def test_retries_with_growing_delay_until_it_passes(workspace: Workspace) -> None:
    workspace.manifest(
        """
        [task.flaky]
        run = 'echo x >> tries; test "$(wc -l < tries)" -ge 3'
        retries = 3
        retry_delay = "50ms"
        """
    )
    result = workspace.exarp("flaky", "--events", "-")
    events = [json.loads(line) for line in result.out.splitlines()]
    assert result.code == 0
    assert [event["delay_ms"] for event in events if event["type"] == "task_retried"] == [50, 100]
    (finished,) = [event for event in events if event["type"] == "task_finished"]
    assert (finished["outcome"], finished["attempt"]) == ("passed", 3)


def test_a_command_that_does_not_exist_is_not_retried(workspace: Workspace) -> None:
    workspace.manifest('[task.t]\nargv = ["no-such-program-anywhere"]\nretries = 5')
    (task,) = workspace.exarp("t", "--json").json["tasks"]
    assert (task["outcome"], task["attempts"], task["reason"]) == ("failed", 1, "start-failed")


def test_a_timeout_fails_the_attempt_and_says_so(workspace: Workspace) -> None:
    workspace.manifest('[task.t]\nrun = "sleep 60"\ntimeout = "200ms"')
    result = workspace.exarp("t")
    assert result.code == 1
    assert "timed out after 0.2s" in result.err


def test_an_output_that_was_not_made_fails_the_task(workspace: Workspace) -> None:
    workspace.manifest('[task.t]\ninputs = []\noutputs = ["never"]\nrun = "true"')
    result = workspace.exarp("t")
    assert result.code == 1
    assert "never" in result.err
    assert workspace.exarp("t", "--json").json["tasks"][0]["reason"] == "outputs-not-made"


def test_an_input_that_is_not_there_is_told_before_anything_starts(workspace: Workspace) -> None:
    workspace.manifest('[task.t]\ninputs = ["gone.txt"]\nrun = "touch ran"')
    result = workspace.exarp("t")
    assert result.code == 1
    assert "gone.txt" in result.err
    assert not workspace.exists("ran")


def test_an_input_changed_while_the_task_ran_is_not_recorded(workspace: Workspace) -> None:
    workspace.manifest('[task.t]\ninputs = ["a"]\noutputs = ["b"]\nrun = "cat a > b; echo more >> a"')
    workspace.write("a", "1\n")
    first = workspace.exarp("t")
    assert first.code == 0
    assert "a changed while the task ran" in first.err
    assert workspace.exarp("t", "--json").json["tasks"][0]["outcome"] == "passed"


def test_depfiles_count(workspace: Workspace) -> None:
    workspace.manifest(
        """
        [task.t]
        inputs = ["main"]
        outputs = ["out"]
        depfile = "out.d"
        run = 'cat main header > out; echo "out: main header" > $depfile'
        """
    )
    workspace.write("main", "m")
    workspace.write("header", "h")
    workspace.exarp("t")
    assert workspace.exarp("t").err == "up to date (1 task)\n"
    workspace.write("header", "changed")
    assert workspace.exarp("t", "--json").json["tasks"][0]["reason"] == "input-changed"
    (workspace.path / "header").unlink()
    assert workspace.exarp("t", "-n").out.splitlines()[-1] == "1 task would run, 0 up to date"


def test_touch_records_without_running(workspace: Workspace) -> None:
    workspace.manifest(CHAIN)
    workspace.write("a.txt", "x")
    missing = workspace.exarp("run", "two", "--touch")
    assert missing.code == 1
    assert "build/one.txt" in missing.err
    workspace.write("build/one.txt", "1")
    workspace.write("build/two.txt", "2")
    assert workspace.exarp("run", "two", "--touch").out == "recorded 2 tasks as done\n"
    assert workspace.exarp("two").err == "up to date (2 tasks)\n"
    assert workspace.read("build/two.txt") == "2"


def test_a_dry_run_changes_nothing(workspace: Workspace) -> None:
    workspace.manifest(CHAIN)
    workspace.write("a.txt", "x")
    before = sorted(path.name for path in workspace.path.rglob("*"))
    result = workspace.exarp("run", "two", "-n")
    assert "2 tasks would run, 0 up to date" in result.out
    assert sorted(path.name for path in workspace.path.rglob("*")) == before


def test_output_folders_are_emptied_first_unless_kept_or_tracked(workspace: Workspace) -> None:
    workspace.manifest(
        """
        [task.dist]
        inputs = ["names"]
        outputs = ["dist/"]
        run = 'for n in $(cat names); do echo x > dist/$n; done'
        """
    )
    workspace.write("names", "a b")
    assert workspace.exarp("dist").code == 0
    workspace.write("names", "c")
    assert workspace.exarp("dist").code == 0
    assert [path.name for path in (workspace.path / "dist").iterdir()] == ["c"]


def test_an_output_folder_with_tracked_files_is_never_emptied(workspace: Workspace) -> None:
    import subprocess

    (workspace.path / ".git").rmdir()
    workspace.manifest('[task.t]\ninputs = []\noutputs = ["src/"]\nrun = "true"')
    workspace.write("src/precious.c", "int x;")
    for command in (["init", "-q"], ["add", "src"]):
        subprocess.run(["git", *command], cwd=workspace.path, check=True)
    result = workspace.exarp("t")
    assert result.code == 1
    assert "keep_outputs" in result.err
    assert workspace.exists("src/precious.c")


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


def test_mutex_and_pools_keep_tasks_apart(workspace: Workspace) -> None:
    check = "mkdir lock || { echo overlap; exit 1; }; sleep 0.15; rmdir lock"
    workspace.manifest(
        f"""
        [resources]
        gpu = 1
        [task.a]
        mutex = ["db"]
        run = "{check}"
        [task.b]
        mutex = ["db"]
        resources = {{ gpu = 1 }}
        run = "{check}"
        """
    )
    assert workspace.exarp("run", "--all", "-j4").code == 0


def test_sequential_waves_take_their_tasks_in_turn_and_go_on_after_a_failure(workspace: Workspace) -> None:
    workspace.manifest(
        """
        [[wave]]
        name = "steps"
        order = "sequential"
        tasks = ["third", "first", "second"]
        [task.first]
        run = "echo first >> log; exit 1"
        retries = 0
        [task.second]
        run = "echo second >> log"
        [task.third]
        run = "echo third >> log"
        """
    )
    assert workspace.exarp("run", "-j4").code == 1
    assert workspace.read("log") == "third\nfirst\nsecond\n"


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


def test_a_manifest_is_found_above_up_to_the_git_root(workspace: Workspace) -> None:
    workspace.manifest('[task.where]\nrun = "pwd"')
    (workspace.path / "deep/er").mkdir(parents=True)
    assert workspace.exarp("where", cwd="deep/er").out == f"{workspace.path}\n"
    (workspace.path / "deep/.git").mkdir()
    assert workspace.exarp("where", cwd="deep/er").code == 3


def test_one_run_a_workspace(workspace: Workspace) -> None:
    workspace.manifest('[task.t]\nrun = "touch started; until [ -e go ]; do sleep 0.02; done"')
    first = workspace.start("t")
    try:
        while not workspace.exists("started"):
            assert first.poll() is None
        busy = workspace.exarp("t", "--no-wait", "--json")
        assert busy.code == 5
        assert str(first.pid) in busy.json["error"]["problems"][0]["message"]
    finally:
        workspace.write("go", "")
        first.communicate(timeout=20)
    assert first.returncode == 0


def test_exarp_inside_a_task_of_the_same_workspace_is_refused_instead_of_waiting_for_ever(workspace: Workspace) -> None:
    workspace.manifest(
        """
        [task.outer]
        run = 'python3 -m exarp run inner || echo "code $?"'
        [task.inner]
        run = "true"
        """
    )
    result = workspace.exarp("outer")
    assert result.out.endswith("code 5\n")


def test_raw_bytes_pass_through_unaltered(workspace: Workspace) -> None:
    workspace.manifest(r"""[task.t]
run = 'printf "\033[31mred\033[0m \377"'""")
    import subprocess
    import sys

    from tests.cli.conftest import environment

    done = subprocess.run(
        [sys.executable, "-m", "exarp", "t"], cwd=workspace.path, env=environment(), capture_output=True, check=True
    )
    assert done.stdout == b"\x1b[31mred\x1b[0m \xff"


def test_an_output_folder_with_somebody_s_files_is_not_emptied_until_they_are_gone(workspace: Workspace) -> None:
    workspace.manifest('[task.gen]\ninputs = []\noutputs = ["out/"]\nrun = "echo x > out/made"')
    workspace.write("out/by-hand", "precious")
    refused = workspace.exarp("gen")
    assert refused.code == 1
    assert "by-hand, which exarp did not make" in refused.err
    assert workspace.exarp("gen").code == 1
    assert workspace.read("out/by-hand") == "precious"
    (workspace.path / "out/by-hand").unlink()
    assert workspace.exarp("gen").code == 0
    # From here on the folder is exarp's, also after an attempt that failed half-way.
    workspace.manifest('[task.gen]\ninputs = []\noutputs = ["out/"]\nrun = "echo x > out/half; exit 1"')
    assert workspace.exarp("gen").code == 1
    workspace.manifest('[task.gen]\ninputs = []\noutputs = ["out/"]\nrun = "ls out; echo x > out/made"')
    assert workspace.exarp("gen").out == ""


def test_a_success_that_is_not_recorded_takes_the_last_one_with_it(workspace: Workspace) -> None:
    workspace.manifest(
        """
        [task.t]
        inputs = ["a"]
        outputs = ["o"]
        depfile = "o.d"
        run = 'cp a o; [ -e quiet ] || echo "o: a" > o.d'
        """
    )
    workspace.write("a", "x")
    assert workspace.exarp("t").code == 0
    assert workspace.exarp("t").err == "up to date (1 task)\n"
    (workspace.path / "o.d").unlink()
    workspace.write("quiet", "")
    assert "will run again" in workspace.exarp("t", "--force").err
    assert workspace.exarp("t", "--json").json["tasks"][0]["outcome"] == "passed"


def test_paths_that_lead_back_into_the_workspace_are_the_same_file(workspace: Workspace) -> None:
    inside = str(workspace.path)
    workspace.manifest(
        f"""
        [task.gen]
        inputs = []
        outputs = ["src/gen.h"]
        run = "echo > $out"
        [task.absolute]
        inputs = ["{inside}/src/gen.h"]
        run = "true"
        [task.up]
        inputs = ["../{workspace.path.name}/src/*.h"]
        run = "true"
        [task.folder]
        inputs = ["src"]
        run = "true"
        """
    )
    tasks = workspace.exarp("plan", "--all", "--json").json["tasks"]
    assert [tasks[name]["needs"] for name in ("absolute", "up", "folder")] == [["gen"]] * 3


def test_closed_streams_do_no_harm(workspace: Workspace) -> None:
    import subprocess
    import sys

    from tests.cli.conftest import environment

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


def test_arguments_for_a_task_are_refused_not_taken_for_tasks(workspace: Workspace) -> None:
    workspace.manifest('[task.t]\nrun = "true"\n[task.other]\nrun = "touch other"')
    result = workspace.exarp("run", "t", "--", "other")
    assert result.code == 2
    assert not workspace.exists("other")


def test_names_that_no_list_could_hold_are_told(workspace: Workspace) -> None:
    import os

    workspace.manifest('[task.t]\ninputs = ["in/*"]\noutputs = []\nrun = "cat $in_file"')
    workspace.write("in/two\nlines", "")
    assert "more than one" in workspace.exarp("t").err
    (workspace.path / "in/two\nlines").unlink()
    with open(os.fsencode(workspace.path) + b"/in/\xff", "w"):
        pass
    result = workspace.exarp("t")
    assert result.code == 1
    assert "is not UTF-8" in result.err


def odd_file(workspace: Workspace, name: bytes) -> None:
    """A file whose name is not UTF-8."""
    import os

    path = os.fsencode(workspace.path) + b"/" + name
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w"):
        pass


def test_names_that_are_not_utf8_are_told_wherever_they_turn_up(workspace: Workspace) -> None:
    workspace.manifest(
        r"""
        [task.folder]
        inputs = ["in"]
        outputs = []
        run = "touch ran"
        [task.out]
        inputs = []
        outputs = ["out/"]
        run = 'touch "$(printf "out/\377")"'
        [task.glob]
        inputs = []
        outputs = ["made/*.o"]
        run = 'touch "$(printf "made/\377.o")"'
        [task.dep]
        inputs = []
        outputs = ["d.o"]
        depfile = "d.d"
        run = 'touch d.o; printf "d.o: h/\377\n" > d.d'
        """
    )
    odd_file(workspace, b"in/\xff")
    odd_file(workspace, b"h/\xff")
    for task, name in [("folder", r"in/\xff"), ("out", r"out/\xff"), ("glob", r"made/\xff.o")]:
        result = workspace.exarp(task)
        assert (result.code, f"the name of {name} is not UTF-8" in result.err) == (1, True), result.err
        assert workspace.exarp("run", "--touch", task).code == 1
    assert not workspace.exists("ran")
    result = workspace.exarp("dep")
    assert (result.code, r"the name of h/\xff is not UTF-8: the task will run again" in result.err) == (0, True)


def test_an_odd_name_that_turns_up_among_the_outputs_is_a_change(workspace: Workspace) -> None:
    workspace.manifest('[task.t]\ninputs = []\noutputs = ["out/"]\nrun = "touch out/a"')
    assert workspace.exarp("t").code == 0
    odd_file(workspace, b"out/\xff")
    (task,) = workspace.exarp("t", "--json").json["tasks"]
    assert (task["outcome"], task["reason"]) == ("passed", "output-changed")
    assert workspace.exarp("t").err == "up to date (1 task)\n"


def test_variables_that_are_not_utf8_count_like_others(workspace: Workspace) -> None:
    workspace.manifest('[task.t]\ninputs = []\noutputs = ["o"]\nrun = "echo $ODD > o"')
    first, second = "x\udcff", "x\udcfe"
    assert workspace.exarp("t", env={"ODD": first}).code == 0
    assert workspace.exarp("t", env={"ODD": first}).err == "up to date (1 task)\n"
    (task,) = workspace.exarp("t", "--json", env={"ODD": second}).json["tasks"]
    assert (task["outcome"], task["reason"]) == ("passed", "recipe-changed")


def test_dependents_of_an_allowed_failure_see_what_it_left(workspace: Workspace) -> None:
    workspace.manifest(
        """
        [task.maker]
        inputs = ["in"]
        outputs = ["made"]
        allow_failure = true
        run = "cat in > made; test ! -e bad"
        [task.reader]
        needs = ["maker"]
        inputs = []
        outputs = ["copy"]
        run = "cp made copy"
        """
    )
    workspace.write("in", "1")
    assert workspace.exarp("reader").code == 0
    workspace.write("in", "2")
    workspace.write("bad", "")
    assert workspace.exarp("reader").code == 0
    assert workspace.read("copy") == "2"


def test_files_that_cannot_be_read_are_not_told_as_missing(workspace: Workspace) -> None:
    long = "x" * 300
    workspace.manifest(
        f"""
        [task.reads]
        inputs = ["{long}"]
        outputs = []
        run = "touch ran"
        [task.makes]
        inputs = []
        outputs = ["o"]
        run = "ln -s {long} o"
        [task.finds]
        inputs = []
        outputs = ["f"]
        depfile = "f.d"
        run = 'touch f; echo "f: {long}" > f.d'
        """
    )
    reads = workspace.exarp("reads")
    assert (reads.code, workspace.exists("ran")) == (1, False)
    assert f"input {long} cannot be read: File name too long" in reads.err
    makes = workspace.exarp("makes")
    assert makes.code == 1
    assert "output o cannot be read: File name too long" in makes.err
    finds = workspace.exarp("finds")
    assert finds.code == 0
    assert "cannot be read (File name too long): it will run again" in finds.err
    assert workspace.exarp("finds", "--json").json["tasks"][0]["outcome"] == "passed"
    assert f"{long} cannot be read: File name too long" in workspace.exarp("run", "--touch", "reads").err


HEADER = """
    [task.cc]
    inputs = ["m.c"]
    outputs = ["m.o"]
    depfile = "m.d"
    run = 'echo "m.o: m.c gen/h.h" > $depfile; cat m.c gen/h.h > m.o'

    [task.hdr]
    inputs = ["h.in"]
    outputs = ["gen/h.h"]
    run = "cp $in $out"
"""


def header_changed(workspace: Workspace) -> None:
    """Both tasks have run, and what the header is made of has changed."""
    workspace.manifest(HEADER)
    workspace.write("m.c", "m")
    workspace.write("h.in", "1")
    assert workspace.exarp("run", "hdr").code == workspace.exarp("run", "cc").code == 0
    workspace.write("h.in", "2")


def test_a_reader_by_depfile_waits_for_the_task_that_makes_what_it_reads(workspace: Workspace) -> None:
    header_changed(workspace)
    assert "2 tasks would run, 0 up to date" in workspace.exarp("run", "-n", "hdr", "cc").out
    result = workspace.exarp("run", "hdr", "cc", "-j2")
    assert (result.code, workspace.read("m.o")) == (0, "m2")
    assert "exarp.toml:2:7: cc's depfile lists gen/h.h, which hdr makes, but cc does not need hdr" in result.err
    assert 'add needs = ["hdr"]' in result.err
    assert workspace.exarp("run", "hdr", "cc").err.endswith("up to date (2 tasks)\n")


def test_a_reader_that_cannot_wait_is_not_told_to_be_up_to_date(workspace: Workspace) -> None:
    header_changed(workspace)
    workspace.manifest(HEADER + '    needs = ["cc"]\n')
    tasks = workspace.exarp("run", "hdr", "cc", "--json").json["tasks"]
    assert {task["task"]: task["reason"] for task in tasks}["cc"] == "made-later"
    (task,) = workspace.exarp("run", "cc", "--json").json["tasks"]
    assert (task["outcome"], task["reason"]) == ("passed", "input-changed")
    assert workspace.read("m.o") == "m2"


def test_what_many_tasks_read_by_depfile_is_told_a_few_times(workspace: Workspace) -> None:
    readers = "".join(
        f"""
        [task.cc{number}]
        inputs = []
        outputs = ["{number}.o"]
        depfile = "{number}.d"
        run = 'touch $out; echo "x: gen/h.h" > $depfile'
        """
        for number in range(9)
    )
    workspace.manifest(readers + '[task.hdr]\ninputs = []\noutputs = ["gen/h.h"]\nrun = "touch $out"\n')
    workspace.exarp("run", "hdr")
    workspace.exarp("run", "--all")
    told = workspace.exarp("run", "--all").err
    assert told.count("(depfile-need)") == 3
    assert "and 6 more like it" in told


def test_a_dry_run_and_show_tell_what_cannot_run_and_what_to_do(workspace: Workspace) -> None:
    workspace.manifest(
        """
        [task.m]
        inputs = ["nope"]
        run = "true"
        [task.n]
        needs = ["m"]
        run = "true"
        """
    )
    dry = workspace.exarp("run", "-n", "n")
    assert dry.code == 0
    assert "m  cannot run: input nope is missing   exarp.toml:3" in dry.out
    assert "make it, correct inputs" in dry.out
    assert "n  cannot run: m, which it needs, cannot" in dry.out
    assert dry.out.endswith("0 tasks would run, 2 cannot, 0 up to date\n")
    (first, second) = workspace.exarp("run", "-n", "n", "--json").json["tasks"]
    assert (first["would_run"], first["reason"], first["subject"]) == (False, "input-missing", "nope")
    assert (second["would_run"], second["reason"]) == (False, "blocked-by")
    planned = workspace.exarp("plan", "n", "--json").json["tasks"]
    assert [planned[name]["would_run"] for name in "mn"] == [False, False]
    assert "missing     nope  exarp.toml:3" in workspace.exarp("show", "m").out
    assert "missing" not in workspace.exarp("show", "n").out
    failed = workspace.exarp("n")
    assert failed.code == 1
    assert "next: make it, correct inputs" in failed.err


def test_show_does_not_miss_what_a_need_will_make(workspace: Workspace) -> None:
    workspace.manifest(CHAIN)
    workspace.write("a.txt", "")
    assert "missing" not in workspace.exarp("show", "two").out
    (workspace.path / "a.txt").unlink()
    assert "missing     a.txt  exarp.toml:3" in workspace.exarp("show", "one").out


def test_a_folder_that_cannot_be_entered_is_told_with_the_way_out(workspace: Workspace) -> None:
    workspace.manifest('[task.t]\ncwd = "nodir"\nrun = "true"')
    result = workspace.exarp("t")
    assert result.code == 1
    assert "cannot enter nodir: there is no such folder: make it, or correct cwd" in result.err
