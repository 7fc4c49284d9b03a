"""What was not done properly is done again: failures, interruptions, files that change under a task's hands."""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from tests.freshness.conftest import Build

# Its output is there, and as it always is, before anybody can end it.
SLOW = """
    [task.t]
    inputs = ["a"]
    outputs = ["o"]
    run = "cat a > o; echo $$ > pid; until [ -e go ]; do sleep 0.02; done"
"""


def test_an_input_that_changed_while_the_task_ran_is_not_recorded_and_said(build: Build) -> None:
    build.manifest('[task.t]\ninputs = ["a"]\noutputs = ["o"]\nrun = "cat a > o; if [ -e new ]; then mv new a; fi"')
    build.write("a", "1")
    build.write("new", "2")
    assert build.run() == {"t": "never-ran"}
    assert "a changed while the task ran: the task will run again next time" in build.warnings
    assert build.run() == {"t": "unsettled"}
    assert build.read("o") == "2"
    assert build.run() == {}


def test_a_task_that_was_killed(build: Build) -> None:
    build.manifest('[task.t]\ninputs = []\noutputs = ["o"]\nrun = "echo > o; if [ -e bad ]; then kill -9 $$; fi"')
    build.settle()
    build.write("bad", "")
    assert build.run(force=True) == {"t": "forced"}
    assert build.code == 1
    build.remove("bad")
    assert build.run() == {"t": "failed-since"}
    assert build.run() == {}


def test_the_output_of_a_failed_task_makes_nothing_up_to_date(build: Build) -> None:
    build.manifest(
        """
        [task.t]
        inputs = ["a"]
        outputs = ["o"]
        run = "cat a > o; test ! -e bad"
        [task.user]
        inputs = ["o"]
        outputs = ["p"]
        run = "cat o > p"
        """
    )
    build.write("a", "1")
    build.write("bad", "")
    assert build.run() == {"t": "never-ran"}
    assert (build.code, build.read("o")) == (1, "1")
    assert build.run() == {"t": "never-ran"}
    build.remove("bad")
    assert build.run() == {"t": "never-ran", "user": "never-ran"}
    assert build.run() == {}


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGKILL])
@pytest.mark.parametrize("before", [False, True])
def test_a_run_that_is_interrupted_or_killed_leaves_nothing_up_to_date(
    build: Build, signum: signal.Signals, before: bool
) -> None:
    build.manifest(SLOW)
    build.write("a", "1")
    if before:
        build.write("go", "")
        build.settle()
        build.remove("go")
        build.remove("pid")
    process = build.start("run", "t", "--force")
    while not (build.root / "pid").exists() or not build.read("pid"):
        assert process.poll() is None
    process.send_signal(signum)
    process.wait(timeout=20)
    with contextlib.suppress(ProcessLookupError):
        # Nobody else ends what a killed exarp has left.
        os.kill(int(build.read("pid")), signal.SIGKILL)
    assert build.read("o") == "1"
    build.write("go", "")
    assert build.run() == {"t": "interrupted-since" if before else "never-ran"}
    assert build.run() == {}


def _record(root: Path) -> dict[str, object]:
    with closing(sqlite3.connect(root / ".exarp/store.db")) as database:
        ((stored,),) = database.execute("SELECT record FROM success").fetchall()
    return msgspec.msgpack.decode(stored, type=dict[str, object])


def _store(root: Path, record: object) -> None:
    with closing(sqlite3.connect(root / ".exarp/store.db")) as database, database:
        database.execute("UPDATE success SET record = ?", (msgspec.msgpack.encode(record),))
    # Another exarp does not take this one's word for what is up to date, and leaves its own.
    (root / ".exarp/index").unlink(missing_ok=True)


def test_another_version_of_exarp_or_python(build: Build) -> None:
    build.manifest('[task.t]\ninputs = ["a"]\noutputs = ["o"]\nrun = "cat a > o"')
    build.write("a", "1")
    build.settle()
    # An older one knew less of a success, a newer one knows more; what both know is as good as ever.
    for known, more in ((("recipe", "inputs", "found", "outputs"), {}), ((), {"of_the_future": [1, 2]})):
        record = _record(build.root)
        fields = {name: value for name, value in record.items() if name in known or not known}
        _store(build.root, fields | more)
        assert build.run() == {}
        build.write("a", build.read("a") + "1")
        assert build.run() == {"t": "input-changed a"}
    _store(build.root, ["another", "shape"])
    assert build.run() == {"t": "never-ran"}


def _all_of(root: Path) -> dict[str, tuple[object, ...]]:
    found: dict[str, tuple[object, ...]] = {}
    for path in root.rglob("*"):
        stat = path.lstat()
        content = path.read_bytes() if path.is_file() else b""
        found[str(path)] = (stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino, stat.st_size, stat.st_mode, content)
    return found


READING = [
    ["run", "-n"],
    ["run", "-n", "--json", "t"],
    ["status"],
    ["status", "--json"],
    ["plan"],
    ["plan", "--json"],
    ["plan", "--diff"],
    ["show", "t"],
    ["explain", "t"],
    ["explain", "t", "--json"],
    ["explain", "t", "--last"],
    ["clean", "-n"],
    ["clean", "-n", "--stale"],
    ["list"],
    ["check"],
    ["history"],
    ["history", "t"],
    ["log", "t"],
]


def test_what_only_looks_changes_nothing(build: Build) -> None:
    if build.way.__name__ != "by_command":
        pytest.skip("it is about commands")
    build.manifest('[settings]\ndefault = ["t"]\n[task.t]\ninputs = ["a"]\noutputs = ["o"]\nrun = "cat a > o"')
    build.write("a", "1")
    before = _all_of(build.root)
    for words in READING:
        build.exarp(*words)
        assert _all_of(build.root) == before, words
    build.settle()
    build.write("a", "2")
    before = _all_of(build.root)
    for words in READING:
        assert build.exarp(*words).code == 0
        assert _all_of(build.root) == before, words
    assert build.run() == {"t": "input-changed a"}
