"""Successes that are had again without running anything, as a user meets them."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from exarp.model.artifact import Piece
from exarp.workspace.artifacts.entry import decoded, encoded
from tests.cli.conftest import Result, Workspace

PROJECT = """
    [task.lib]
    run = "echo making lib; mkdir $out/empty; cat $in > $out/lib; chmod 755 $out/lib; ln -s nowhere $out/link"
    inputs = ["src/*"]
    outputs = ["lib/"]

    [task.app]
    run = "cat $in > $out; echo app >> $out"
    inputs = ["lib/lib"]
    outputs = ["build/app"]

    [task.test]
    run = "echo testing; grep -q one build/app"
    inputs = ["build/app"]
"""


class Cached(Workspace):
    """A workspace with artifacts."""

    def run(self, *arguments: str, cwd: str | None = None, **env: str) -> tuple[dict[str, str], Any]:
        """Outcomes by task, and the whole document."""
        found = self.exarp("run", "--json", *arguments, env={"EXARP_CACHE": "", **env}, cwd=cwd)
        assert found.out, found.err
        return {task["task"]: task["outcome"] for task in found.json["tasks"]}, found.json

    def tree(self, folder: str = "") -> dict[str, object]:
        root = self.path / folder
        return {
            path.relative_to(root).as_posix(): (
                oct(path.lstat().st_mode),
                os.readlink(path) if path.is_symlink() else path.read_bytes() if path.is_file() else None,
            )
            for path in sorted(root.rglob("*"))
            if ".exarp" not in path.parts and ".git" not in path.parts
        }


@pytest.fixture
def cached(workspace: Workspace) -> Cached:
    found = Cached(workspace.path)
    found.manifest(PROJECT)
    found.write("src/one", "one\n")
    return found


PASSED = {"lib": "passed", "app": "passed", "test": "passed"}
RESTORED = dict.fromkeys(PASSED, "restored")


def test_what_was_deleted_is_restored_as_it_was(cached: Cached) -> None:
    assert cached.run("--all")[0] == PASSED
    before = cached.tree()
    for path in ("lib/lib", "lib/link", "build/app"):
        (cached.path / path).unlink()
    outcomes, document = cached.run("--all")
    assert outcomes == {"lib": "restored", "app": "restored", "test": "up_to_date"}
    assert cached.tree() == before
    assert (document["outcome"], document["counts"]) == ("passed", {"restored": 2, "up_to_date": 1})
    assert document["tasks"][0]["reason"] == "output-missing"
    assert cached.run("--all")[1]["outcome"] == "up_to_date"


def test_another_state_of_the_inputs_and_back(cached: Cached) -> None:
    cached.run("--all")
    before = cached.tree()
    cached.write("src/one", "one and more\n")
    assert cached.run("--all")[0] == PASSED
    cached.write("src/one", "one\n")
    assert cached.run("--all")[0] == RESTORED
    assert cached.tree() == before
    # What it printed is printed again, and kept.
    cached.write("src/one", "one and more\n")
    shown = cached.exarp("run", "--all", env={"EXARP_CACHE": ""})
    assert shown.out == "making lib\ntesting\n"
    assert "ok    lib  restored\n" in shown.err
    assert shown.err.endswith("s\n")
    assert "3 passed (3 restored)" in shown.err
    log = cached.exarp("log", "test")
    assert (log.out, log.err.startswith("test: restored, run 4")) == ("testing\n", True)
    assert "restored" in cached.exarp("history", "test").out
    assert cached.exarp("explain", "lib", "--last").out.startswith("restored: input src/one changed\n")


@pytest.mark.parametrize(
    ("mode", "shown"),
    [
        ("prefixed", "lib | making lib\ntest | testing\n"),
        ("stream", "making lib\ntesting\n"),
        ("raw", "making lib\ntesting\n"),
        ("quiet", ""),
    ],
)
def test_what_it_printed_is_shown_as_the_mode_says(cached: Cached, mode: str, shown: str) -> None:
    cached.run("--all")
    cached.write("src/one", "two\n")
    cached.run("lib")
    cached.write("src/one", "one\n")
    (cached.path / ".exarp/store.db").unlink()
    done = cached.exarp("run", "--all", "--output", mode, env={"EXARP_CACHE": ""})
    assert done.out == shown
    assert done.err.index("Starting wave 1") < done.err.index("Wave 1 complete")


def test_another_name_and_another_checkout_find_it_too(cached: Cached, tmp_path: Path) -> None:
    shared = {"EXARP_CACHE": str(tmp_path / "shared")}
    cached.run("--all", **shared)
    other = Cached(tmp_path / "other")
    other.path.mkdir()
    (other.path / ".git").mkdir()
    other.manifest(PROJECT.replace("task.app", "task.program"))
    other.write("src/one", "one\n")
    outcomes, _ = other.run("--all", **shared)
    assert outcomes == {"lib": "restored", "program": "restored", "test": "restored"}
    assert (other.path / "lib/lib").stat().st_mode & 0o777 == 0o755
    assert not (other.path / ".exarp/cache").exists()


def test_who_wants_no_artifacts_has_none(cached: Cached) -> None:
    assert cached.run("--all", "--no-cache")[0] == PASSED
    assert not (cached.path / ".exarp/cache").exists()
    cached.run("--all", "--force")
    (cached.path / "build/app").unlink()
    assert cached.run("--all", "--no-cache")[0]["app"] == "passed"
    assert cached.run("--all", "--force")[0] == PASSED
    (cached.path / "build/app").unlink()
    assert cached.run("--all", EXARP_CACHE="off")[0]["app"] == "passed"
    cached.manifest(PROJECT + "\n[cache]\nenabled = false\n")
    (cached.path / "build/app").unlink()
    assert cached.run("--all")[0]["app"] == "passed"
    cached.manifest(PROJECT.replace("[task.app]", "[task.app]\n    cache = false"))
    (cached.path / "build/app").unlink()
    assert cached.run("--all")[0]["app"] == "passed"


def test_a_store_elsewhere(cached: Cached) -> None:
    cached.manifest(PROJECT + '\n[cache]\ndir = "~/exarp"\n')
    home = {"HOME": str(cached.path / "home")}
    cached.run("--all", **home)
    assert (cached.path / "home/exarp/v1/entries").is_dir()
    (cached.path / "build/app").unlink()
    assert cached.run("--all", **home)[0]["app"] == "restored"


def test_a_store_that_cannot_be_written_is_told_once_and_the_run_goes_on(cached: Cached) -> None:
    cached.write("store", "no folder")
    done = cached.exarp("run", "--all", env={"EXARP_CACHE": "store"})
    assert done.code == 0
    assert done.err.count("warning: the artifact store") == 1
    assert "cannot be written: Not a directory" in done.err


def blobs_of(cached: Cached) -> Iterator[Path]:
    return (cached.path / ".exarp/cache/v1/blobs").glob("*/*")


@pytest.mark.parametrize("how", ["flipped", "cut", "gone"])
def test_what_is_damaged_runs_again(cached: Cached, how: str) -> None:
    cached.write("src/one", "one\n" * 5000)
    cached.run("--all")
    before = cached.tree()
    for blob in blobs_of(cached):
        data = blob.read_bytes()
        if how == "flipped":
            blob.write_bytes(data[:-1] + b"?")
        elif how == "cut":
            blob.write_bytes(data[:-1])
        else:
            blob.unlink()
    (cached.path / "build/app").unlink()
    (cached.path / "lib/lib").unlink()
    done = cached.exarp("run", "--all", env={"EXARP_CACHE": ""})
    assert done.err.count("is damaged") == (0 if how == "gone" else 1)
    assert "3 passed (2 ran, 1 up to date)" in done.err
    assert cached.tree() == before
    (cached.path / "build/app").unlink()
    assert cached.run("--all")[0]["app"] == "restored"


def test_what_failed_since_is_not_restored(cached: Cached) -> None:
    cached.manifest("""
        [task.flaky]
        run = "test -e works; cat in > $out"
        inputs = ["in"]
        outputs = ["out"]
    """)
    cached.write("in", "1")
    cached.write("works", "")
    assert cached.run("flaky")[0] == {"flaky": "passed"}
    (cached.path / "works").unlink()
    assert cached.run("flaky", "--force")[0] == {"flaky": "failed"}
    assert cached.run("flaky")[0] == {"flaky": "failed"}


def test_a_depfile_leads_to_what_was_read_then(cached: Cached) -> None:
    cached.manifest("""
        [task.cc]
        run = "cat a.c a.h > $out; echo 'a.o: a.c a.h' > $depfile"
        inputs = ["a.c"]
        outputs = ["a.o"]
        depfile = "a.d"
    """)
    cached.write("a.c", "c")
    for header, outcome in (("1", "passed"), ("2", "passed"), ("1", "restored"), ("2", "restored"), ("3", "passed")):
        cached.write("a.h", header)
        assert cached.run("cc")[0] == {"cc": outcome}
        assert cached.read("a.o") == f"c{header}"
    (cached.path / ".exarp/store.db").unlink()
    (cached.path / "a.d").unlink()
    (cached.path / "a.o").unlink()
    assert cached.run("cc")[0] == {"cc": "restored"}
    assert cached.read("a.d") == "a.o: a.c a.h\n"
    cached.write("a.h", "4")
    assert cached.run("cc")[0] == {"cc": "passed"}


def test_what_a_glob_found_that_the_task_did_not_make_is_kept_for_nobody(cached: Cached) -> None:
    cached.manifest("""
        [task.gen]
        run = "for name in $(cat names); do echo $name > gen/$name.h; done"
        inputs = ["names"]
        outputs = ["gen/*.h"]
    """)
    cached.write("names", "a")
    cached.run("gen")
    cached.write("names", "b")
    # a.h is still there, and is among its outputs now.
    cached.run("gen")
    cached.write("names", "c")
    cached.run("gen")
    for path in (cached.path / "gen").iterdir():
        path.unlink()
    cached.write("names", "b")
    assert cached.run("gen")[0] == {"gen": "passed"}
    assert [path.name for path in (cached.path / "gen").iterdir()] == ["b.h"]
    (cached.path / "gen/b.h").unlink()
    assert cached.run("gen")[0] == {"gen": "restored"}


def test_somebody_elses_files_in_an_output_folder_are_safe(cached: Cached) -> None:
    cached.run("--all")
    for path in sorted((cached.path / "lib").rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
    (cached.path / "lib").rmdir()
    for claim in (cached.path / ".exarp/folders").iterdir():
        claim.unlink()
    cached.write("lib/mine", "dear to me")
    done = cached.exarp("run", "lib", env={"EXARP_CACHE": ""})
    assert done.code == 1
    assert "which exarp did not make" in done.err
    assert cached.read("lib/mine") == "dear to me"


def test_events_tell_what_was_restored(cached: Cached) -> None:
    cached.run("lib")
    (cached.path / "lib/lib").unlink()
    done = cached.exarp("run", "lib", "--events", "-", env={"EXARP_CACHE": ""})
    events = [json.loads(line) for line in done.out.splitlines()]
    assert [event["type"] for event in events] == [
        "run_started",
        "wave_started",
        "task_output",
        "task_finished",
        "wave_finished",
        "run_finished",
    ]
    assert events[2]["text"] == "making lib\n"
    assert (events[3]["outcome"], events[3]["attempt"], events[3]["log"]) == ("restored", 0, ".exarp/logs/2/lib.1.log")
    assert cached.read(".exarp/logs/2/lib.1.log") == "making lib\n"


def test_the_store_is_looked_at_verified_and_emptied(cached: Cached) -> None:
    def cache(*arguments: str) -> Result:
        return cached.exarp("cache", *arguments, env={"EXARP_CACHE": ""})

    assert cache("--json").json["artifacts"] == 0
    assert not cached.exists(".exarp"), "looking leaves no trace"
    cached.write("src/one", "one\n" * 5000)
    cached.run("--all")
    assert "  3 artifacts, 2 large files: 52.0 KiB of at most 10.0 GiB\n" in cache().out
    assert cache("verify").out == "3 artifacts and 2 large files: all as they were written\n"
    (damaged, *_) = blobs_of(cached)
    damaged.write_bytes(b"?")
    found = cache("verify")
    assert (found.code, found.out.splitlines()[0]) == (1, f"damaged, and removed: {damaged}")
    assert cache("verify").code == 0
    assert cache("gc", "--max-size", "1MiB", "--json").json["removed"] == 0
    assert cache("gc", "--max-size", "0").out.startswith("removed 2 artifacts, ")
    cached.run("--all", "--force")
    assert cache("clear", "--json").json["freed_bytes"] == 53248
    assert cache("info", "--json").json["bytes"] == 0
    off = cached.exarp("cache", env={"EXARP_CACHE": "off"})
    assert off.out.startswith(f"{cached.path}/.exarp/cache  (runs do not use it)\n")
    cached.write("file", "")
    refused = cached.exarp("cache", "gc", "--json", env={"EXARP_CACHE": "file"})
    assert (refused.code, refused.json["error"]["problems"][0]["slug"]) == (2, "cache-folder")
    assert cache("verify", "--max-size", "1").code == 2
    assert cache("gc", "--max-size", "many").code == 2


def test_what_is_restored_needs_no_program(cached: Cached) -> None:
    cached.manifest("""
        [task.make]
        run = "tool > $out"
        inputs = ["in"]
        outputs = ["out"]
        requires = ["tool"]
    """)
    cached.write("in", "1")
    cached.write("bin/tool", "#!/bin/sh\necho made\n").chmod(0o755)
    with_tool = {"PATH": f"{cached.path}/bin:{os.environ['PATH']}"}
    assert cached.run("make", **with_tool)[0] == {"make": "passed"}
    (cached.path / "out").unlink()
    assert cached.run("make")[0] == {"make": "restored"}
    cached.write("in", "2")
    assert cached.run("make")[0] == {"make": "failed"}


@pytest.mark.parametrize("path", ["../evil", "/tmp/exarp-evil", "src/one", "lib/../src/one", "lib/x/../../../evil"])
def test_who_writes_into_a_shared_store_writes_nowhere_but_into_outputs(cached: Cached, path: str) -> None:
    cached.run("lib")
    (entry,) = (cached.path / ".exarp/cache/v1/entries").glob("*/*")
    key = bytes.fromhex(entry.parent.name + entry.name)
    (honest,) = decoded(entry.read_bytes(), key)
    evil = msgspec.structs.replace(honest, pieces=(*honest.pieces, Piece(path, 0o100644, b"", b"evil")))
    entry.write_bytes(encoded(key, [evil]))
    (cached.path / "lib/lib").unlink()
    before = {str(each) for each in cached.path.parent.iterdir()}
    assert cached.run("lib")[0] == {"lib": "passed"}
    assert cached.read("src/one") == "one\n"
    assert {str(each) for each in cached.path.parent.iterdir()} == before
    assert not os.path.exists("/tmp/exarp-evil")


CHAIN = """
    [task.one]
    run = "cat $in > $out"
    inputs = ["in"]
    outputs = ["out/one"]

    [task.two]
    run = "cat $in > $out"
    inputs = ["out/one"]
    outputs = ["out/two"]

    [task.every]
    run = "cat $in > $out"
    inputs = ["out/*"]
    outputs = ["every"]

    [task.last]
    run = "true"
    needs = ["two"]
"""


def stamps(cached: Cached) -> dict[Path, tuple[int, int, int]]:
    found = {path: path.lstat() for path in cached.path.rglob("*")}
    return {path: (status.st_size, status.st_mtime_ns, status.st_ctime_ns) for path, status in found.items()}


def foreseen(cached: Cached, *arguments: str) -> tuple[set[str], set[str]]:
    """Which tasks would be restored, and which would run. Nothing is changed."""
    before = stamps(cached)
    found = cached.exarp("run", "-n", "--all", "--json", *arguments, env={"EXARP_CACHE": ""}).json["tasks"]
    assert stamps(cached) == before
    rows = {word: {task["task"] for task in found if task[word]} for word in ("would_restore", "would_run")}
    return rows["would_restore"], rows["would_run"]


def test_what_would_be_restored_is_foreseen_with_all_that_follows_from_it(cached: Cached) -> None:
    cached.manifest(CHAIN)
    for content in ("1", "2"):
        cached.write("in", content)
        cached.run("--all")
    cached.write("in", "1")
    entries = list((cached.path / ".exarp/cache/v1/entries").glob("*/*"))
    for entry in entries:
        os.utime(entry, (0, 0))
    assert foreseen(cached) == ({"one", "two", "every"}, {"last"})
    assert foreseen(cached, "--no-cache") == (set(), {"one", "two", "every", "last"})
    assert foreseen(cached, "--force") == (set(), {"one", "two", "every", "last"})
    env = {"EXARP_CACHE": ""}
    told = cached.exarp("run", "-n", "two", env=env).out
    assert "  one  would be restored: input in changed\n" in told
    assert told.endswith("0 tasks would run, 2 would be restored, 0 up to date\n")
    told = cached.exarp("plan", "--diff", env=env).out
    assert "would be restored:\n  one     input in changed\n" in told
    assert "1 of 4 tasks would run, 3 would be restored" in told
    assert cached.exarp("plan", "--json", env=env).json["tasks"]["two"]["would_restore"] is True
    told = cached.exarp("explain", "two", env=env).out
    assert told.startswith("would be restored, not run: input out/one changed\n")
    assert "  one   would be restored first: input in changed\n" in told
    document = cached.exarp("explain", "two", "--json", env=env).json
    assert (document["would_run"], document["would_restore"]) == (False, True)
    assert cached.run("--all")[0] == {"one": "restored", "two": "restored", "every": "restored", "last": "passed"}


def test_what_is_not_known_is_not_foreseen_as_restored(cached: Cached) -> None:
    cached.manifest(CHAIN)
    cached.write("in", "1")
    cached.run("--all")
    shutil.rmtree(cached.path / "out")
    (cached.path / "every").unlink()
    # What a glob would find, once all is there again, is not looked for.
    assert foreseen(cached) == ({"one", "two"}, {"every", "last"})
    cached.write("in", "3")
    assert foreseen(cached) == (set(), {"one", "two", "every", "last"})
    # What the first one makes of it is what it made before: the others are as they were.
    cached.manifest(CHAIN.replace("cat $in > $out", "tr 3 1 < in > $out", 1))
    cached.run("one", "two", "every")
    cached.write("in", "1")
    assert foreseen(cached) == (set(), {"one", "two", "every", "last"})
    cached.run("one")
    cached.write("in", "3")
    assert foreseen(cached) == ({"one"}, {"last"})


def test_where_nothing_can_be_put_back_it_is_not_foreseen(cached: Cached) -> None:
    cached.manifest(CHAIN)
    cached.write("in", "1")
    cached.run("--all")
    (cached.path / "out/one").unlink()
    cached.write("out/one/inside", "")
    assert foreseen(cached) == (set(), {"one", "two", "every", "last"})
