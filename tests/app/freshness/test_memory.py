"""What a run starts from: no more than it needs, and nothing for ever."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from exarp.app.freshness.memory import FORGET_AFTER_DAYS, Selection, recall, selection
from exarp.app.freshness.records import Records
from exarp.app.opening.examining import open_project
from exarp.app.opening.project import Project
from exarp.app.run import RunRequest, Voice, run
from exarp.app.selection.targets import choose
from exarp.planning.freshness import Record
from exarp.planning.selection import Wanted

MANIFEST = """
[task.a]
inputs = ["a.in"]
outputs = ["a.out"]
run = "cp $in $out"

[task.b]
inputs = ["a.out", "b.in"]
outputs = ["b.out"]
run = "cat $in > $out"

[task.other]
inputs = ["other.in"]
outputs = ["other.out"]
run = "cp $in $out"

[task.more]
run = "true"
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / ".git").mkdir()
    (tmp_path / "exarp.toml").write_text(MANIFEST)
    for name in ("a.in", "b.in", "other.in"):
        (tmp_path / name).write_text(name)
    return tmp_path


def project(root: Path) -> Project:
    return open_project(str(root), None, {})


def ran(root: Path, *targets: str) -> int:
    found = project(root)
    chosen = choose(found, Wanted(targets, every=not targets))
    return run(found, RunRequest(chosen), {"PATH": "/usr/bin:/bin"}, SILENT)


def selected(root: Path, *targets: str) -> Selection:
    found = project(root)
    return selection(found, choose(found, Wanted(targets)))


SILENT = Voice(lambda line: None, list)


def files_of(root: Path) -> set[str]:
    with closing(sqlite3.connect(root / ".exarp/store.db")) as database:
        return {path for (path,) in database.execute("SELECT path FROM file")}


def grow_old(root: Path) -> None:
    with closing(sqlite3.connect(root / ".exarp/store.db")) as database, database:
        age = (FORGET_AFTER_DAYS + 1) * 24 * 60 * 60 * 10**9
        database.execute("UPDATE file SET hashed_at_ns = hashed_at_ns - ?", (age,))


def test_only_what_the_selected_tasks_need_is_read(root: Path) -> None:
    assert ran(root) == 0
    memory = recall(str(root), selected(root, "a"))
    assert (set(memory.records), set(memory.expected), set(memory.known)) == ({"a"}, {"a"}, {"a.in", "a.out"})
    memory = recall(str(root), selected(root, "b"))
    assert (set(memory.records), set(memory.known)) == ({"a", "b"}, {"a.in", "a.out", "b.in", "b.out"})
    memory = recall(str(root), selected(root, "b"), records=False)
    assert (memory.records, set(memory.expected), memory.known) == ({}, {"a", "b"}, {})
    memory = recall(str(root), selected(root, "b", "other"))
    assert set(memory.records) == {"a", "b", "other", "more"}
    assert set(memory.known) == files_of(root)


def test_a_record_that_was_read_for_its_files_is_handed_on_as_it_is(root: Path) -> None:
    assert ran(root) == 0
    memory = recall(str(root), selected(root, "a"))
    record = memory.records["a"]
    assert isinstance(record, Record)
    assert Records(["a"], memory.records).success(0) is record
    everything = recall(str(root), selected(root, "b", "other"))
    assert Records(["a"], everything.records).success(0) == record


def test_a_record_of_another_version_is_none(root: Path) -> None:
    assert ran(root) == 0
    with closing(sqlite3.connect(root / ".exarp/store.db")) as database, database:
        database.execute("UPDATE success SET record = x'c1' WHERE task = 'a'")
    for targets in (["a"], ["b", "other"]):
        records = recall(str(root), selected(root, *targets)).records
        assert Records(["a"], records).success(0) is None
    assert ran(root, "a") == 0


def test_a_whole_run_forgets_old_digests_of_files_that_it_did_not_look_at(root: Path) -> None:
    assert ran(root) == 0
    (root / "exarp.toml").write_text(MANIFEST.replace("other", "another"))
    (root / "another.in").write_text("x")
    assert ran(root) == 0
    assert "other.in" in files_of(root)
    grow_old(root)
    assert ran(root, "b") == 0
    assert "other.in" in files_of(root)
    assert ran(root) == 0
    assert files_of(root) == {"a.in", "a.out", "b.in", "b.out", "another.in", "another.out"}


def test_a_run_that_leaves_something_out_forgets_nothing(root: Path) -> None:
    assert ran(root) == 0
    grow_old(root)
    (root / "exarp.toml").write_text(MANIFEST.replace("other", "another"))
    found = project(root)
    chosen = choose(found, Wanted(every=True, excluded=("another",)))
    assert run(found, RunRequest(chosen), {"PATH": "/usr/bin:/bin"}, SILENT) == 0
    assert "other.in" in files_of(root)


def test_a_run_that_failed_forgets_nothing(root: Path) -> None:
    assert ran(root) == 0
    (root / "exarp.toml").write_text(MANIFEST.replace("other", "another").replace("true", "false"))
    (root / "another.in").write_text("x")
    grow_old(root)
    assert ran(root) == 1
    assert "other.in" in files_of(root)
