from __future__ import annotations

import fcntl
import os
import signal
import stat
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exarp.errors import BusyError, ExitCode, UsageError
from exarp.store.run_lock import Holder, acquire, last_holder
from exarp.store.state_folder import StateFolder

from .stream import NOON, python, said, tell

ME = Holder(pid=os.getpid(), started=NOON, command=("exarp", "run", "test"))

HOLD = """
import subprocess, sys
from exarp.store.run_lock import Holder, acquire
import os
lock = acquire(sys.argv[1], Holder(os.getpid(), "noon", ("exarp", "run")), wait=False, on_wait=print)
child = subprocess.Popen(["sleep", "600"]) if sys.argv[2:] else None
print(child.pid if child else "held", flush=True)
sys.stdin.readline()
lock.close()
print("released", flush=True)
sys.stdin.readline()
"""

WAIT = """
import os, sys
from exarp.store.run_lock import Holder, acquire
def tell(holder):
    print("waits for", holder.pid, *holder.command, flush=True)
try:
    acquire(sys.argv[1], Holder(os.getpid(), "noon", ("waiter",)), wait=True, on_wait=tell)
except KeyboardInterrupt:
    print("interrupted", flush=True)
    sys.exit(130)
print("held", flush=True)
sys.stdin.readline()
"""


def never(holder: Holder) -> None:
    raise AssertionError(f"nobody has to wait, least of all for {holder}")


def test_a_free_lock_is_taken_and_names_its_holder(folder: StateFolder) -> None:
    with acquire(folder.lock, ME, wait=True, on_wait=never):
        assert stat.S_IMODE(os.stat(folder.lock).st_mode) == 0o600
        text = Path(folder.lock).read_text()
        assert text.endswith("\n")
        assert all(part in text for part in (str(os.getpid()), NOON, "run"))
    assert Path(folder.lock).read_text() == ""


def test_a_held_lock_is_refused_with_the_holders_name(folder: StateFolder) -> None:
    with python(HOLD, folder.lock) as other:
        assert said(other) == "held"
        with pytest.raises(BusyError) as caught:
            acquire(folder.lock, ME, wait=False, on_wait=never)
        problem = caught.value.problems[0]
        assert caught.value.exit_code == ExitCode.BUSY
        assert problem.slug == "busy"
        assert problem.message == f"another run is at work here (pid {other.pid}: exarp run, since noon)"
        tell(other)
        assert said(other) == "released"
        with acquire(folder.lock, ME, wait=False, on_wait=never) as lock:
            lock.close()
        acquire(folder.lock, ME, wait=False, on_wait=never).close()
        tell(other)


def test_a_waiter_is_told_whom_it_waits_for_and_then_goes_on(folder: StateFolder) -> None:
    lock = acquire(folder.lock, ME, wait=True, on_wait=never)
    with python(WAIT, folder.lock) as other:
        assert said(other) == f"waits for {os.getpid()} exarp run test"
        lock.close()
        assert said(other) == "held"
        with pytest.raises(BusyError, match=f"pid {other.pid}: waiter"):
            acquire(folder.lock, ME, wait=False, on_wait=never)
        tell(other)


def test_an_interrupt_ends_the_wait(folder: StateFolder) -> None:
    with acquire(folder.lock, ME, wait=True, on_wait=never), python(WAIT, folder.lock) as other:
        assert said(other).startswith("waits")
        other.send_signal(signal.SIGINT)
        assert said(other) == "interrupted"
        assert other.wait() == 130


def test_a_killed_holder_lets_go_though_its_child_lives(folder: StateFolder) -> None:
    with python(HOLD, folder.lock, "with a child") as other:
        child = int(said(other))
        os.kill(other.pid, signal.SIGKILL)
        other.wait()
        try:
            with acquire(folder.lock, ME, wait=False, on_wait=never):
                assert str(os.getpid()) in Path(folder.lock).read_text()
                # Signal 0 asks whether it lives.
                os.kill(child, 0)
        finally:
            os.kill(child, signal.SIGKILL)


def test_a_lock_that_was_removed_meanwhile_keeps_its_waiter_waiting_for_the_new_one(folder: StateFolder) -> None:
    lock = acquire(folder.lock, ME, wait=True, on_wait=never)
    with python(WAIT, folder.lock) as other:
        assert said(other).startswith("waits")
        os.unlink(folder.lock)
        lock.close()
        assert said(other) == "held"
        with pytest.raises(BusyError):
            acquire(folder.lock, ME, wait=False, on_wait=never)
        tell(other)


@pytest.mark.parametrize(
    "rubbish", [b"", b"\xff\xfe", b"{", b'{"pid": "x"}\n', b"[1]", b"x" * 200_000, b'{"pid":1,"command":["\\ud800"]}']
)
def test_a_holder_that_says_rubbish_is_an_unknown_process(folder: StateFolder, rubbish: bytes) -> None:
    with open(folder.lock, "wb") as other:
        other.write(rubbish)
        other.flush()
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(BusyError, match="an unknown process"):
            acquire(folder.lock, ME, wait=False, on_wait=never)


@given(text=st.text(max_size=30), long=st.integers(0, 500))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None)
def test_any_command_line_can_be_told_to_a_terminal(folder: StateFolder, text: str, long: int) -> None:
    holder = Holder(5, text, ("exarp", text, "\udcff", *["\x01" * long] * long))
    with acquire(folder.lock, holder, wait=False, on_wait=never), pytest.raises(BusyError) as caught:
        acquire(folder.lock, ME, wait=False, on_wait=never)
    message = caught.value.problems[0].message
    assert message.startswith("another run is at work here (pid 5: exarp ")
    assert message.isprintable()


def test_a_long_holder_leaves_nothing_behind_a_short_one(folder: StateFolder) -> None:
    Path(folder.lock).write_text("x" * 500)
    with acquire(folder.lock, Holder(5), wait=False, on_wait=never):
        assert (
            Path(folder.lock).read_text()
            == '{"pid":5,"started":"","command":[],"process":"","signal":2,"mark":"","left":[]}\n'
        )


def test_a_failure_while_telling_lets_the_file_go(folder: StateFolder) -> None:
    with python(HOLD, folder.lock) as other:
        assert said(other) == "held"
        before = os.listdir("/proc/self/fd") if os.path.isdir("/proc/self/fd") else []
        with pytest.raises(AssertionError, match="least of all for pid"):
            acquire(folder.lock, ME, wait=True, on_wait=never)
        assert before == (os.listdir("/proc/self/fd") if os.path.isdir("/proc/self/fd") else [])
        tell(other)
        tell(other)


def test_a_link_in_its_place_is_not_followed(folder: StateFolder, tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("text")
    os.symlink(tmp_path / "precious", folder.lock)
    with pytest.raises(UsageError, match="lock"):
        acquire(folder.lock, ME, wait=True, on_wait=never)
    assert (tmp_path / "precious").read_text() == "text"


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nowhere") as caught:
        acquire(str(tmp_path / "nowhere" / "lock"), ME, wait=True, on_wait=never)
    assert caught.value.problems[0].slug == "state-folder"


def test_importing_the_lock_and_the_folder_loads_no_database() -> None:
    script = "import sys, exarp.store.run_lock, exarp.store.state_folder; print('sqlite3' in sys.modules)"
    with python(script) as process:
        assert said(process) == "False"
    assert isinstance(process, subprocess.Popen)


def test_the_holder_is_told_in_the_time_of_day_of_who_reads() -> None:
    now = datetime.now(UTC).astimezone()
    today = Holder(7, now.astimezone(UTC).isoformat(), ("exarp", "run"))
    assert str(today) == f"pid 7: exarp run, since today {now:%H:%M}"
    noon = datetime(2024, 2, 3, 12, 0).astimezone()
    assert str(Holder(7, noon.astimezone(UTC).isoformat())) == "pid 7, since 2024-02-03 12:00"


def test_what_the_dead_have_left_is_known_until_somebody_is_through_with_it(folder: StateFolder) -> None:
    def taken(mark: str, tidy: bool = False) -> Holder:
        """Whoever had it before, as one sees who is killed then."""
        holder = msgspec.structs.replace(ME, mark=mark)
        with acquire(folder.lock, holder, wait=False, on_wait=never) as lock:
            if tidy:
                lock.tidy()
            text = Path(folder.lock).read_bytes()
        let_go.append(Path(folder.lock).read_bytes())
        Path(folder.lock).write_bytes(text)
        return lock.dead

    let_go: list[bytes] = []
    assert taken("1.a.") == Holder()
    assert taken("2.b.").marks == ("1.a.",)
    # Killed as well, before it had ended anybody.
    assert taken("3.c.", tidy=True).marks == ("1.a.", "2.b.")
    assert taken("4.d.").marks == ("3.c.",)
    assert [len(text) > 0 for text in let_go] == [False, True, False, True]


def test_who_lets_go_without_being_through_leaves_word_of_the_dead(folder: StateFolder) -> None:
    Path(folder.lock).write_bytes(msgspec.json.encode(msgspec.structs.replace(ME, mark="1.a.")) + b"\n")
    with acquire(folder.lock, msgspec.structs.replace(ME, mark="2.b."), wait=False, on_wait=never):
        pass
    assert last_holder(folder.lock) == Holder(left=("1.a.",))
    with acquire(folder.lock, ME, wait=False, on_wait=never) as lock:
        assert lock.dead.marks == ("1.a.",)
        lock.tidy()
    assert last_holder(folder.lock) == Holder()
