"""Whether tasks must run, against real files; what commands would do is done by hand."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from exarp.app.freshness.checker import Checker
from exarp.graph.build import build_graph
from exarp.model.event import FreshnessReason
from exarp.model.manifest import Manifest
from exarp.model.task import Task
from exarp.planning.freshness import Record
from exarp.workspace.fingerprints import FileClock, Fingerprints
from tests.stopwatch import grows_slowly


class Bench:
    """Runs of some tasks in a folder; what succeeded is remembered from run to run."""

    def __init__(self, root: Path, *tasks: Task) -> None:
        self.root = root
        self.names = [task.name for task in tasks]
        self.stored: dict[str, bytes] = {}
        self.clock = FileClock(f"{root}.clock")
        self.use(*tasks)

    def use(self, *tasks: Task, **fields: Any) -> None:
        """Go on with another manifest."""
        self.manifest = Manifest("exarp.toml", tasks, **fields)
        self.graph, faults = build_graph(tasks)
        assert not faults
        self.begin()

    def begin(self, **environ: str) -> None:
        """The next run."""
        root = str(self.root)
        self.checker = Checker(
            root, self.manifest, self.graph, environ, self.stored, Fingerprints(root, {}), clock=self.clock
        )

    def why(self, name: str) -> str:
        """Why a task must run, "" if it is up to date."""
        reason = self.reason(name)
        return reason.code if reason is not None else ""

    def reason(self, name: str) -> FreshnessReason | None:
        """The same, with what it is about."""
        checked = self.checker.check(self.graph.ids[name])
        return checked.stale or checked.impossible

    def write(self, files: Mapping[str, str]) -> None:
        for name, text in files.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    def do(self, name: str, fails: bool = False, **files: str) -> str:
        """Check a task; if it must run, write ``files`` ("." in names is "_") and settle it. Why it ran."""
        reason = self.why(name)
        if not reason:
            return ""
        self.write({path.replace("_", "."): text for path, text in files.items()})
        task = self.graph.ids[name]
        if fails:
            self.checker.ended(task)
        else:
            self.settle(name)
        return reason

    def settle(self, name: str) -> tuple[str, ...]:
        """Settle a task that has been checked; what is worth telling of it."""
        task = self.graph.ids[name]
        self.checker.ended(task)
        settled, record = self.checker.settle(task)
        assert settled.fault is None
        if record is not None:
            self.stored[name] = msgspec.msgpack.encode(record)
        else:
            self.stored.pop(name, None)
        return settled.warnings


MAKER = Task("maker", commands=("m",), inputs=("in",), outputs=("o",), allow_failure=True)
READER = Task("reader", commands=("r",), inputs=(), outputs=("r.out",), needs=("maker",))


def test_what_a_failed_task_left_counts_for_those_that_run_all_the_same(tmp_path: Path) -> None:
    bench = Bench(tmp_path, MAKER, READER)
    bench.write({"in": "1"})
    bench.do("maker", o="1")
    bench.do("reader", r_out="1")
    bench.begin()
    bench.write({"in": "2"})
    assert bench.do("maker", fails=True, o="2") == "input-changed"
    assert bench.do("reader", r_out="2") == "need-changed"
    bench.begin()
    assert bench.do("maker", o="2") == "input-changed"
    assert bench.why("reader") == ""


def test_a_change_of_env_is_told_with_the_name_though_no_script_mentions_it(tmp_path: Path) -> None:
    def task(**env: str) -> Task:
        return Task("t", commands=("t",), inputs=(), outputs=(), env=env)

    bench = Bench(tmp_path, task(MODE="a"))
    bench.do("t")
    bench.use(task(MODE="b"))
    assert bench.reason("t") == FreshnessReason("variable-changed", "MODE")
    bench.use(task(MODE="a", LEVEL="1"))
    assert bench.reason("t") == FreshnessReason("variable-changed", "LEVEL")
    bench.use(task(MODE="a"))
    assert bench.reason("t") is None


def test_a_failure_that_changed_nothing_makes_nobody_stale(tmp_path: Path) -> None:
    lint = Task("lint", commands=("l",), inputs=("in",), outputs=(), allow_failure=True)
    after = Task("after", commands=("a",), inputs=(), outputs=(), needs=("maker", "lint"))
    bench = Bench(tmp_path, MAKER, lint, after)
    bench.write({"in": "1"})
    bench.do("maker", o="1")
    bench.do("lint")
    bench.do("after")
    bench.begin()
    bench.write({"in": "2"})
    assert bench.do("maker", fails=True) == bench.do("lint", fails=True) == "input-changed"
    assert bench.why("after") == ""
    (tmp_path / "in").unlink()
    bench.begin()
    assert bench.why("maker") == bench.why("lint") == "input-missing"
    assert bench.why("after") == ""


def test_a_success_that_may_not_be_recorded_counts_by_its_files(tmp_path: Path) -> None:
    bench = Bench(tmp_path, msgspec.structs.replace(MAKER, depfile="never.d"), READER)
    bench.write({"in": "1"})
    bench.do("maker", o="1")
    bench.do("reader", r_out="1")
    bench.begin()
    bench.do("maker", o="1")
    assert bench.why("reader") == ""
    bench.begin()
    bench.do("maker", o="2")
    assert bench.why("reader") == "need-changed"


def nested(depth: int) -> list[Task]:
    """Groups within groups, the outermost last; each also needs a task of its own."""
    tasks = []
    for number in range(depth):
        tasks.append(Task(f"m{number}", commands=("m",), inputs=(), outputs=(f"m{number}.out",)))
        tasks.append(Task(f"g{number}", needs=(f"m{number}", *([f"g{number - 1}"] if number else []))))
    return tasks


def test_a_parent_contributes_as_a_need_does(tmp_path: Path) -> None:
    parent = Task("parent", commands=("x",), inputs=("a",), outputs=("b",))
    bench = Bench(tmp_path, parent, Task("child", commands=("y",), inputs=(), outputs=("c",), parent="parent"))
    bench.write({"a": "1"})
    bench.do("parent", b="1")
    bench.do("child", c="1")
    bench.begin()
    assert (bench.why("parent"), bench.why("child")) == ("", "")

    bench.write({"a": "2"})
    bench.begin()
    assert bench.do("parent", b="2") == "input-changed"
    assert bench.why("child") == "need-changed"


def test_a_tool_makes_a_task_run_again_and_may_not_change_while_it_runs(tmp_path: Path) -> None:
    bench = Bench(tmp_path, Task("t", commands=("python gen.py > o",), inputs=(), tools=("gen.py",), outputs=("o",)))
    assert bench.why("t") == "tool-missing"
    bench.write({"gen.py": "1"})
    bench.begin()
    assert bench.do("t", o="1") == "never-ran"
    bench.begin()
    assert bench.why("t") == ""

    bench.write({"gen.py": "2"})
    bench.begin()
    assert bench.reason("t") == FreshnessReason("tool-changed", "gen.py")
    bench.write({"gen.py": "3"})
    assert "gen.py changed while the task ran" in bench.settle("t")[0]


def test_a_tool_that_another_task_makes_is_that_tasks_contribution(tmp_path: Path) -> None:
    maker = Task("maker", commands=("x",), inputs=("a",), outputs=("gen", "other"))
    user = Task("user", commands=("./gen > o",), inputs=(), tools=("gen",), outputs=("o",), needs=("maker",))
    bench = Bench(tmp_path, maker, user)
    bench.write({"a": "1"})
    assert bench.graph.needs[1] == (0,)
    bench.do("maker", gen="1", other="1")
    bench.do("user", o="1")
    bench.write({"a": "2"})
    bench.begin()
    bench.do("maker", gen="1", other="2")
    assert bench.why("user") == ""


def test_a_variable_that_is_named_or_tracked_makes_a_task_run_again_and_is_told(tmp_path: Path) -> None:
    task = Task("t", commands=("echo $CC > o",), inputs=(), outputs=("o",), track_env=("AWS_*", "MODE"))
    bench = Bench(tmp_path, task)

    def why(**environ: str) -> str:
        bench.begin(**environ)
        reason = bench.reason("t")
        if reason is None:
            return ""
        bench.write({"o": ""})
        bench.settle("t")
        return reason.subject

    assert why(CC="cc") == ""
    bench.use(task, dotenv={(): {"MODE": "fast", "CC": "clang", "EXARP_X": "1"}})
    assert why(CC="cc") == "MODE"
    assert why(CC="cc", OTHER="1", EXARP_X="2") == ""
    assert why() == "CC"
    assert why(CC="clang", MODE="fast") == ""
    assert why(CC="clang", MODE="slow") == "MODE"
    assert why(CC="clang", MODE="slow", AWS_KEY="1") == "AWS_KEY"
    assert why(CC="clang", MODE="slow") == "AWS_KEY"


def test_a_group_contributes_what_its_needs_do_by_name(tmp_path: Path) -> None:
    reader = Task("reader", commands=("r",), inputs=(), outputs=("r.out",), needs=("g2",))
    bench = Bench(tmp_path, *nested(3), reader)
    for number in range(3):
        bench.do(f"m{number}", **{f"m{number}_out": "same"})
    bench.do("reader", r_out="1")
    bench.begin()
    assert bench.why("reader") == ""
    # What one task made before, now only the other makes: nothing and something are told apart by name.
    stored = bench.stored
    del stored["m1"]
    bench.begin()
    bench.do("reader", r_out="1")
    stored["m1"] = stored.pop("m0")
    bench.begin()
    assert bench.why("reader") == "need-changed"


def test_what_a_group_contributes_is_worked_out_anew_when_something_in_it_changes(tmp_path: Path) -> None:
    reader = Task("reader", commands=("r",), inputs=(), outputs=("r.out",), needs=("g2",))
    bench = Bench(tmp_path, *nested(3), reader)
    for number in range(3):
        bench.do(f"m{number}", **{f"m{number}_out": "1"})
    bench.do("reader", r_out="1")
    assert bench.why("reader") == ""
    (tmp_path / "m0.out").unlink()
    bench.do("m0", m0_out="2")
    assert bench.why("reader") == "need-changed"


def test_groups_within_groups_are_gathered_once_each(tmp_path: Path) -> None:
    depth = 6_000
    readers = [
        Task(f"r{number}", commands=("r",), inputs=(), outputs=(f"r{number}.out",), needs=(f"g{number}",))
        for number in range(depth)
    ]
    bench = Bench(tmp_path, *nested(depth), *readers)
    with grows_slowly():
        # The deepest first: nothing is known yet.
        assert bench.why(f"r{depth - 1}") == "never-ran"
        for number in range(depth):
            bench.why(f"r{number}")


def test_a_need_with_many_outputs_costs_its_dependents_little(tmp_path: Path) -> None:
    count = 200_000
    split = Task("split", commands=("s",), inputs=(), outputs=("parts/",))
    reader = Task("reader", commands=("r",), inputs=(), outputs=("r.out",), needs=("split",))
    bench = Bench(tmp_path, split, reader)
    record = Record(b"", {}, {}, {f"parts/{number}": b"x" for number in range(count)})
    bench.stored["split"] = msgspec.msgpack.encode(record)
    bench.begin()
    bench.why("reader")
    with grows_slowly():
        for _ in range(10_000):
            bench.why("reader")


HDR = Task("hdr", commands=("h",), inputs=("h.in",), outputs=("h.h",))
CC = Task("cc", commands=("c",), inputs=("m.c",), outputs=("m.o",), depfile="m.d")


def test_a_header_made_before_its_reader_began_is_no_change_however_young_it_is(tmp_path: Path) -> None:
    bench = Bench(tmp_path, HDR, CC)
    bench.write({"h.in": "1", "m.c": "m"})
    bench.do("hdr", h_h="1")
    assert bench.why("cc") == "never-ran"
    bench.write({"m.o": "m1", "m.d": "m.o: m.c h.h"})
    assert bench.settle("cc") == ()


def test_a_header_made_while_its_reader_ran_is_not_taken_for_what_was_read(tmp_path: Path) -> None:
    bench = Bench(tmp_path, HDR, CC)
    bench.write({"h.in": "1", "m.c": "m", "h.h": "of long ago"})
    assert bench.why("cc") == "never-ran"
    moment = bench.clock.now()
    while bench.clock.now() == moment:
        continue
    bench.do("hdr", h_h="1")
    bench.write({"m.o": "m, and of long ago", "m.d": "m.o: m.c h.h"})
    assert bench.settle("cc") == ("h.h changed while the task ran: the task will run again next time",)
    bench.begin()
    assert bench.why("cc") == "unsettled"
    # What it read is known all the same: the next run can order the two.
    assert set(bench.checker.found([1])[1]) == {"h.h"}


class Ticking(FileClock):
    """A clock that ticks so slowly that it still tells the moment at which ``path`` was changed."""

    path: Path

    def now(self) -> int:
        return self.path.stat().st_ctime_ns


def test_a_header_made_in_the_tick_in_which_its_reader_is_checked_is_no_change(tmp_path: Path) -> None:
    # An undeclared task has made it: nobody knows by its digest that it is of before.
    bench = Bench(tmp_path, CC)
    bench.write({"m.c": "m", "h.h": "1"})
    bench.clock = clock = Ticking(f"{tmp_path}.clock")
    clock.path = tmp_path / "h.h"
    bench.begin()
    assert bench.do("cc", m_o="m1", m_d="m.o: m.c h.h") == "never-ran"
    bench.begin()
    assert bench.why("cc") == ""


def test_a_header_with_a_time_in_the_future_is_no_change(tmp_path: Path) -> None:
    bench = Bench(tmp_path, CC)
    bench.write({"m.c": "m", "h.h": "1"})
    os.utime(tmp_path / "h.h", ns=(1 << 62, 1 << 62))
    assert bench.why("cc") == "never-ran"
    bench.write({"m.o": "m1", "m.d": "m.o: m.c h.h"})
    assert bench.settle("cc") == ()
