"""Which processes belong together, on tables made by hand; and how the real table is read."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from exarp.hosts import process_tree
from exarp.hosts.process_tree import (
    Process,
    ProcessTable,
    exists,
    is_replacing_program,
    read_proc,
    read_process,
    send,
    send_one,
)

OWN = os.getsid(0)
# Numbers that no process can have here, so that a made-up table never meets a real one.
FAR = 1 << 23


def process(pid: int, parent: int, session: int, group: int | None = None) -> Process:
    return Process(FAR + pid, FAR + parent, FAR + (group or session), FAR + session, False, f"p{pid}")


def names(table: ProcessTable, roots: list[int], sessions: tuple[int, ...] = ()) -> set[str]:
    found = table.tree([FAR + root for root in roots], [FAR + session for session in sessions])
    return {found_process.name for found_process in found.values()}


def test_a_tree_has_the_descendants_of_its_roots() -> None:
    table = ProcessTable([process(1, 0, 1), process(2, 1, 1), process(3, 2, 3), process(9, 0, 9)])
    assert names(table, [1]) == {"p1", "p2", "p3"}


def test_a_tree_has_whoever_shares_a_session_with_one_of_it() -> None:
    table = ProcessTable([process(2, 1, 2), process(3, 2, 3), process(4, 0, 3), process(5, 4, 5), process(6, 0, 6)])
    assert names(table, [2]) == {"p2", "p3", "p4", "p5"}
    assert names(table, [], (3,)) == {"p3", "p4", "p5"}


def test_exarps_own_session_is_not_followed() -> None:
    inside = Process(FAR + 1, 0, FAR + 1, OWN, False, "task")
    neighbour = Process(FAR + 2, 0, FAR + 2, OWN, False, "the user's editor")
    assert names(ProcessTable([inside, neighbour]), [1]) == {"task"}


def test_session_zero_is_not_followed() -> None:
    task = Process(FAR + 1, 0, FAR + 1, 0, False, "task")
    kernel = Process(FAR + 2, 0, 0, 0, False, "kthreadd")
    assert names(ProcessTable([task, kernel]), [1]) == {"task"}


def test_this_process_is_in_no_tree() -> None:
    us = Process(os.getpid(), FAR + 1, os.getpgrp(), OWN, False, "exarp")
    assert names(ProcessTable([process(1, 0, 1), us]), [1]) == {"p1"}


def test_a_root_that_died_counts_until_it_is_reaped_for_it_may_have_left_others() -> None:
    (departed,) = ProcessTable([]).tree([FAR + 1], []).values()
    assert (departed.pid, departed.name) == (FAR + 1, "")


def test_a_name_may_have_spaces_and_parentheses(tmp_path: object) -> None:
    program = "import ctypes, os; ctypes.CDLL(None).prctl(15, b'a) Z (b', 0, 0, 0); print(flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        found = read_process(child.pid)
        assert found is not None
        assert (found.name, found.parent, found.session) == ("a) Z (b", os.getpid(), OWN)
        child.kill()


def test_a_zombie_is_not_in_the_table() -> None:
    child = os.posix_spawnp("true", ["true"], os.environ)
    os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
    try:
        assert read_process(child) is None
        assert exists(child)
    finally:
        os.waitpid(child, 0)


def test_one_whose_first_thread_ended_is_alive_as_long_as_another_runs() -> None:
    program = """
import ctypes, os, threading
def run():
    while open(f"/proc/{os.getpid()}/stat").read().rpartition(")")[2].split()[0] != "Z":
        pass
    os.write(1, b"ready\\n")
    os.read(0, 1)
    os._exit(0)
threading.Thread(target=run).start()
ctypes.CDLL(None).syscall(60, 0)
"""
    with subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"ready\n"
        assert read_process(child.pid) is not None
        child.communicate(b"x")
    assert read_process(child.pid) is None


def test_an_empty_environment_is_not_a_program_being_replaced() -> None:
    child = os.posix_spawnp("sleep", ["sleep", "300"], {})
    try:
        while b"sleep" not in read_proc(child, "cmdline"):
            pass
        assert not is_replacing_program(child)
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    assert not is_replacing_program(child)


def test_sending_to_who_is_gone_is_no_error() -> None:
    child = os.posix_spawnp("true", ["true"], os.environ)
    os.waitpid(child, 0)
    send_one(child, signal.SIGTERM)
    assert not exists(child)


@pytest.mark.parametrize(
    ("session", "groups", "targets"),
    [(FAR + 1, (), {-FAR - 1}), (OWN, (), {FAR + 2, FAR + 3}), (OWN, (FAR + 1,), {-FAR - 1})],
)
def test_in_exarps_own_session_only_named_groups_are_signalled_whole(
    monkeypatch: pytest.MonkeyPatch, session: int, groups: tuple[int, ...], targets: set[int]
) -> None:
    sent: list[int] = []
    monkeypatch.setattr(process_tree, "send_one", lambda target, signum: sent.append(target))
    send([Process(FAR + n, 0, FAR + 1, session, False, "x") for n in (2, 3)], signal.SIGTERM, groups)
    assert sorted(sent) == sorted(targets)
