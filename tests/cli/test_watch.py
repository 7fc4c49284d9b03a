"""``exarp watch`` as somebody uses it: files are saved, and the right tasks run."""

from __future__ import annotations

import os
import shutil
import signal
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path
from time import monotonic
from typing import IO

import pytest

from tests.cli.conftest import Workspace
from tests.cli.test_signals import survivors

PATIENCE = 30.0
IDLE = "Ctrl-C ends"

MANIFEST = """
    [task.cc]
    matrix = { src = { glob = "src/*.c" } }
    inputs = ["${src}"]
    outputs = ["build/${src.stem}.o"]
    run = "cp $in $out; echo compiled $in"

    [task.link]
    inputs = [{ from = "cc" }]
    outputs = ["build/app"]
    run = "cat $in > $out; echo linked"
"""


class Watch:
    """A running ``exarp watch``, and what it says."""

    def __init__(self, workspace: Workspace, *arguments: str) -> None:
        self.mark = uuid.uuid4().hex
        self.process = workspace.start("watch", *arguments, env={"WATCH_TEST": self.mark})
        self._said = ""
        self._seen = 0
        self._news = threading.Condition()
        streams = [stream for stream in (self.process.stdout, self.process.stderr) if stream is not None]
        self._listeners = [threading.Thread(target=self._listen, args=(stream,)) for stream in streams]
        for listener in self._listeners:
            listener.start()

    def _listen(self, stream: IO[bytes]) -> None:
        with stream:
            while data := os.read(stream.fileno(), 65536):
                with self._news:
                    self._said += data.decode()
                    self._news.notify()

    def until(self, words: str) -> str:
        """What it says until ``words`` come, and from where it was left off."""
        deadline = monotonic() + PATIENCE
        with self._news:
            while (at := self._said.find(words, self._seen)) < 0:
                assert self._news.wait(deadline - monotonic()), self._said[self._seen :]
            found = self._said[self._seen : at + len(words)]
            self._seen = at + len(words)
            return found

    def close(self) -> None:
        for listener in self._listeners:
            listener.join()

    def end(self, signum: int = signal.SIGINT) -> int:
        self.process.send_signal(signum)
        return self.process.wait(PATIENCE)


@pytest.fixture
def watching(workspace: Workspace) -> Iterator[type[Watch]]:
    begun: list[Watch] = []

    class Begun(Watch):
        def __init__(self, *arguments: str) -> None:
            super().__init__(workspace, *arguments)
            begun.append(self)

    yield Begun
    for watch in begun:
        watch.process.kill()
        watch.process.wait()
        watch.close()
        assert survivors(f"WATCH_TEST={watch.mark}") == []


def save(path: Path, text: str) -> None:
    """As editors do: another file takes the name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.swp")
    aside.write_text(text)
    os.replace(aside, path)


def test_what_is_saved_runs_what_reads_it_and_ctrl_c_leaves_nothing(
    workspace: Workspace, watching: type[Watch]
) -> None:
    workspace.manifest(MANIFEST)
    for name in ("a", "b"):
        workspace.write(f"src/{name}.c", name)
    watch = watching("link")
    assert "watching 2 files" in watch.until(IDLE)
    save(workspace.path / "src/a.c", "a2")
    said = watch.until(IDLE)
    assert "changed: src/a.c (cc@src/a.c)" in said
    assert ("compiled src/a.c" in said, "compiled src/b.c" in said, "linked" in said) == (True, False, True)
    # Who is no run of its own keeps nobody out.
    assert workspace.exarp("run", "link", "--no-wait").err == "up to date (3 tasks)\n"
    save(workspace.path / "src/c.c", "c")
    said = watch.until(IDLE)
    assert "compiled src/c.c" in said
    assert "watching 3 files" in said
    (workspace.path / "src/b.c").unlink()
    assert "watching 2 files" in watch.until(IDLE)
    assert workspace.read("build/app") == "a2c"
    assert watch.end() == 130


def test_a_change_of_what_was_read_ends_the_run_and_children_with_it(
    workspace: Workspace, watching: type[Watch]
) -> None:
    workspace.manifest("""
        [task.first]
        inputs = ["in.txt"]
        outputs = []
        run = "cat in.txt"

        [task.slow]
        needs = ["first"]
        inputs = ["in.txt", "late.txt"]
        outputs = []
        run = "test -e done || { echo slow; sleep 300 & sleep 300; }"

        [task.last]
        needs = ["slow"]
        inputs = ["last.txt"]
        outputs = []
        run = "cat last.txt"
    """)
    for name in ("in", "late", "last"):
        workspace.write(f"{name}.txt", f"{name} one\n")
    watch = watching("last", "--output", "stream")
    watch.until("slow")
    # Nobody has read it yet: it does not disturb.
    save(workspace.path / "last.txt", "last two\n")
    workspace.write("done", "")
    save(workspace.path / "in.txt", "in two\n")
    said = watch.until(IDLE)
    assert "changed: in.txt (first" in said
    assert said.count("changed:") == 1
    assert "in two" in said
    assert "last two" in said
    assert watch.end(signal.SIGTERM) == 143


def test_ctrl_c_in_the_midst_of_a_run_ends_it_and_watching(workspace: Workspace, watching: type[Watch]) -> None:
    workspace.manifest('[task.t]\ninputs = ["a"]\noutputs = []\nrun = "echo runs; sleep 300 & sleep 300"')
    workspace.write("a", "")
    watch = watching("t", "--output", "stream")
    watch.until("runs")
    assert watch.end() == 130


def test_a_broken_manifest_is_told_and_watched_until_it_is_mended(workspace: Workspace, watching: type[Watch]) -> None:
    workspace.manifest('[task.default]\ninputs = ["a"]\noutputs = []\nrun = "echo one"')
    workspace.write("a", "")
    watch = watching()
    watch.until(IDLE)
    save(workspace.path / "exarp.toml", "[task.default]\nrum = 1")
    assert "did you mean 'run'?" in watch.until(IDLE)
    save(workspace.path / "exarp.toml", '[task.default]\nrun = "echo two"')
    said = watch.until(IDLE)
    assert "two" in said
    assert "watching the manifest alone" in said
    assert watch.end() == 130


def test_a_task_that_writes_what_it_reads_comes_to_rest(workspace: Workspace, watching: type[Watch]) -> None:
    workspace.manifest("""
        [task.fmt]
        modifies = ["src/*.txt"]
        run = "tr a-z A-Z < src/a.txt > x; cp x src/a.txt; echo formatted"

        [task.undeclared]
        inputs = ["src/*.txt"]
        needs = ["fmt"]
        run = "cp x src/a.txt; echo copied"
    """)
    workspace.write("src/a.txt", "one")
    watch = watching("undeclared")
    watch.until(IDLE)
    save(workspace.path / "src/a.txt", "two")
    watch.until("changed: src/a.txt")
    watch.until(IDLE)
    assert workspace.read("src/a.txt") == "TWO"
    assert watch.end() == 130


SERVED = """
    [task.bin]
    inputs = ["bin.txt"]
    outputs = ["bin"]
    run = "cp $in $out"

    [task.db]
    needs = ["bin"]
    inputs = ["db.conf"]
    run = "echo $$ >> pids; echo serves $(cat db.conf); sleep 300 & exec sleep 300"
    service = { ready = "test -s pids" }

    [task.test]
    needs = ["db"]
    inputs = ["test.txt"]
    run = "cat test.txt; tail -n 1 pids"

    [task.other]
    needs = ["db"]
    run = "cat pids"
"""


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_service_is_kept_from_run_to_run_until_it_changes_or_dies(
    workspace: Workspace, watching: type[Watch]
) -> None:
    def pids() -> list[int]:
        return [int(line) for line in workspace.read("pids").split()]

    workspace.manifest(SERVED)
    for name in ("bin.txt", "db.conf", "test.txt"):
        workspace.write(name, f"{name} one\n")
    watch = watching("test")
    watch.until(IDLE)
    save(workspace.path / "test.txt", "test two\n")
    assert "test two" in watch.until(IDLE)
    [first] = pids()
    # Who looks, and who looks later, sees what has come to pass.
    log = workspace.exarp("log", "db")
    assert (log.out, "db: kept, run 1" in log.err) == ("serves db.conf one\n", True)
    events = workspace.exarp("events", "2").out
    assert ('"type":"service_ready"' in events, '"started_in":"1"' in events) == (True, True)
    assert '"subject":"1"' in next(line for line in events.splitlines() if "task_finished" in line and '"db"' in line)

    # So does who runs beside it, and what it keeps is theirs to use.
    assert "\nup: db (since run 1), kept by pid" in workspace.exarp("status").out
    assert '"standing":[{"task":"db","run":"1"' in workspace.exarp("status", "--json").out
    other = workspace.exarp("run", "other")
    assert (other.code, "note: db is kept up by pid" in other.err, other.out) == (0, True, f"{first}\n")
    assert pids() == [first] and alive(first)

    for change, said in (("db.conf", "input-changed db.conf"), ("bin.txt", "need-changed bin")):
        before = pids()
        save(workspace.path / change, "changed\n")
        assert "stop  db" in (told := watch.until(IDLE)) and said in told
        assert [*before, pids()[-1]] == pids() and not alive(before[-1]) and alive(pids()[-1])

    os.kill(pids()[-1], signal.SIGKILL)
    watch.until("db has ended (signal 9)")
    save(workspace.path / "test.txt", "test three\n")
    watch.until(IDLE)
    assert len(set(pids())) == 4
    last = pids()[-1]
    assert watch.end() == 130
    assert not alive(first) and not alive(last)
    assert "up:" not in workspace.exarp("status").out
    assert not (workspace.path / ".exarp/standing").exists()


def test_a_service_that_no_task_needs_any_more_is_ended_and_a_terminated_watch_ends_all(
    workspace: Workspace, watching: type[Watch]
) -> None:
    both = """
        [task.one]
        run = "echo $$ > one; while ! test -e go; do sleep 0.05; done; echo goes; exec sleep 300"
        service = true

        [task.two]
        run = "echo $$ > two; exec sleep 300"
        service = true

        [task.test]
        needs = ["one", "two"]
        inputs = ["in"]
        run = "while ! test -s one || ! test -s two; do :; done; : < in"
    """
    workspace.manifest(both)
    workspace.write("in", "tested\n")
    watch = watching("--all", "--output", "prefixed")
    watch.until(IDLE)
    # What it prints is shown and kept, also between runs, and where it had said nothing in the run that started it.
    workspace.write("go", "")
    watch.until("one | goes")
    assert workspace.exarp("log", "one").out == "goes\n"
    one, two = (int(workspace.read(name)) for name in ("one", "two"))
    # Who reads nothing anew keeps what stands.
    save(workspace.path / "exarp.toml", "[task")
    watch.until(IDLE)
    assert alive(one) and alive(two)
    workspace.manifest(both[both.index("[task.two]") :].replace('"one", "two"', '"two"'))
    said = watch.until(IDLE)
    assert ("stop  one" in said, "warning" in said) == (True, False)
    assert (alive(one), alive(two)) == (False, True)
    assert watch.end(signal.SIGTERM) == 143
    assert not alive(two)


def test_a_service_that_is_asked_for_goes_on_where_others_change(workspace: Workspace, watching: type[Watch]) -> None:
    workspace.manifest("""
        [task.server]
        inputs = ["server.conf"]
        run = "echo server $$ $(cat server.conf); exec sleep 300"
        service = true

        [task.test]
        inputs = ["in"]
        run = "echo tests $(cat in)"
    """)
    workspace.write("in", "one")
    workspace.write("server.conf", "one")
    watch = watching("server", "test")
    watch.until("server | server ")
    pid = int(watch.until(" one").split()[0])
    save(workspace.path / "in", "two")
    told = watch.until("tests two")
    assert "server | server" not in told and alive(pid)
    save(workspace.path / "server.conf", "two")
    watch.until("server | server ")
    assert int(watch.until(" two").split()[0]) != pid
    assert not alive(pid)
    assert watch.end() == 130


def test_no_agent_is_sent_by_who_watches(workspace: Workspace, watching: type[Watch]) -> None:
    workspace.manifest("""
        [recovery]
        run = "touch sent; echo good > in.txt"
        [task.first]
        inputs = ["in.txt"]
        outputs = []
        run = "true"
        [task.test]
        needs = ["first"]
        inputs = ["in.txt"]
        outputs = []
        run = "grep -q good $in"
    """)
    workspace.write("in.txt", "bad")
    watch = watching("test")
    assert "FAIL  test" in watch.until(IDLE)
    assert not workspace.exists("sent")
    save(workspace.path / "in.txt", "worse")
    assert "FAIL  test" in watch.until(IDLE)
    assert watch.end() == 130
    assert workspace.exarp("run", "test").code == 0
    assert workspace.exists("sent")


def test_what_cannot_be_run_at_all_is_refused_as_by_run(workspace: Workspace) -> None:
    assert workspace.exarp("watch").code == 3
    workspace.manifest('[task.t]\nrun = "true"')
    assert (workspace.exarp("watch", "x").code, workspace.exarp("watch", "--frob").code) == (2, 2)


@pytest.mark.skipif(shutil.which("make") is None, reason="there is no make here")
def test_each_run_shares_its_jobs_anew_with_a_service_that_has_no_part_in_it(
    workspace: Workspace, watching: type[Watch]
) -> None:
    """The targets of the make end only if they run at the same time."""
    os.mkfifo(workspace.path / "meeting")
    targets = "left:\n\t@timeout 20 sh -c 'echo > meeting'\nright:\n\t@timeout 20 sh -c 'read said < meeting || true'\n"
    workspace.write("meeting.mk", f"all: left right\n{targets}")
    workspace.manifest("""
        [settings]
        jobs = 2
        [task.server]
        run = "for fd in 50 51; do if test -e /proc/self/fd/$fd; then echo $fd; fi; done > has; touch up; exec sleep 300"
        service = { ready = "test -e up" }
        [task.meet]
        run = "cat in; make -s -f meeting.mk"
        inputs = ["in"]
        needs = ["server"]
    """)
    workspace.write("in", "one")
    watch = watching("meet")
    assert "1 failed" not in watch.until(IDLE)
    save(workspace.path / "in", "two")
    said = watch.until(IDLE)
    assert "two" in said
    assert "ok    meet" in said
    assert workspace.read("has") == ""
    assert watch.end() == 130
