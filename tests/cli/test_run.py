"""``exarp run`` from outside: what runs, in which order, what is said, which code it exits with."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import pytest

from tests.cli.conftest import Workspace, environment

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
    assert reason(NAMED="other") == "variable-changed"
    assert reason("--set", "word=other") == "variable-changed"
    workspace.manifest(manifest.replace("cat $in", "cat  $in"))
    assert reason("--set", "word=other") == "recipe-changed"
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
    first, second = [event["delay_ms"] for event in events if event["type"] == "task_retried"]
    assert 50 <= first <= 63
    assert 100 <= second <= 125
    (finished,) = [event for event in events if event["type"] == "task_finished"]
    assert (finished["outcome"], finished["attempt"]) == ("passed", 3)


def test_what_a_wave_in_parts_runs_beside_is_said_once_for_all_parts(workspace: Workspace) -> None:
    names = [f"t{number}" for number in range(4)]
    tasks = "".join(f'[task.{name}]\nrun = "true"\n' for name in names)
    waves = "".join(f'[[wave]]\nname = "w{at}"\nparallel = true\ntasks = {names[at : at + 2]}\n' for at in (0, 2))
    workspace.manifest(f"[settings]\nmax_tasks_per_wave = 1\n{tasks}{waves}")

    started = json.loads(workspace.exarp("run", "--events", "-").out.splitlines()[0])
    planned = json.loads(workspace.exarp("plan", "--json").out)

    assert [wave["beside"] for wave in started["plan"]["waves"]] == [[3, 4], [], [1, 2], []]
    assert [wave["beside"] for wave in planned["waves"]] == [[3, 4], [3, 4], [1, 2], [1, 2]]


def test_a_command_that_does_not_exist_is_not_retried(workspace: Workspace) -> None:
    workspace.manifest('[task.t]\nargv = ["no-such-program-anywhere"]\nretries = 5')
    (task,) = workspace.exarp("t", "--json").json["tasks"]
    assert (task["outcome"], task["attempts"], task["reason"]) == ("failed", 1, "start-failed")


def test_an_exit_status_that_a_task_names_is_not_retried_and_others_are(workspace: Workspace) -> None:
    workspace.manifest(
        """
        [task.t]
        run = 'echo x >> tries; test "$(wc -l < tries)" -ge 3 && exit 64; exit 1'
        retries = 9
        no_retry_on = [2, 64]
        """
    )
    (task,) = workspace.exarp("t", "--json").json["tasks"]
    assert (task["outcome"], task["attempts"], task["exit_status"]) == ("failed", 3, 64)
    assert "no retry on    2, 64" in workspace.exarp("show", "t").out


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


@pytest.mark.parametrize("policy", ["", "retries = 1", 'on_failure = "skip"', "allow_failure = true"])
def test_a_task_that_failed_is_not_up_to_date_although_all_is_as_after_its_last_success(
    workspace: Workspace, policy: str
) -> None:
    workspace.manifest(f"""
        [task.t]
        inputs = ["in"]
        outputs = ["out"]
        run = "cp in out; test ! -e flag"
        {policy}
    """)
    workspace.write("in", "x")
    assert workspace.exarp("t").code == 0
    (workspace.path / "out").unlink()
    workspace.write("flag", "")
    failing = workspace.exarp("t", "--json")
    assert failing.json["tasks"][0]["outcome"] in ("failed", "skipped")
    again = workspace.exarp("t", "--json")
    assert again.code == failing.code
    assert again.json["tasks"][0]["attempts"] == failing.json["tasks"][0]["attempts"]
    assert "it failed since its last success" in workspace.exarp("t", "-n").out
    (workspace.path / "flag").unlink()
    assert workspace.exarp("t").code == 0
    assert "up to date" in workspace.exarp("t").err


def test_a_folder_is_no_output_that_was_declared_as_a_file(workspace: Workspace) -> None:
    workspace.manifest('[task.t]\ninputs = []\noutputs = ["made"]\nrun = "mkdir -p made; echo x > made/x"')
    result = workspace.exarp("t")
    assert result.code == 1
    assert "output made is a folder" in result.err
    assert "in outputs, write it with a slash at its end" in result.err
    assert "made is a folder" in workspace.exarp("t", "--touch").err
    workspace.manifest('[task.t]\ninputs = []\noutputs = ["made"]\nrun = "ln -sfn /usr made"')
    (workspace.path / "made" / "x").unlink()
    (workspace.path / "made").rmdir()
    assert workspace.exarp("t").code == 0
    assert "up to date" in workspace.exarp("t").err


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


def test_a_task_may_remove_what_exarp_keeps(workspace: Workspace) -> None:
    workspace.manifest(
        """
        [task.clean]
        run = "rm -r .exarp"

        [task.exact]
        needs = ["clean"]
        inputs = ["x"]
        outputs = ["exact.out"]
        run = "cp $in $out"

        [task.glob]
        needs = ["clean"]
        inputs = ["x*"]
        outputs = ["glob.out"]
        run = "cp $in $out"
        """
    )
    workspace.write("x", "1")
    for task in ("exact", "glob"):
        result = workspace.exarp("run", task)
        assert (result.code, workspace.read(f"{task}.out")) == (0, "1"), result.err


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


def test_touch_takes_no_task_as_done_whose_depfile_does_not_tell_what_it_read(workspace: Workspace) -> None:
    workspace.manifest('[task.cc]\ninputs = []\noutputs = ["o"]\ndepfile = "d"\nrun = "echo o: h1.h h2.h > d; touch o"')
    for name in ("o", "h1.h", "h2.h"):
        workspace.write(name, "1")
    for depfile, complaint in [
        (None, "the depfile d is not there"),
        ("no rule", "the depfile d is not in Makefile syntax"),
        ("o: gone.h h2.h", "gone.h, which the depfile d lists, is not there"),
    ]:
        if depfile is not None:
            workspace.write("d", depfile)
        refused = workspace.exarp("run", "cc", "--touch")
        assert (refused.code, f"task 'cc': {complaint}" in refused.err) == (1, True), refused.err
        assert "run it: exarp run cc" in refused.err
    workspace.write("d", "o: h1.h h2.h")
    assert workspace.exarp("run", "cc", "--touch").code == 0
    assert workspace.exarp("cc").err == "up to date (1 task)\n"
    workspace.write("h2.h", "2")
    assert workspace.exarp("cc", "--json").json["tasks"][0]["reason"] == "input-changed"


def test_touch_says_what_will_run_all_the_same(workspace: Workspace) -> None:
    workspace.manifest('[task.t]\nrun = "true"\n[task.u]\nneeds = ["t"]\ninputs = []\noutputs = []\nrun = "true"')
    assert workspace.exarp("run", "u", "--touch").out == (
        "recorded 2 tasks as done\nt runs every time all the same: no inputs or outputs are declared\n"
    )
    assert workspace.exarp("run", "u", "--touch", "--json").json == {"version": 1, "touched": 2, "always_run": ["t"]}
    assert [task["outcome"] for task in workspace.exarp("u", "--json").json["tasks"]] == ["passed", "up_to_date"]


def test_a_dry_run_changes_nothing(workspace: Workspace) -> None:
    workspace.manifest(CHAIN)
    workspace.write("a.txt", "x")
    before = sorted(path.name for path in workspace.path.rglob("*"))
    result = workspace.exarp("run", "two", "-n")
    assert "2 tasks would run, 0 up to date" in result.out
    assert sorted(path.name for path in workspace.path.rglob("*")) == before


def test_a_group_is_counted_as_one_before_and_after(workspace: Workspace) -> None:
    workspace.manifest('[task.a]\nrun = "true"\n[task.g]\nneeds = ["a"]')
    assert workspace.exarp("run", "-n", "g").out.splitlines()[-1] == "1 task would run, 0 up to date, 1 group"
    rows = workspace.exarp("run", "-n", "g", "--json").json["tasks"]
    assert [(row["task"], row["reason"]) for row in rows] == [("a", "undeclared"), ("g", "group")]
    said = workspace.exarp("g").err.splitlines()
    assert [line for line in said if "ave" in line] == [
        "Starting wave 1 (1 task)",
        "Wave 1 complete: 1/1 task passed",
        "Starting wave 2 (1 task)",
        "Wave 2 complete: 1/1 task passed",
    ]


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


def test_a_manifest_is_found_above_up_to_the_git_root(workspace: Workspace) -> None:
    workspace.manifest('[task.where]\nrun = "pwd"')
    (workspace.path / "deep/er").mkdir(parents=True)
    assert workspace.exarp("where", cwd="deep/er").out == f"{workspace.path}\n"
    (workspace.path / "deep/.git").mkdir()
    assert workspace.exarp("where", cwd="deep/er").code == 3


def test_one_run_a_task(workspace: Workspace) -> None:
    workspace.manifest('[task.t]\nrun = "touch started; until [ -e go ]; do sleep 0.02; done"')
    first = workspace.start("t")
    try:
        while not workspace.exists("started"):
            assert first.poll() is None
        (status,) = workspace.exarp("status", "--json").json["runs"]
        assert (status["outcome"], status["done"], status["total"]) == ("running", 0, 1)
        assert [(it["task"], it["attempt"]) for it in status["running"]] == [("t", 1)]
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
        needs = ["outer"]
        run = "true"
        """
    )
    result = workspace.exarp("inner")
    assert result.out.endswith("code 5\n")


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


def test_no_more_commands_run_at_once_than_files_may_be_open(workspace: Workspace) -> None:
    tasks = "".join(f'[task.t{number}]\nrun = "echo x; sleep 0.2"\n' for number in range(60))
    workspace.manifest(tasks)
    limited = ["sh", "-c", 'ulimit -n 120; exec "$@"', "sh", sys.executable, "-m", "exarp", "run", "--all", "-j60"]
    done = subprocess.run(limited, cwd=workspace.path, env=environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert re.search(r"note: \d+ commands at once, not 60: only 120 files may be open", done.stderr)


def test_what_a_task_reads_and_changes_is_settled_once_nothing_is_to_be_changed(workspace: Workspace) -> None:
    workspace.manifest("""
        [task.fmt]
        inputs = ["m"]
        modifies = ["m"]
        outputs = []
        run = "sed -i s/x/y/ m"
    """)
    for _ in range(2):
        workspace.write("m", "x\n")
        assert "the task changed m, which is among its inputs too" in workspace.exarp("fmt").err
        assert workspace.read("m") == "y\n"
        assert "ok    fmt" in workspace.exarp("fmt").err
        assert "up to date" in workspace.exarp("fmt").err
    (workspace.path / "m").unlink()
    assert workspace.exarp("fmt").code == 1


def test_a_link_that_is_a_part_of_a_folder_counts_as_input_and_as_output(workspace: Workspace) -> None:
    for name in ("real", "other", "d"):
        workspace.write(f"{name}/f", name)
    link = workspace.path / "d/link"
    link.symlink_to("../real")
    workspace.manifest("""
        [task.a]
        inputs = ["d/"]
        outputs = ["o"]
        run = "cat d/link/f > o"
        [task.out]
        inputs = []
        outputs = ["od/"]
        run = "ln -s ../real od/link"
    """)
    assert workspace.exarp("a", "out").code == 0
    link.unlink()
    link.symlink_to("../other")
    assert "input-changed d/link" in workspace.exarp("a").err
    assert workspace.read("o") == "other"
    (workspace.path / "od/link").unlink()
    assert "output-missing od/link" in workspace.exarp("out").err


def test_where_the_machine_has_much_to_do_one_task_runs_at_a_time(workspace: Workspace) -> None:
    workspace.manifest("".join(f'[task.{name}]\nrun = "mkdir busy && sleep 0.1 && rmdir busy"\n' for name in "abc"))
    # exarp itself is one process that runs.
    assert workspace.exarp("run", "--all", "-j3", "-l", "0.5").code == 0
    beside = workspace.exarp("run", "--all", "-j3", "-l", "99999")
    assert (beside.code, "2 failed" in beside.err) == (1, True)
    assert workspace.exarp("run", "-l", "-1").code == 2
    assert workspace.exarp("run", "-l", "some").code == 2
