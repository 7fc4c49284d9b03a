"""Why a task would run: everything that differs, and from which run; as ``run -n`` decides."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from exarp.app.explain import Explanation, explain, last_run
from exarp.app.opening.examining import open_project
from exarp.app.run import RunRequest, Voice, run
from exarp.app.selection.targets import choose
from exarp.app.touch import touch
from exarp.planning.selection import Wanted
from exarp.views.tasks.explanation import last_lines, lines

MANIFEST = """
[task.gen]
inputs = ["proto"]
outputs = ["gen.h"]
run = "cp proto gen.h"

[task.cc]
inputs = ["*.c"]
tools = ["wrap"]
needs = ["gen"]
outputs = ["o"]
depfile = "d"
run = 'cat *.c gen.h > o; echo "o: a.c gen.h" > d; : ${CC:-} $CFLAGS'

[task.link]
inputs = ["o"]
outputs = ["app"]
run = "cp o app"

[task.group]
needs = ["link", "always"]

[task.always]
confirm = true
when = "true"
run = "true"

[task.elsewhere]
platforms = ["windows"]
inputs = []
run = "true"

[task.hopeless]
inputs = ["nothing"]
outputs = ["p"]
run = "true"

[task.behind]
needs = ["hopeless"]
inputs = []
run = "true"

[task.served]
service = {}
run = "sleep 9"
"""
NOW = datetime.now(UTC)


class Bench:
    def __init__(self, root: Path) -> None:
        self.root = root
        (root / ".git").mkdir()
        self.write("exarp.toml", MANIFEST)
        for name in ("proto", "a.c", "b.c", "wrap"):
            self.write(name, name)

    def write(self, name: str, text: str) -> None:
        (self.root / name).write_text(text)

    def run(self, *names: str, **env: str) -> int:
        project = open_project(str(self.root), None, env)
        request = RunRequest(choose(project, Wanted(names)), yes=True)
        return run(project, request, {"PATH": "/usr/bin:/bin", **env}, Voice(lambda line: None, list))

    def explain(self, name: str, **env: str) -> Explanation:
        return explain(open_project(str(self.root), None, env), name, {"PATH": "/usr/bin:/bin", **env})

    def told(self, name: str, every: bool = False, **env: str) -> list[str]:
        found = lines(self.explain(name, **env), NOW, lambda task, field, value: "exarp.toml:1", every=every)
        return [re.sub(r"\w+ \d\d:\d\d", "TIME", line) for line in found]


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    bench = Bench(tmp_path)
    assert bench.run("link", CFLAGS="") == 0
    return bench


def test_a_task_that_is_up_to_date_says_since_when_and_of_what(bench: Bench) -> None:
    assert bench.told("cc", CFLAGS="") == [
        "up to date since run 1 (TIME)",
        "unchanged: 1 command, 2 variables (CC, CFLAGS), 4 inputs, 1 output",
    ]
    assert not bench.explain("cc", CFLAGS="").would_run


def test_one_difference_is_told_with_the_run_that_it_is_a_difference_from(bench: Bench) -> None:
    bench.write("a.c", "changed")
    assert bench.told("cc", CFLAGS="") == [
        "would run: an input changed",
        "  a.c   changed since run 1 (TIME)",
        "unchanged: 1 command, 2 variables (CC, CFLAGS), 3 other inputs, 1 other output",
    ]


def test_all_differences_are_told_and_no_value(bench: Bench) -> None:
    bench.write("a.c", "changed")
    bench.write("c.c", "new")
    bench.write("wrap", "changed")
    (bench.root / "b.c").unlink()
    (bench.root / "o").unlink()
    told = bench.told("cc", CFLAGS="secret")
    assert told == [
        "would run: a variable changed, an input changed, an input was added, a tool changed, an input was removed, "
        "an output is missing (since run 1, TIME)",
        "  variable CFLAGS   changed",
        "  a.c               changed",
        "  c.c               added",
        "  tool wrap         changed",
        "  b.c               removed",
        "  output o          missing",
        "unchanged: 1 command, 1 variable (CC), 1 other input",
    ]
    bench.write("exarp.toml", MANIFEST.replace(": ${CC", "true ${CC"))
    assert bench.told("cc", CFLAGS="")[0].startswith("would run: its recipe changed, an input changed")
    assert "  its command   changed" in bench.told("cc", CFLAGS="")


def test_many_rows_are_cut_unless_all_are_asked_for(bench: Bench) -> None:
    for number in range(30):
        bench.write(f"n{number}.c", "")
    assert "  and 10 more (-v shows all)" in bench.told("cc", CFLAGS="")
    assert sum("added" in line for line in bench.told("cc", every=True, CFLAGS="")[1:]) == 30


def test_what_would_run_before_it_is_told_with_its_root(bench: Bench) -> None:
    bench.write("proto", "changed")
    assert bench.told("link", CFLAGS="")[:2] == [
        "would run: cc, which it needs, would run first",
        "  cc   would run first, because of gen: input proto changed",
    ]
    assert bench.told("group", CFLAGS="") == [
        "runs nothing itself: of the tasks that it gathers 2 would run",
        "  link     would run first, because of gen: input proto changed",
        "  always   would run first: it does not declare what it reads and writes",
    ]
    assert not bench.explain("group").would_run


def test_what_never_ran_and_waits_for_others_is_told_as_both(bench: Bench) -> None:
    bench.write("exarp.toml", MANIFEST + '[task.late]\ninputs = ["app"]\nrun = "true"\n')
    (bench.root / "app").unlink()
    assert bench.told("late", CFLAGS="") == [
        "would run: no success of it is recorded",
        "  link   would be restored first: output app is missing",
    ]
    assert bench.told("late", CFLAGS="", EXARP_CACHE="off") == [
        "would run: link, which it needs, would run first, no success of it is recorded",
        "  link   would run first: output app is missing",
    ]


def test_what_is_no_matter_of_files(bench: Bench) -> None:
    assert bench.told("always") == [
        "would run: it does not declare what it reads and writes",
        "  with inputs, outputs or both it would run only where they differ",
        "  only if `true`, once confirmed",
    ]
    assert bench.told("elsewhere")[0].startswith("would be skipped: it is not for ")
    assert bench.told("hopeless")[0] == "cannot run: input nothing is missing"
    assert bench.told("hopeless")[1].startswith("  exarp.toml:1: make it")
    assert bench.told("behind")[0] == "cannot run: hopeless, which it needs, did not pass"
    assert bench.told("served") == ["would be started: it is a service, and runs as long as it is needed"]
    assert [bench.explain(name).would_run for name in ("always", "elsewhere", "hopeless", "behind", "served")] == [
        True,
        False,
        False,
        False,
        True,
    ]


def test_a_success_that_no_run_recorded_is_told_without_one(bench: Bench) -> None:
    project = open_project(str(bench.root), None, {})
    touch(project, RunRequest(choose(project, Wanted(("gen",)))), {}, lambda line: None)
    assert bench.told("gen") == ["up to date", "unchanged: 1 command, 1 input, 1 output"]
    bench.write("proto", "changed")
    assert bench.told("gen")[1] == "  proto   changed"


def test_a_failure_since_is_told_beside_what_changed(bench: Bench) -> None:
    (bench.root / "proto").unlink()
    (bench.root / "proto").mkdir()
    assert bench.run("gen") == 1
    (bench.root / "proto").rmdir()
    bench.write("proto", "changed")
    assert bench.told("gen")[:2] == [
        "would run: it failed since its last success, an input changed",
        "  proto   changed since run 1 (TIME)",
    ]


def test_why_it_ran_the_last_time(bench: Bench) -> None:
    project = open_project(str(bench.root), None, {})
    assert bench.run("link", CFLAGS="") == 0
    row = last_run(project, "gen")
    assert row is not None
    assert last_lines(row, NOW)[0] == "ran: no success of it is recorded"
    assert row.run == "1"
    bench.write("proto", "changed")
    bench.write("exarp.toml", MANIFEST.replace('"cp proto gen.h"', '"cp proto gen.h; exit 1"\nretries = 2'))
    bench.run("gen")
    row = last_run(project, "gen")
    assert row is not None
    assert (row.run, row.attempt) == ("3", 3)
    assert last_lines(row, NOW)[0] == "ran: its command changed"
    assert last_lines(last_run(project, "hopeless"), NOW) == ["it never ran"]
