"""Whether tasks must run, against real files; what commands would do is done by hand."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from exarp.app.checker import Checker
from exarp.graph.build import build_graph
from exarp.model.manifest import Manifest
from exarp.model.task import Task
from exarp.workspace.fingerprints import Fingerprints


class Bench:
    """Runs of some tasks in a folder; what succeeded is remembered from run to run."""

    def __init__(self, root: Path, *tasks: Task) -> None:
        self.root = root
        self.names = [task.name for task in tasks]
        self.stored: dict[str, bytes] = {}
        self.use(*tasks)

    def use(self, *tasks: Task) -> None:
        """Go on with another manifest."""
        self.manifest = Manifest("exarp.toml", tasks)
        self.graph, faults = build_graph(tasks)
        assert not faults
        self.begin()

    def begin(self) -> None:
        """The next run."""
        root = str(self.root)
        self.checker = Checker(root, self.manifest, self.graph, {}, self.stored, Fingerprints(root, {}))

    def why(self, name: str) -> str:
        """Why a task must run, "" if it is up to date."""
        checked = self.checker.check(self.graph.ids[name])
        reason = checked.stale or checked.impossible
        return reason.code if reason is not None else ""

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
            return reason
        settled, record = self.checker.settle(task)
        assert settled.fault is None
        if record is not None:
            self.stored[name] = msgspec.msgpack.encode(record)
        else:
            self.stored.pop(name, None)
        return reason


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
