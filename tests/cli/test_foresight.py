"""What is known before a run: what cannot run, and what depfiles of earlier runs say of the order."""

from __future__ import annotations

from tests.cli.conftest import Workspace

CHAIN = """
    [task.one]
    inputs = ["a.txt"]
    outputs = ["one.txt"]
    run = "cat $in > $out"

    [task.two]
    inputs = ["one.txt"]
    outputs = ["two.txt"]
    run = "cat $in > $out"
"""

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
    foreseen = workspace.exarp("run", "-n", "hdr", "cc")
    assert "2 tasks would run, 0 up to date" in foreseen.out
    result = workspace.exarp("run", "hdr", "cc", "-j2")
    assert (result.code, workspace.read("m.o")) == (0, "m2")
    assert "exarp.toml:2:7: cc's depfile lists gen/h.h, which hdr makes, but cc does not need hdr" in result.err
    assert 'add needs = ["hdr"]' in result.err
    told = workspace.exarp("plan", "hdr", "cc").out
    assert "cc's depfile lists gen/h.h, which hdr makes" in " ".join(told.split())
    (warning,) = foreseen.err.splitlines()
    assert result.err.startswith(f"{warning}\n")
    assert workspace.exarp("run", "hdr", "cc").err.endswith("up to date (2 tasks)\n")


def test_a_reader_that_cannot_wait_is_not_told_to_be_up_to_date(workspace: Workspace) -> None:
    header_changed(workspace)
    workspace.manifest(HEADER + '    needs = ["cc"]\n')
    result = workspace.exarp("run", "hdr", "cc", "--json")
    assert {task["task"]: task["reason"] for task in result.json["tasks"]}["cc"] == "made-later"
    assert "take away what makes cc go first" in result.err
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
    assert "make it, correct its name" in dry.out
    assert "n  cannot run: m, which it needs, cannot" in dry.out
    assert dry.out.endswith("0 tasks would run, 2 cannot, 0 up to date\n")
    (first, second) = workspace.exarp("run", "-n", "n", "--json").json["tasks"]
    assert (first["would_run"], first["reason"], first["subject"]) == (False, "input-missing", "nope")
    assert (second["would_run"], second["reason"]) == (False, "blocked-by")
    planned = workspace.exarp("plan", "n", "--json").json["tasks"]
    assert [planned[name]["would_run"] for name in "mn"] == [False, False]
    assert "missing        nope  exarp.toml:3" in workspace.exarp("show", "m").out
    assert "missing" not in workspace.exarp("show", "n").out
    failed = workspace.exarp("n")
    assert failed.code == 1
    assert "next: make it, correct its name" in failed.err


def test_show_does_not_miss_what_a_need_will_make(workspace: Workspace) -> None:
    workspace.manifest(CHAIN)
    workspace.write("a.txt", "")
    assert "missing" not in workspace.exarp("show", "two").out
    (workspace.path / "a.txt").unlink()
    assert "missing        a.txt  exarp.toml:3" in workspace.exarp("show", "one").out


def test_a_folder_that_cannot_be_entered_is_told_with_the_way_out(workspace: Workspace) -> None:
    workspace.manifest('[task.t]\ncwd = "nodir"\nrun = "true"')
    result = workspace.exarp("t")
    assert result.code == 1
    assert "cannot enter nodir: there is no such folder: make it, or correct cwd" in result.err
